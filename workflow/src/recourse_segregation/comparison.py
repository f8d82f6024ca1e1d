"""Our numbers beside the published ones: one row for every published number, each with a verdict.

The rules, and why they are what they are, stand in docs/comparison.md. In short: an index is compared over everyone and
changes from before recourse; the quality is that of the recourse found (scope `recipients`) and changes from Wachter's
value on the same population; both are paired within a seed. The published rows of the exhibit `real` stand beside the
mean over all seeds run; those of `synthetic` were computed for one seed, so seed 0 stands beside them. A change of less
than half the last printed digit is no change, and equals only no change. A number may match although the changes have
opposite signs, where they are smaller than the tolerance: the column `direction` says so whatever the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .contracts import RECOURSE
from .errors import DataError
from .statistics import changes, differences, numbers

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
#: what names one of our numbers that stands beside a published one
_CELL = ["population", "classifier", "method", "phase", "our_metric"]
# A decimal like 0.341 is not exact in binary; without this, a difference of exactly the tolerance may fail.
_ROUNDING = 1e-9


def read_published(path: Path | str) -> pd.DataFrame:
    """The published numbers, with `half_digit` = half of the last printed digit of each.

    Raises DataError naming the column, line or name that is wrong.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if list(table.columns) != _PUBLISHED:
        raise DataError(f"{path}: expected the columns {', '.join(_PUBLISHED)}; found {', '.join(table.columns)}")
    known = {"exhibit": CLASSIFIERS, "phase": ("before", "after"), "metric": INDICES + QUALITY}
    wrong = {f"{name} is not one of {', '.join(there)}": ~table[name].isin(there) for name, there in known.items()}
    wrong["value is not a number"] = pd.to_numeric(table["value"], errors="coerce").isna()
    wrong["the same number for a second time"] = table.duplicated(_KEY)
    for what, where in wrong.items():
        if where.any():
            line = int(where.argmax())
            raise DataError(f"{path}, line {line + 2}: {what}: {','.join(table.loc[line])}")
    half_digit = [0.5 * 10.0 ** -len(value.partition(".")[2]) for value in table["value"]]
    return table.assign(value=table["value"].astype("float64"), half_digit=half_digit)


def compare(
    measures: pd.DataFrame, published: pd.DataFrame, tolerance: float, quality_tolerance: float
) -> pd.DataFrame:
    """One row for each row of `published`, in its order.

    measures: a `measures` table of one scenario (see `contracts`). published: what `read_published` returns. tolerance:
    absolute. quality_tolerance: relative, for cost and cost gap.

    Columns: those of `published`; classifier; our_metric; allowed (the largest difference that matches); ours, and
    ours_mean, ours_se over all seeds; seeds (that have a value); found (share of the rejected who found a recourse);
    change_from (`before` or `wachter`), change_published, change_ours, change_se; direction (`same`, `other` or
    empty); verdict; rule.
    """
    table = _with_changes(published)
    relative = quality_tolerance * table["published"].abs()
    table["allowed"] = table["half_digit"] + relative.where(table["metric"].isin(_RELATIVE), tolerance)
    table["classifier"] = table["exhibit"].map(CLASSIFIERS)
    as_released = (table["exhibit"] == "synthetic") & (table["metric"] == "atkinson")
    table["our_metric"] = table["metric"].mask(as_released, "atkinson_released")
    ours, rows = _ours(measures), []
    cells = dict(iter(ours.groupby(_CELL)))
    for row in table.to_dict("records"):
        every = cells.get(tuple(row[name] for name in _CELL), ours[:0])
        own = every[every["seed"] == 0] if row["exhibit"] == "synthetic" else every
        row |= {"ours": own["value"].mean(), "found": own["found"].mean(), "change_ours": own["change"].mean()}
        row |= {"ours_mean": every["value"].mean(), "ours_se": every["value"].sem(), "seeds": every["value"].count()}
        row |= {"change_se": every["change"].sem(), "direction": _direction(row)}
        if len(own):
            row |= _judged(row, own)
        else:
            who = row["population"] if row["phase"] == "before" else f"{row['method']} on {row['population']}"
            absent = f"this run has no {who} with the {row['classifier']} classifier"
            row |= {"verdict": "not run", "rule": "seed 0 was not run" if len(every) else absent}
            row |= {"change_from": "", "change_published": np.nan}
        rows.append(row)
    return pd.DataFrame(rows, columns=_COLUMNS).round(6)


def _with_changes(published: pd.DataFrame) -> pd.DataFrame:
    """The published numbers, and what each is a change from: before recourse, for the quality the reference."""
    table = published[[*_PUBLISHED, "half_digit"]].rename(columns={"value": "published"})
    quality = table["metric"].isin(QUALITY)
    start = (table["phase"] == "before") | (quality & (table["method"] == _REFERENCE))
    same = ["exhibit", "population", "metric"]
    started = table[start].set_index(same)["published"].rename("started")
    table["change_published"] = (table["published"] - table.join(started, on=same)["started"]).mask(start)
    return table.assign(change_from=np.select([start, quality], ["", _REFERENCE], "before"))


def _ours(measures: pd.DataFrame) -> pd.DataFrame:
    """Our numbers: `_CELL`, seed, value, note, change and found, in the order of seeds."""
    before, after = (numbers(measures, "everyone", phase) for phase in ("before", "after"))
    quality = numbers(measures, "recipients", "after")
    methods, cell = quality["method"].unique(), [*RECOURSE, "seed"]
    against = differences(measures, methods, [_REFERENCE], "recipients", QUALITY)
    changed = pd.concat([changes(measures, "everyone"), against])[[*cell, "metric", "change"]]
    after = pd.concat([after, quality[quality["metric"].isin(QUALITY)]])
    table = pd.concat([before.assign(phase="before"), after.assign(phase="after")])
    table = table.merge(changed, on=[*cell, "metric"], how="left")
    found = quality[quality["metric"] == "found"].rename(columns={"value": "found"})
    table = table.merge(found[[*cell, "found"]], on=cell, how="left").sort_values("seed")
    return table.rename(columns={"metric": "our_metric"})


def _seen(row: Mapping[str, Any]) -> list[float]:
    """Our change and the published one; 0 where less than half of the last printed digit."""
    changes = (row["change_ours"], row["change_published"])
    return [0.0 if abs(change) < row["half_digit"] else change for change in changes]


def _direction(row: Mapping[str, Any]) -> str:
    """Whether both changes have the same sign; empty where there is no change."""
    ours, published = np.sign(_seen(row))
    if np.isnan(ours + published):
        return ""
    return "same" if ours == published else "other"


def _judged(row: Mapping[str, Any], own: pd.DataFrame) -> dict[str, str]:
    """The verdict on a row and its rule; own: the seeds that `ours` is over."""
    without = own["value"].isna()
    reasons = "; ".join(n for n in own.loc[without, "note"].unique() if n)
    if without.all():
        return {"verdict": "undefined", "rule": reasons}
    difference = abs(row["ours"] - row["published"])
    matches = difference <= row["allowed"] + _ROUNDING
    rule = f"|ours - published| = {difference:.5f} {'≤' if matches else '>'} {row['allowed']:.5f}"
    if not matches and row["direction"]:
        ours, published = (f"{change:+.4f}" if change else "none" for change in _seen(row))
        rule += f"; change from {row['change_from']}: {ours} ours, {published} published"
    if reasons:
        rule += f"; over {(~without).sum()} of {len(own)} seeds ({reasons})"
    otherwise = "same direction" if row["direction"] == "same" else "differs"
    return {"verdict": "matches" if matches else otherwise, "rule": rule}
