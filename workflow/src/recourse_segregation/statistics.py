"""What a change of an index over seeds says: means, intervals, tests and effect sizes, paired within a seed.

A seed draws the people, the split, the classifier and the recourse. Everything here is a difference within a seed
(after - before, or one method - another), so that what differs between seeds cancels. The p-values and intervals are
about seeds of this experiment; they do not say what other data would give.

- interval: 95 %. BCa bootstrap (Efron 1987) from `BCA_SEEDS` seeds on, Student's t below, where a bootstrap has too
  few values to draw from. The column `interval` says which.
- p: the paired sign-flip permutation test of the mean, two-sided. Every pattern of signs up to `EXACT_SEEDS` seeds,
  else `DRAWS` random ones with (k + 1) / (m + 1) (Phipson and Smyth 2010). With n seeds p cannot be below 2 / 2^n: for
  5 seeds 0.0625. Where not even the smallest possible p would be significant, `decidable` is False and `note` says so.
- p_holm: Holm's (1979) step-down adjustment within a family of tests.
- effect: the mean change over the standard deviation of the level between seeds.

Every bootstrap and every permutation test draws the same stream, so a result depends on its own seeds and on nothing
else: not on the order of rows, nor (but for `p_holm`) on which other cells there are.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats

from .errors import DataError
from .seeds import numpy_generator

#: the columns that name a cell of the experiment, but for its seed
CELL = ["population", "classifier", "method", "scenario"]
#: Holm's family by default: the methods of one population that are tested on one index
FAMILY = ("population", "classifier", "scenario", "scope", "metric")

LEVEL = 0.95
BCA_SEEDS = 10
EXACT_SEEDS = 12
DRAWS = 99_999
RESAMPLES = 9_999

# Differences of decimals such as 0.04 - 0.03 and 0.05 - 0.04 are not the same number in binary.
_ROUNDING = 1e-12

_NOTHING = (np.empty(0), np.empty(0))
_MEANS = [f"{name}{moment}" for name in ("before", "after", "change") for moment in ("", "_se")]
#: the columns of a summary -> dtype
_SUMMARY = {
    "seeds": "int64",
    **dict.fromkeys([*_MEANS, "low", "high"], "float64"),
    "interval": "str",
    **dict.fromkeys(["p", "p_holm", "effect"], "float64"),
    **dict.fromkeys(["decidable", "significant"], "bool"),
    "note": "str",
}


class Interval(NamedTuple):
    """A 95 % confidence interval of a mean. kind: `t` or `BCa`, "" where it is undefined. note: what is special."""

    low: float
    high: float
    kind: str
    note: str = ""


# --- one number a cell and seed --------------------------------------------------------------------


def changes(measures: pd.DataFrame, scope: str = "everyone", metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Every index before and after recourse, seed by seed; `change` is after - before.

    measures: a `measures` table (see `contracts`). metrics: which; by default all that are measured before as well
    as after. Columns: population, classifier, method, scenario, scope, metric, seed, before, after, change, note
    (why a change is missing). Rows are in the order of `measures`.

    Raises DataError when a number is there twice.
    """
    before, after = (numbers(measures, scope, phase) for phase in ("before", "after"))
    wanted = before["metric"].unique() if metrics is None else metrics
    key = [*CELL, "scope", "metric", "seed"]
    table = after[after["metric"].isin(wanted)].merge(before, on=key, how="left", suffixes=("_after", "_before"))
    table = table.rename(columns={"value_before": "before", "value_after": "after"})
    table["note_before"] = table["note_before"].fillna("not measured before recourse")
    table["change"] = table["after"] - table["before"]
    table["note"] = _why(table["before"], table["note_before"], table["after"], table["note_after"])
    return table[[*key, "before", "after", "change", "note"]]


def differences(
    measures: pd.DataFrame,
    methods: Sequence[str],
    references: Sequence[str],
    scope: str = "everyone",
    metrics: Sequence[str] | None = None,
    factor: float = 1.0,
) -> pd.DataFrame:
    """Each method against each reference, seed by seed: `change` is the method's - factor · the reference's.

    Of an index (anything measured before recourse as well) the changes are compared, of any other metric the values.
    metrics: by default all. factor: scales the reference, for a margin ("at most 1.1 times").

    Columns: population, classifier, method, scenario, reference, scope, metric, seed, before (the reference's, scaled),
    after (the method's), change, level (what the spread between seeds is taken of: the index before recourse, or the
    reference's value), note. Rows are in the order of `measures`.

    Raises DataError when a number is there twice.
    """
    known = measures["metric"].unique() if metrics is None else metrics
    before = set(measures.loc[measures["phase"] == "before", "metric"])
    indices = changes(measures, scope, [m for m in known if m in before])
    indices = indices.assign(level=indices["before"], value=indices["change"])
    others = numbers(measures, scope, "after")
    others = others[others["metric"].isin([m for m in known if m not in before])]
    key = [*CELL, "scope", "metric", "seed"]
    values = pd.concat([indices, others.assign(level=others["value"])])[[*key, "value", "level", "note"]]

    match = [c for c in key if c != "method"]
    tables = []
    for reference in references:
        its = values[values["method"] == reference].drop(columns="method")
        own = values[values["method"].isin([m for m in methods if m != reference])]
        table = own.drop(columns="level").merge(its, on=match, how="left", suffixes=("", "_reference"))
        notes = table["note_reference"].fillna(f"{reference} was not run for this seed")
        table["note"] = _why(table["value_reference"], notes, table["value"], table["note"])
        tables.append(table.assign(reference=reference, before=factor * table["value_reference"], after=table["value"]))
    wanted = [*CELL, "reference", "scope", "metric", "seed", "before", "after", "change", "level", "note"]
    if not tables:
        return pd.DataFrame(columns=wanted)
    table = pd.concat(tables, ignore_index=True)
    return table.assign(change=table["after"] - table["before"])[wanted]


# --- summarised over seeds -------------------------------------------------------------------------


def summarise(
    seeds: pd.DataFrame, key: Sequence[str], alpha: float = 0.05, family: Sequence[str] = FAMILY
) -> pd.DataFrame:
    """Changes with their interval, test and effect size: one row for each value of `key`, in the order of appearance.

    seeds: one row a seed with the columns of `key`, seed, before, after, change, level and note: what `changes` (whose
    level is `before`) or `differences` returns. alpha: the level of `significant`, after Holm. family: columns whose
    values are the same within a family of tests; none for one family.

    Columns: those of `key`, seeds (that have a change; the means are over them), before, before_se, after, after_se,
    change, change_se, low, high, interval (t, BCa or empty), p, p_holm, effect, decidable (could p_holm be at most
    alpha with so few seeds?), significant, note.
    """
    kept = seeds[seeds["change"].notna()].sort_values("seed", kind="stable").groupby(list(key), sort=False)
    moments = kept[["before", "after", "change"]].agg(["mean", "sem"])
    moments.columns = [name + {"mean": "", "sem": "_se"}[moment] for name, moment in moments.columns]
    values = {name: (part["change"].to_numpy(), part["level"].to_numpy()) for name, part in kept}
    rows = [
        (*name, *_tested(*values.get(name, _NOTHING)), missing(part["change"], part["note"]))
        for name, part in seeds.groupby(list(key), sort=False)
    ]
    table = pd.DataFrame(rows, columns=[*key, "seeds", "low", "high", "interval", "p", "effect", "why", "missing"])
    table = table.merge(moments, how="left", left_on=list(key), right_index=True)
    table["note"] = [_joined(*notes) for notes in zip(table["missing"], table["why"], strict=True)]
    tests = table.groupby([table[c] for c in family] or np.zeros(len(table)))
    table["p_holm"] = tests["p"].transform(holm)
    # Holm's adjustment grows with every p: this is the smallest that p_holm can be with so few seeds
    table["p_smallest"] = table["seeds"].map(smallest_p).astype("float64")
    table["p_smallest"] = tests["p_smallest"].transform(holm)
    table["tests"] = tests["p"].transform("count")
    table["decidable"] = table["p_smallest"] <= alpha
    table["significant"] = table["p_holm"] <= alpha
    hopeless = (table["seeds"] > 1) & ~table["decidable"]
    table.loc[hopeless, "note"] = [
        _joined(row.note, _too_few(row, alpha)) for row in table[hopeless].itertuples(index=False)
    ]
    return table[[*key, *_SUMMARY]].astype(_SUMMARY)


def interval(changes: Sequence[float], resamples: int = RESAMPLES) -> Interval:
    """The 95 % confidence interval of the mean of some changes, one a seed.

    Without spread it has no width; for fewer than two seeds it is undefined (NaN). Where BCa fails, it is Student's t
    and the note says so. Raises ValueError when a change is missing.
    """
    values = np.sort(_complete(changes))  # the order of seeds must not matter
    if len(values) < 2:
        return Interval(math.nan, math.nan, "", f"{_seeds(len(values))}: no interval and no test")
    kind = "BCa" if len(values) >= BCA_SEEDS else "t"
    if _constant(values):
        return Interval(float(values.mean()), float(values.mean()), kind, "the same change in every seed")
    if kind == "BCa":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a failure is seen in the result
            found = stats.bootstrap(
                (values,),
                np.mean,
                n_resamples=resamples,
                confidence_level=LEVEL,
                method="BCa",
                vectorized=True,
                rng=numpy_generator(0, "statistics", "bootstrap"),
            ).confidence_interval
        if np.isfinite([found.low, found.high]).all():
            return Interval(float(found.low), float(found.high), kind)
    reach = special.stdtrit(len(values) - 1, (1 + LEVEL) / 2) * values.std(ddof=1) / math.sqrt(len(values))
    note = "BCa is not defined for these changes" if kind == "BCa" else ""
    return Interval(float(values.mean() - reach), float(values.mean() + reach), "t", note)


def p_value(changes: Sequence[float], draws: int = DRAWS) -> float:
    """Paired sign-flip permutation test of a mean of 0, two-sided: if recourse changed nothing, each seed's change
    would have had either sign.

    Exact up to `EXACT_SEEDS` seeds, else from `draws` random patterns. NaN for fewer than two seeds. Raises ValueError
    when a change is missing.
    """
    values = _complete(changes)
    if len(values) < 2:
        return math.nan
    sizes, exact = np.sort(np.abs(values)), len(values) <= EXACT_SEEDS  # all that the test's distribution depends on
    sums = np.abs((_every_sign(len(values)) if exact else _random_signs(len(values), draws)) @ sizes)
    as_large = int((sums >= abs(values.sum()) - _ROUNDING * sizes.sum()).sum())
    return as_large / len(sums) if exact else (as_large + 1) / (len(sums) + 1)


@cache
def smallest_p(seeds: int) -> float:
    """The smallest p that `p_value` can give for a number of seeds: when all change alike. NaN for fewer than two."""
    return p_value(np.ones(seeds))


def seeds_needed(tests: int, alpha: float = 0.05) -> int | None:
    """The fewest seeds with which the smallest of a family of `tests` p-values can be significant after Holm.

    None where no number of seeds is enough, because the p-values are drawn (see `DRAWS`).
    """
    return next((n for n in range(2, EXACT_SEEDS + 8) if tests * smallest_p(n) <= alpha), None)


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's adjusted p-values, in the order given; a missing one stays missing and is no test of the family."""
    p = np.asarray(p, dtype="float64")
    order = np.argsort(p, kind="stable")[: np.isfinite(p).sum()]  # NaN is sorted last
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return adjusted


def missing(values: pd.Series, notes: pd.Series) -> str:
    """Why values are missing, and for how many seeds if not for all; nothing if none is missing."""
    gone = values.isna()
    if not gone.any():
        return ""
    reasons = "; ".join(sorted({n for n in notes[gone] if n})) or "no value"
    return reasons if gone.all() else f"mean over {(~gone).sum()} of {len(values)} seeds; others: {reasons}"


def numbers(measures: pd.DataFrame, scope: str, phase: str) -> pd.DataFrame:
    """The measures of a scope and phase: cell, scope, metric, seed, value, note."""
    key = [*CELL, "scope", "metric", "seed"]
    table = measures.loc[(measures["scope"] == scope) & (measures["phase"] == phase), [*key, "value", "note"]]
    twice = table.duplicated(key)
    if twice.any():
        where = ", ".join(f"{c} {v}" for c, v in table.loc[twice, key].iloc[0].items())
        raise DataError(f"measures: the number {phase} recourse is there twice for {where}; collect the run again")
    return table


def _tested(change: np.ndarray, level: np.ndarray) -> tuple:
    """One cell's seeds, low, high, interval, p, effect and what is special about them."""
    found = interval(change)
    effect, why = _effect(change, level)
    return (len(change), found.low, found.high, found.kind, p_value(change), effect, _joined(found.note, why))


def _effect(change: np.ndarray, level: np.ndarray) -> tuple[float, str]:
    """Mean change over the standard deviation of the level between seeds, and why it is missing."""
    if len(change) < 2:
        return math.nan, ""  # the interval's note says it
    if _constant(level):
        return math.nan, "no effect size: the level is the same in every seed"
    return float(change.mean() / level.std(ddof=1)), ""


@lru_cache(maxsize=2)
def _every_sign(n: int) -> np.ndarray:
    """All 2^n patterns of n signs: [2^n, n]."""
    return 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)


@lru_cache(maxsize=2)
def _random_signs(n: int, draws: int) -> np.ndarray:
    """Random patterns of n signs: [draws, n]."""
    generator = numpy_generator(0, "statistics", "permutation")
    return 1.0 - 2.0 * generator.integers(0, 2, size=(draws, n))


def _complete(changes: Sequence[float]) -> np.ndarray:
    values = np.asarray(changes, dtype="float64")
    if not np.isfinite(values).all():
        raise ValueError("a change is missing or not finite; leave out the seeds that have none")
    return values


def _constant(values: np.ndarray) -> bool:
    return bool(np.ptp(values) <= _ROUNDING)


def _too_few(row, alpha: float) -> str:
    """Why a row of `summarise` could not be significant."""
    needed = seeds_needed(row.tests, alpha)
    family = f" ({row.p_smallest:.3g} after Holm over {row.tests} tests)" if row.tests > 1 else ""
    return (
        f"{_seeds(row.seeds)}: p cannot be below {smallest_p(row.seeds):.3g}{family}, so nothing can be significant at "
        f"{alpha:g}; {f'{needed} seeds would do' if needed else 'no number of seeds would do'}"
    )


def _seeds(n: int) -> str:
    return f"{n} seed{'s' * (n != 1)}"


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _why(before: pd.Series, note_before: pd.Series, after: pd.Series, note_after: pd.Series) -> pd.Series:
    """The note of the number that is missing, or else of any, row by row."""
    either = note_after.where(note_after != "", note_before)
    return note_before.where(before.isna(), note_after.where(after.isna(), either))
