"""Pictures and tables of `theory`, and minimum-cost recourse for the synthetic population beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from .. import names
from ..data.synthetic import DATASET
from ..population import prepare
from ..seeds import numpy_generator
from ..theory import DIRECTIONS, WORLD, draw, measured, project, recourse
from ._figures import DARK, MIDDLE, WARM, WIDTH, legend, new_figure, theme
from ._tables import number, p_value, tables

_LABELS = {
    "mean_0": "Mean depth,\nfirst group",
    "mean_1": "Mean depth,\nsecond group",
    "square_0": "Mean square,\nfirst group",
    "square_1": "Mean square,\nsecond group",
    "within_0": "Proximity within\nthe first group",
    "within_1": "Proximity within\nthe second group",
    "between": "Proximity\nbetween them",
    "distance": "Distance of the means",
    "separation": "Standardized separation",
    "average_proximity": "Average proximity",
    "spatial_proximity": "Spatial proximity",
}
_LOOKS = {"beside": (DARK, "-"), "above": (WARM, "--"), "below": (MIDDLE, ":")}
#: the panels in which the curve that falls furthest would hide the others
_LIMITS = {"separation": (-1.5, 0.8), "spatial_proximity": (-0.08, 0.04)}


def figure(curves: pd.DataFrame) -> Figure:
    """A sketch of each direction in which the second group can stand, and `theory.curves` below them."""
    with theme():
        figure = new_figure(WIDTH, 8.2)
        axes = list(figure.subplot_mosaic("AAAABBBBCCCC;DDDEEEFFFGGG").values())
        for axis, direction in zip(axes, DIRECTIONS, strict=False):
            _sketch(axis, direction, numpy_generator(0, "theory", "sketch", direction))
        for axis, (name, rows) in zip(axes[3:], curves.groupby("statistic", sort=False), strict=True):
            _curve(axis, rows, name)
        legend(figure, np.array(axes))
    return figure


def _sketch(axis: Axes, direction: str, generator: np.random.Generator) -> None:
    """Both groups, 3 apart, after recourse, and where the rejected came from; the depth is upwards."""
    groups = DIRECTIONS[direction](3.0)
    for group, (name, shape, colour) in enumerate((("first", "o", WARM), ("second", "D", DARK))):
        before = draw(groups, group, 70, generator)
        rejected = before[before[:, 0] < 0]
        axis.vlines(rejected[:, 1], rejected[:, 0], 0, color=colour, linewidth=0.6, alpha=0.5)
        look = {"s": 18, "marker": shape, "edgecolor": colour, "linewidth": 0.7}
        for points, when, face in ((rejected, "rejected", "none"), (recourse(before), "after", colour)):
            axis.scatter(points[:, 1], points[:, 0], facecolor=face, label=f"{name} group, {when}", **look)
    axis.axhline(0, color="black", linewidth=1.2, zorder=1)
    axis.set(xlim=(-3, 5.5), ylim=(-5, 6.5), title=f"The second group {direction} the first")
    axis.set(xlabel="along the boundary", ylabel="depth: accepted above 0, rejected below")


def _curve(axis: Axes, rows: pd.DataFrame, name: str) -> None:
    """The change of one statistic against the separation, a line a direction."""
    axis.axhline(0, color="black", linewidth=1, zorder=1)
    for direction, part in rows.groupby("direction", sort=False):
        color, style = _LOOKS[direction]
        look = {"color": color, "linestyle": style, "linewidth": 2, "label": f"second group {direction} the first"}
        axis.plot(part["separation"], part["change"], **look)
    axis.set(title=_LABELS[name], xlabel="distance of the means before")
    axis.set_ylabel("change by recourse")
    if name in _LIMITS:
        axis.set_ylim(*_LIMITS[name])
        lowest = f"falls to {number(rows['change'].min(), digits=2)}"
        axis.text(0.97, 0.04, lowest, transform=axis.transAxes, ha="right", color=MIDDLE, backgroundcolor="white")


def show_check(tests: pd.DataFrame, table: pd.DataFrame) -> Any:
    """`theory.check`, a row a world: the test; each moment after recourse by formula, with z of the simulation."""
    rows = []
    after = table[table["phase"] == "after"].groupby(list(WORLD), sort=False)
    for test, (world, part) in zip(tests.itertuples(), after, strict=True):
        depth_0, depth_1, side, spread, dimensions = (f"{value:g}".replace("-", "−") for value in world)
        cells = {"Depths": f"{depth_0} and {depth_1}", "Side": side, "Spread": spread, "Dimensions": dimensions}
        cells["F"] = f"{number(test.f, digits=2)}\n({test.tested}, {test.runs - test.tested})"
        cells |= {"p": p_value(test.p), "p, Holm": p_value(test.p_holm)}
        for row in part[part["moment"] != "side"].itertuples():
            cells[_LABELS[row.moment]] = f"{number(row.formula)}\nz {number(row.z, digits=1, sign=True)}"
        rows.append(cells)
    return tables(pd.DataFrame(rows))


def show_indices(indices: pd.DataFrame) -> Any:
    """`theory.indices`, a row a case: measured before → after, and the formulas below in brackets."""
    rows = []
    for case, part in indices.groupby("case", sort=False):
        cells = {"World": case}
        for row in part.itertuples():
            low, high = row.formula_lowest, row.formula_highest
            bound = number(low) if low == high else f"≥ {number(low)}" if high == 1 else f"≤ {number(high)}"
            after = bound if np.isnan(row.formula_after) else number(row.formula_after)
            cells[names.metric(row.index).label] = f"{_change(row)}\n[{number(row.formula_before)} → {after}]"
        rows.append(cells)
    return tables(pd.DataFrame(rows))


def synthetic() -> pd.DataFrame:
    """Minimum-cost recourse for the training part of the synthetic population, over Fisher's linear discriminant.

    It is taken without and with the sex among the features; with it the boundaries of the sexes are parallel, and
    `offset` apart. Columns: sex (is it among the features), rejected, depth_gap and side_gap (between the means of the
    rejected men and women before recourse), offset, index, before, after.
    """
    people = prepare("synthetic", DATASET, "sex", 0, rows=10_000, test_share=0.25).training_part()
    places, minority = people.table[list(people.encoding.mutable_columns)].to_numpy(), people.minority
    parts = {}
    for known in (False, True):
        features = np.column_stack([places, minority]) if known else places
        # equal priors: the boundary is half-way between the means of the two labels
        discriminant = LinearDiscriminantAnalysis(priors=[0.5, 0.5]).fit(features, people.labels)
        normal, of_sex = np.split(discriminant.coef_[0], [2])
        thresholds = -discriminant.intercept_ - features[:, 2:] @ of_sex
        rejected = places @ normal < thresholds
        gap = places[rejected & minority].mean(axis=0) - places[rejected & ~minority].mean(axis=0)
        length = np.linalg.norm(normal)
        depth = abs(gap @ normal) / length
        world = (known, rejected.sum(), depth, np.sqrt(gap @ gap - depth**2), np.ptp(thresholds) / length)
        parts[world] = measured(places, project(places, normal, thresholds), minority)
    return pd.concat(parts, names=["sex", "rejected", "depth_gap", "side_gap", "offset", "index"]).reset_index()


def show_synthetic(synthetic: pd.DataFrame) -> Any:
    """`synthetic`, a row a boundary."""
    rows = []
    for known, part in synthetic.groupby("sex", sort=False):
        one = part.iloc[0]
        cells = {
            "The boundary": "differs by sex" if known else "is the same for both sexes",
            "Rejected": f"{one['rejected']}",
            "Their gap in depth": number(one["depth_gap"]),
            "and along the boundary": number(one["side_gap"]),
            "Boundaries apart": number(one["offset"]),
        }
        rows.append(cells | {names.metric(row.index).label: _change(row) for row in part.itertuples()})
    return tables(pd.DataFrame(rows))


def _change(row: Any) -> str:
    return f"{number(row.before)} → {number(row.after)}"
