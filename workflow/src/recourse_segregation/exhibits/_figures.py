"""What figures share: readable in grey print, legends beside the data.

Marker and lightness carry the meaning; colour only helps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from .. import names

DARK, MIDDLE, LIGHT, WARM = "#12395b", "#6b7f92", "#e9ecef", "#e9a23b"
MARKERS = ("o", "^", "s", "D")
WIDTH = 13  # inches; a page shows it at 84 pixels an inch


def multiples(
    table: pd.DataFrame,
    draw: Callable[[Axes, pd.DataFrame, str, list[str]], None],
    row: float = 0.28,
    line: float = 1.2,
    room: float = 0.9,
    mixed: bool = False,
    fontsize: int = 11,
) -> Figure:
    """Small panels, populations down and metrics across; `draw(axis, rows, metric, methods)` fills each.

    Methods are under their display names, down the y axis if a panel has a row for each. row, line, room: inches of
    such a row (0 for none), of what a line of panels has besides, and of the legend. mixed: the panels of indices are
    about their change, beside levels of other metrics.
    """
    table = table.assign(method=table["method"].map(names.method))
    metrics, methods = values(table, "metric"), values(table, "method")
    cells = by_cell(table)
    with theme():
        figure = new_figure(WIDTH, len(cells) * (row * len(methods) + line) + room)
        axes = figure.subplots(len(cells), len(metrics), sharey=row > 0, squeeze=False)
        for panels, (cell, rows) in zip(axes, cells, strict=True):
            panels[0].set_ylabel(cell.replace(" by ", "\nby ") if mixed else cell, fontweight="bold")
            for axis, metric in zip(panels, metrics, strict=True):
                axis.set_title(names.quantity(metric) if mixed else names.metric(metric).label, fontsize=fontsize)
                draw(axis, rows[rows["metric"] == metric], metric, methods)
                if row:
                    rows_of(axis, methods)
    return figure


def wrapped(panels: int, columns: int, width: float, height: float, room: float, **shared: bool) -> tuple[Figure, Any]:
    """An empty figure and its panels, in lines of at most so many columns.

    width, height: of a panel, in inches. room: of the legend. shared: `sharex`, `sharey`.
    """
    lines = -(-panels // columns)
    figure = new_figure(width * columns, height * lines + room)
    axes = figure.subplots(lines, columns, squeeze=False, **shared)
    for axis in axes.flat[panels:]:
        axis.set_visible(False)
    return figure, axes


def values(table: pd.DataFrame, column: str) -> list:
    """What there is in a column, in the order of its categories."""
    return list(table[column].drop_duplicates().sort_values())


def points(axis: Axes, rows: pd.DataFrame, x: str, y: str, order: Sequence[str]) -> None:
    """Each seed as an open circle, the mean as a diamond with its standard error."""
    several = rows["seed"].nunique() > 1
    shown = rows.dropna(subset=[x])
    if several:
        place = shown[y].map({name: i for i, name in enumerate(order)})
        axis.scatter(shown[x], place, s=25, facecolor="none", edgecolor=MIDDLE, linewidth=0.9, alpha=0.8, zorder=2)
    means = shown.groupby(y)[x].agg(["mean", "sem"]).reindex(order)
    half = means["sem"].fillna(0.0)
    diamonds(axis, means["mean"], means["mean"] - half, means["mean"] + half)
    undefined(axis, means["mean"])
    axis.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))


def intervals(axis: Axes, table: pd.DataFrame, methods: Sequence[str]) -> None:
    """The mean change of each method with its 95 % interval; a filled diamond is significant after Holm.

    table: method, change, low, high, significant (see `statistics.summarise`).
    """
    rows = table.set_index("method").reindex(methods)
    diamonds(axis, rows["change"], rows["low"], rows["high"], rows["significant"].eq(True).to_numpy())
    undefined(axis, rows["change"])


def diamonds(
    axis: Axes,
    middle: pd.Series,
    low: pd.Series,
    high: pd.Series,
    filled: np.ndarray | bool = True,
    shift: float = 0.0,
    color: str = DARK,
) -> None:
    """A row each, from the top: a diamond, and a line from low to high.

    shift: down by this share of a row.
    """
    place = np.arange(len(middle)) + shift
    axis.hlines(place, low, high, color=color, linewidth=2, zorder=3)
    face = np.where(np.broadcast_to(filled, len(middle)), color, "white")
    axis.scatter(middle, place, s=30, marker="D", facecolor=face, edgecolor=color, linewidth=1.2, zorder=4)


def undefined(axis: Axes, values: pd.Series) -> None:
    """Say in which rows, from the top, there is nothing to draw."""
    look = {"transform": axis.get_yaxis_transform(), "ha": "right", "va": "center", "color": "#555555"}
    for y in np.flatnonzero(values.isna()):
        axis.text(0.97, y, "not defined", **look)


def rows_of(axis: Axes, order: Sequence[str]) -> None:
    """Name the rows of a panel, the first on top."""
    axis.set_yticks(range(len(order)), order)
    axis.set_ylim(len(order) - 0.4, -0.6)


def legend(figure: Figure, handles: Sequence[Artist], title: str = "", columns: int = 3) -> Figure:
    """A legend below the panels, filled down first."""
    with theme():
        _legend(figure, handles, title, columns)
    return figure


def seeds_legend(figure: Figure, table: pd.DataFrame, *more: Line2D, title: str = "") -> Figure:
    """The legend of `points`."""
    if table["seed"].nunique() > 1:
        seeds = [marker("o", "one seed", "none", MIDDLE), marker("D", "mean ± standard error over seeds", DARK, DARK)]
    else:
        seeds = [marker("D", "the one seed of this run", DARK, DARK)]
    handles = [*seeds, *more]
    _legend(figure, handles, title, len(handles))
    return figure


def by_cell(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each population and classifier, with a title in two lines."""
    return [
        (f"{names.population(population)}\n{names.classifier(classifier)}", rows)
        for (population, classifier), rows in table.groupby(["population", "classifier"])
    ]


def per_dataset(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of the populations of each data set (`gmc` of `gmc-age`): what fits into one figure."""
    return list(table.groupby(table["population"].astype("str").str.partition("-")[0], sort=False))


def marker(marker: str, label: str, face: str, edge: str) -> Line2D:
    look = {"markerfacecolor": face, "markeredgecolor": edge, "markersize": 6}
    return Line2D([], [], linestyle="none", marker=marker, label=label, **look)


def nice_below(value: float) -> float:
    """The largest of 1, 1.5, 2, 3, 4, 5, 6, 8, times a power of ten, that is not above a positive value."""
    power = 10.0 ** np.floor(np.log10(value))
    return power * max(n for n in (1, 1.5, 2, 3, 4, 5, 6, 8) if n <= value / power * (1 + 1e-9))


def few_ticks(axis: Axes) -> None:
    """Two or three short labels, for a narrow panel."""
    axis.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def share_axis(axis: Axes) -> None:
    axis.set_xlim(-0.08, 1.08)
    axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])


def new_figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1, w_pad=0.06)
    return figure


def theme():
    style = {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("notebook", font_scale=0.8),
        "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters everywhere
    }
    return matplotlib.rc_context(style)


def _legend(figure: Figure, handles: Sequence[Artist], title: str, columns: int) -> None:
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, title=title or None)
