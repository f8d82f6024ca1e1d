"""Which part of EBR and IBR does what: each of them without one of its parts, beside the full method."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from .. import names
from . import _variants
from ._run import Run

STUDY = "ablation"
QUALITIES = ("found", "cost", "cost_gap", "diversity")
INDICES = ("centralization", "atkinson", "average_proximity", "spatial_proximity", *names.ADDED)
METRICS = (*QUALITIES, *INDICES)
#: what the figure shows
DRAWN = ("found", "cost", "diversity", "centralization", "atkinson", "average_proximity", *names.ADDED)
#: no variant of IBR, but what is left of it without its adversary and its own decoder
_BESIDE = {"cchvae": "ibr"}


def levels(run: Run) -> pd.DataFrame:
    """Every number of every method: population, classifier, method, metric, mean, low, high (95 %), seeds, note."""
    return _variants.levels(_variants.seeds(run.measures, run.studies[STUDY], METRICS))


def contrasts(run: Run) -> pd.DataFrame:
    """What leaving out a part changes, paired within a seed (see `_variants.contrasts`).

    Raises DataError when the study lacks a full method.
    """
    study = run.studies[STUDY]
    return _variants.contrasts(run.measures, study, METRICS, _variants.references(study, _BESIDE))


def figure(contrasts: pd.DataFrame) -> Figure | None:
    """What leaving out a part changes, with its interval; None if the study has no variants."""
    return _variants.figure(contrasts[contrasts["metric"].isin(DRAWN)], "difference from the full method")


def show(levels: pd.DataFrame, contrasts: pd.DataFrame) -> Any:
    """Both tables as one, a table a population: the mean, and what leaving out the part changes."""
    return _variants.show(levels, contrasts, METRICS)
