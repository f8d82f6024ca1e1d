"""What balance costs: EBR's density quantile β, and IBR's KL and adversary weights, against cost and segregation.

γ, the adversary's, can only do something where there is a latent to balance. With the published KL weight there is
none: so IBR's is a map, KL weight × γ, which also shows what the latent carries and what an adversary reads in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import special, stats

from .. import names, statistics
from ..contracts import RECOURSE
from ..errors import DataError
from . import variants
from ._figures import DARK, LIGHT, MIDDLE, SHADES, multiples, new_figure, theme
from ._run import Run, ordered, summarised
from ._tables import POPULATION, across, listed, note, number, small, tables
from .variants import INDICES, METRICS, between

#: method -> the options that trade cost for balance
PARAMETERS = {"ebr": ["density_quantile"], "ibr": ["kl_weight", "adversary_weight"]}
#: of IBR's model, in nats: what its latent carries, and what the adversary reads of the group in it, which is the
#: entropy of the group minus its cross-entropy (a lower bound of what there is to be read: Barber and Agakov 2003)
MODEL = {"kl": "KL, nats", "read": "Read by the\nadversary, nats"}
#: p up to which a difference counts as equivalent to none
ALPHA = 0.05


def seeds(run: Run, base: str) -> pd.DataFrame:
    """Each number of every variant of `base`, seed by seed, in the order of its parameters.

    Columns: population, classifier, method, a column a parameter, metric, seed, value, note (the number of an index is
    its change). Empty if the study has no variants of `base`.

    Raises DataError when the study does not say a variant's parameters, or two variants have the same.
    """
    table = variants.seeds(run).merge(parameters(run, base), on=["population", "method"])
    table = ordered(table, population=run.described["populations"], method=run.described["methods"])
    return table.sort_values([*POPULATION, "metric", *PARAMETERS[base], "seed"], ignore_index=True)


def parameters(run: Run, base: str) -> pd.DataFrame:
    """The parameters of `base`, the published ones, and of its variants: population, method, a column a parameter.

    Empty if the study has no variants of `base`. Raises DataError when the study does not say a variant's parameters,
    or two variants have the same.
    """
    study, options, rows = run.described, PARAMETERS[base], []
    made = [m for m in study["methods"] if study["variant_of"].get(m) == base]
    for population, method in product(study["populations"], [base, *made] if made else []):
        try:
            given = [float(study["options"][method][population][option]) for option in options]
        except KeyError as error:
            raise DataError(
                f"the study does not say which {' and '.join(options)} {method} has on {population} (no {error}); run "
                "the rule collect again"
            ) from error
        rows.append((population, method, *given))
    table = pd.DataFrame(rows, columns=["population", "method", *options])
    own = table[table["method"] != base]
    same = own[own.duplicated(["population", *options], keep=False)]
    if len(same):
        what = f"{' and '.join(options)} on {same['population'].iloc[0]}: {', '.join(same['method'])}"
        raise DataError(f"two variants of {base} have the same {what}; keep one")
    return table


def defaults(run: Run, base: str) -> dict[str, tuple[float, ...]]:
    """Population -> the parameters of `base` itself; none if the study has no variants."""
    own = parameters(run, base).query("method == @base").set_index("population")[PARAMETERS[base]]
    return dict(zip(own.index, own.itertuples(index=False, name=None), strict=True))


# --- EBR: curves


def monotonicity(seeds: pd.DataFrame) -> pd.DataFrame:
    """Does a number rise with β? Spearman's rank correlation of both within a seed, over seeds.

    Columns: population, classifier, metric, correlation (mean over seeds), lowest, highest (seed), seeds (in which it
    is defined), parameters (how many values at most), note.
    """

    def describe(part: pd.DataFrame) -> tuple:
        found = [_rank_correlation(of_seed.dropna(subset=["value"])) for _, of_seed in part.groupby("seed")]
        correlation = pd.Series([rho for rho, _ in found], dtype="float64")
        why, known = "; ".join(dict.fromkeys(why for _, why in found if why)), int(correlation.notna().sum())
        why += f": mean over {known} of {len(found)} seeds" if why and known else ""
        spread = (correlation.mean(), correlation.min(), correlation.max())
        return *spread, known, part["density_quantile"].nunique(), why

    columns = ["correlation", "lowest", "highest", "seeds", "parameters", "note"]
    return summarised(seeds, [*POPULATION, "metric"], columns, describe)


def show_monotonicity(table: pd.DataFrame) -> Any:
    """`monotonicity`, a row a population, metrics across: the mean, and in brackets the lowest and highest seed."""

    def text(row: Any) -> str:
        return number(row.correlation, digits=2, sign=True) + note(row.note) + between(row.lowest, row.highest, 2)

    return tables(across(table, POPULATION, "metric", text, names.quantity))


def figure(curves: pd.DataFrame, defaults: Mapping[str, tuple[float]], against: str = "β") -> Figure | None:
    """Every number with its interval along β, or the change of each index against the cost.

    Populations down, metrics across; None without variants. against: `β` or `cost`. The shaded side of an index is more
    segregated than before.
    """
    if curves.empty:
        return None
    curves = curves.rename(columns={"density_quantile": "parameter"})
    shades = sns.color_palette("viridis_r", curves["parameter"].nunique())
    colors = dict(zip(sorted(curves["parameter"].unique()), shades, strict=True))
    places = {"x": curves["parameter"], "x_low": np.nan, "x_high": np.nan}
    if against == "cost":
        key = [*RECOURSE, "parameter"]
        cost = curves.loc[curves["metric"] == "cost", [*key, "mean", "low", "high"]].dropna(subset=["mean"])
        curves = ordered(curves, metric=INDICES).merge(cost, on=key, suffixes=("", "_cost"))
        places = {"x": curves["mean_cost"], "x_low": curves["low_cost"], "x_high": curves["high_cost"]}
    published = {population: value for population, (value,) in defaults.items()}
    drawn = curves.assign(**places, default=curves["population"].astype("str").map(published))

    def draw(axis: Axes, rows: pd.DataFrame, metric: str) -> None:
        axis.margins(x=0.1)
        thin = {"color": MIDDLE, "linewidth": 1, "zorder": 2}
        axis.hlines(rows["mean"], rows["x_low"], rows["x_high"], **thin)
        axis.vlines(rows["x"], rows["low"], rows["high"], label="95 % interval over seeds", **thin)
        axis.plot(rows["x"], rows["mean"], color=DARK, linewidth=1, zorder=3)
        for value, one in rows.groupby("parameter"):
            look = {"color": colors[value], "edgecolor": DARK, "zorder": 4}
            axis.scatter(one["x"], one["mean"], label=f"β = {value:g}", **look)
        here = rows[np.isclose(rows["parameter"], rows["default"])]
        ring = {"s": 150, "facecolor": "none", "edgecolor": "black", "label": "published default"}
        axis.scatter(here["x"], here["mean"], zorder=5, **ring)
        if metric in INDICES:
            _shade_segregated(axis, metric)
        axis.set_xlabel(against)

    return multiples(drawn, draw, f"{names.method('ebr')}: density quantile β", height=1.1)


# --- IBR: a map


def of_model(run: Run, seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds` of IBR and, of the same cells, what its model ended with: the metrics of `MODEL`."""
    wanted = ["kl", "group_entropy", "adversary_cross_entropy"]
    found = run.diagnostics[run.diagnostics["quantity"].isin(wanted)]
    wide = found.pivot(index=[*RECOURSE, "seed"], columns="quantity", values="value").reindex(columns=wanted)
    model = wide.assign(read=wide["group_entropy"] - wide["adversary_cross_entropy"]).reset_index()
    model = model.melt([*RECOURSE, "seed"], list(MODEL), "metric").assign(note="")
    cells = seeds[[*RECOURSE, *PARAMETERS["ibr"]]].drop_duplicates()
    return pd.concat([cells.merge(model, on=RECOURSE), seeds.assign(metric=seeds["metric"].astype("str"))])


def maps(levels: pd.DataFrame, defaults: Mapping[str, tuple[float, float]]) -> dict[str, Figure]:
    """For each population a map of every number: KL weights down, γ across; the published default is framed.

    levels: `variants.levels` of `of_model`. Orange is more segregated than before, blue less; for all that is no index,
    darker is more.
    """
    return {str(name): _maps(rows, defaults[str(name)]) for name, rows in levels.groupby("population", observed=True)}


def equivalence(seeds: pd.DataFrame, smallest: Mapping[str, float]) -> pd.DataFrame:
    """What γ does to an index with each KL weight: the difference from γ = 0, and is it equivalent to none?

    seeds: those of IBR. smallest: index -> the smallest effect of interest. Columns: population, classifier, kl_weight,
    adversary_weight, metric, seeds (that have both), difference, low, high (90 %), p (of a difference of that size or
    more: see `statistics.equivalence`), verdict: `equivalent` for p up to `ALPHA`, `different` where a t-test excludes
    0 after Holm over the differences of a population and KL weight, else `undecided`.
    """
    kl, gamma = PARAMETERS["ibr"]
    indices, key = ordered(seeds, metric=INDICES), [*POPULATION, kl, "metric", "seed"]
    without = indices.loc[indices[gamma] == 0, [*key, "value"]]
    pairs = indices[indices[gamma] > 0].merge(without, on=key, suffixes=("", "_without"))
    pairs = pairs.assign(difference=pairs["value"] - pairs["value_without"])

    pairs = pairs.sort_values([*POPULATION, kl, gamma, "metric"], ascending=[True, True, False, True, True])
    found = pairs.groupby([*POPULATION, kl, gamma, "metric"], sort=False, observed=True)["difference"]
    table = found.agg(seeds="count", change="mean", change_se="sem").reset_index()
    table = statistics.t_tests(table, {}, smallest).rename(columns={"change": "difference", "p_small": "p"})
    mean, reach = table["difference"], special.stdtrit(table["seeds"] - 1, 1 - ALPHA) * table["change_se"]
    apart = table.groupby([*POPULATION, kl], observed=True)["p_t"].transform(statistics.holm) <= ALPHA
    verdict = np.select([table["p"] <= ALPHA, apart], ["equivalent", "different"], "undecided")
    table = table.assign(low=mean - reach, high=mean + reach, verdict=verdict)
    return table[[*POPULATION, kl, gamma, "metric", "seeds", "difference", "low", "high", "p", "verdict"]]


def show_equivalence(table: pd.DataFrame) -> Any:
    """`equivalence`, a table a population: the difference, its interval and a sign for the verdict."""
    signs = {"equivalent": "≈", "different": "≠", "undecided": ""}

    def text(row: Any) -> str:
        digits = names.metric(row.metric).digits + 1
        mean = number(row.difference, digits=digits, sign=True)
        return f"{mean} {signs[row.verdict]}".rstrip() + between(row.low, row.high, digits)

    orders = {"KL weight": sorted(set(table["kl_weight"]), reverse=True), "γ": sorted(set(table["adversary_weight"]))}
    shown = table.rename(columns={"kl_weight": "KL weight", "adversary_weight": "γ"})
    shown = shown.assign(**{name: shown[name].map("{:g}".format) for name in orders})
    shown = ordered(shown, **{name: [f"{value:g}" for value in order] for name, order in orders.items()})
    wide = across(shown, [*POPULATION, *orders], "metric", text, names.quantity)
    return tables(wide, POPULATION, blank=["KL weight"])


def balance(cells: pd.DataFrame, equivalence: pd.DataFrame) -> pd.DataFrame:
    """With each KL weight: is there a latent, what does an adversary read in it, and does γ change an index?

    cells: `of_model`. Columns: population, classifier, kl_weight, kl, read_without (γ = 0), read_with (the largest γ;
    all in nats, means over seeds), tests (differences of an index from γ = 0), equivalent, different (how many are).
    """
    kl, gamma = PARAMETERS["ibr"]
    key = [*POPULATION, kl]
    means = cells.groupby([*key, gamma, "metric"], observed=True)["value"].mean().unstack()
    means = means.reindex(columns=list(MODEL)).reset_index(gamma)
    without, with_most = means[means[gamma] == 0], means.sort_values(gamma).groupby(level=key, observed=True).last()
    columns = {"kl": without["kl"], "read_without": without["read"], "read_with": with_most["read"]}
    verdicts = equivalence.groupby(key, observed=True)["verdict"]
    counts = {name: verdicts.agg(lambda own, n=name: (own == n).sum()) for name in ("equivalent", "different")}
    table = pd.DataFrame({**columns, "tests": verdicts.size(), **counts}).reset_index()
    return table.sort_values(key, ascending=[True, True, False], ignore_index=True)


def show_balance(table: pd.DataFrame) -> Any:
    """`balance`, a row a population and KL weight."""

    def row(row: Any) -> dict[str, str]:
        return {
            "population": row.population,
            "KL weight": f"{row.kl_weight:g}",
            "KL at γ = 0, nats": small(row.kl) or number(row.kl, digits=2),
            "Read at γ = 0, nats": number(row.read_without),
            "Read at the largest γ": number(row.read_with),
            "Differences": f"{row.tests}",
            "Equivalent": f"{row.equivalent}",
            "Different": f"{row.different}",
        }

    return listed(table, row, blank=["population"])


@theme()
def _maps(levels: pd.DataFrame, default: tuple[float, float]) -> Figure:
    metrics, columns = [*MODEL, *METRICS], 4
    kl, gamma = PARAMETERS["ibr"]
    figure = new_figure(13, 0.9 + 2.3 * -(-len(metrics) // columns))
    axes = figure.subplots(-(-len(metrics) // columns), columns, squeeze=False).ravel()
    for axis in axes[len(metrics) :]:
        axis.set_axis_off()
    for axis, metric in zip(axes, metrics, strict=False):
        own = levels[levels["metric"] == metric]
        grid = own.pivot(index=kl, columns=gamma, values="mean").sort_index(ascending=False)
        index = metric in names.INDICES
        shade = grid * (names.metric(metric).segregation if index else 1)
        reach = max(float(shade.abs().max(axis=None)), 1e-9)
        texts = grid.map(lambda value, m=metric, i=index: _brief(value, names.metric(m).digits + i, i))
        look = {"annot": texts, "fmt": "", "annot_kws": {"size": 8, "color": "black"}, "cbar": False, "linewidths": 1}
        low, high = (-reach, reach) if index else (0, 2.5 * reach)
        sns.heatmap(shade, ax=axis, cmap=SHADES if index else "Greys", vmin=low, vmax=high, **look)
        axis.grid(visible=False)
        axis.set(title=MODEL.get(metric) or names.quantity(metric), xlabel="γ", ylabel="KL weight")
        axis.set_xticklabels([f"{value:g}" for value in grid.columns])
        axis.set_yticklabels([f"{value:g}" for value in grid.index], rotation=0)
        if default[0] in grid.index and default[1] in grid.columns:
            place = grid.columns.get_loc(default[1]), grid.index.get_loc(default[0])
            axis.add_patch(Rectangle(place, 1, 1, fill=False, edgecolor="black", linewidth=2, clip_on=False))
    return figure


def _brief(value: float, digits: int, sign: bool) -> str:
    """A number for a small cell: a few digits of a large or a tiny one."""
    return f"{value:.0f}" if abs(value) >= 100 else number(value, digits=min(digits, 3), sign=sign)


def _rank_correlation(rows: pd.DataFrame) -> tuple[float, str]:
    """Spearman's rank correlation of β and value in one seed, and why there is none."""
    if len(rows) < 3:
        return np.nan, "a value for fewer than three parameters"
    values = rows["value"].round(12)  # a difference of rounding is none
    if values.nunique() == 1:
        return np.nan, "the same for every parameter"
    return float(stats.spearmanr(rows["density_quantile"], values).statistic), ""


def _shade_segregated(axis: Axes, metric: str) -> None:
    """Draw no change, and shade the side of it that is more segregated."""
    axis.axhline(0, color="black", linewidth=0.8, zorder=1)
    low, high = axis.get_ylim()
    side = (0, high) if names.metric(metric).segregation > 0 else (low, 0)
    axis.axhspan(*side, color=LIGHT, zorder=0, linewidth=0, label="more segregated")
    axis.set_ylim(low, high)
