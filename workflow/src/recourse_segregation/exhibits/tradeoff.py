"""What balance costs: EBR's density quantile β and IBR's adversary weight γ against cost and segregation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from .. import names
from ..contracts import RECOURSE
from ..errors import DataError
from . import variants
from ._figures import DARK, LIGHT, MIDDLE, multiples
from ._run import Run, ordered, summarised
from ._tables import POPULATION, across, note, number, tables
from .variants import between

#: what is shown against the parameter, and of these the indices that are shown against the cost
QUALITIES = ("cost", "found", "diversity")
INDICES = ("centralization", "atkinson", "average_proximity", *names.ADDED)
METRICS = (*QUALITIES, *INDICES)


@dataclass(frozen=True)
class Parameter:
    """The option of a method that trades cost for balance. logarithmic: is its axis?"""

    option: str
    symbol: str
    about: str
    logarithmic: bool = False


PARAMETERS = {
    "ebr": Parameter("density_quantile", "β", "density quantile β"),
    "ibr": Parameter("adversary_weight", "γ", "adversary weight γ", True),
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

    return tables(across(table, POPULATION, "metric", text, names.quantity))


def figure(curves: pd.DataFrame, base: str, defaults: Mapping[str, float], against: str = "parameter") -> Figure | None:
    """Every number with its interval along the parameter, or the change of each index against the cost.

    Populations down, metrics across; None without variants. against: `parameter` or `cost`. The shaded side of an index
    is more segregated than before.
    """
    if curves.empty:
        return None
    parameter, shades = PARAMETERS[base], sns.color_palette("viridis_r", curves["parameter"].nunique())
    colors = dict(zip(sorted(curves["parameter"].unique()), shades, strict=True))
    places = {"x": curves["parameter"], "x_low": np.nan, "x_high": np.nan}
    if against == "cost":
        key = [*RECOURSE, "parameter"]
        cost = curves.loc[curves["metric"] == "cost", [*key, "mean", "low", "high"]].dropna(subset=["mean"])
        curves = ordered(curves, metric=INDICES).merge(cost, on=key, suffixes=("", "_cost"))
        places = {"x": curves["mean_cost"], "x_low": curves["low_cost"], "x_high": curves["high_cost"]}
    drawn = curves.assign(**places, default=curves["population"].astype("str").map(defaults))

    def draw(axis: Axes, rows: pd.DataFrame, metric: str) -> None:
        axis.margins(x=0.1)
        if parameter.logarithmic and against == "parameter":
            axis.set_xscale("symlog", linthresh=1)
        thin = {"color": MIDDLE, "linewidth": 1, "zorder": 2}
        axis.hlines(rows["mean"], rows["x_low"], rows["x_high"], **thin)
        axis.vlines(rows["x"], rows["low"], rows["high"], label="95 % interval over seeds", **thin)
        axis.plot(rows["x"], rows["mean"], color=DARK, linewidth=1, zorder=3)
        for value, one in rows.groupby("parameter"):
            look = {"color": colors[value], "edgecolor": DARK, "zorder": 4}
            axis.scatter(one["x"], one["mean"], label=f"{parameter.symbol} = {value:g}", **look)
        here = rows[np.isclose(rows["parameter"], rows["default"])]
        ring = {"s": 150, "facecolor": "none", "edgecolor": "black", "label": "published default"}
        axis.scatter(here["x"], here["mean"], zorder=5, **ring)
        if metric in INDICES:
            _shade_segregated(axis, metric)
        axis.set_xlabel(parameter.symbol if against == "parameter" else "cost")

    return multiples(drawn, draw, f"{names.method(base)}: {parameter.about}", height=1.1)


def _rank_correlation(rows: pd.DataFrame) -> tuple[float, str]:
    """Spearman's rank correlation of parameter and value in one seed, and why there is none."""
    if len(rows) < 3:
        return np.nan, "a value for fewer than three parameters"
    values = rows["value"].round(12)  # a difference of rounding is none
    if values.nunique() == 1:
        return np.nan, "the same for every parameter"
    return float(stats.spearmanr(rows["parameter"], values).statistic), ""


def _shade_segregated(axis: Axes, metric: str) -> None:
    """Draw no change, and shade the side of it that is more segregated."""
    axis.axhline(0, color="black", linewidth=0.8, zorder=1)
    low, high = axis.get_ylim()
    side = (0, high) if names.metric(metric).segregation > 0 else (low, 0)
    axis.axhspan(*side, color=LIGHT, zorder=0, linewidth=0, label="more segregated")
    axis.set_ylim(low, high)
