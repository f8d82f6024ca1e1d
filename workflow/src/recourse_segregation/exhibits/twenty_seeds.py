"""Seeds enough to decide: tests of every change, and how often it goes which way."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .. import names
from ._figures import DARK, LIGHT, grid, intervals, marker, per_dataset, rows_of, theme
from ._layout import Footnotes, Layout, Markup, bracket, number, p_value, tables
from ._run import CELL
from .segregation import around_zero, mark

# A change below this is rounding.
_ROUNDING = 1e-12


def votes(seeds: pd.DataFrame) -> pd.DataFrame:
    """How often each method raises or lowers each index, of the seeds in which it has a value.

    seeds: what `segregation.seeds` returns. Columns: population, classifier, method, scenario, metric, seeds, raised,
    lowered, unchanged.
    """
    defined = seeds.dropna(subset=["change"])
    directions = defined.assign(
        seeds=1,
        raised=defined["change"] > _ROUNDING,
        lowered=defined["change"] < -_ROUNDING,
        unchanged=defined["change"].abs() <= _ROUNDING,
    )
    counts = directions.groupby([*CELL, "metric"], sort=False)[["seeds", "raised", "lowered", "unchanged"]].sum()
    return counts.astype("int64").reset_index()


def figures(table: pd.DataFrame) -> dict[str, Figure]:
    """The mean change of each index with its 95 % interval, a figure a data set.

    table: what `segregation.table` returns.
    """
    return {dataset: _intervals(part) for dataset, part in per_dataset(table)}


def show(table: pd.DataFrame) -> Any:
    """`segregation.table`, a table a population, a row an index and method, with test and effect size."""
    notes, layouts = Footnotes(), []
    for (population, classifier), part in table.groupby(["population", "classifier"], sort=False):
        rows = []
        for metric, of_metric in part.groupby("metric", sort=False):
            for _, row in of_metric.iterrows():
                digits = names.metric(metric).digits + 1
                rows.append(
                    {
                        "Index": names.metric(metric).label.replace("\n", ", "),
                        "Method": names.method(row["method"]),
                        "Mean change": Markup(
                            number(row["change"], digits=digits, sign=True) + notes.mark(row["missing"])
                        ),
                        "95 % interval": bracket(row["low"], row["high"], digits),
                        "p": p_value(row["p"]),
                        "p, Holm": p_value(row["p_holm"]),
                        "Effect": number(row["effect"], digits=2, sign=True),
                        "": mark(row),
                    }
                )
        layouts.append(Layout(rows, names.cell(population, classifier), repeat=("Index",)))
    return tables(layouts, notes)


def votes_figures(votes: pd.DataFrame) -> dict[str, Figure]:
    """`votes` as bars to both sides, a figure a data set."""
    return {dataset: _votes(part) for dataset, part in per_dataset(votes)}


def show_votes(votes: pd.DataFrame) -> Any:
    """`votes`, a table a population: raised / lowered, and how many did not change."""
    layouts = []
    for (population, classifier), part in votes.groupby(["population", "classifier"], sort=False):
        rows = []
        for method, of_method in part.groupby("method", sort=False):
            row = {"Method": names.method(method)}
            for cell in of_method.itertuples():
                same = f" ({cell.unchanged} unchanged)" if cell.unchanged else ""
                row[names.metric(cell.metric).label] = f"{cell.raised} ↑ {cell.lowered} ↓{same}"
            rows.append(row)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        layouts.append(
            Layout([{c: row.get(c, "–") for c in columns} for row in rows], names.cell(population, classifier))
        )
    return tables(layouts)


def _intervals(table: pd.DataFrame) -> Figure:
    with theme():
        figure, panels, methods = grid(table, 0.28)
        for axis, rows, metric in panels:
            intervals(axis, rows, "method", methods)
            axis.set_yticks(range(len(methods)), [names.method(m) for m in methods])
            around_zero(axis, rows, metric)
        handles = [
            marker("D", "significant after Holm", DARK, DARK),
            marker("D", "not significant", "white", DARK),
            Line2D([], [], color=DARK, linewidth=2, label="95 % interval of the mean over seeds"),
        ]
        title = "mean change of the index, after − before recourse"
        figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, title=title)
    return figure


def _votes(votes: pd.DataFrame) -> Figure:
    most = int(votes["seeds"].max())
    with theme():
        figure, panels, methods = grid(votes, 0.26)
        for axis, rows, metric in panels:
            counts = rows.set_index("method").reindex(methods)
            axis.barh(range(len(methods)), counts["raised"], height=0.6, color=DARK, zorder=3)
            axis.barh(range(len(methods)), -counts["lowered"], height=0.6, color="white", edgecolor=DARK, zorder=3)
            axis.set_xlim(-1.1 * most, 1.1 * most)
            axis.set_xticks([-most, 0, most], [f"{most}", "0", f"{most}"])
            axis.axvspan(0, 1.1 * most * names.metric(metric).segregation, color=LIGHT, zorder=0)
            axis.axvline(0, color="black", linewidth=1, zorder=4)
            rows_of(axis, [names.method(m) for m in methods])
            axis.set_xlabel("← lowered    raised →")
        handles = [
            Patch(facecolor="white", edgecolor=DARK, label="lowers the index"),
            Patch(facecolor=DARK, label="raises the index"),
            Patch(facecolor=LIGHT, label="the side of more segregation"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, title="number of seeds")
    return figure
