"""The indices of segregation before and after recourse, and how sure a change is."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from .. import names, statistics
from ..contracts import CELL
from ._figures import SHADES, changes, new_figure, per_dataset, theme
from ._run import Run, ordered
from ._tables import POPULATION, bracket, by_method, listed, note, number, p_value, sentence

#: what `table` has one row for
KEY = [*CELL, "scope", "metric"]

_SHADE_LABEL = "← less segregated      mean change / standard deviation between seeds      more segregated →"


def seeds(run: Run, scope: str, metrics: Sequence[str] = names.INDICES) -> pd.DataFrame:
    """Every index before and after, seed by seed.

    Columns: population, classifier, method, scenario, scope, metric, seed, before, after, change, note.
    """
    table = ordered(statistics.changes(run.measures, scope, metrics), metric=metrics)
    return table.sort_values([*KEY, "seed"]).reset_index(drop=True)


def table(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds` summarised over seeds: the columns of `statistics.summarise` and two more.

    more_segregated: seeds in which the change is towards more segregation. missing: why seeds have no value.
    """
    summary = statistics.summarise(seeds.assign(level=seeds["before"]), KEY)
    towards = seeds["change"] * [names.metric(name).segregation for name in seeds["metric"]] > 0
    cells = seeds.assign(towards=towards).groupby(KEY, sort=False)  # in the order of the summary
    reasons = [statistics.missing(part["change"], part["note"]) for _, part in cells]
    return summary.assign(more_segregated=cells["towards"].sum().to_numpy(), missing=reasons)


def parts(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the paper's indices (and of those that were added), and those of `names.FAMILY`: two to show."""
    family = table["metric"].isin(names.FAMILY)
    return table[~family], table[family]


def with_overlap(table: pd.DataFrame, overlap: pd.DataFrame) -> pd.DataFrame:
    """`table` with p_overlap: p_holm if it is taken into account that seeds share people (`statistics.error_of_mean`).

    overlap: population, overlap (the share of training people that two seeds have in common).
    """
    shared = table["population"].astype("str").map(overlap.set_index("population")["overlap"]).fillna(0.0)
    p = np.maximum(table["p"], statistics.t_test(table["change"], table["change_se"], table["seeds"], shared))
    family = [table[column] for column in statistics.FAMILY]
    return table.assign(p_overlap=p.groupby(family, observed=True).transform(statistics.holm))


def votes(seeds: pd.DataFrame) -> pd.DataFrame:
    """How often each method raises or lowers each index, of the seeds in which it has a value.

    Columns: population, classifier, method, scenario, metric, seeds, raised, lowered, unchanged.
    """
    defined = seeds.dropna(subset=["change"])
    direction = np.sign(defined["change"].round(12))  # a difference of rounding is none
    directions = defined.assign(seeds=1, raised=direction > 0, lowered=direction < 0, unchanged=direction == 0)
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

    table: what `table` returns, for one scenario and scope.
    """
    return {name: _map(rows, name) for name, rows in table.groupby("metric") if rows["seeds"].any()}


def figures(table: pd.DataFrame) -> dict[str, Figure]:
    """The mean change of each index with its 95 % interval, a figure a data set; table: what `table` returns."""
    title = "change of the index, after − before recourse"
    return {dataset: changes(part, title) for dataset, part in per_dataset(table)}


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


def on_bridges(run: Run) -> Any:
    """Where FACE depends on the bridges between the parts of its graph; nothing if the study `choices` was not run."""
    if "choices" not in run.studies:
        return sentence("")
    measures, pair = run.study("choices").measures, ["face", "face-no-bridges"]
    found = measures[(measures["metric"] == "found") & measures["method"].isin(pair)]
    shares = found.groupby(["population", "method"], observed=True)["value"].mean().unstack().reindex(columns=pair)
    said = [
        f"On {names.population(population)}, FACE finds recourse for {100 * bridged:.1f} % of the rejected, and for "
        f"{100 * own:.1f} % without the bridges that connect its graph where no neighbours do: what it does to "
        "segregation there is what these bridges do."
        for population, bridged, own in shares.itertuples()
        if own < bridged - 0.01
    ]
    return sentence(" ".join(said))


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
            **({"p, people shared": p_value(row.p_overlap)} if "p_overlap" in table else {}),
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
    shades, texts = (cells.pivot(index=POPULATION, columns="method", values=value) for value in ("shade", "text"))
    figure = new_figure(2.1 + 1.3 * len(shades.columns), 0.52 * len(shades) + 1.3)
    axis = sns.heatmap(
        shades,
        **{"vmin": -2, "vmax": 2, "cmap": SHADES, "linewidths": 1.5, "ax": figure.subplots()},
        **{"annot": texts, "fmt": "", "annot_kws": {"fontsize": 7.5, "color": "black"}},
        cbar_kws={"location": "bottom", "aspect": 60, "extend": "both", "label": _SHADE_LABEL},
        xticklabels=[textwrap.fill(names.method(method), 14) for method in shades.columns],
        yticklabels=[names.cell(*cell).replace(", ", "\n") for cell in shades.index],
    )
    axis.tick_params(length=0, rotation=0, labeltop=True, labelbottom=False)
    axis.set(xlabel="", ylabel="", title=names.in_line(name))
    return figure
