"""How things are called in exhibits, and their figures: readable in grey print, legends beside the data.

Marker and lightness carry the meaning; colour only helps. Every function takes a tidy table and returns a
matplotlib figure; `save` in `exhibits` writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

_METHOD_NAMES = {
    "none": "No recourse",
    "wachter": "Wachter",
    "growing_spheres": "Growing Spheres",
    "face": "FACE",
    "cchvae": "C-CHVAE",
    "cruds": "CRUDS",
    "ibr": "IBR",
    "ebr": "EBR",
}
_DATASETS = {
    "synthetic": "Synthetic",
    "gmc": "Give Me Some Credit",
    "law": "Law school",
    "german": "German credit",
    "compas": "COMPAS",
    "adult": "Adult",
}
_CLASSIFIERS = {"linear": "linear classifier", "mlp": "MLP classifier"}


@dataclass(frozen=True)
class Metric:
    """What a metric is called and how it is shown.

    axis: unit and direction. segregation: +1 if higher is more segregated, -1 if less. digits: shown after
    the point.
    """

    label: str
    axis: str = ""
    segregation: int = 0
    digits: int = 3


_METRICS = {
    "centralization": Metric("Centralization", "share of the minority", +1),
    "centralization_released": Metric("Centralization\nas released", "share of the minority", +1),
    "atkinson": Metric("Atkinson", "index, 0 to 1", +1),
    "atkinson_released": Metric("Atkinson\nas released", "index, 0 to 1", +1),
    "average_proximity": Metric("Average proximity", "mean of exp(-distance)", -1),
    "spatial_proximity": Metric("Spatial proximity", "index, 1 = unclustered", +1, digits=5),
    "found": Metric("Found", "share of the rejected\nhigher is better"),
    "invalidation": Metric("Invalidation", "share of the rejected\nlower is better"),
    "cost": Metric("Cost", "L2 distance\nlower is better"),
    "cost_gap": Metric("Cost gap", "L2 distance\nlower is better"),
    "ynn": Metric("yNN", "share of 5 neighbours\nhigher is better"),
    "closeness": Metric("Closeness", "L2 distance\nlower is closer"),
    "diversity": Metric("Diversity", "L2 distance\n0 = all at one point"),
}

INDICES = ("centralization", "centralization_released", "atkinson", "average_proximity", "spatial_proximity")
QUALITY = ("found", "invalidation", "cost", "cost_gap", "ynn", "closeness", "diversity")
_SHARES = ("found", "invalidation", "ynn")

_DARK, _MIDDLE, _LIGHT, _WARM = "#12395b", "#6b7f92", "#e9ecef", "#e9a23b"
_MARKERS = ("o", "^", "s", "D")


def method_name(name: str) -> str:
    """`cchvae` -> `C-CHVAE`; an unknown name as it is"""
    return _METHOD_NAMES.get(name, name)


def population_name(name: str) -> str:
    """`gmc-age` -> `Give Me Some Credit by age`; an unknown name as it is"""
    dataset, _, attribute = name.partition("-")
    if dataset not in _DATASETS:
        return name
    return _DATASETS[dataset] + (f" by {attribute}" if attribute else "")


def classifier_name(name: str) -> str:
    """`mlp` -> `MLP classifier`; an unknown name as it is"""
    return _CLASSIFIERS.get(name, name)


def metric(name: str) -> Metric:
    """What a metric is called; an unknown name as it is"""
    return _METRICS.get(name, Metric(name))


def changes(table: pd.DataFrame) -> Figure:
    """The change of each index after - before, paired within a seed: populations down, indices across.

    table: population, classifier, method, metric, seed, change. The shaded side is the more segregated one.
    """

    def panel(axis: Axes, rows: pd.DataFrame, name: str) -> None:
        sign = metric(name).segregation
        reach = max(rows["change"].abs().max(), 1e-4) * 1.2 if rows["change"].notna().any() else 1.0
        axis.set_xlim(-reach, reach)
        nice = _nice_below(0.8 * reach)
        axis.set_xticks([-nice, 0, nice], [f"−{nice:g}", "0", f"{nice:g}"])
        axis.axvspan(0, sign * reach, color=_LIGHT, zorder=0)
        axis.axvline(0, color="black", linewidth=1, zorder=1)
        axis.set_xlabel("more segregated →" if sign > 0 else "← more segregated")

    zero = Line2D([], [], color="black", linewidth=1, label="no change")
    return _legend(_dots(table, "change", panel), table, zero, title="change of the index, after − before recourse")


def qualities(table: pd.DataFrame) -> Figure:
    """Each quality metric of the recourse: populations down, metrics across.

    table: population, classifier, method, metric, seed, value.
    """

    def panel(axis: Axes, rows: pd.DataFrame, name: str) -> None:
        high = rows["value"].max() if rows["value"].notna().any() else 1.0
        axis.set_xlim(-0.08 * max(high, 1e-3), 1.1 * max(high, 1e-3))
        if name in _SHARES:
            _share_axis(axis)
        axis.set_xlabel(metric(name).axis)

    return _legend(_dots(table, "value", panel), table)


def rejected(table: pd.DataFrame) -> Figure:
    """The share of each group that is rejected, a panel a population and classifier.

    table: population, classifier, group, minority, seed, share.
    """
    cells = _cells(table)
    columns = min(3, len(cells))
    lines = -(-len(cells) // columns)
    with _theme():
        figure = _figure(4.33 * columns, 1.9 * lines + 0.6)
        axes = figure.subplots(lines, columns, squeeze=False)
        for axis in axes.flat[len(cells) :]:
            axis.set_visible(False)
        for axis, (cell, rows) in zip(axes.flat, cells, strict=False):
            rows = rows.assign(group=rows["group"] + np.where(rows["minority"], "\n(minority)", "\n(majority)"))
            _points(axis, rows, "share", "group", list(dict.fromkeys(rows["group"])))
            axis.set_xlim(0, rows["share"].max() * 1.15)
            axis.set_title(cell, fontsize=11)
            axis.set_xlabel("share of the group that is rejected")
            axis.set_ylabel("")
    return _legend(figure, table)


def people(table: pd.DataFrame, features: Sequence[str]) -> Figure:
    """Where everyone stands before and after each method, a panel each.

    table: panel (title), group, role (`accepted`, `to move`, `moved`, `declined`, `unresolved`) and two
    `features`. Filled markers are the people who are rejected before, in every panel.
    """
    titles, groups = list(dict.fromkeys(table["panel"])), sorted(table["group"].unique())
    columns = min(4, len(titles))
    rows = -(-len(titles) // columns)
    fills = dict(zip(groups, (_WARM, _DARK, _LIGHT, _MIDDLE), strict=False))
    edges = dict(zip(groups, ("#9a5f00", "#061a2b", _MIDDLE, "black"), strict=False))
    markers = dict(zip(groups, _MARKERS, strict=False))
    with _theme():
        figure = _figure(13, 3.3 * rows + 0.6)
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axis, title in zip(axes.flat, titles, strict=False):
            here = table[table["panel"] == title]
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
            _marker(markers[g], label, fill, edges[g])
            for g in groups
            for label, fill in (
                (f"{g}, accepted before", "none"),
                (f"{g}, rejected before (moved, in the panels after)", fills[g]),
            )
        ]
        if table["role"].isin(["declined", "unresolved"]).any():
            handles.append(_marker("x", "rejected and not moved", "black", "black"))
        columns = -(-len(handles) // 2)  # filled down first: a column a group
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)
    return figure


def published(table: pd.DataFrame) -> Figure:
    """Published and our numbers, a panel a population and metric.

    table: population, method, phase, metric, published, ours, ours_mean, ours_se; rows without ours show the
    published number alone.
    """
    panels = list(table.groupby(["population", "metric"], sort=False))
    populations, metrics = table["population"].nunique(), table["metric"].nunique()
    columns = metrics if populations > 1 else min(4, metrics)
    rows = populations if populations > 1 else -(-metrics // columns)
    order = list(dict.fromkeys(_row_name(table)))
    place = {name: i for i, name in enumerate(order)}
    with _theme():
        figure = _figure(13, rows * (0.3 * len(order) + 1.4) + 0.5)
        axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axis, ((_, name), part) in zip(axes.flat, panels, strict=False):
            y = _row_name(part).map(place).to_numpy()
            axis.errorbar(
                part["ours_mean"],
                y,
                xerr=part["ours_se"],
                fmt="|",
                color=_MIDDLE,
                markersize=9,
                elinewidth=2,
                zorder=2,
            )
            axis.scatter(part["ours"], y, s=42, marker="o", color=_DARK, zorder=3)
            axis.scatter(part["published"], y, s=80, marker="D", facecolor="none", edgecolor="black", zorder=4)
            axis.set_title(metric(part["our_metric"].iloc[0]).label.replace("\n", ", "), fontsize=11)
            axis.set_yticks(range(len(order)), order)
            axis.set_ylim(len(order) - 0.4, -0.6)
            axis.set_xlabel(metric(name).axis.split("\n")[0])
            axis.xaxis.set_major_locator(MaxNLocator(4))
            if name in _SHARES:
                _share_axis(axis)
            else:
                axis.margins(x=0.12)
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        names = list(table["population"].unique())
        for axis, name in zip(axes[:, 0], names if populations > 1 else names * rows, strict=True):
            axis.set_ylabel(population_name(name).replace(" by ", "\nby "), fontweight="bold")
        handles = [_marker("D", "published", "none", "black"), _marker("o", "ours", _DARK, _DARK)]
        if table["ours_se"].notna().any():
            label = "our mean ± standard error over seeds"
            handles.append(Line2D([], [], color=_MIDDLE, marker="|", linewidth=2, markersize=9, label=label))
        figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _dots(table: pd.DataFrame, value: str, finish) -> Figure:
    """Dot plots, cells down, metrics across, methods on the y axis; `finish(axis, rows, metric)` for each."""
    cells, metrics = _cells(table), list(dict.fromkeys(table["metric"]))
    methods = [method_name(m) for m in dict.fromkeys(table["method"])]
    with _theme():
        height = len(cells) * (0.28 * len(methods) + 1.2) + 0.9
        figure = _figure(13, height)
        axes = figure.subplots(len(cells), len(metrics), sharey=True, squeeze=False)
        for line, (cell, rows) in zip(axes, cells, strict=True):
            for axis, name in zip(line, metrics, strict=True):
                here = rows[rows["metric"] == name].assign(method=lambda t: t["method"].map(method_name))
                _points(axis, here, value, "method", methods)
                finish(axis, here, name)
                axis.set_title(metric(name).label, fontsize=11)
                axis.set_ylabel("")
            line[0].set_ylabel(cell, fontweight="bold")
    return figure


def _points(axis: Axes, rows: pd.DataFrame, x: str, y: str, order: list[str]) -> None:
    """Each seed as an open circle, the mean as a diamond with its standard error."""
    shown = {"data": rows.dropna(subset=[x]), "x": x, "y": y, "order": order, "ax": axis, "orient": "h"}
    axis.set_yticks(range(len(order)), order)
    if rows["seed"].nunique() > 1:
        sns.stripplot(
            **shown,
            jitter=False,
            size=5,
            facecolor="none",
            edgecolor=_MIDDLE,
            linewidth=0.9,
            alpha=0.8,
            zorder=2,
        )
    if len(shown["data"]):
        sns.pointplot(
            **shown,
            errorbar="se",
            linestyle="none",
            marker="D",
            markersize=5,
            color=_DARK,
            err_kws={"linewidth": 2},
            zorder=3,
        )
    for i, name in enumerate(order):
        if name not in set(shown["data"][y]):
            axis.text(
                0.97,
                i,
                "not defined",
                transform=axis.get_yaxis_transform(),
                ha="right",
                va="center",
                color="#555555",
            )
    axis.set_ylim(len(order) - 0.4, -0.6)
    axis.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))


def _legend(figure: Figure, table: pd.DataFrame, *more: Line2D, title: str = "") -> Figure:
    """The legend of `_points`, below the panels."""
    if table["seed"].nunique() > 1:
        seeds = [
            _marker("o", "one seed", "none", _MIDDLE),
            _marker("D", "mean ± standard error over seeds", _DARK, _DARK),
        ]
    else:
        seeds = [_marker("D", "the one seed of this run", _DARK, _DARK)]
    handles = [*seeds, *more]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, title=title or None)
    return figure


def _cells(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each population and classifier, with a title in two lines."""
    return [
        (f"{population_name(population)}\n{classifier_name(classifier)}", rows)
        for (population, classifier), rows in table.groupby(["population", "classifier"], sort=False)
    ]


def _row_name(table: pd.DataFrame) -> pd.Series:
    return table["method"].map(method_name).where(table["phase"] == "after", "Before")


def _marker(marker: str, label: str, face: str, edge: str) -> Line2D:
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


def _nice_below(value: float) -> float:
    """The largest of …, 0.1, 0.2, 0.5, 1, 2, 5, … that is not above a positive value."""
    power = 10.0 ** np.floor(np.log10(value))
    return max(n * power for n in (1, 2, 5) if n * power <= value)


def _share_axis(axis: Axes) -> None:
    axis.set_xlim(-0.08, 1.08)
    axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1, w_pad=0.06)
    return figure


def _theme():
    style = {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("notebook", font_scale=0.8),
        "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters everywhere
    }
    return matplotlib.rc_context(style)
