"""Our numbers beside the published ones: one row for every published number, each with a verdict.

The rules, and why they are what they are, stand in docs/comparison.md. In short: an index is compared over everyone and
changes from before recourse; the quality is that of the recourse found (scope `recipients`) and changes from Wachter's
value on the same population; both are paired within a seed.

- `verdict`: a published number is one more draw of classifier and recourse on the same people. So it must lie in the
  prediction interval of our re-runs of both on these people: the draw of seed 0 for `synthetic`, the mean over seeds 0
  to 4 for `real`, and there its change as well. It tells nothing where "nothing happened" would lie inside too.
- `by_tolerance`: the number itself, however many draws there are of it, is close to ours, or changes in the same
  direction. A change of less than half the last printed digit is no change, and equals only no change. A number may
  match although the changes have opposite signs: the column `direction` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .contracts import RECOURSE
from .errors import DataError
from .statistics import changes, differences, numbers, prediction_interval

VERDICTS = ("consistent", "cannot tell", "inconsistent", "undecided")
BY_TOLERANCE = ("matches", "same direction", "differs", "undefined", "not run")
#: who would meet a published number if nothing had happened
NOBODY = "nobody"

#: exhibit -> the classifier that its published numbers are for
CLASSIFIERS = {"synthetic": "linear", "real": "mlp"}

INDICES = ("centralization_released", "centralization", "atkinson", "average_proximity", "spatial_proximity")
QUALITY = ("invalidation", "cost", "cost_gap", "ynn", "diversity", "closeness")
#: how a quality is measured that the paper's code measures otherwise
_AS_RELEASED = {"ynn": "ynn_released"}
_OUR_QUALITY = (*QUALITY, *_AS_RELEASED.values())
#: a quality without any recourse: where nothing is found nothing is invalid, and all else is not defined
_WITHOUT = dict.fromkeys(_OUR_QUALITY, np.nan) | {"invalidation": 0.0}
_RELATIVE = ("cost", "cost_gap")
_REFERENCE = "wachter"
_KEY = ["exhibit", "population", "method", "phase", "metric"]
_PUBLISHED = [*_KEY, "value", "source"]
_COLUMNS = [
    *("exhibit", "population", "classifier", "method", "phase", "metric", "our_metric", "published"),
    *("ours", "ours_mean", "ours_se", "seeds", "found"),
    *("change_from", "change_published", "change_ours", "change_se", "direction"),
    *("allowed", "by_tolerance", "rule", "source"),
]
_FROM_RERUNS = ["reruns", "low", "high", "change_low", "change_high"]
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
    """One row for each row of `published`, in its order, with the verdict by tolerance.

    measures: a `measures` table of one scenario (see `contracts`). published: what `read_published` returns. tolerance:
    absolute. quality_tolerance: relative, for cost and cost gap.

    Columns: those of `published`; classifier; our_metric; ours, and ours_mean, ours_se over all seeds; seeds (that have
    a value); found (share of the rejected who found a recourse); change_from (`before` or `wachter`), change_published,
    change_ours, change_se; direction (`same`, `other` or empty); allowed (the largest difference that matches);
    by_tolerance; rule; half_digit.
    """
    table = _with_changes(published)
    relative = quality_tolerance * table["published"].abs()
    table["allowed"] = table["half_digit"] + relative.where(table["metric"].isin(_RELATIVE), tolerance)
    table["classifier"] = table["exhibit"].map(CLASSIFIERS)
    as_released = (table["exhibit"] == "synthetic") & (table["metric"] == "atkinson")
    table["our_metric"] = table["metric"].replace(_AS_RELEASED).mask(as_released, "atkinson_released")
    ours, rows = _ours(measures), []
    measured, there = set(ours["our_metric"]), set(zip(ours["population"], ours["method"], strict=True))
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
            if (row["population"], row["method"]) in there and row["our_metric"] not in measured:
                absent = f"not measured: {row['our_metric']}"
            row |= {"by_tolerance": "not run", "rule": "seed 0 was not run" if len(every) else absent}
            row |= {"change_from": "", "change_published": np.nan}
        rows.append(row)
    return pd.DataFrame(rows, columns=[*_COLUMNS, "half_digit"])


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
    against = differences(measures, methods, [_REFERENCE], "recipients", _OUR_QUALITY)
    changed = pd.concat([changes(measures, "everyone"), against])[[*cell, "metric", "change"]]
    after = pd.concat([after, quality[quality["metric"].isin(_OUR_QUALITY)]])
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
    """The verdict by tolerance on a row, and its rule; own: the seeds that `ours` is over."""
    without = own["value"].isna()
    reasons = "; ".join(n for n in own.loc[without, "note"].unique() if n)
    if without.all():
        return {"by_tolerance": "undefined", "rule": reasons}
    difference = abs(row["ours"] - row["published"])
    matches = difference <= row["allowed"] + _ROUNDING
    rule = f"|ours - published| = {difference:.5f} {'≤' if matches else '>'} {row['allowed']:.5f}"
    if not matches and row["direction"]:
        ours, published = (f"{change:+.4f}" if change else "none" for change in _seen(row))
        rule += f"; change from {row['change_from']}: {ours} ours, {published} published"
    if reasons:
        rule += f"; over {(~without).sum()} of {len(own)} seeds ({reasons})"
    otherwise = "same direction" if row["direction"] == "same" else "differs"
    return {"by_tolerance": "matches" if matches else otherwise, "rule": rule}


# --- re-runs ----------------------------------------------------------------------------------------


def predict(measures: pd.DataFrame, reruns: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Where one more re-run of each of our numbers falls.

    measures: those of the study of re-runs. reruns: what `plan.reruns` returns. A re-run is the mean over its draws of
    people, all of which must have the number.

    Columns: population (that of the published numbers), classifier, method, phase, our_metric; reruns (how many have
    the number); mean, low, high (95 % prediction interval); start (without recourse), change_low, change_high.
    """
    ours = _ours(measures).astype({"population": "str", "method": "str"})
    ours["draws"] = ours["population"].map({entry["population"]: entry["draws"] for entry in reruns.values()})
    ours["population"] = ours["population"].map({entry["population"]: name for name, entry in reruns.items()})
    ours = ours[ours["draws"].notna()]
    drawn = ours.groupby([*_CELL, ours["seed"] // ours["draws"]])
    whole = drawn["value"].count() == drawn["draws"].first()
    means = drawn[["value", "change"]].mean()[whole]
    rows = []
    for key, part in means.groupby(_CELL):
        level, change = part["value"], part["change"].dropna()
        interval = (level.mean(), *prediction_interval(level))
        start = _WITHOUT.get(key[-1], (level - change).mean())
        rows.append((*key, len(level), *interval, start, *prediction_interval(change)))
    columns = ["reruns", "mean", "low", "high", "start", "change_low", "change_high"]
    return pd.DataFrame(rows, columns=[*_CELL, *columns])


def candidates(compared: pd.DataFrame, predicted: pd.DataFrame) -> pd.DataFrame:
    """Every published number beside the re-runs of each method in place of its own, and of no recourse (`nobody`).

    compared: what `compare` returns. predicted: what `predict` returns.

    Columns: those of `_KEY`, our_metric and published; candidate (method); reruns; low, high, change_low, change_high
    (wider by the published rounding; a change is the difference of two rounded numbers); inside (is the published
    number? on real data its change too); nothing (is what there is without recourse inside too, or not to be told from
    the published number?); within_tolerance (is the mean over the re-runs?).
    """
    nobody = predicted[predicted["phase"] == "before"].assign(method=NOBODY, phase="after")
    nobody = nobody.assign(start=nobody["mean"], change_low=0.0, change_high=0.0)
    theirs = pd.concat([predicted, nobody]).rename(columns={"method": "candidate"})
    table = compared.merge(theirs, on=[name for name in _CELL if name != "method"])
    by_change = (table["change_from"] == "before") & (table["exhibit"] == "real")
    table[["change_low", "change_high"]] = table[["change_low", "change_high"]].where(by_change)
    level, change = table["half_digit"] + _ROUNDING, 2 * table["half_digit"] + _ROUNDING
    table["within_tolerance"] = (table["mean"] - table["published"]).abs() <= table["allowed"] + _ROUNDING
    table = table.assign(low=table["low"] - level, high=table["high"] + level)
    table = table.assign(change_low=table["change_low"] - change, change_high=table["change_high"] + change)

    def inside(value: pd.Series | float, what: str = "") -> pd.Series:
        return (table[f"{what}low"] <= value) & (value <= table[f"{what}high"])

    unmoved = inside(table["start"]) | ((table["published"] - table["start"]).abs() <= level)
    unchanged = inside(0.0, "change_") | (table["change_published"].abs() <= change)
    table["inside"] = inside(table["published"]) & (inside(table["change_published"], "change_") | ~by_change)
    table["nothing"] = unmoved & (unchanged | ~by_change)
    return table[
        [*_KEY, "our_metric", "published", "candidate", *_FROM_RERUNS, "inside", "nothing", "within_tolerance"]
    ]


def judge(compared: pd.DataFrame, candidates: pd.DataFrame, least: Mapping[str, int]) -> pd.DataFrame:
    """What `compare` returns, with the verdict of the re-runs; numbers to 6 decimals.

    candidates: what `candidates` returns. least: exhibit -> how many re-runs it takes for a verdict.

    Columns more: reruns, low, high, change_low, change_high, verdict, reason.
    """
    own = candidates[candidates["candidate"] == candidates["method"]]
    table = compared.merge(own[[*_KEY, *_FROM_RERUNS, "inside", "nothing"]], on=_KEY, how="left")
    few = ~(table["reruns"] >= table["exhibit"].map(least))
    verdicts = [few, table["inside"].ne(True), table["nothing"].eq(True)]
    table["verdict"] = np.select(verdicts, ["undecided", "inconsistent", "cannot tell"], "consistent")
    table["reason"] = [_reason(row, least) for row in table.to_dict("records")]
    columns = [*_COLUMNS[: _COLUMNS.index("allowed")], *_FROM_RERUNS, "verdict", "reason"]
    return table[[*columns, *_COLUMNS[_COLUMNS.index("allowed") :]]].round(6)


def _reason(row: Mapping[str, Any], least: Mapping[str, int]) -> str:
    if row["verdict"] == "undecided":
        if row["rule"].startswith("not measured"):
            return row["rule"]
        made = 0 if np.isnan(row["reruns"]) else int(row["reruns"])
        return f"{made} re-runs have this number; it takes {least[row['exhibit']]}"
    tests = {"level": (row["published"], row["low"], row["high"])}
    if not np.isnan(row["change_low"]):
        tests["change"] = (row["change_published"], row["change_low"], row["change_high"])
    said = [
        f"{what} {value:.4f} is {'inside' if low <= value <= high else 'outside'} [{low:z.4f}, {high:z.4f}]"
        for what, (value, low, high) in tests.items()
    ]
    return "; ".join(said)
