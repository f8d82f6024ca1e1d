"""The indices of segregation before and after recourse."""

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

from .. import names, statistics
from ..statistics import missing
from ._figures import LIGHT, dots, legend, new_figure, nice_below, per_dataset, theme
from ._layout import Footnotes, bracket, by_method, number, sentence
from ._run import CELL, Run, ordered

#: what `table` has one row for
KEY = [*CELL, "scope", "metric"]

_SHADES = LinearSegmentedColormap.from_list("segregation", ["#7fa8cc", "#ffffff", "#eeb055"])
_DARKEST = 2.0  # standard deviations between seeds
_SHADE_LABEL = "← less segregated      mean change / standard deviation between seeds      more segregated →"


def seeds(run: Run, scope: str, metrics: Sequence[str] = names.INDICES) -> pd.DataFrame:
    """Every index before and after, seed by seed.

    Columns: population, classifier, method, scenario, scope, metric, seed, before, after, change, note.
    """
    changes = statistics.changes(run.measures, scope, metrics)
    changes["metric"] = pd.Categorical(changes["metric"], metrics)
    changes = ordered(changes.sort_values(["metric", "seed"], kind="stable"), CELL, run.measures)
    return changes.astype({"metric": "str"})


def table(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds` summarised over seeds: the columns of `statistics.summarise` and two more.

    more_segregated: seeds in which the change is towards more segregation. missing: why seeds have no value.
    """
    cells = seeds.groupby(KEY, sort=False)
    towards = (seeds["change"] * seeds["metric"].map(lambda name: names.metric(name).segregation) > 0).groupby(
        [seeds[c] for c in KEY], sort=False
    )
    summary = statistics.summarise(seeds.assign(level=seeds["before"]), KEY)
    reasons = [missing(part["change"], part["note"]) for _, part in cells]
    return summary.assign(more_segregated=towards.sum().to_numpy(), missing=reasons)


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
            tests = int(rows.groupby(list(statistics.FAMILY), sort=False).size().max())
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
    return {name: _map(rows, name) for name, rows in table.groupby("metric", sort=False) if rows["seeds"].any()}


def figures(seeds: pd.DataFrame) -> dict[str, Figure]:
    """`figure` for each data set."""
    return {dataset: figure(part) for dataset, part in per_dataset(seeds)}


def figure(seeds: pd.DataFrame) -> Figure:
    """The change of each index after - before, paired within a seed: populations down, indices across.

    seeds: what `seeds` returns, for one scenario and scope. The shaded side is the more segregated one.
    """
    zero = Line2D([], [], color="black", linewidth=1, label="no change")
    return legend(dots(seeds, "change", around_zero), seeds, zero, title="change of the index, after − before recourse")


def around_zero(axis: Axes, rows: pd.DataFrame, name: str) -> None:
    """Draw the zero line in the middle of a panel of changes, and shade the side of more segregation."""
    sign = names.metric(name).segregation
    columns = [c for c in ("change", "low", "high") if c in rows]
    extreme = np.nanmax(np.abs(rows[columns].to_numpy("float64"))) if rows["change"].notna().any() else 1 / 1.2
    reach = max(extreme, 1e-4) * 1.2
    axis.set_xlim(-reach, reach)
    nice = nice_below(0.8 * reach)
    axis.set_xticks([-nice, 0, nice], [f"−{nice:g}", "0", f"{nice:g}"])
    axis.axvspan(0, sign * reach, color=LIGHT, zorder=0)
    axis.axvline(0, color="black", linewidth=1, zorder=1)
    axis.set_xlabel("more segregated →" if sign > 0 else "← more segregated")


def show(table: pd.DataFrame) -> Any:
    """`table`, a table a population: before → after; below it the paired change, its interval and its mark."""

    def cell(row: pd.Series, notes: Footnotes) -> str:
        if not row["seeds"]:
            return notes.dash(row["missing"])
        digits = names.metric(row["metric"]).digits
        levels = " → ".join(number(row[when], row[f"{when}_se"], digits) for when in ("before", "after"))
        change = number(row["change"], digits=digits, sign=True)
        return f"{levels}{notes.mark(row['missing'])}<br><b>{change}</b>{interval(row, digits)}{votes(row)}"

    return by_method(table, list(dict.fromkeys(table["metric"])), cell)


def interval(row: Any, digits: int) -> str:
    """` [−0.012, +0.003] ▽` of a row of `table`; nothing where there is none."""
    return "" if np.isnan(row.low) else f" {bracket(row.low, row.high, digits)}\u00a0{mark(row)}".rstrip("\u00a0")


def votes(row: pd.Series) -> str:
    """`(4/5)`: in how many seeds it is more segregated; nothing for one seed."""
    return f" ({row['more_segregated']}/{row['seeds']})" if row["seeds"] > 1 else ""


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
    places, methods = table[place].drop_duplicates(), list(dict.fromkeys(table["method"]))
    shades, texts = (
        cells.pivot(index=place, columns="method", values=value).loc[pd.MultiIndex.from_frame(places), methods]
        for value in ("shade", "text")
    )
    with theme():
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
