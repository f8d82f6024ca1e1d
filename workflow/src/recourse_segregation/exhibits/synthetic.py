"""The synthetic population: where each method sends people, and the numbers of seed 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import contracts, names
from ..comparison import CLASSIFIERS
from ._figures import DARK, LIGHT, MARKERS, MIDDLE, WARM, WIDTH, marker, new_figure, theme
from ._layout import Footnotes, Layout, Markup, number, tables
from ._run import Run

SYNTHETIC = "synthetic"
_METRICS = (
    *("centralization_released", "atkinson_released", "average_proximity"),
    *("found", "invalidation", "cost", "cost_gap", "ynn"),
)


def _is_synthetic(measures: pd.DataFrame) -> pd.Series:
    return (measures["population"] == SYNTHETIC) & (measures["classifier"] == CLASSIFIERS[SYNTHETIC])


def people(run: Run) -> pd.DataFrame:
    """Where everyone of seed 0 stands before and after each method: panel, group, role, and the two features.

    role: accepted, to move (before); accepted, moved, declined, unresolved (after). Empty if the run has no
    synthetic population.
    """
    own = run.measures[_is_synthetic(run.measures)]
    if own.empty:
        return pd.DataFrame(columns=["panel", "group", "role", "x1", "x2"])
    block = run.first_block(SYNTHETIC)
    before = contracts.people(contracts.read(block / "population.parquet", "population"))[0].training_part()
    columns = list(before.encoding.mutable_columns)
    panels = []
    for method in dict.fromkeys(own["method"]):
        path = block / CLASSIFIERS[SYNTHETIC] / method / "after.parquet"
        after = contracts.read(path, "after").query("seed == 0 and scenario == 'default'")
        moved = int((after["status"] == "moved").sum())
        if not panels:
            kept = set(after.loc[after["status"] == "accepted", "individual"])
            role = np.where(before.table["individual"].isin(kept), "accepted", "to move")
            title = f"Before: {int((role == 'to move').sum())} rejected"
            panels.append(before.table[["group", *columns]].assign(panel=title, role=role))
        panels.append(
            after[["group", *columns]].assign(panel=f"{names.method(method)}: {moved} moved", role=after["status"])
        )
    return pd.concat(panels, ignore_index=True)[["panel", "group", "role", *columns]]


def table(run: Run) -> pd.DataFrame:
    """Seed 0 beside the published numbers: columns method, metric, ours, published, note.

    Method `none` is before recourse.
    """
    m = run.measures
    own = m[_is_synthetic(m) & (m["seed"] == 0) & m["metric"].isin(_METRICS)]
    own = own[own["scope"] == np.where(own["metric"].isin(names.QUALITY), "recipients", "everyone")]
    before = own[own["phase"] == "before"].drop_duplicates("metric").assign(method="none")
    ours = pd.concat([before, own[(own["phase"] == "after") & (own["method"] != "none")]])
    published = run.comparison[run.comparison["exhibit"] == SYNTHETIC][["method", "our_metric", "published"]]
    beside = ours.merge(published, how="left", left_on=["method", "metric"], right_on=["method", "our_metric"])
    return beside.rename(columns={"value": "ours"})[["method", "metric", "ours", "published", "note"]]


def figure(people: pd.DataFrame) -> Figure | None:
    """Where everyone stands before and after each method, a panel each.

    people: what `people` returns; None if it is empty. Filled markers are the people who are rejected before, in every
    panel.
    """
    if people.empty:
        return None
    titles, groups = list(dict.fromkeys(people["panel"])), sorted(people["group"].unique())
    features = list(people.columns[3:5])
    columns = min(4, len(titles))
    rows = -(-len(titles) // columns)
    fills = dict(zip(groups, (WARM, DARK, LIGHT, MIDDLE), strict=False))
    edges = dict(zip(groups, ("#9a5f00", "#061a2b", MIDDLE, "black"), strict=False))
    markers = dict(zip(groups, MARKERS, strict=False))
    with theme():
        figure = new_figure(WIDTH, 3.3 * rows + 0.6)
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axis, title in zip(axes.flat, titles, strict=False):
            here = people[people["panel"] == title]
            for style in ("hollow", "cross", "filled"):
                for group in groups:
                    roles = {
                        "hollow": ["accepted"],
                        "cross": ["declined", "unresolved"],
                        "filled": ["to move", "moved"],
                    }
                    some = here[(here["group"] == group) & here["role"].isin(roles[style])]
                    look = (
                        {"marker": "x", "color": edges[group], "linewidth": 0.9}
                        if style == "cross"
                        else {
                            "marker": markers[group],
                            "facecolor": fills[group] if style == "filled" else "none",
                            "edgecolor": edges[group],
                            "linewidth": 0.6,
                            "alpha": 0.9 if style == "filled" else 0.55,
                        }
                    )
                    # the first group is drawn larger, so that it shows where both are sent to one point
                    size = 46 if group == groups[0] and style == "filled" else 20
                    axis.scatter(some[features[0]], some[features[1]], s=size, rasterized=True, **look)
            axis.set_title(title, fontsize=11)
            axis.tick_params(labelbottom=True)
        for axis in axes.flat[len(titles) :]:
            axis.set_visible(False)
        for axis in axes[-1]:
            axis.set_xlabel(f"{features[0]}, scaled")
        for axis in axes[:, 0]:
            axis.set_ylabel(f"{features[1]}, scaled")
        handles = [
            marker(markers[g], label, fill, edges[g])
            for g in groups
            for label, fill in (
                (f"{g}, accepted before", "none"),
                (f"{g}, rejected before (moved, in the panels after)", fills[g]),
            )
        ]
        if people["role"].isin(["declined", "unresolved"]).any():
            handles.append(marker("x", "rejected and not moved", "black", "black"))
        columns = -(-len(handles) // 2)  # filled down first: a column a group
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)
    return figure


def show(table: pd.DataFrame) -> Any:
    """`table`, a row a method: ours, and the published number in parentheses."""
    if table.empty:
        return None
    notes, rows = Footnotes(), []
    for method, part in table.groupby("method", sort=False):
        row = {"Method": "Before" if method == "none" else names.method(method)}
        by_metric = part.set_index("metric")
        for name in _METRICS:
            if name not in by_metric.index:
                row[names.metric(name).label] = ""
                continue
            cell = by_metric.loc[name]
            ours = notes.dash(cell["note"]) if np.isnan(cell["ours"]) else number(cell["ours"])
            published = "" if np.isnan(cell["published"]) else f" ({number(cell['published'])})"
            row[names.metric(name).label] = Markup(ours + published)
        rows.append(row)
    return tables([Layout(rows)], notes)
