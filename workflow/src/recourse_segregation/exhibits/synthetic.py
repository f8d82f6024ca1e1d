"""The synthetic population: where each method sends people, and the numbers of seed 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import contracts, names
from ..comparison import CLASSIFIERS
from ..contracts import DEFAULT
from ._figures import DARK, MIDDLE, WARM, WIDTH, legend, new_figure, theme
from ._run import Run, ordered
from ._tables import across, note, number, tables

SYNTHETIC = "synthetic"
_INDICES = ("centralization_released", "atkinson_released", "average_proximity")
_METRICS = (*_INDICES, "found", "invalidation", "cost", "cost_gap", "ynn", "ynn_released")

_LEFT, _REJECTED = "rejected and not moved", "rejected before (moved, in the panels after)"
_ROLES = {"accepted": "accepted before", "declined": _LEFT, "unresolved": _LEFT, "to move": _REJECTED}
_ROLES["moved"] = _REJECTED
#: of the groups: the first is drawn larger, so that it shows where both are sent to one point
_LOOKS = ((WARM, "o", 46), (DARK, "^", 20), (MIDDLE, "s", 20), ("black", "D", 20))


def _measures(run: Run) -> pd.DataFrame:
    m = run.measures
    return m[(m["population"] == SYNTHETIC) & (m["classifier"] == CLASSIFIERS[SYNTHETIC])]


def people(run: Run) -> pd.DataFrame:
    """Where everyone of seed 0 stands before and after each method: panel, group, role, and the two features.

    role: accepted, to move (before); accepted, moved, declined, unresolved (after). Empty if the run has no
    synthetic population.
    """
    own = _measures(run)
    if own.empty:
        return pd.DataFrame(columns=["panel", "group", "role", "x1", "x2"])
    block = run.first_block(SYNTHETIC)
    before = contracts.people(contracts.read(block / "population.parquet", "population"))[0].training_part()
    wanted = ["panel", "group", "role", *before.encoding.mutable_columns]
    panels = []
    for method in own.loc[own["phase"] == "after", "method"].unique():
        path = block / CLASSIFIERS[SYNTHETIC] / method / "after.parquet"
        after = contracts.read(path, "after")
        after = after[(after["seed"] == 0) & (after["scenario"] == DEFAULT)]
        if not panels:
            kept = set(after.loc[after["status"] == "accepted", "individual"])
            role = np.where(before.table["individual"].isin(kept), "accepted", "to move")
            panels.append(before.table.assign(panel=f"Before: {int((role == 'to move').sum())} rejected", role=role))
        moved = int((after["status"] == "moved").sum())
        panels.append(after.assign(panel=f"{names.method(method)}: {moved} moved", role=after["status"]))
    return pd.concat(panels, ignore_index=True)[wanted]


def table(run: Run) -> pd.DataFrame:
    """Seed 0 beside the published numbers: columns method, metric, ours, published, note.

    Method `none` is before recourse.
    """
    own = _measures(run)
    own = own[(own["seed"] == 0) & own["metric"].isin(_METRICS)]
    own = own[own["scope"] == np.where(own["metric"].isin(_INDICES), "everyone", "recipients")]
    published = run.comparison[run.comparison["exhibit"] == SYNTHETIC][["method", "our_metric", "published"]]
    published = published.rename(columns={"our_metric": "metric"})
    beside = own.merge(published.astype({"method": own["method"].dtype}), how="left", on=["method", "metric"])
    return beside.rename(columns={"value": "ours"})[["method", "metric", "ours", "published", "note"]]


def figure(people: pd.DataFrame) -> Figure | None:
    """Where everyone stands before and after each method, a panel each: what `people` returns; None if it is empty.

    Filled markers are the people who are rejected before, in every panel.
    """
    if people.empty:
        return None
    people = people.assign(role=people["role"].map(_ROLES))
    looks = dict(zip(sorted(people["group"].unique()), _LOOKS, strict=False))
    panels, (x, y) = list(people.groupby("panel", sort=False)), people.columns[3:5]
    lines = -(-len(panels) // 4)
    with theme():
        figure = new_figure(WIDTH, 3.3 * lines + 0.6)
        axes = figure.subplots(lines, 4, squeeze=False, sharex=True, sharey=True)
        for axis, (title, here) in zip(axes.flat, panels, strict=False):
            for (role, group), some in here.groupby(["role", "group"]):
                color, shape, size = looks[group]
                look = {"marker": "X" if role == _LEFT else shape, "facecolor": "none", "edgecolor": color, "s": 20}
                if role == _REJECTED:
                    look |= {"facecolor": color, "edgecolor": "black", "s": size}
                axis.scatter(some[x], some[y], linewidth=0.6, rasterized=True, label=f"{group}, {role}", **look)
            axis.set(title=title, xlabel=f"{x}, scaled", ylabel=f"{y}, scaled")
            axis.label_outer()
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        legend(figure, axes, columns=2)
    return figure


def show(table: pd.DataFrame) -> Any:
    """`table`, a row a method: ours, and the published number in parentheses; None if it is empty."""
    if table.empty:
        return None

    def text(row: Any) -> str:
        ours = number(row.ours) + note(row.note if np.isnan(row.ours) else "")
        return ours if np.isnan(row.published) else f"{ours} ({number(row.published)})"

    texts = across(
        ordered(table, metric=_METRICS), ["method"], "metric", text, lambda m: names.metric(m).label, empty=""
    )
    return tables(texts)
