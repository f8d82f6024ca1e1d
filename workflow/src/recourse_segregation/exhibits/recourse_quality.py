"""The quality of the recourse: what it costs, whom it reaches, how long it takes."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import contracts, names
from ..comparison import mean_and_error
from ..statistics import missing
from ._figures import dots, few_ticks, legend, per_dataset, share_axis
from ._layout import Footnotes, Layout, by_method, number, tables
from ._run import CELL, METHOD, Run, ordered


def seeds(run: Run) -> pd.DataFrame:
    """Every quality metric, seed by seed: population, classifier, method, scenario, metric, seed, value,
    note."""
    m = run.measures
    m = m[(m["phase"] == "after") & (m["scope"] == "recipients") & m["metric"].isin(names.QUALITY)]
    m = m.assign(metric=pd.Categorical(m["metric"], names.QUALITY)).sort_values(["metric", "seed"], kind="stable")
    return ordered(m, CELL, run.measures).astype({"metric": "str"})[[*CELL, "metric", "seed", "value", "note"]]


def table(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds` summarised over seeds.

    Columns: population, classifier, method, scenario, metric, mean, se, seeds (with a value), note.
    """
    rows = []
    for key, part in seeds.groupby([*CELL, "metric"], sort=False):
        count = int(part["value"].notna().sum())
        rows.append((*key, *mean_and_error(part["value"]), count, missing(part["value"], part["note"])))
    return pd.DataFrame(rows, columns=[*CELL, "metric", "mean", "se", "seeds", "note"])


def figures(seeds: pd.DataFrame) -> dict[str, Figure]:
    """`figure` for each data set."""
    return {dataset: figure(part) for dataset, part in per_dataset(seeds)}


def figure(seeds: pd.DataFrame) -> Figure:
    """Each quality metric of the recourse: populations down, metrics across.

    seeds: what `seeds` returns.
    """

    def panel(axis: Axes, rows: pd.DataFrame, name: str) -> None:
        high = rows["value"].max() if rows["value"].notna().any() else 1.0
        axis.set_xlim(-0.08 * max(high, 1e-3), 1.1 * max(high, 1e-3))
        share_axis(axis) if name in names.SHARES else few_ticks(axis)
        axis.set_xlabel(names.metric(name).axis)

    return legend(dots(seeds, "value", panel), seeds)


def show(table: pd.DataFrame) -> Any:
    """`table`, a table a population."""

    def cell(row: pd.Series, notes: Footnotes) -> str:
        if not row["seeds"]:
            return notes.dash(row["note"])
        return number(row["mean"], row["se"]) + notes.mark(row["note"])

    return by_method(table, names.QUALITY, cell)


def effort(run: Run) -> pd.DataFrame:
    """Seconds that a method takes for one seed.

    Columns: population, classifier, method, quantity (fit_seconds, search_seconds), mean, se, seeds.
    """
    d = run.diagnostics[run.diagnostics["quantity"].isin(["fit_seconds", "search_seconds"])]
    rows = [
        (*key, *mean_and_error(part), len(part)) for key, part in d.groupby([*METHOD, "quantity"], sort=False)["value"]
    ]
    return pd.DataFrame(rows, columns=[*METHOD, "quantity", "mean", "se", "seeds"])


def outcomes(run: Run) -> pd.DataFrame:
    """What became of the rejected, all seeds together: population, classifier, method, outcome, individuals.

    outcome: rejected (all of them), found, or why no recourse was found (the reasons that occur in this run).
    """
    d = run.diagnostics[run.diagnostics["quantity"].isin(["rejected", "found", *contracts.REASONS])]
    total = d.groupby([*METHOD, "quantity"], sort=False)["value"].sum().astype("int64").reset_index()
    occurring = total.groupby("quantity")["value"].transform("sum") > 0
    total = total[occurring | total["quantity"].isin(["rejected", "found"])]
    return total.rename(columns={"quantity": "outcome", "value": "individuals"}).reset_index(drop=True)


def show_effort(effort: pd.DataFrame, outcomes: pd.DataFrame) -> Any:
    """`effort` and `outcomes`, a table a population."""
    seconds = {"fit_seconds": "Fit, seconds", "search_seconds": "Search, seconds"}
    reasons = list(dict.fromkeys(outcomes["outcome"]))
    layouts = []
    for (population, classifier), part in effort.groupby(["population", "classifier"], sort=False):
        rows = []
        for method, of_method in part.groupby("method", sort=False):
            row = {"Method": names.method(method)}
            for quantity, label in seconds.items():
                cell = of_method[of_method["quantity"] == quantity]
                row[label] = number(cell["mean"].iloc[0], cell["se"].iloc[0], digits=2) if len(cell) else "–"
            same = (outcomes[METHOD] == [population, classifier, method]).all(axis=1)
            counts = outcomes[same].set_index("outcome")["individuals"]
            rows.append(row | {name.capitalize(): f"{counts.get(name, 0):,}" for name in reasons})
        layouts.append(Layout(rows, names.cell(population, classifier)))
    return tables(layouts)
