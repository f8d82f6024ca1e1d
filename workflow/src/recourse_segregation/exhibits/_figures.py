"""What pictures share: small multiples with one legend, and dots with their intervals around zero.

What a panel draws with a label is in the legend, so that it says just what is there. Marker and lightness carry the
meaning, for grey print; colour only helps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .. import names

DARK, MIDDLE, LIGHT, WARM = "#12395b", "#6b7f92", "#e9ecef", "#e9a23b"
#: from less to more segregated
SHADES = sns.blend_palette(["#7fa8cc", "#ffffff", "#eeb055"], as_cmap=True)
WIDTH = 13  # inches; a page shows it at 84 pixels an inch
#: of the series of a panel: marker and colour
_SERIES = (("D", DARK), ("o", WARM))


def multiples(
    table: pd.DataFrame,
    draw: Callable[[Axes, pd.DataFrame, str], None],
    title: str = "",
    label: Callable[[str], str] = names.quantity,
    height: float = 0.0,
) -> Figure:
    """A panel for each population (down) and metric (across), which `draw(axis, rows, metric)` fills.

    Each method has a line of the panel, which is in the column `row` of what is drawn. title: of the legend. label: how
    a metric is called. height: of panels that have no line for each method, in inches.
    """
    methods, metrics = values(table, "method"), values(table, "metric")
    table = table.assign(row=[methods.index(method) for method in table["method"]])
    cells = list(table.groupby(["population", "classifier"], sort=False))
    with theme():
        figure = new_figure(WIDTH, len(cells) * ((height or 0.3 * len(methods)) + 1.2) + 1)
        axes = figure.subplots(len(cells), len(metrics), sharey=not height, squeeze=False)
        for panels, ((population, classifier), rows) in zip(axes, cells, strict=True):
            cell = f"{names.population(population)}\n{names.classifier(classifier)}"
            panels[0].set_ylabel(cell.replace(" by ", "\nby "), fontweight="bold")
            for axis, metric in zip(panels, metrics, strict=True):
                axis.set_title(label(metric), fontsize=10)
                axis.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 1.5, 2, 3, 4, 5, 6, 8, 10]))
                axis.xaxis.set_major_formatter("{x:g}")
                draw(axis, rows[rows["metric"] == metric], metric)
                if not height:
                    axis.set_yticks(range(len(methods)), map(names.method, methods))
                    axis.set_ylim(len(methods) - 0.4, -0.6)
        legend(figure, axes, title)
    return figure


def changes(table: pd.DataFrame, title: str) -> Figure:
    """The mean change of each method with its 95 % interval; the shaded side of zero is the more segregated one.

    table: population, classifier, method, metric, change, low, high, significant, and the series that a change is of if
    there are several: they are drawn below each other. A filled marker is significant after Holm.
    """
    table = table.assign(series=table.get("series", "mean"))
    series = list(table["series"].unique())

    def draw(axis: Axes, rows: pd.DataFrame, metric: str) -> None:
        for i, name in enumerate(series):
            own = rows[rows["series"] == name]
            shifted = own.assign(row=own["row"] + 0.3 * (i - (len(series) - 1) / 2))
            for significant, part in shifted.groupby("significant"):
                about = f"{name}, {'' if significant else 'not '}significant after Holm"
                dots(axis, part, "change", about, filled=significant, series=i)
        around_zero(axis, rows, metric)

    return multiples(table, draw, title)


def dots(
    axis: Axes,
    rows: pd.DataFrame,
    value: str,
    label: str,
    filled: bool = True,
    interval: str = "95 % interval of the mean over seeds",
    series: int = 0,
) -> None:
    """The value of each row, with a line from low to high; interval: what the line is."""
    shape, color = _SERIES[series]
    known, lines = rows.dropna(subset=[value]), rows.dropna(subset=["low"])
    if len(lines):
        axis.hlines(lines["row"], lines["low"], lines["high"], color=color, linewidth=2, zorder=3, label=interval)
    if len(known):
        look = {"marker": shape, "facecolor": color if filled else "white", "edgecolor": color}
        axis.scatter(known[value], known["row"], s=30, linewidth=1.2, zorder=4, label=label, **look)
    for row in rows.loc[rows[value].isna(), "row"]:
        where = {"transform": axis.get_yaxis_transform(), "ha": "right", "va": "center"}
        axis.text(0.97, row, "not defined", color="#555555", **where)


def around_zero(axis: Axes, rows: pd.DataFrame, metric: str, *columns: str) -> None:
    """Draw the zero line in the middle of a panel of changes, and shade the side of more segregation.

    columns: what must fit into the panel, by default a change and its interval.
    """
    extreme = rows[list(columns or ("change", "low", "high"))].abs().max(axis=None)
    reach = 1.2 * (extreme if extreme > 1e-9 else 1)
    axis.set_xlim(-reach, reach)
    axis.axvline(0, color="black", linewidth=1, zorder=1)
    if sign := names.metric(metric).segregation:
        axis.axvspan(0, sign * reach, color=LIGHT, zorder=0, label="more segregated")
        axis.set_xlabel("more segregated →" if sign > 0 else "← more segregated")


def legend(figure: Figure, axes: np.ndarray, title: str = "", columns: int = 4) -> None:
    """A legend below the panels of what they label, each label once."""
    found: dict[str, Any] = {}
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    look = {"loc": "outside lower center", "ncols": columns, "frameon": False, "title": title or None}
    figure.legend(found.values(), found.keys(), **look)


def values(table: pd.DataFrame, column: str) -> list:
    """What there is in a column, in the order of its categories."""
    return list(table[column].drop_duplicates().sort_values())


def per_dataset(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of the populations of each data set (`gmc` of `gmc-age`): what fits into one figure."""
    return list(table.groupby(table["population"].astype("str").str.partition("-")[0], sort=False))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure whose parts make room for each other; width and height in inches."""
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
