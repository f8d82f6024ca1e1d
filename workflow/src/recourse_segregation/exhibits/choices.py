"""Every choice that the paper leaves open, beside its alternative."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from .. import names
from . import _variants
from ._run import Run

STUDY = "choices"
QUALITIES = ("found", "cost", "diversity")
INDICES = ("centralization", "atkinson", "average_proximity", *names.ADDED)
METRICS = (*QUALITIES, *INDICES)


def levels(run: Run) -> pd.DataFrame:
    """Every number of every method: population, classifier, method, metric, mean, low, high (95 %), seeds, note."""
    return _variants.levels(_variants.seeds(run.measures, run.studies[STUDY], METRICS))


def contrasts(run: Run) -> pd.DataFrame:
    """What each alternative changes, paired within a seed (see `_variants.contrasts`).

    Raises DataError when the study lacks the method that an alternative is made of.
    """
    study = run.studies[STUDY]
    return _variants.contrasts(run.measures, study, METRICS, _variants.references(study))


def figure(contrasts: pd.DataFrame) -> Figure | None:
    """What each alternative changes, with its interval; None if the study has no variants."""
    return _variants.figure(contrasts, "difference of the alternative from the choice that was made")


def show(levels: pd.DataFrame, contrasts: pd.DataFrame) -> Any:
    """Both tables as one, a table a population: the mean, and what the alternative changes."""
    return _variants.show(levels, contrasts, METRICS)
