"""What a change of an index over seeds says: means, intervals, tests and effect sizes, paired within a seed.

A seed draws the people, the split, the classifier and the recourse. Everything here is a difference within a seed
(after - before, or one method - another), so that what differs between seeds cancels. The intervals, p and p_holm are
about this experiment on this data set, repeated with other seeds. For the people from whom the data set was drawn they
promise too much, since seeds share people: see `error_of_mean`.

- interval: 95 %. BCa bootstrap (Efron 1987) from `BCA_SEEDS` seeds on, Student's t below, where a bootstrap has too
  few values to draw from. The column `interval` says which.
- p: the paired sign-flip permutation test of the mean, two-sided. Every pattern of signs up to `EXACT_SEEDS` seeds,
  else `DRAWS` random ones with (k + 1) / (m + 1) (Phipson and Smyth 2010). With n seeds p cannot be below 2 / 2^n: for
  5 seeds 0.0625. Where not even the smallest possible p would be significant, `decidable` is False and `note` says so.
- p_holm: Holm's (1979) step-down adjustment within a family of tests.
- equivalence: two one-sided t-tests (Schuirmann 1987): is the mean smaller than the smallest effect of interest?
- effect: the mean change over the standard deviation of the level between seeds.

Every bootstrap and every permutation test draws the same stream, so a result depends on its own seeds and on nothing
else: not on the order of rows, nor (but for `p_holm`) on which other cells there are.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special, stats

from .contracts import CELL, DEFAULT, IDENTITY
from .errors import DataError
from .seeds import numpy_generator

#: what the methods share that are compared with each other
SHARED = [name for name in CELL if name != "method"]
#: Holm's family by default: one index, of all methods
FAMILY = [*SHARED, "scope", "metric"]

LEVEL = 0.95
BCA_SEEDS = 10
EXACT_SEEDS = 12
DRAWS = 99_999
RESAMPLES = 9_999

# Differences of decimals such as 0.04 - 0.03 and 0.05 - 0.04 are not the same number in binary.
_ROUNDING = 1e-12

_NUMBER = [*CELL, "scope", "metric", "seed"]
_PAIR = ["before", "after", "change"]
_SUMMARY = [
    *("seeds", "before", "before_se", "after", "after_se", "change", "change_se", "low", "high", "interval"),
    *("p", "p_holm", "effect", "decidable", "significant", "note"),
]


class Interval(NamedTuple):
    """A 95 % confidence interval of a mean. kind: `t` or `BCa`, "" where it is undefined. note: what is special."""

    low: float
    high: float
    kind: str
    note: str = ""


# --- one number a cell and seed --------------------------------------------------------------------


def numbers(measures: pd.DataFrame, scope: str, phase: str) -> pd.DataFrame:
    """The measures of a scope and phase: cell, scope, metric, seed, value, note.

    Raises DataError when a number is there twice.
    """
    table = measures.loc[(measures["scope"] == scope) & (measures["phase"] == phase), [*_NUMBER, "value", "note"]]
    key = _before_key(scope) if phase == "before" else _NUMBER
    twice = table.duplicated(key)
    if twice.any():
        where = ", ".join(f"{c} {v}" for c, v in table.loc[twice, key].iloc[0].items())
        raise DataError(f"measures: the number {phase} recourse is there twice for {where}; collect the run again")
    return table


def changes(measures: pd.DataFrame, scope: str = "everyone", metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Every index before and after recourse, seed by seed, in the order of `measures` (see `contracts`).

    metrics: which; by default all that are measured before as well as after. Columns: those of the cell, scope, metric,
    seed, before, after, change, note (why a change is missing). Raises DataError when a number is there twice.
    """
    before, after = (numbers(measures, scope, phase) for phase in ("before", "after"))
    after = after[after["metric"].isin(before["metric"] if metrics is None else metrics)]
    key = _before_key(scope)
    return _paired(after, before[[*key, "value", "note"]], key, "not measured before recourse")


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

    Columns: those of `changes`, where before is the reference's (scaled) and after the method's; reference; and level
    (what the spread between seeds is taken of: the index before recourse, or the reference's value).
    """
    table = measures if metrics is None else measures[measures["metric"].isin(metrics)]
    indices = table.loc[table["phase"] == "before", "metric"].unique()
    changed = changes(table, scope, indices)
    changed = changed.assign(level=changed["before"], value=changed["change"])
    others = numbers(table, scope, "after")
    others = others[~others["metric"].isin(indices)]
    values = pd.concat([changed, others.assign(level=others["value"])])[[*_NUMBER, "value", "level", "note"]]

    theirs = values.astype({"method": "str"}).rename(columns={"method": "reference"})
    theirs["value"] *= factor
    own = values[values["method"].isin(methods)].drop(columns="level")
    own = own.merge(pd.DataFrame({"reference": list(references)}, dtype="str"), how="cross")
    own = own[own["method"] != own["reference"]].reset_index(drop=True)
    return _paired(own, theirs, [*FAMILY, "reference", "seed"], own["reference"] + " was not run for this seed")


def placebo(scenario: str = DEFAULT) -> str:
    """What the scenario is called that is this one with shuffled groups (see `settings.validate`)."""
    return "placebo" if scenario == DEFAULT else f"{scenario}-placebo"


def beyond_shuffled(measures: pd.DataFrame, scenario: str = DEFAULT) -> pd.DataFrame:
    """The measures of a scenario minus those of its placebo, number by number.

    A change in the result is what of a change is due to who is in which group. The same columns as `measures`, without
    the numbers that one of the two lacks.
    """
    own, other = (measures[measures["scenario"] == name] for name in (scenario, placebo(scenario)))
    key = [*(name for name in IDENTITY if name != "scenario"), "phase", "scope", "metric"]
    table = own.merge(other[[*key, "value", "note"]], on=key, suffixes=("", "_shuffled"))
    value, note = table["value"] - table.pop("value_shuffled"), table.pop("note_shuffled")
    return table.assign(value=value, note=table["note"].where(table["note"] != "", note))


def _before_key(scope: str) -> list[str]:
    """What names a number before recourse: without the method, but for those who receive recourse from it."""
    return _NUMBER if scope == "recipients" else [*FAMILY, "seed"]


def _paired(after: pd.DataFrame, before: pd.DataFrame, key: list[str], absent: str | pd.Series) -> pd.DataFrame:
    """The values of `after` and those of `before` with the same key: columns before, after, change and note.

    note: that of the number that is missing, or else of any. absent: the note of what `before` does not have.
    """
    table = after.merge(before, on=key, how="left", suffixes=("", "_before"))
    table = table.rename(columns={"value": "after", "value_before": "before"})
    note, note_before = table["note"], table.pop("note_before").fillna(absent)
    note = note.where(table["before"].notna() & (note != ""), note_before)
    return table.assign(change=table["after"] - table["before"], note=note)


# --- summarised over seeds -------------------------------------------------------------------------


def summarise(
    seeds: pd.DataFrame, key: Sequence[str], alpha: float = 0.05, family: Sequence[str] = FAMILY
) -> pd.DataFrame:
    """Changes with their interval, test and effect size: one row for each value of `key`, in the order of appearance.

    seeds: what `changes` or `differences` returns. alpha: the level of `significant`, after Holm. family: columns whose
    values are the same within a family of tests; none for one family.

    Columns: those of `key`, seeds (that have a change; the means are over them), before, before_se, after, after_se,
    change, change_se, low, high, interval (t, BCa or empty), p, p_holm, effect, decidable (could p_holm be at most
    alpha with so few seeds?), significant, note.
    """
    key = list(key)
    seeds = seeds.assign(level=seeds.get("level", seeds["before"]))
    rows = [_tested(part) for _, part in seeds.groupby(key, sort=False)]
    table = seeds[key].drop_duplicates(ignore_index=True).join(pd.DataFrame(rows, columns=_SUMMARY))
    # Holm's adjustment grows with every p: so this is the smallest that p_holm can be with so few seeds
    table["smallest"] = table["seeds"].map(smallest_p).astype("float64")
    tests = table.groupby([table[c] for c in family] or np.zeros(len(table)))
    table = table.assign(p_holm=tests["p"].transform(holm), smallest=tests["smallest"].transform(holm))
    table = table.assign(decidable=table["smallest"] <= alpha, significant=table["p_holm"] <= alpha)
    table["tests"] = tests["p"].transform("count")
    hopeless = (table["seeds"] > 1) & ~table["decidable"]
    table.loc[hopeless, "note"] = [_joined(row.note, _too_few(row, alpha)) for row in table[hopeless].itertuples()]
    return table[[*key, *_SUMMARY]]


def interval(changes: Sequence[float], resamples: int = RESAMPLES) -> Interval:
    """The 95 % confidence interval of the mean of some changes, one a seed; Student's t also where BCa fails.

    NaN for fewer than two seeds. Raises ValueError when a change is missing.
    """
    values = np.sort(_complete(changes))  # the order of seeds must not matter
    if len(values) < 2:
        return Interval(math.nan, math.nan, "", f"{len(values)} seed{'s' * (not len(values))}: no interval and no test")
    mean, kind, note = float(values.mean()), "BCa" if len(values) >= BCA_SEEDS else "t", ""
    if np.ptp(values) <= _ROUNDING:
        return Interval(mean, mean, kind, "the same change in every seed")
    if kind == "BCa":
        rng = numpy_generator(0, "statistics", "bootstrap")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a failure is seen in the result
            found = stats.bootstrap((values,), np.mean, n_resamples=resamples, confidence_level=LEVEL, rng=rng)
        low, high = map(float, found.confidence_interval)
        if np.isfinite([low, high]).all():
            return Interval(low, high, kind)
        note = "BCa is not defined for these changes"
    reach = special.stdtrit(len(values) - 1, (1 + LEVEL) / 2) * values.std(ddof=1) / math.sqrt(len(values))
    return Interval(mean - reach, mean + reach, "t", note)


def prediction_interval(values: Sequence[float]) -> tuple[float, float]:
    """Where one more value falls with a probability of 95 %, if values are normal: mean ± t · s · √(1 + 1/n).

    Hahn and Meeker (1991), Statistical Intervals. NaN for fewer than two values. Raises ValueError when one is missing.
    """
    values = _complete(values)
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    reach = special.stdtrit(n - 1, (1 + LEVEL) / 2) * values.std(ddof=1) * math.sqrt(1 + 1 / n)
    return values.mean() - reach, values.mean() + reach


def p_value(changes: Sequence[float], draws: int = DRAWS) -> float:
    """p of a mean of 0: if recourse changed nothing, each seed's change would have had either sign.

    NaN for fewer than two seeds. Raises ValueError when a change is missing.
    """
    values = _complete(changes)
    if len(values) < 2:
        return math.nan
    sizes = np.sort(np.abs(values))  # all that the test's distribution depends on
    sums = np.abs(_signs(len(values), draws) @ sizes)
    as_large = int((sums >= abs(values.sum()) - _ROUNDING * sizes.sum()).sum())
    return as_large / len(sums) if len(values) <= EXACT_SEEDS else (as_large + 1) / (len(sums) + 1)


@cache
def smallest_p(seeds: int) -> float:
    """The smallest p that `p_value` can give for a number of seeds: when all change alike. NaN for fewer than two."""
    return p_value(np.ones(seeds))


def seeds_needed(tests: int, alpha: float = 0.05) -> int | None:
    """The fewest seeds with which the smallest of a family of `tests` p-values can be significant; None if none are."""
    return next((n for n in range(2, EXACT_SEEDS + 8) if tests * smallest_p(n) <= alpha), None)


def error_of_mean(error: ArrayLike, seeds: ArrayLike, overlap: ArrayLike = 0.0) -> np.ndarray:
    """The standard error of a mean over seeds that share people, elementwise.

    The variance of one seed times 1/J + f/(1 - f), in place of 1/J: Nadeau and Bengio (2003, Machine Learning 52), who
    take the correlation of two seeds to be the share of their training samples that both have. Seeds
    also differ in what they train and draw, so it is more than they share; but a density model that is fitted on all
    rows used shares more of them. error: the usual one, deviation / √J. seeds: J. overlap: f in [0, 1];
    0 for samples drawn anew.
    """
    error, seeds, overlap = (np.asarray(values, dtype="float64") for values in (error, seeds, overlap))
    with np.errstate(divide="ignore"):
        return error * np.sqrt(1 + seeds * overlap / (1 - overlap))


def t_test(mean: ArrayLike, error: ArrayLike, seeds: ArrayLike, overlap: ArrayLike = 0.0) -> np.ndarray:
    """Two-sided p of a mean of 0, by Student's t with J - 1 degrees of freedom, elementwise; NaN below two seeds.

    The arguments are those of `error_of_mean`.
    """
    p = _upper_tail(np.abs(np.asarray(mean, dtype="float64")), error_of_mean(error, seeds, overlap), seeds)
    return 2 * p.clip(max=0.5)


def equivalence(mean: ArrayLike, error: ArrayLike, seeds: ArrayLike, bound: ArrayLike) -> np.ndarray:
    """p of a mean that is `bound` or more away from 0, elementwise; small: it is smaller. NaN below two seeds.

    The larger p of two one-sided t-tests (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15). bound:
    the smallest effect of interest, > 0. The other arguments are those of `error_of_mean`.
    """
    return _upper_tail(bound - np.abs(np.asarray(mean, dtype="float64")), np.asarray(error, dtype="float64"), seeds)


def t_tests(
    table: pd.DataFrame, overlap: Mapping[str, float], smallest: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """A summary with Student's tests of its changes: columns overlap, p_t, p_overlap and p_small more, before Holm.

    table: population, metric, change, change_se and seeds. overlap: population -> the share of their training people
    that two seeds have in common, 0 if it is not there. p_overlap takes it into account. smallest: metric -> the bound
    of `equivalence`, whose p is p_small; NaN if it is not there.
    """
    mean = [table[column] for column in ("change", "change_se", "seeds")]
    shared = table["population"].astype("str").map(overlap).fillna(0.0).astype("float64")
    bound = table["metric"].astype("str").map(smallest or {}).astype("float64")
    p = {"p_t": t_test(*mean), "p_overlap": t_test(*mean, shared), "p_small": equivalence(*mean, bound)}
    return table.assign(overlap=shared, **p)


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


def _tested(seeds: pd.DataFrame) -> dict[str, object]:
    """What the seeds of one cell say: the columns of a summary that need no other cell."""
    known = seeds[seeds["change"].notna()].sort_values("seed", kind="stable")
    change, level = known["change"].to_numpy(), known["level"].to_numpy()
    several = len(change) > 1
    constant = several and np.ptp(level) <= _ROUNDING
    why = "no effect size: the level is the same in every seed" if constant else ""
    row = {name: known[name].mean() for name in _PAIR} | {f"{name}_se": known[name].sem() for name in _PAIR}
    row |= {"seeds": len(change), "p": p_value(change)}
    row["effect"] = change.mean() / level.std(ddof=1) if several and not constant else math.nan
    low, high, kind, note = interval(change)
    note = _joined(missing(seeds["change"], seeds["note"]), note, why)
    return row | {"low": low, "high": high, "interval": kind, "note": note}


def _upper_tail(distance: ArrayLike, error: np.ndarray, seeds: ArrayLike) -> np.ndarray:
    """P(T >= distance / error) of Student's t; without any spread 0 or 1, and 1 at no distance."""
    freedom = np.asarray(seeds, dtype="float64") - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((error == 0) & (np.asarray(distance) <= 0), -np.inf, np.asarray(distance) / error)
    return np.where(freedom >= 1, special.stdtr(np.maximum(freedom, 1), -t), np.nan)


@lru_cache(maxsize=4)
def _signs(n: int, draws: int) -> np.ndarray:
    """Every pattern of n signs up to `EXACT_SEEDS`, else random ones: [2^n or draws, n]."""
    if n <= EXACT_SEEDS:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    else:
        bits = numpy_generator(0, "statistics", "permutation").integers(0, 2, size=(draws, n))
    return 1.0 - 2.0 * bits


def _complete(changes: Sequence[float]) -> np.ndarray:
    values = np.asarray(changes, dtype="float64")
    if not np.isfinite(values).all():
        raise ValueError("a change is missing or not finite; leave out the seeds that have none")
    return values


def _too_few(row, alpha: float) -> str:
    """Why a test could not be significant."""
    family = f" ({row.smallest:.3g} after Holm over {row.tests} tests)" if row.tests > 1 else ""
    return (
        f"{row.seeds} seeds: p cannot be below {smallest_p(row.seeds):.3g}{family}, so nothing can be significant at "
        f"{alpha:g}; {seeds_needed(row.tests, alpha) or 'no number of'} seeds would do"
    )


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
