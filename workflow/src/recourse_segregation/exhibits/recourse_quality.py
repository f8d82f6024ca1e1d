"""The quality of the recourse: what it costs, whom it reaches, how long it takes."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import contracts, names, statistics
from ..contracts import CELL, RECOURSE
from ._figures import dots, multiples, per_dataset
from ._run import Run, means, ordered
from ._tables import POPULATION, across, by_method, note, number, small, tables

#: what the training of a VAE ends with -> what it is called; each has one of the two entropies
MODEL = {
    "reconstruction": "Reconstruction",
    "elbo": "ELBO",
    "kl": "KL, nats",
    "kl_w": "KL of w, nats",
    "adversary_cross_entropy": "Adversary's cross-entropy, nats",
    "group_entropy": "Entropy of what it predicts, nats",
    "label_entropy": "Entropy of what it predicts, nats",
}


def seeds(run: Run) -> pd.DataFrame:
    """Every quality metric, seed by seed: population, classifier, method, scenario, metric, seed, value, note."""
    numbers = ordered(statistics.numbers(run.measures, "recipients", "after"), metric=names.QUALITY)
    return numbers.drop(columns="scope").sort_values([*CELL, "metric", "seed"]).reset_index(drop=True)


def table(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds` summarised over seeds.

    Columns: population, classifier, method, scenario, metric, mean, se, seeds (with a value), note.
    """
    key = [*CELL, "metric"]
    notes = [statistics.missing(part["value"], part["note"]) for _, part in seeds.groupby(key)]
    return means(seeds, key).assign(note=notes)


def figures(table: pd.DataFrame) -> dict[str, Figure]:
    """Each quality metric of the recourse, a figure a data set; table: what `table` returns, for one scenario."""

    def draw(axis: Axes, rows: pd.DataFrame, metric: str) -> None:
        dots(axis, rows, "mean", "mean over seeds", interval="± standard error")
        axis.axvline(0, color="black", linewidth=1, zorder=1)
        axis.margins(x=0.1)
        if metric in names.SHARES:
            axis.set_xlim(-0.1, 1.1)
        axis.set_xlabel(names.metric(metric).axis)

    table = table.assign(low=table["mean"] - table["se"], high=table["mean"] + table["se"])
    return {dataset: multiples(part, draw) for dataset, part in per_dataset(table)}


def show(table: pd.DataFrame) -> Any:
    """`table`, a table a population."""
    return by_method(table, lambda row: number(row.mean, row.se) + note(row.note))


def effort(run: Run) -> pd.DataFrame:
    """Seconds that a method takes for one seed.

    Columns: population, classifier, method, quantity (fit_seconds, search_seconds), mean, se, seeds.
    """
    d = run.diagnostics
    return means(d[d["quantity"].isin(["fit_seconds", "search_seconds"])], [*RECOURSE, "quantity"])


def outcomes(run: Run) -> pd.DataFrame:
    """What became of the rejected, all seeds together: population, classifier, method, outcome, individuals.

    outcome: rejected (all of them), found, or why no recourse was found (the reasons that occur in this run).
    """
    kinds = ["rejected", "found", *contracts.REASONS]
    d = ordered(run.diagnostics.rename(columns={"quantity": "outcome"}), outcome=kinds)
    total = d.groupby([*RECOURSE, "outcome"])["value"].sum().astype("int64").reset_index(name="individuals")
    occurring = total.groupby("outcome")["individuals"].transform("sum") > 0
    return total[occurring | total["outcome"].isin(["rejected", "found"])].reset_index(drop=True)


def models(run: Run) -> pd.DataFrame:
    """What the training of a VAE ends with, per individual (see `vae.train` and `csvae.train`).

    Columns: population, classifier, method, quantity (those of `MODEL`), mean, se, seeds.
    """
    return means(ordered(run.diagnostics, quantity=MODEL), [*RECOURSE, "quantity"])


def show_models(models: pd.DataFrame) -> Any:
    """`models`, a table a population."""
    called = ordered(models.assign(quantity=models["quantity"].map(MODEL)), quantity=dict.fromkeys(MODEL.values()))
    wide = across(called, [*POPULATION, "method"], "quantity", lambda row: small(row.mean) or number(row.mean, row.se))
    return tables(wide, POPULATION)


def show_effort(effort: pd.DataFrame, outcomes: pd.DataFrame) -> Any:
    """`effort` and `outcomes`, a table a population."""
    method = [*POPULATION, "method"]
    seconds = {"fit_seconds": "Fit, seconds", "search_seconds": "Search, seconds"}
    took = across(effort, method, "quantity", lambda row: number(row.mean, row.se, digits=2), seconds.get)
    counted = across(outcomes, method, "outcome", lambda row: f"{row.individuals:,}", str.capitalize)
    return tables(took.merge(counted, on=method, how="left"), POPULATION)
