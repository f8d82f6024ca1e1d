"""Our numbers beside the published ones: one row for every published number, each with a verdict.

What is compared. Segregation indices are those of everyone in the training population, quality metrics those
of the recourse found (scope `recipients`). The published rows of the exhibit `real` stand beside the mean
over all seeds run; those of `synthetic` were computed for one seed, so seed 0 stands beside them, with the
mean and its standard error over all seeds in columns of their own. The published synthetic Atkinson index
before recourse uses neighbourhoods fitted on the accepted only and the one after uses those of everyone:
`atkinson_released` does the same and is what it is compared with.

The change. For an index: after recourse - before, paired within a seed. A quality metric has no before: its
change is taken from Wachter's value on the same population, and Wachter's own rows have none. A change of
less than half the last printed digit of the published number is no change, and equals only no change.

The verdicts, in this order:

- `not run`: this run has no such population, classifier, method or seed.
- `undefined`: the metric has no value here; the rule repeats why.
- `matches`: |ours - published| is at most `tolerance` plus half of the last printed digit; for cost and cost
  gap `quality_tolerance` times the published number takes the place of `tolerance`.
- `same direction`: both changes have the same sign.
- `differs`: none of these.

A number may match although the changes have opposite signs, where they are smaller than the tolerance: the
column `direction` says `same` or `other` whatever the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from .contracts import BEFORE
from .errors import DataError
from .statistics import changes, differences, mean_and_error, numbers

VERDICTS = ("matches", "same direction", "differs", "undefined", "not run")

#: exhibit -> the classifier that its published numbers are for
CLASSIFIERS = {"synthetic": "linear", "real": "mlp"}

INDICES = ("centralization_released", "centralization", "atkinson", "average_proximity", "spatial_proximity")
QUALITY = ("invalidation", "cost", "cost_gap", "ynn", "diversity", "closeness")
_RELATIVE = ("cost", "cost_gap")
_REFERENCE = "wachter"
_KEY = ["exhibit", "population", "method", "phase", "metric"]
_PUBLISHED = [*_KEY, "value", "source"]
_COLUMNS = [
    *("exhibit", "population", "classifier", "method", "phase", "metric", "our_metric", "published", "allowed"),
    *("ours", "ours_mean", "ours_se", "seeds", "found"),
    *("change_from", "change_published", "change_ours", "change_se", "direction", "verdict", "rule", "source"),
]
_NOTHING = pd.DataFrame(columns=["seed", "value", "note", "change"], dtype="float64")
# A decimal like 0.341 is not exact in binary; without this, a difference of exactly the tolerance may fail.
_ROUNDING = 1e-9


def read_published(path: Path | str) -> pd.DataFrame:
    """The published numbers, with `half_digit` = half of the last printed digit of each.

    Raises DataError naming the column, line or name that is wrong.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if list(table.columns) != _PUBLISHED:
        raise DataError(f"{path}: expected the columns {', '.join(_PUBLISHED)}; found {', '.join(table.columns)}")
    known = {"exhibit": tuple(CLASSIFIERS), "phase": ("before", "after"), "metric": INDICES + QUALITY}
    no_number = pd.to_numeric(table["value"], errors="coerce").isna()
    twice = table.duplicated(_KEY)
    for i, row in table.iterrows():
        wrong = [c for c, names in known.items() if row[c] not in names]
        if wrong:
            what = f"{wrong[0]} {row[wrong[0]]!r} is not one of {', '.join(known[wrong[0]])}"
        elif no_number[i]:
            what = f"{row['value']!r} is not a number"
        elif twice[i]:
            what = "the same number for a second time"
        else:
            continue
        raise DataError(f"{path}, line {i + 2}: {what}")
    half_digit = [0.5 * 10.0 ** -len(value.partition(".")[2]) for value in table["value"]]
    return table.assign(value=table["value"].astype("float64"), half_digit=half_digit)


def compare(
    measures: pd.DataFrame, published: pd.DataFrame, tolerance: float, quality_tolerance: float
) -> pd.DataFrame:
    """One row for each row of `published`, in its order (see the module's text for the rules).

    measures: a `measures` table of one scenario (see `contracts`). published: what `read_published` returns. tolerance:
    absolute. quality_tolerance: relative, for cost and cost gap.

    Columns: exhibit, population, classifier, method, phase, metric, our_metric, published, allowed (the largest
    difference that matches), ours, ours_mean, ours_se (over all seeds; missing with one seed), seeds (that have
    a value), found (share of the rejected for whom the method found a recourse, over the seeds of `ours`),
    change_from (`before` or `wachter`), change_published, change_ours, change_se (over all seeds), direction
    (`same`, `other` or empty), verdict, rule, source.
    """
    ours = _ours(measures)
    printed = published.set_index(_KEY)["value"].to_dict()
    rows = []
    for row in published.itertuples(index=False):
        allowed = row.half_digit + (quality_tolerance * abs(row.value) if row.metric in _RELATIVE else tolerance)
        about = {name: getattr(row, name) for name in [*_KEY, "source"]}
        about |= {"classifier": CLASSIFIERS[row.exhibit], "our_metric": _our_metric(row), "published": row.value}
        rows.append(about | {"allowed": allowed} | _judged(row, allowed, ours, printed))
    return pd.DataFrame(rows, columns=_COLUMNS).round(6)


def _our_metric(row) -> str:
    return "atkinson_released" if (row.exhibit, row.metric) == ("synthetic", "atkinson") else row.metric


def _ours(measures: pd.DataFrame) -> dict[tuple[str, ...], pd.DataFrame]:
    """Population, classifier, method, phase and metric -> our seed, value, note and change, in the order of seeds."""
    before, after = (numbers(measures, "everyone", phase) for phase in ("before", "after"))
    quality = numbers(measures, "recipients", "after")
    quality = quality[quality["metric"].isin((*QUALITY, "found"))]
    against = differences(measures, quality["method"].unique(), [_REFERENCE], "recipients", QUALITY)
    number = [name for name in before.columns if name not in ("value", "note")]
    changed = pd.concat([changes(measures, "everyone"), against])[[*number, "change"]]
    table = pd.concat([before.assign(phase="before"), pd.concat([after, quality]).assign(phase="after")])
    table = table.merge(changed, on=number, how="left").sort_values("seed")
    return dict(iter(table.groupby(["population", "classifier", "method", "phase", "metric"])))


def _judged(row, allowed: float, ours: Mapping, printed: Mapping) -> dict[str, object]:
    """The columns about our number beside a published one."""
    where = (row.population, CLASSIFIERS[row.exhibit], row.method, row.phase)
    cell = ours.get((*where, _our_metric(row)), _NOTHING)
    chosen = cell[cell["seed"] == 0] if row.exhibit == "synthetic" else cell
    found = {"seeds": int(cell["value"].notna().sum()), "change_from": "", "direction": ""}
    if chosen.empty:
        who = f"{row.method} on {row.population}" if row.phase == "after" else row.population
        reason = f"this run has no {who} with the {where[1]} classifier" if cell.empty else "seed 0 was not run"
        return found | {"seeds": 0, "verdict": "not run", "rule": reason}

    value = float(chosen["value"].mean())
    mean, error = mean_and_error(cell["value"])
    found |= {"ours": value, "ours_mean": mean, "ours_se": error}
    if row.phase == "after":
        rates = ours.get((*where, "found"), _NOTHING)
        found["found"] = rates.loc[rates["seed"].isin(chosen["seed"]), "value"].mean()
        found |= _changed(row, cell, chosen, printed)
    reasons = "; ".join(dict.fromkeys(n for n in chosen.loc[chosen["value"].isna(), "note"] if n))
    if np.isnan(value):
        return found | {"verdict": "undefined", "rule": reasons}

    difference = abs(value - row.value)
    matches = difference <= allowed + _ROUNDING
    rule = f"|ours - published| = {difference:.5f} {'≤' if matches else '>'} {allowed:.5f}"
    if not matches and found["direction"]:
        rule += (
            f"; change from {found['change_from']}: {_signed(found['change_ours'], row.half_digit)} ours, "
            f"{_signed(found['change_published'], row.half_digit)} published"
        )
    if reasons:
        rule += f"; over {int(chosen['value'].notna().sum())} of {len(chosen)} seeds ({reasons})"
    same = "same direction" if found["direction"] == "same" else "differs"
    return found | {"verdict": "matches" if matches else same, "rule": rule}


def _changed(row, cell: pd.DataFrame, chosen: pd.DataFrame, printed: Mapping) -> dict[str, object]:
    """The columns about the change of a row after recourse; nothing where there is none to take it from."""
    quality = row.metric in QUALITY
    if quality and row.method == _REFERENCE:
        return {}
    origin = (_REFERENCE, "after") if quality else (BEFORE, "before")
    published = row.value - printed.get((row.exhibit, row.population, *origin, row.metric), np.nan)
    ours = float(chosen["change"].mean())
    same = _sign(ours, row.half_digit) == _sign(published, row.half_digit)
    return {
        "change_from": _REFERENCE if quality else "before",
        "change_published": published,
        "change_ours": ours,
        "change_se": mean_and_error(cell["change"])[1],
        "direction": "" if np.isnan([ours, published]).any() else "same" if same else "other",
    }


def _sign(change: float, half_digit: float) -> float:
    return 0.0 if abs(change) < half_digit else np.sign(change)


def _signed(change: float, half_digit: float) -> str:
    return "none" if _sign(change, half_digit) == 0 else f"{change:+.4f}"
