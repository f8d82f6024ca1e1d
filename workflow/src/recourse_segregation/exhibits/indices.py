"""Which index should one report? What each sees of changes whose answer is known, and of the methods, near and far.

An index is asked four things, of everyone in training: does it tell the groups from shuffled ones, does it call it less
segregated when everybody takes the place of somebody of the other group, does it rank that before sending everybody to
one point, and of how many methods does it say more than of the same moves with shuffled groups?
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import names
from ..measure import PROFILE
from . import controls, segregation
from ._figures import DARK, LIGHT, MIDDLE, WARM, multiples
from ._run import Run, ordered
from ._tables import POPULATION, listed, number, sentence, tables

#: not the mirror image of isolation, nor what is there for the published numbers only
SHOWN = tuple(name for name in names.INDICES if name not in ("exposure", "centralization_released"))
#: an index that changes at least so much with shuffled groups, beside the real ones, reports movement
BLIND = 0.5
_LINES = {"swap_in": (DARK, "-"), "collapse": (WARM, "--")}


def detection(seeds: pd.DataFrame) -> pd.DataFrame:
    """What each index sees, a row an index; seeds: what `segregation.seeds` returns, with the real groups and shuffled.

    populations: how many. mixed: in how many of them the other group's places are less segregated. fooled: in how many
    one point is no worse. share: the size of changes with shuffled groups / with the real ones, the mean over these
    populations. cells: methods × populations. seen: in how many of them the change is another than with shuffled groups
    (95 % interval), and more: another towards segregation. report: whether it passes the first three questions.
    """
    rows = []
    calibration = controls.calibration(segregation.table(seeds))
    beside = controls.against_placebo(seeds)
    beside = beside[~beside["method"].isin(controls.CONTROLS)]
    for name in SHOWN:
        own, methods = (table[table["metric"] == name] for table in (calibration, beside))
        sign = names.metric(name).segregation
        swap, point = sign * own["swap_in"], sign * own["collapse"]
        apart = (methods["low"] > 0) | (methods["high"] < 0)
        row = {"metric": name, "populations": len(own), "mixed": (swap < 0).sum(), "fooled": (point <= swap).sum()}
        row |= {"share": own["share"].mean(), "cells": methods["change"].notna().sum(), "seen": apart.sum()}
        row |= {"more": (apart & (sign * methods["change"] > 0)).sum()}
        passes = row["share"] < BLIND and row["mixed"] == row["populations"] and not row["fooled"]
        rows.append(row | {"report": bool(passes)})
    return ordered(pd.DataFrame(rows), metric=SHOWN)


def answer(detection: pd.DataFrame) -> Any:
    """Which index to report, in words: of those that pass, the one that sees most (of equals, groups most clearly)."""
    best = detection.sort_values(["seen", "share"], ascending=[False, True], kind="stable")
    good = best.loc[best["report"], "metric"]
    blind, wrong = detection[detection["share"] >= BLIND], detection[detection["mixed"] < detection["populations"]]
    fooled = detection[detection["fooled"] > 0]
    said = ["No index passes all three questions."]
    if len(good):
        first = best[best["report"]].iloc[0]
        most = f"it sees most, in {first['seen']} of {first['cells']} methods × populations"
        few = "it tells the groups best from shuffled ones (too few seeds to say which sees most methods)"
        said = [f"Report {_listed(good[:1])}: no control misleads it, and {most if first['seen'] else few}."]
    if len(good) > 1:
        said.append(f"No control misleads {_listed(good[1:])} either.")
    if len(blind):
        said.append(
            f"Do not judge by {_listed(blind['metric'])}: with shuffled groups they change at least half as much."
        )
    if len(wrong):
        said.append(f"Not everywhere less segregated in the other group's places: {_listed(wrong['metric'])}.")
    if len(fooled):
        said.append(f"Sending everybody to one point is no worse than that for {_listed(fooled['metric'])}.")
    return sentence(" ".join(said))


def show_detection(detection: pd.DataFrame) -> Any:
    """`detection`, a row an index."""

    def row(row: Any) -> dict[str, str]:
        return {
            "metric": row.metric,
            "Shuffled /\nreal": "–" if np.isnan(row.share) else f"{row.share:.0%}",
            "Other group's places:\nless segregated": f"{row.mixed} of {row.populations}",
            "One point\nno worse": f"{row.fooled} of {row.populations}",
            "Methods seen": f"{row.seen} of {row.cells}",
            "of these more\nsegregated": str(row.more),
            "Report": "**yes**" if row.report else "no",
        }

    return listed(detection, row)


def profile(run: Run) -> pd.DataFrame:
    """The change of the excess of each index of local environments, from near to far: k = 5 … 500 neighbours.

    Columns: population, classifier, method, metric, k, before, change, low, high, note.
    """
    measured = run.measures["metric"].astype("str")
    found = measured.str.extract(rf"^({'|'.join(PROFILE)})_k(\d+)_excess$").dropna().astype({1: "int64"})
    listed = measured.loc[found.sort_values([0, 1]).index].unique().tolist()
    table = segregation.table(segregation.seeds(run, "everyone", listed))
    parts = table["metric"].astype("str").str.extract(r"^(\w+)_k(\d+)_excess$")
    table = table.assign(metric=parts[0], k=parts[1].astype("int64"), note=table["missing"])
    table = ordered(table, metric=PROFILE).sort_values([*POPULATION, "metric", "method", "k"])
    return table[[*POPULATION, "method", "metric", "k", "before", "change", "low", "high", "note"]]


def figure(profile: pd.DataFrame) -> Figure:
    """The change of the excess against k, a line a method; the shaded side is the more segregated one."""

    def draw(axis: Axes, rows: pd.DataFrame, metric: str) -> None:
        for method, own in rows.groupby("method"):
            color, style = _LINES.get(method, (MIDDLE, "-"))
            label = names.method(method) if method in _LINES else "the methods"
            axis.plot(own["k"], own["change"], style, color=color, marker="o", markersize=3, label=label)
        reach = 1.1 * max(rows["change"].abs().max(), 1e-9)
        axis.set(xscale="log", ylim=(-reach, reach), xlabel="neighbours k")
        axis.set_xticks(rows["k"].unique(), rows["k"].unique())
        axis.minorticks_off()
        axis.axhspan(0, reach, color=LIGHT, zorder=0, label="more segregated")

    moved = profile[profile["method"] != "nobody"].dropna(subset=["change"])
    return multiples(moved, draw, label=lambda name: names.metric(name).label, height=2.2)


def show_profile(profile: pd.DataFrame, metrics: Sequence[str] = PROFILE) -> Any:
    """`profile` of some indices, a table a population: before, and the change for each method, k across."""
    rows = profile[profile["metric"].isin(metrics)]
    before = rows.drop_duplicates([*POPULATION, "metric", "k"]).assign(method="none", change=lambda t: t["before"])
    table = pd.concat([before, rows.astype({"method": "str"})])
    texts = [number(row.change, sign=row.method != "none") for row in table.itertuples()]
    table = table.assign(text=texts, method=pd.Categorical(table["method"], table["method"].unique(), ordered=True))
    wide = table.pivot(index=[*POPULATION, "metric", "method"], columns="k", values="text").sort_index()
    return tables(wide.rename(columns="k = {}".format).reset_index(), POPULATION, blank=["metric"])


def _listed(metrics: pd.Series) -> str:
    return ", ".join(map(names.in_line, metrics))
