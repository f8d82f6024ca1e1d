"""Who is in the data, whom the classifiers reject, and how good they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import contracts, names
from ..comparison import mean_and_error
from ..population import Encoding
from ._figures import by_cell, legend, new_figure, points, theme
from ._layout import Layout, number, tables, unbroken
from ._run import Run, ordered


def people(run: Run) -> pd.DataFrame:
    """Who is in the data, a row a population, split and group; shares of all seeds together.

    Columns: population, split, minority, group, individuals (mean over seeds), favourable (share),
    favourable_se.
    """
    once = run.classifiers.drop_duplicates(["population", "seed", "split", "group"])
    once = once.assign(share=once["favourable"] / once["individuals"])
    rows = []
    for key, part in once.groupby(["population", "split", "minority", "group"]):
        share, error = mean_and_error(part["share"])
        rows.append((*key, part["individuals"].mean(), share, error))
    columns = ["population", "split", "minority", "group", "individuals", "favourable", "favourable_se"]
    return ordered(pd.DataFrame(rows, columns=columns), ["population"], run.classifiers)


def features(run: Run) -> pd.DataFrame:
    """The features of each population: columns population, feature, kind, can_change, sensitive."""
    rows = []
    for population in run.populations:
        path = run.first_block(population) / "population.parquet"
        encoding: Encoding = contracts.encoding_of(contracts.read(path, "population"))
        rows += [(population, f.name, f.kind, not f.immutable, f.name == encoding.sensitive) for f in encoding.features]
    return pd.DataFrame(rows, columns=["population", "feature", "kind", "can_change", "sensitive"])


def rejected(run: Run) -> pd.DataFrame:
    """Who is rejected in the training data, a row a population, classifier, group and seed.

    Columns: population, classifier, minority, group, seed, individuals, rejected, share.
    """
    train = run.classifiers[run.classifiers["split"] == "train"]
    train = train.assign(rejected=train["individuals"] - train["accepted"])
    train = train.assign(share=train["rejected"] / train["individuals"])
    wanted = ["population", "classifier", "minority", "group", "seed", "individuals", "rejected", "share"]
    return ordered(train[wanted].sort_values(["minority", "seed"]), wanted[:2], run.classifiers)


def accuracy(run: Run) -> pd.DataFrame:
    """Share of right predictions: population, classifier, split, accuracy, accuracy_se, seeds."""
    cells = ["population", "classifier", "split"]
    counts = run.classifiers.groupby([*cells, "seed"], sort=False)[["correct", "individuals"]].sum()
    shares = counts["correct"] / counts["individuals"]
    rows = [(*key, *mean_and_error(part), len(part)) for key, part in shares.groupby(cells, sort=False)]
    table = pd.DataFrame(rows, columns=[*cells, "accuracy", "accuracy_se", "seeds"])
    return ordered(table, ["population", "classifier"], run.classifiers)


def rejected_figure(table: pd.DataFrame) -> Figure:
    """The share of each group that is rejected, a panel a population and classifier.

    table: population, classifier, group, minority, seed, share.
    """
    cells = by_cell(table)
    columns = min(3, len(cells))
    lines = -(-len(cells) // columns)
    with theme():
        figure = new_figure(4.33 * columns, 1.9 * lines + 0.6)
        axes = figure.subplots(lines, columns, squeeze=False)
        for axis in axes.flat[len(cells) :]:
            axis.set_visible(False)
        for axis, (cell, rows) in zip(axes.flat, cells, strict=False):
            rows = rows.assign(group=rows["group"] + np.where(rows["minority"], "\n(minority)", "\n(majority)"))
            points(axis, rows, "share", "group", list(dict.fromkeys(rows["group"])))
            axis.set_xlim(0, rows["share"].max() * 1.15)
            axis.set_title(cell, fontsize=11)
            axis.set_xlabel("share of the group that is rejected")
            axis.set_ylabel("")
    return legend(figure, table)


def show_people(table: pd.DataFrame, features: pd.DataFrame) -> Any:
    """`people` and `features` as one table, a row a group."""
    rows = []
    for population, part in table.groupby("population", sort=False):
        own = features[features["population"] == population]
        for group, of_group in part.groupby("group", sort=False):
            splits = of_group.set_index("split")
            minority = bool(of_group["minority"].iloc[0])
            train, test = splits.loc["train"], splits.loc["test"]
            rows.append(
                {
                    "Population": names.population(population),
                    "Group": unbroken(f"{group} ({'minority' if minority else 'majority'})"),
                    "Train": f"{train['individuals']:,.0f}",
                    "Test": f"{test['individuals']:,.0f}",
                    "Favourable label, train": number(train["favourable"], train["favourable_se"]),
                    "Favourable label, test": number(test["favourable"], test["favourable_se"]),
                    "Can change": ", ".join(own.loc[own["can_change"], "feature"]),
                    "Fixed": ", ".join(own.loc[~own["can_change"], "feature"]),
                }
            )
    return tables([Layout(rows, repeat=("Population", "Can change", "Fixed"))])


def show_rejected(table: pd.DataFrame) -> Any:
    """`rejected` summarised over seeds, a row a population, classifier and group."""
    rows = []
    for (population, classifier, group), part in table.groupby(["population", "classifier", "group"], sort=False):
        low, high = part["rejected"].min(), part["rejected"].max()
        rows.append(
            {
                "Population": names.population(population),
                "Classifier": names.classifier(classifier),
                "Group": f"{group} ({'minority' if part['minority'].iloc[0] else 'majority'})",
                "Rejected per seed": f"{low}" if low == high else f"{low} to {high}",
                "Share of the group": number(*mean_and_error(part["share"])),
            }
        )
    return tables([Layout(rows, repeat=("Population", "Classifier"))])


def show_accuracy(table: pd.DataFrame) -> Any:
    """`accuracy`, a row a population and classifier."""
    rows = []
    for (population, classifier), part in table.groupby(["population", "classifier"], sort=False):
        splits = part.set_index("split")
        rows.append(
            {"Population": names.population(population), "Classifier": names.classifier(classifier)}
            | {
                f"Accuracy, {split}": number(splits.loc[split, "accuracy"], splits.loc[split, "accuracy_se"])
                for split in ("train", "test")
            }
        )
    return tables([Layout(rows, repeat=("Population",))])
