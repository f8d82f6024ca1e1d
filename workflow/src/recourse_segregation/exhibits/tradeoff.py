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
from ..contracts import RECOURSE
from ..errors import DataError
from . import variants
from ._figures import DARK, LIGHT, MIDDLE, legend, multiples
from ._run import Run, ordered, summarised
from ._tables import POPULATION, across, note, number, tables
from .variants import between

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


def seeds(run: Run, base: str) -> pd.DataFrame:
    """Each number of every variant of `base`, seed by seed, in the order of the parameter.

    Columns: population, classifier, method, parameter, metric, seed, value, note (the number of an index is its
    change). Empty if the study has no variants of `base`.

    Raises DataError when the study does not say a variant's parameter, or two variants have the same one.
    """
    study = run.described
    made = [m for m in study["methods"] if study["variant_of"].get(m) == base]
    table = variants.seeds(run, METRICS)
    table = table[table["method"].isin(made)]
    given = {(p, m): parameter_of(study, m, p, base) for p in study["populations"] for m in made}
    for population in study["populations"]:
        own = {m: given[population, m] for m in made}
        if len(set(own.values())) < len(own):
            option, values = PARAMETERS[base].option, ", ".join(f"{m} = {value:g}" for m, value in own.items())
            raise DataError(f"two variants of {base} have the same {option} on {population} ({values}); keep one")
    parameter = [given[key] for key in zip(table["population"], table["method"], strict=True)]
    table.insert(3, "parameter", pd.Series(parameter, table.index, dtype="float64"))
    return table.sort_values([*POPULATION, "metric", "parameter", "seed"], ignore_index=True)


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
    study = run.described
    if base not in study["variant_of"].values():
        return {}
    return {population: parameter_of(study, base, population, base) for population in study["populations"]}


def curves(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds` summarised over seeds.

    Columns: population, classifier, method, parameter, metric, mean, low, high (95 %), seeds, note.
    """
    return variants.levels(seeds, also=["parameter"])


def monotonicity(seeds: pd.DataFrame) -> pd.DataFrame:
    """Does a number rise with the parameter? Spearman's rank correlation of both within a seed, over seeds.

    Columns: population, classifier, metric, correlation (mean over seeds), lowest, highest (seed), seeds (in which it
    is defined), parameters (how many values at most), note.
    """

    def describe(part: pd.DataFrame) -> tuple:
        found = [_rank_correlation(of_seed.dropna(subset=["value"])) for _, of_seed in part.groupby("seed")]
        correlation = pd.Series([rho for rho, _ in found], dtype="float64")
        why, known = "; ".join(dict.fromkeys(why for _, why in found if why)), int(correlation.notna().sum())
        why += f": mean over {known} of {len(found)} seeds" if why and known else ""
        spread = (correlation.mean(), correlation.min(), correlation.max())
        return *spread, known, part["parameter"].nunique(), why

    columns = ["correlation", "lowest", "highest", "seeds", "parameters", "note"]
    return summarised(seeds, [*POPULATION, "metric"], columns, describe)


def show_monotonicity(table: pd.DataFrame) -> Any:
    """`monotonicity`, a row a population, metrics across: the mean, and in brackets the lowest and highest seed."""

    def text(row: Any) -> str:
        return number(row.correlation, digits=2, sign=True) + note(row.note) + between(row.lowest, row.highest, 2)

    texts = across(table, POPULATION, "metric", text, names.quantity)
    cells = [names.cell(*cell) for cell in zip(texts.pop("population"), texts.pop("classifier"), strict=True)]
    texts.insert(0, "Population", cells)
    return tables(texts)


def parameter_figure(curves: pd.DataFrame, base: str, defaults: Mapping[str, float]) -> Figure | None:
    """Every number against the parameter with a band of its interval: populations down, metrics across."""
    if curves.empty:
        return None

    parameter = PARAMETERS[base]

    def draw(axis: Axes, rows: pd.DataFrame, metric: str, methods: list[str]) -> None:
        x = rows["parameter"].to_numpy("float64")
        axis.fill_between(x, rows["low"], rows["high"], color=MIDDLE, alpha=0.3, linewidth=0, zorder=2)
        axis.plot(x, rows["mean"], color=DARK, marker="o", markersize=4, zorder=4)
        axis.axvline(defaults[rows["population"].iloc[0]], color="black", linestyle="--", linewidth=1, zorder=3)
        _parameter_axis(axis, parameter, x)
        if metric in names.SHARES:
            axis.set_ylim(-0.08, 1.08)
            axis.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        else:
            axis.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
        if metric in INDICES:
            _shade_segregated(axis, metric)
        axis.set_xlabel(parameter.symbol)

    handles = [Line2D([], [], color=DARK, marker="o", markersize=4, label="mean over seeds")]
    if curves["low"].notna().any():
        handles.append(Patch(color=MIDDLE, alpha=0.3, label="95 % interval over seeds"))
    handles.append(Line2D([], [], color="black", linestyle="--", linewidth=1, label="published default"))
    return _with_legend(multiples(curves, draw, row=0, line=2.1, room=1.0, mixed=True), handles, base)


def tradeoff_figure(curves: pd.DataFrame, base: str, defaults: Mapping[str, float]) -> Figure | None:
    """The change of each index against the cost, along the parameter: populations down, indices across."""
    if curves.empty:
        return None
    values = sorted(curves["parameter"].unique())
    shades = dict(zip(values, colormaps["cividis_r"](np.linspace(0.05, 1, len(values))), strict=True))

    key = [*RECOURSE, "parameter"]
    cost = curves.loc[(curves["metric"] == "cost") & curves["mean"].notna(), [*key, "mean", "low", "high"]]
    beside = ordered(curves, metric=INDICES).merge(cost, on=key, suffixes=("", "_cost"))

    def draw(axis: Axes, rows: pd.DataFrame, metric: str, methods: list[str]) -> None:
        thin = {"color": MIDDLE, "linewidth": 1, "alpha": 0.6, "zorder": 2}
        axis.hlines(rows["mean"], rows["low_cost"], rows["high_cost"], **thin)
        axis.vlines(rows["mean_cost"], rows["low"], rows["high"], **thin)
        axis.plot(rows["mean_cost"], rows["mean"], color=DARK, linewidth=1, zorder=3)
        colors = [shades[value] for value in rows["parameter"]]
        axis.scatter(rows["mean_cost"], rows["mean"], s=46, c=colors, edgecolor=DARK, linewidth=0.6, zorder=4)
        here = rows[np.isclose(rows["parameter"], rows["population"].astype("str").map(defaults))]
        axis.scatter(here["mean_cost"], here["mean"], s=150, facecolor="none", edgecolor="black", zorder=5)
        _shade_segregated(axis, metric)
        axis.set_xlabel(f"cost, {names.metric('cost').axis.split(chr(10))[0]}")
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.yaxis.set_major_locator(MaxNLocator(5))

    dot = {"color": "none", "marker": "o", "markeredgecolor": DARK, "markeredgewidth": 0.6, "markersize": 7}
    ring = {"color": "none", "marker": "o", "markeredgecolor": "black", "markeredgewidth": 1, "markersize": 12}
    labels = {value: f"{PARAMETERS[base].symbol} = {value:g}" for value in values}
    handles = [Line2D([], [], **dot, markerfacecolor=shades[v], label=label) for v, label in labels.items()]
    handles.append(Line2D([], [], **ring, markerfacecolor="none", label="published default"))
    if curves["low"].notna().any():
        handles.append(Line2D([], [], color=MIDDLE, linewidth=1, label="95 % intervals over seeds"))
    return _with_legend(multiples(beside, draw, row=0, line=2.6, room=1.0, mixed=True), handles, base)


def _rank_correlation(rows: pd.DataFrame) -> tuple[float, str]:
    """Spearman's rank correlation of parameter and value in one seed, and why there is none."""
    if len(rows) < 3:
        return np.nan, "a value for fewer than three parameters"
    values = rows["value"].round(12)  # a difference of rounding is none
    if values.nunique() == 1:
        return np.nan, "the same for every parameter"
    return float(stats.spearmanr(rows["parameter"], values).statistic), ""


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


def _with_legend(figure: Figure, handles: list, base: str) -> Figure:
    handles = [*handles, Patch(color=LIGHT, label="more segregated than before")]
    title = f"{names.method(base)}: {PARAMETERS[base].about}"
    return legend(figure, handles, title, columns=min(6, len(handles)))
