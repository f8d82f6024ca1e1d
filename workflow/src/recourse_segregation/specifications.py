"""Every claim under all combinations of choices that could be defended: a specification curve.

Simonsohn, U., Simmons, J. P. and Nelson, L. D. (2020). Specification curve analysis. Nature Human Behaviour 4.

A specification chooses the indices (the paper's, those that see groups, or one of them alone), who is measured (scope),
in which scenario, the populations, how many seeds, whether p-values take into account that seeds share people, and
whether effects smaller than the smallest one of interest count. Its verdict is that of `claims.judge`, after Holm over
its own tests. The tests are t-tests, which five seeds can decide, and not those of `claims`, which need more.

What was not run is left out: a population with too few seeds, a scenario without its shuffled groups. So is a scenario
that moves no number of a specification.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from . import claims, statistics
from .claims import GROUPS, Claim
from .contracts import CONTRACTS, DEFAULT

_TEST = [*claims.CASE, "metric"]


def specify(
    measures: pd.DataFrame,
    stated: Sequence[Claim],
    choices: Mapping[str, Sequence[str]],
    seeds: Sequence[int],
    overlap: Mapping[str, float],
    smallest: Mapping[str, float],
) -> pd.DataFrame:
    """The verdict on every claim in every specification: the columns of the contract `specifications`.

    measures: a `measures` table of the main cells in every scenario. choices: `scopes`, `scenarios` (the first is the
    usual one) and `populations`, the paper's. seeds: how many, the first of each population. The others are as in
    `claims.evaluate`.
    """
    rows = [row for claim in stated for row in _of_claim(measures, claim, choices, seeds, overlap, smallest)]
    return pd.DataFrame(rows, columns=list(CONTRACTS["specifications"]))


def _of_claim(
    measures: pd.DataFrame,
    claim: Claim,
    choices: Mapping[str, Sequence[str]],
    seeds: Sequence[int],
    overlap: Mapping[str, float],
    smallest: Mapping[str, float],
) -> Iterator[tuple]:
    """The rows of one claim and kind of indices."""
    scenarios, scopes = (choices["scenarios"], choices["scopes"]) if claim.indices else ([DEFAULT], [claim.scope])
    methods = ["none", *claim.methods, *claim.references]
    needed = measures["metric"].isin(claim.metrics) & measures["method"].isin(methods)
    usual: dict[tuple, np.ndarray] = {}  # the numbers in the first scenario
    for scenario in scenarios:
        own = claims.judged_on(measures[needed], claim, scenario)
        there = own.groupby("population")["seed"].nunique()
        for scope, size in product(scopes, sorted(set(seeds))):
            cells = _cells(own[own["seed"] < size], replace(claim, scope=scope), overlap, smallest)
            for (name, people), (indices, metrics) in product(
                _populations(there[there >= size].index, choices["populations"]).items(), _indices(claim, cells)
            ):
                tests = cells[cells["population"].isin(people) & cells["metric"].isin(metrics)]
                key, numbers = (name, indices, scope, size), tests[["change", "change_se"]].to_numpy()
                if np.array_equal(usual.setdefault(key, numbers), numbers, equal_nan=True) and scenario != scenarios[0]:
                    continue
                about = (claim.id, claim.part, claim.statement, indices, claim.indices == GROUPS, scope, scenario, name)
                for row in _judged(claim, tests):
                    yield (*about, size, *row)


def _cells(
    own: pd.DataFrame, claim: Claim, overlap: Mapping[str, float], smallest: Mapping[str, float]
) -> pd.DataFrame:
    """Every test by itself: change, change_se, those of `statistics.t_tests` and as_claimed."""
    changes = claims.compared(own, claim).groupby(_TEST, sort=False)["change"]
    cells = changes.agg(change="mean", change_se="sem", seeds="count").reset_index()
    as_claimed = claims.towards(claim, cells["metric"], cells["change"])
    return statistics.t_tests(cells, overlap, smallest).assign(as_claimed=as_claimed)


def _populations(there: Sequence[str], published: Sequence[str]) -> dict[str, list[str]]:
    """The choices of populations that can be made of those that are there."""
    sets = {"published": list(published), "all": list(there)}
    sets |= {f"without {one}": [name for name in published if name != one] for one in published}
    known = {name: chosen for name, chosen in sets.items() if chosen and set(chosen) <= set(there)}
    if any(set(there) == set(chosen) for name, chosen in known.items() if name != "all"):
        known.pop("all", None)
    return known


def _indices(claim: Claim, cells: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """All metrics of a claim that are measured, then each alone."""
    metrics = list(cells["metric"].unique())
    alone = [(metric, [metric]) for metric in metrics] if len(metrics) > 1 else []
    return [(claim.indices or "all", metrics), *alone] if metrics else []


def _judged(claim: Claim, tests: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """overlap, relevant, tests, in_favour, against, undecided and verdict, for each choice of the first two."""
    cases = [*tests[claims.CASE].itertuples(index=False, name=None)] if claim.existential else []
    small = statistics.holm(tests["p_small"]) <= claim.alpha
    decided, as_claimed = tests["p_t"].notna().to_numpy(), tests["as_claimed"].to_numpy()
    for shared in (False, True):
        significant = statistics.holm(tests["p_overlap" if shared else "p_t"]) <= claim.alpha
        for relevant in (False, True) if claim.indices else (False,):
            holds = list(claims.answers(significant & ~(small & relevant), decided, as_claimed))
            counts = [holds.count(one) for one in ("yes", "opposite", "undecided")]
            yield (shared, relevant, len(holds), *counts, claims.judge(claim, holds, cases))
