"""What figures share: readable in grey print, legends beside the data.

Marker and lightness carry the meaning; colour only helps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from .. import names
from ..comparison import mean_and_error

DARK, MIDDLE, LIGHT, WARM = "#12395b", "#6b7f92", "#e9ecef", "#e9a23b"
MARKERS = ("o", "^", "s", "D")
WIDTH = 13  # inches; a page shows it at 84 pixels an inch


def dots(table: pd.DataFrame, value: str, finish: Callable[[Axes, pd.DataFrame, str], None]) -> Figure:
    """Dot plots, cells down, metrics across, methods on the y axis; `finish(axis, rows, metric)` for each."""
    with theme():
        figure, panels, methods = grid(table, 0.28)
        shown = [names.method(m) for m in methods]
        for axis, rows, metric in panels:
            points(axis, rows.assign(method=rows["method"].map(names.method)), value, "method", shown)
            finish(axis, rows, metric)
    return figure


def grid(table: pd.DataFrame, row_height: float) -> tuple[Figure, list[tuple[Axes, pd.DataFrame, str]], list[str]]:
    """An empty figure, cells down and metrics across: its panels with their rows and metric, and the methods.

    row_height: of a method, in inches.
    """
    cells, metrics, methods = by_cell(table), *(list(dict.fromkeys(table[c])) for c in ("metric", "method"))
    figure = new_figure(WIDTH, len(cells) * (row_height * len(methods) + 1.2) + 0.9)
    axes = figure.subplots(len(cells), len(metrics), sharey=True, squeeze=False)
    panels = []
    for line, (cell, rows) in zip(axes, cells, strict=True):
        line[0].set_ylabel(cell, fontweight="bold")
        for axis, metric in zip(line, metrics, strict=True):
            axis.set_title(names.metric(metric).label, fontsize=11)
            panels.append((axis, rows[rows["metric"] == metric], metric))
    return figure, panels, methods


def points(axis: Axes, rows: pd.DataFrame, x: str, y: str, order: Sequence[str]) -> None:
    """Each seed as an open circle, the mean as a diamond with its standard error."""
    several = rows["seed"].nunique() > 1
    shown = rows.dropna(subset=[x])
    if several:
        place = shown[y].map({name: i for i, name in enumerate(order)})
        axis.scatter(shown[x], place, s=25, facecolor="none", edgecolor=MIDDLE, linewidth=0.9, alpha=0.8, zorder=2)
    summary = {name: (*mean_and_error(part[x]), True) for name, part in shown.groupby(y, sort=False)}
    means = pd.DataFrame(summary, index=["mean", "error", "filled"]).T.reindex(order)
    half = means["error"].fillna(0.0)
    diamonds(axis, means["mean"], means["mean"] - half, means["mean"] + half)
    undefined(axis, means["mean"])
    rows_of(axis, order)
    axis.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))


def intervals(axis: Axes, table: pd.DataFrame, y: str, order: Sequence[str]) -> None:
    """The mean change of each row with its 95 % interval; a filled diamond is significant after Holm.

    table: y, change, low, high, significant (see `statistics.summarise`).
    """
    rows = table.set_index(y).reindex(order)
    filled = rows["significant"].eq(True).to_numpy()
    diamonds(axis, rows["change"], rows["low"], rows["high"], filled)
    undefined(axis, rows["change"])
    rows_of(axis, order)


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


def legend(figure: Figure, table: pd.DataFrame, *more: Line2D, title: str = "") -> Figure:
    """The legend of `points`, below the panels."""
    if table["seed"].nunique() > 1:
        seeds = [
            marker("o", "one seed", "none", MIDDLE),
            marker("D", "mean ± standard error over seeds", DARK, DARK),
        ]
    else:
        seeds = [marker("D", "the one seed of this run", DARK, DARK)]
    handles = [*seeds, *more]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, title=title or None)
    return figure


def by_cell(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each population and classifier, with a title in two lines."""
    return [
        (f"{names.population(population)}\n{names.classifier(classifier)}", rows)
        for (population, classifier), rows in table.groupby(["population", "classifier"], sort=False)
    ]


def per_dataset(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of the populations of each data set (`gmc` of `gmc-age`): what fits into one figure."""
    return list(table.groupby(table["population"].str.partition("-")[0], sort=False))


def marker(marker: str, label: str, face: str, edge: str) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markerfacecolor=face,
        markeredgecolor=edge,
        markersize=6,
        label=label,
    )


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
