"""Variants of a method beside the method that they are made of: what each part, and each choice, does.

Everything is in one scenario, the first of the study. The number of an index is its change among everyone, after -
before; that of a quality of the recourse is its value.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from .. import names, statistics
from ..contracts import CELL, RECOURSE
from ..errors import DataError
from ._figures import changes
from ._run import Run, ordered, summarised
from ._tables import bracket, by_method, note, number, unbroken

#: what is shown: the qualities that say what an index is worth, and the indices
QUALITIES = ("found", "cost", "cost_gap", "diversity")
INDICES = ("centralization", "atkinson", "average_proximity", "spatial_proximity", *names.ADDED)
METRICS = (*QUALITIES, *INDICES)
#: no variant of IBR, but what is left of it without its adversary and its own decoder
BESIDE = {"cchvae": "ibr"}


def seeds(run: Run) -> pd.DataFrame:
    """Each number, seed by seed: population, classifier, method, metric, seed, value, note.

    Raises DataError when the study has no measures of its first scenario, or of a metric.
    """
    own = first_scenario(run)
    indices = statistics.changes(own, "everyone", INDICES)
    quality = statistics.numbers(own, "recipients", "after")
    table = pd.concat([quality[quality["metric"].isin(QUALITIES)], indices.assign(value=indices["change"])])
    absent = [m for m in METRICS if m not in set(table["metric"])]
    if absent:
        raise DataError(f"the measures of this study have no {', '.join(absent)}; run the rule measure for its cells")
    order = [*RECOURSE, "metric", "seed"]
    return ordered(table, metric=METRICS).sort_values(order).reset_index(drop=True)[[*order, "value", "note"]]


def levels(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds` summarised: population, classifier, method, metric, mean, low, high (95 %), seeds, note.

    A parameter that the seeds of a method share is a column, too (see `tradeoff.seeds`).
    """

    def describe(part: pd.DataFrame) -> tuple:
        known = part["value"].dropna()
        between = statistics.interval(known)
        why = statistics.missing(part["value"], part["note"])
        return known.mean(), between.low, between.high, len(known), why

    key = [column for column in seeds if column not in ("seed", "value", "note")]
    return summarised(seeds, key, ["mean", "low", "high", "seeds", "note"], describe)


def contrasts(run: Run, beside: Mapping[str, str] = MappingProxyType({})) -> pd.DataFrame:
    """What each variant changes, paired within a seed: variant - the method that it is made of.

    beside: other methods -> what they are compared with. Columns: population, classifier, method, reference, metric,
    seeds, reference_mean, mean (the variant's; both over the seeds in which both have a value), difference, low, high
    (95 %), interval, p, p_holm (within the variants of a population and metric), decidable, significant (see
    `statistics.summarise`), note (why seeds are missing).

    Raises DataError when the study lacks a method that a variant is compared with, or its first scenario.
    """
    methods = run.described["methods"]
    against = {m: r for m, r in {**beside, **run.described["variant_of"]}.items() if m in methods}
    for variant, reference in against.items():
        if reference not in methods:
            raise DataError(f"{variant} is compared with {reference}, which the study lacks; add it to its methods")
    own, references = first_scenario(run), list(dict.fromkeys(against.values()))
    seeds = pd.concat(
        statistics.differences(own, list(against), references, scope, metrics)
        for scope, metrics in (("recipients", QUALITIES), ("everyone", INDICES))
    )
    seeds = ordered(seeds[seeds["reference"] == seeds["method"].astype("str").map(against)], metric=METRICS)
    key = [*CELL, "reference", "scope", "metric"]
    seeds = seeds.sort_values([*RECOURSE, "metric", "seed"])
    reasons = [statistics.missing(part["change"], part["note"]) for _, part in seeds.groupby(key, sort=False)]
    table = statistics.summarise(seeds, key).assign(note=reasons)
    table = table.rename(columns={"before": "reference_mean", "after": "mean", "change": "difference"})
    wanted = [
        *("population", "classifier", "method", "reference", "metric", "seeds", "reference_mean", "mean"),
        *("difference", "low", "high", "interval", "p", "p_holm", "decidable", "significant", "note"),
    ]
    return table[wanted]


def show(levels: pd.DataFrame, contrasts: pd.DataFrame) -> Any:
    """`levels`, a table a population; below the mean of a variant, in bold, what it changes, with the interval."""
    key = [*RECOURSE, "metric"]
    changed = contrasts[[*key, "difference", "low", "high"]]
    both = levels.merge(changed, on=key, how="left", suffixes=("", "_changed"), indicator="compared")

    def text(row: Any) -> str:
        index = row.metric in names.INDICES
        digits = names.metric(row.metric).digits + index
        level = number(row.mean, digits=digits, sign=index) + note(row.note)
        if row.compared == "left_only":
            return level + between(row.low, row.high, digits)
        change = number(row.difference, digits=digits, sign=True)
        return f"{level}\n**{change}**{between(row.low_changed, row.high_changed, digits)}"

    return by_method(both, text, names.quantity)


def between(low: float, high: float, digits: int) -> str:
    """`[0.1, 0.2]` on a line of its own, or nothing where there is no interval."""
    return "" if pd.isna(low) else "\n" + unbroken(bracket(low, high, digits, sign=False))


def figure(contrasts: pd.DataFrame, title: str) -> Figure | None:
    """What each variant changes, with its interval: populations down, metrics across; None without variants."""
    drawn = contrasts.rename(columns={"difference": "change"})
    return None if drawn.empty else changes(drawn, title)


def first_scenario(run: Run) -> pd.DataFrame:
    """The measures of a study in its first scenario. Raises DataError when there are none."""
    scenario = run.described["scenarios"][0]
    own = run.measures[run.measures["scenario"] == scenario]
    if own.empty:
        raise DataError(f"there are no measures in the scenario {scenario!r}; run the rule collect again")
    return own
