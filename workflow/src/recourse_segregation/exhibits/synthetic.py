"""The synthetic population: where each method sends people, and the numbers of seed 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import contracts, names
from ..comparison import CLASSIFIERS
from ..contracts import DEFAULT
from ._figures import DARK, LIGHT, MARKERS, MIDDLE, WARM, WIDTH, legend, marker, theme, wrapped
from ._run import Run, ordered
from ._tables import across, note, number, tables

SYNTHETIC = "synthetic"
_METRICS = (
    *("centralization_released", "atkinson_released", "average_proximity"),
    *("found", "invalidation", "cost", "cost_gap", "ynn"),
)


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
    own = own[own["scope"] == np.where(own["metric"].isin(names.QUALITY), "recipients", "everyone")]
    published = run.comparison[run.comparison["exhibit"] == SYNTHETIC][["method", "our_metric", "published"]]
    published = published.rename(columns={"our_metric": "metric"})
    beside = own.merge(published.astype({"method": own["method"].dtype}), how="left", on=["method", "metric"])
    return beside.rename(columns={"value": "ours"})[["method", "metric", "ours", "published", "note"]]


@theme()
def figure(people: pd.DataFrame) -> Figure | None:
    """Where everyone stands before and after each method, a panel each.

    people: what `people` returns; None if it is empty. Filled markers are the people who are rejected before, in every
    panel.
    """
    if people.empty:
        return None
    titles, groups = list(dict.fromkeys(people["panel"])), sorted(people["group"].unique())
    features = list(people.columns[3:5])
    fills = dict(zip(groups, (WARM, DARK, LIGHT, MIDDLE), strict=False))
    edges = dict(zip(groups, ("#9a5f00", "#061a2b", MIDDLE, "black"), strict=False))
    markers = dict(zip(groups, MARKERS, strict=False))
    columns = min(4, len(titles))
    figure, axes = wrapped(len(titles), columns, WIDTH / columns, 3.3, 0.6, sharex=True, sharey=True)
    for axis, title in zip(axes.flat, titles, strict=False):
        here = people[people["panel"] == title]
        for roles in (["accepted"], ["declined", "unresolved"], ["to move", "moved"]):
            for group in groups:
                look = {"marker": markers[group], "edgecolor": edges[group], "linewidth": 0.6}
                if "accepted" in roles:
                    look |= {"s": 20, "facecolor": "none", "alpha": 0.55}
                elif "declined" in roles:
                    look = {"s": 20, "marker": "x", "color": edges[group], "linewidth": 0.9}
                else:
                    # the first group is drawn larger, so that it shows where both are sent to one point
                    look |= {"s": 46 if group == groups[0] else 20, "facecolor": fills[group], "alpha": 0.9}
                some = here[(here["group"] == group) & here["role"].isin(roles)]
                axis.scatter(some[features[0]], some[features[1]], rasterized=True, **look)
        axis.set_title(title, fontsize=11)
        axis.tick_params(labelbottom=True)
    for axis in axes[-1]:
        axis.set_xlabel(f"{features[0]}, scaled")
    for axis in axes[:, 0]:
        axis.set_ylabel(f"{features[1]}, scaled")
    handles = []
    for g in groups:
        handles.append(marker(markers[g], f"{g}, accepted before", "none", edges[g]))
        handles.append(marker(markers[g], f"{g}, rejected before (moved, in the panels after)", fills[g], edges[g]))
    if people["role"].isin(["declined", "unresolved"]).any():
        handles.append(marker("x", "rejected and not moved", "black", "black"))
    return legend(figure, handles, columns=-(-len(handles) // 2))  # a column a group


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
