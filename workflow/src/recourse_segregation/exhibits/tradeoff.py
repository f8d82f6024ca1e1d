"""What balance costs: EBR's density quantile β and IBR's adversary weight γ against cost and segregation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from scipy import stats

from .. import names
from ..comparison import mean_and_error
from ..errors import DataError
from . import _variants
from ._figures import DARK, LIGHT, MIDDLE, WIDTH, by_cell, new_figure, theme
from ._layout import Footnotes, Layout, Markup, number, tables
from ._run import Run
from ._variants import between, label

STUDY = "tradeoff"

#: what is shown against the parameter, and of these the indices that are shown against the cost
QUALITIES = ("cost", "found", "diversity")
INDICES = ("centralization", "atkinson", "average_proximity", *names.ADDED)
METRICS = (*QUALITIES, *INDICES)


@dataclass(frozen=True)
class Parameter:
    """The option of a method that trades cost for balance. ticks: on a logarithmic axis; none for a plain one."""

    option: str
    symbol: str
    about: str
    ticks: tuple[float, ...] = ()


PARAMETERS = {
    "ebr": Parameter("density_quantile", "β", "density quantile β"),
    "ibr": Parameter("adversary_weight", "γ", "adversary weight γ", (0, 1, 10, 100, 1000)),
}

_CELL = ["population", "classifier"]


def seeds(run: Run, base: str) -> pd.DataFrame:
    """Each number of every variant of `base`, seed by seed, in the order of the parameter.

    Columns: population, classifier, method, parameter, metric, seed, value, note (the number of an index is its
    change). Empty if the study has no variants of `base`.

    Raises DataError when the study does not say a variant's parameter, or two variants have the same one.
    """
    study = run.studies[STUDY]
    variants = [m for m in study["methods"] if study["bases"].get(m) == base]
    if not variants:
        return pd.DataFrame(columns=[*_CELL, "method", "parameter", "metric", "seed", "value", "note"])
    table = _variants.seeds(run.measures[run.measures["method"].isin(variants)], study, METRICS)
    given = {(p, m): parameter_of(study, m, p, base) for p in study["populations"] for m in variants}
    for population in study["populations"]:
        own = [given[population, m] for m in variants]
        if len(set(own)) < len(own):
            listed = ", ".join(f"{m} = {given[population, m]:g}" for m in variants)
            option = PARAMETERS[base].option
            raise DataError(f"two variants of {base} have the same {option} on {population} ({listed}); keep one")
    parameter = [given[key] for key in zip(table["population"], table["method"], strict=True)]
    table.insert(3, "parameter", parameter)
    ranks = {"population": study["populations"], "metric": METRICS}
    by = pd.DataFrame({c: table[c].map({v: i for i, v in enumerate(r)}) for c, r in ranks.items()})
    by = by.assign(parameter=table["parameter"], seed=table["seed"])
    return table.loc[by.sort_values(list(by), kind="stable").index].reset_index(drop=True)


def parameter_of(study: Mapping[str, Any], method: str, population: str, base: str) -> float:
    """The parameter with which a variant of `base`, or `base` itself, ran on a population.

    Raises DataError when the study does not say.
    """
    try:
        return float(study["options"][method][population][PARAMETERS[base].option])
    except KeyError as error:
        raise DataError(
            f"the study does not say which {PARAMETERS[base].option} {method} has on {population} (no {error}); "
            "run the rule collect again"
        ) from error


def defaults(run: Run, base: str) -> dict[str, float]:
    """Population -> the parameter of `base` itself, which is the published one; none if the study has no variants."""
    study = run.studies[STUDY]
    if base not in study["bases"].values():
        return {}
    return {population: parameter_of(study, base, population, base) for population in study["populations"]}


def curves(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds` summarised over seeds.

    Columns: population, classifier, method, parameter, metric, mean, low, high (95 %), seeds, note.
    """
    return _variants.levels(seeds, also=["parameter"])


def monotonicity(seeds: pd.DataFrame) -> pd.DataFrame:
    """Does a number rise with the parameter? Spearman's rank correlation of both within a seed, over seeds.

    Columns: population, classifier, metric, correlation (mean over seeds), lowest, highest (seed), seeds (in which it
    is defined), parameters (how many values at most), note.
    """
    rows = []
    for key, part in seeds.groupby([*_CELL, "metric"], sort=False):
        found = [_rank_correlation(of_seed.dropna(subset=["value"])) for _, of_seed in part.groupby("seed")]
        correlation = pd.Series([rho for rho, _ in found], dtype="float64")
        reasons = "; ".join(dict.fromkeys(note for _, note in found if note))
        known = int(correlation.notna().sum())
        note = f"{reasons}: mean over {known} of {len(found)} seeds" if reasons and known else reasons
        spread = (correlation.min(), correlation.max())
        rows.append((*key, mean_and_error(correlation)[0], *spread, known, part["parameter"].nunique(), note))
    columns = [*_CELL, "metric", "correlation", "lowest", "highest", "seeds", "parameters", "note"]
    return pd.DataFrame(rows, columns=columns)


def show_monotonicity(table: pd.DataFrame) -> Any:
    """`monotonicity`, a row a population, metrics across: the mean, and in brackets the lowest and highest seed."""
    notes, rows = Footnotes(), []
    for (population, classifier), part in table.groupby(_CELL, sort=False):
        row = {"Population": names.cell(population, classifier)}
        for cell in part.itertuples():
            text = number(cell.correlation, digits=2, sign=True) + notes.mark(cell.note)
            row[label(cell.metric)] = Markup(text + between(cell.lowest, cell.highest, 2))
        rows.append(row)
    return tables([Layout(rows)], notes)


def parameter_figure(curves: pd.DataFrame, base: str, defaults: Mapping[str, float]) -> Figure | None:
    """Every number against the parameter with a band of its interval: populations down, metrics across."""
    if curves.empty:
        return None

    def panel(axis: Axes, rows: pd.DataFrame, name: str, population: str) -> None:
        shown = rows[rows["metric"] == name]
        x = shown["parameter"].to_numpy("float64")
        axis.fill_between(x, shown["low"], shown["high"], color=MIDDLE, alpha=0.3, linewidth=0, zorder=2)
        axis.plot(x, shown["mean"], color=DARK, marker="o", markersize=4, zorder=4)
        axis.axvline(defaults[population], color="black", linestyle="--", linewidth=1, zorder=3)
        _parameter_axis(axis, PARAMETERS[base], x)
        if name in names.SHARES:
            axis.set_ylim(-0.08, 1.08)
            axis.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        else:
            axis.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
        if name in INDICES:
            _shade_segregated(axis, name)
        axis.set_title(label(name), fontsize=11)
        axis.set_xlabel(PARAMETERS[base].symbol)

    figure = _panels(curves, METRICS, panel, 2.1)
    line = Line2D([], [], color=DARK, marker="o", markersize=4, label="mean over seeds")
    dashed = Line2D([], [], color="black", linestyle="--", linewidth=1, label="published default")
    return _legend(figure, [line, *_bands(curves), dashed, _segregated()], base)


def tradeoff_figure(curves: pd.DataFrame, base: str, defaults: Mapping[str, float]) -> Figure | None:
    """The change of each index against the cost, along the parameter: populations down, indices across."""
    if curves.empty:
        return None
    values = sorted(curves["parameter"].unique())
    shades = dict(zip(values, colormaps["cividis_r"](np.linspace(0.05, 1, len(values))), strict=True))

    def panel(axis: Axes, rows: pd.DataFrame, name: str, population: str) -> None:
        x, y = (rows[rows["metric"] == m].set_index("parameter") for m in ("cost", name))
        x, y = x.loc[x["mean"].notna()], y.reindex(x.index[x["mean"].notna()])
        axis.hlines(y["mean"], x["low"], x["high"], color=MIDDLE, linewidth=1, alpha=0.6, zorder=2)
        axis.vlines(x["mean"], y["low"], y["high"], color=MIDDLE, linewidth=1, alpha=0.6, zorder=2)
        axis.plot(x["mean"], y["mean"], color=DARK, linewidth=1, zorder=3)
        axis.scatter(
            x["mean"], y["mean"], s=46, c=[shades[v] for v in x.index], edgecolor=DARK, linewidth=0.6, zorder=4
        )
        here = [v for v in x.index if np.isclose(v, defaults[population])]
        axis.scatter(x.loc[here, "mean"], y.loc[here, "mean"], s=150, facecolor="none", edgecolor="black", zorder=5)
        _shade_segregated(axis, name)
        axis.set_title(label(name), fontsize=11)
        axis.set_xlabel(f"cost, {names.metric('cost').axis.split(chr(10))[0]}")
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.yaxis.set_major_locator(MaxNLocator(5))

    figure = _panels(curves, INDICES, panel, 2.6)
    symbol = PARAMETERS[base].symbol
    dot = {"color": "none", "marker": "o", "markeredgecolor": DARK, "markeredgewidth": 0.6}
    handles = [
        Line2D([], [], **dot, markerfacecolor=shades[v], markersize=7, label=f"{symbol} = {v:g}") for v in values
    ]
    ring = {"marker": "o", "markerfacecolor": "none", "markersize": 12, "markeredgewidth": 1}
    handles.append(Line2D([], [], color="none", **ring, markeredgecolor="black", label="published default"))
    if curves["low"].notna().any():
        handles.append(Line2D([], [], color=MIDDLE, linewidth=1, label="95 % intervals over seeds"))
    return _legend(figure, [*handles, _segregated()], base)


def _rank_correlation(rows: pd.DataFrame) -> tuple[float, str]:
    """Spearman's rank correlation of parameter and value in one seed, and why there is none."""
    if len(rows) < 3:
        return np.nan, "a value for fewer than three parameters"
    values = rows["value"].round(12)  # a difference of rounding is none
    if values.nunique() == 1:
        return np.nan, "the same for every parameter"
    return float(stats.spearmanr(rows["parameter"], values).statistic), ""


def _panels(curves: pd.DataFrame, metrics: tuple[str, ...], panel, height: float) -> Figure:
    panels = by_cell(curves)
    with theme():
        figure = new_figure(WIDTH, height * len(panels) + 1.0)
        axes = figure.subplots(len(panels), len(metrics), squeeze=False)
        for line, (cell, rows) in zip(axes, panels, strict=True):
            for axis, name in zip(line, metrics, strict=True):
                panel(axis, rows, name, rows["population"].iloc[0])
            line[0].set_ylabel(cell.replace(" by ", "\nby "), fontweight="bold")
    return figure


def _parameter_axis(axis: Axes, parameter: Parameter, values: np.ndarray) -> None:
    if parameter.ticks:
        axis.set_xscale("symlog", linthresh=1, linscale=0.6)
        ticks = [t for t in parameter.ticks if t <= max(values)]
        axis.set_xticks(ticks, [f"{t:g}" if t < 100 else f"$10^{{{int(np.log10(t))}}}$" for t in ticks])
        axis.minorticks_off()
        axis.set_xlim(-0.3, max(values) * 1.6)
    else:
        axis.set_xlim(-0.05, 1.0)
        axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])


def _shade_segregated(axis: Axes, metric: str) -> None:
    """Draw no change, and shade the side of it that is more segregated."""
    axis.axhline(0, color="black", linewidth=0.8, zorder=1)
    low, high = axis.get_ylim()
    side = (0, high) if names.metric(metric).segregation > 0 else (low, 0)
    axis.axhspan(*side, color=LIGHT, zorder=0, linewidth=0)
    axis.set_ylim(low, high)


def _segregated() -> Patch:
    return Patch(color=LIGHT, label="more segregated than before")


def _bands(curves: pd.DataFrame) -> list[Patch]:
    known = curves["low"].notna().any()
    return [Patch(color=MIDDLE, alpha=0.3, label="95 % interval over seeds")] if known else []


def _legend(figure: Figure, handles: list, base: str) -> Figure:
    columns = min(6, len(handles))
    title = f"{names.method(base)}: {PARAMETERS[base].about}"
    with theme():
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, title=title)
    return figure
