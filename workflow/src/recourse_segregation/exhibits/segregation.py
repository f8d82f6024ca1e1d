"""The indices of segregation before and after recourse, and how sure a change is."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .. import names, statistics
from ..contracts import CELL
from ._figures import (
    DARK,
    LIGHT,
    intervals,
    legend,
    marker,
    multiples,
    new_figure,
    nice_below,
    per_dataset,
    points,
    seeds_legend,
    theme,
)
from ._run import Run, ordered
from ._tables import POPULATION, bracket, by_method, listed, note, number, p_value, sentence

#: what `table` has one row for
KEY = [*CELL, "scope", "metric"]

_SHADES = LinearSegmentedColormap.from_list("segregation", ["#7fa8cc", "#ffffff", "#eeb055"])
_DARKEST = 2.0  # standard deviations between seeds
_SHADE_LABEL = "← less segregated      mean change / standard deviation between seeds      more segregated →"
# A change below this is rounding.
_ROUNDING = 1e-12


def seeds(run: Run, scope: str, metrics: Sequence[str] = names.INDICES) -> pd.DataFrame:
    """Every index before and after, seed by seed.

    Columns: population, classifier, method, scenario, scope, metric, seed, before, after, change, note.
    """
    changes = ordered(statistics.changes(run.measures, scope, metrics), metric=metrics)
    return changes.sort_values([*KEY, "seed"]).reset_index(drop=True)


def table(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds` summarised over seeds: the columns of `statistics.summarise` and two more.

    more_segregated: seeds in which the change is towards more segregation. missing: why seeds have no value.
    """
    summary = statistics.summarise(seeds.assign(level=seeds["before"]), KEY)
    towards = seeds["change"] * [names.metric(name).segregation for name in seeds["metric"]] > 0
    cells = seeds.assign(towards=towards).groupby(KEY, sort=False)  # in the order of the summary
    reasons = [statistics.missing(part["change"], part["note"]) for _, part in cells]
    return summary.assign(more_segregated=cells["towards"].sum().to_numpy(), missing=reasons)


def votes(seeds: pd.DataFrame) -> pd.DataFrame:
    """How often each method raises or lowers each index, of the seeds in which it has a value.

    Columns: population, classifier, method, scenario, metric, seeds, raised, lowered, unchanged.
    """
    defined = seeds.dropna(subset=["change"])
    directions = defined.assign(
        seeds=1,
        raised=defined["change"] > _ROUNDING,
        lowered=defined["change"] < -_ROUNDING,
        unchanged=defined["change"].abs() <= _ROUNDING,
    )
    counts = directions.groupby([*CELL, "metric"])[["seeds", "raised", "lowered", "unchanged"]].sum()
    return counts.astype("int64").reset_index()


def mark(row: Any) -> str:
    """A triangle for a change of a row of `table` that is hardly chance, else nothing; upwards for more segregated.

    Filled: significant after Holm. Hollow: not, but the interval excludes no change.
    """
    if not row.significant and not (row.low > 0 or row.high < 0):
        return ""
    more = row.change * names.metric(row.metric).segregation > 0
    return ("▲" if more else "▼") if row.significant else ("△" if more else "▽")


def decided(table: pd.DataFrame, alpha: float = 0.05) -> Any:
    """What the marks can say with the seeds of `table`, as a paragraph."""
    said = []
    for count in sorted(set(table["seeds"]) - {0}):
        rows = table[table["seeds"] == count]
        if count == 1:
            said.append("One seed has no interval and no test: nothing is marked.")
        elif rows["decidable"].any():
            kinds = " or ".join(dict.fromkeys(rows["interval"]))
            said.append(f"{count} seeds: permutation tests with Holm's correction at {alpha:g}; {kinds} intervals.")
        else:
            tests = int(rows.groupby(list(statistics.FAMILY)).size().max())
            needed = statistics.seeds_needed(tests, alpha)
            enough = f"{needed} seeds would be enough for {tests} methods" if needed else "more seeds are needed"
            said.append(
                f"{count} seeds cannot decide: the smallest p of an exact permutation test is "
                f"{statistics.smallest_p(count):.3g}, before Holm's correction; {enough}. Hollow marks therefore "
                "say only that the 95 % interval of the mean change (Student's t) excludes no change."
            )
    return sentence(" ".join(said))


def overview(table: pd.DataFrame) -> dict[str, Figure]:
    """For each index a map, populations down and methods across: mean before → after, and the change with its mark.

    A population with several classifiers has a row for each. table: what `table` returns, for one scenario and scope.
    """
    return {name: _map(rows, name) for name, rows in table.groupby("metric") if rows["seeds"].any()}


# --- figures: one for each data set


def figures(seeds: pd.DataFrame) -> dict[str, Figure]:
    """The change of each index after - before, paired within a seed: populations down, indices across.

    seeds: what `seeds` returns, for one scenario and scope. The shaded side is the more segregated one.
    """

    def draw(axis: Axes, rows: pd.DataFrame, metric: str, methods: list[str]) -> None:
        points(axis, rows, "change", "method", methods)
        around_zero(axis, rows, metric)

    zero = Line2D([], [], color="black", linewidth=1, label="no change")
    title = "change of the index, after − before recourse"
    return {
        dataset: seeds_legend(multiples(part, draw), part, zero, title=title) for dataset, part in per_dataset(seeds)
    }


@theme()
def effects_figures(table: pd.DataFrame) -> dict[str, Figure]:
    """The mean change of each index with its 95 % interval; table: what `table` returns."""

    def draw(axis: Axes, rows: pd.DataFrame, metric: str, methods: list[str]) -> None:
        intervals(axis, rows, methods)
        around_zero(axis, rows, metric)

    handles = [
        marker("D", "significant after Holm", DARK, DARK),
        marker("D", "not significant", "white", DARK),
        Line2D([], [], color=DARK, linewidth=2, label="95 % interval of the mean over seeds"),
    ]
    title = "mean change of the index, after − before recourse"
    return {dataset: legend(multiples(part, draw), handles, title) for dataset, part in per_dataset(table)}


@theme()
def votes_figures(votes: pd.DataFrame) -> dict[str, Figure]:
    """`votes` as bars to both sides."""

    def draw(axis: Axes, rows: pd.DataFrame, metric: str, methods: list[str]) -> None:
        counts = rows.set_index("method").reindex(methods)
        axis.barh(range(len(methods)), counts["raised"], height=0.6, color=DARK, zorder=3)
        axis.barh(range(len(methods)), -counts["lowered"], height=0.6, color="white", edgecolor=DARK, zorder=3)
        axis.set_xlim(-1.1 * most, 1.1 * most)
        axis.set_xticks([-most, 0, most], [f"{most}", "0", f"{most}"])
        axis.axvspan(0, 1.1 * most * names.metric(metric).segregation, color=LIGHT, zorder=0)
        axis.axvline(0, color="black", linewidth=1, zorder=4)
        axis.set_xlabel("← lowered    raised →")

    handles = [
        Patch(facecolor="white", edgecolor=DARK, label="lowers the index"),
        Patch(facecolor=DARK, label="raises the index"),
        Patch(facecolor=LIGHT, label="the side of more segregation"),
    ]
    drawn = {}
    for dataset, part in per_dataset(votes):
        most = int(part["seeds"].max())
        drawn[dataset] = legend(multiples(part, draw, row=0.26), handles, "number of seeds")
    return drawn


def around_zero(
    axis: Axes,
    rows: pd.DataFrame,
    name: str,
    columns: Sequence[str] = ("change", "low", "high"),
    shade: bool = True,
) -> None:
    """Draw the zero line in the middle of a panel of changes, and shade the side of more segregation.

    columns: what must fit into the panel.
    """
    sign = names.metric(name).segregation
    drawn = rows[[c for c in columns if c in rows]].to_numpy("float64")
    extreme = np.nanmax(np.abs(drawn)) if rows[columns[0]].notna().any() else 1 / 1.2
    reach = max(extreme, 1e-4) * 1.2
    axis.set_xlim(-reach, reach)
    nice = nice_below(0.8 * reach)
    axis.set_xticks([-nice, 0, nice], [f"−{nice:g}", "0", f"{nice:g}"])
    if shade:
        axis.axvspan(0, sign * reach, color=LIGHT, zorder=0)
    axis.axvline(0, color="black", linewidth=1, zorder=1)
    axis.set_xlabel("more segregated →" if sign > 0 else "← more segregated")


# --- tables


def show(table: pd.DataFrame) -> Any:
    """`table`, a table a population: before → after; below it the paired change, its interval and its mark."""

    def text(row: Any) -> str:
        if not row.seeds:
            return "–" + note(row.missing)
        digits = names.metric(row.metric).digits
        levels = f"{number(row.before, row.before_se, digits)} → {number(row.after, row.after_se, digits)}"
        change = number(row.change, digits=digits, sign=True)
        votes = f" ({row.more_segregated}/{row.seeds})" if row.seeds > 1 else ""
        return f"{levels}{note(row.missing)}\n**{change}**{interval(row, digits)}{votes}"

    return by_method(table, text)


def interval(row: Any, digits: int) -> str:
    """` [−0.012, +0.003] ▽` of a row of `table`; nothing where there is none."""
    return "" if np.isnan(row.low) else f" {bracket(row.low, row.high, digits)}\u00a0{mark(row)}".rstrip("\u00a0")


def show_effects(table: pd.DataFrame) -> Any:
    """`table`, a table a population, a row an index and method, with test and effect size."""

    def row(row: Any) -> dict[str, str]:
        digits = names.metric(row.metric).digits + 1
        return {
            "metric": row.metric,
            "method": row.method,
            "Mean change": number(row.change, digits=digits, sign=True) + note(row.missing),
            "95 % interval": bracket(row.low, row.high, digits),
            "p": p_value(row.p),
            "p, Holm": p_value(row.p_holm),
            "Effect": number(row.effect, digits=2, sign=True),
            "": mark(row),
        }

    return listed(table.sort_values([*POPULATION, "metric", "method"]), row, POPULATION, blank=["metric"])


def show_votes(votes: pd.DataFrame) -> Any:
    """`votes`, a table a population: raised / lowered, and how many did not change."""

    def text(row: Any) -> str:
        same = f" ({row.unchanged} unchanged)" if row.unchanged else ""
        return f"{row.raised} ↑ {row.lowered} ↓{same}"

    return by_method(votes, text)


@theme()
def _map(table: pd.DataFrame, name: str) -> Figure:
    metric = names.metric(name)

    def text(row: Any) -> str:
        if not row.seeds:
            return "not defined"
        levels = f"{number(row.before, digits=metric.digits)} → {number(row.after, digits=metric.digits)}"
        return f"{levels}\n{number(row.change, row.change_se, metric.digits, sign=True)} {mark(row)}".rstrip()

    shade = (metric.segregation * table["effect"]).fillna(0.0)
    cells = table.assign(shade=shade, text=list(map(text, table.itertuples(index=False))))
    place = ["population", "classifier"]
    shades, texts = (cells.pivot(index=place, columns="method", values=value) for value in ("shade", "text"))
    places, methods = shades.index.to_frame(index=False).astype("str"), list(shades.columns)
    figure = new_figure(2.1 + 1.3 * len(methods), 0.52 * len(places) + 1.3)
    axis = sns.heatmap(
        shades,
        annot=texts,
        fmt="",
        cmap=_SHADES,
        vmin=-_DARKEST,
        vmax=_DARKEST,
        linewidths=1.5,
        cbar=bool(table["effect"].notna().any()),  # one seed has no spread to shade by
        annot_kws={"fontsize": 7.5, "color": "black"},
        cbar_kws={
            "location": "bottom",
            "aspect": 60,
            "shrink": 0.7,
            "pad": 0.03,
            "label": _SHADE_LABEL,
            "extend": "both",
            "ticks": range(-2, 3),
        },
        ax=figure.subplots(),
    )
    axis.set_xticklabels([textwrap.fill(names.method(m), 14) for m in methods])
    labels = places["population"].map(names.population).str.replace(" by ", "\nby ")
    several = places["population"].duplicated(keep=False)
    labels = labels.where(~several, labels + "\n" + places["classifier"].map(names.classifier))
    axis.set_yticklabels(labels, rotation=0)
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    axis.set(xlabel="", ylabel="")
    axis.set_title(metric.label.replace("\n", ", "), fontsize=11, fontweight="bold")
    return figure
