"""Who is in the data, whom the classifiers reject, and how good they are."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .. import contracts
from ._run import Run, means, ordered
from ._tables import POPULATION, across, listed, number, tables, unbroken


def people(run: Run) -> pd.DataFrame:
    """Who is in the data, a row a population, split and group; shares of all seeds together.

    Columns: population, split, minority, group, individuals (mean over seeds), favourable (share),
    favourable_se.
    """
    once = run.classifiers.drop_duplicates(["population", "seed", "split", "group"])
    once = once.assign(share=once["favourable"] / once["individuals"])
    counted = once.groupby(["population", "split", "minority", "group"])
    columns = {
        "individuals": ("individuals", "mean"),
        "favourable": ("share", "mean"),
        "favourable_se": ("share", "sem"),
    }
    return counted.agg(**columns).reset_index()


def features(run: Run) -> pd.DataFrame:
    """The features of each population: columns population, feature, kind, can_change, sensitive."""
    rows = []
    for population in run.classifiers["population"].unique():
        path = run.first_block(population) / "population.parquet"
        encoding = contracts.encoding_of(contracts.read(path, "population"))
        rows += [(population, f.name, f.kind, not f.immutable, f.name == encoding.sensitive) for f in encoding.features]
    return pd.DataFrame(rows, columns=["population", "feature", "kind", "can_change", "sensitive"])


def rejected(run: Run) -> pd.DataFrame:
    """Who is rejected in the training data, a row a population, classifier, group and seed.

    Columns: population, classifier, minority, group, seed, individuals, rejected, share.
    """
    train = run.classifiers[run.classifiers["split"] == "train"]
    train = train.assign(rejected=train["individuals"] - train["accepted"])
    train = train.assign(share=train["rejected"] / train["individuals"])
    order = [*POPULATION, "minority", "seed"]
    wanted = [*POPULATION, "minority", "group", "seed", "individuals", "rejected", "share"]
    return train.sort_values(order, kind="stable", ignore_index=True)[wanted]


def accuracy(run: Run) -> pd.DataFrame:
    """Share of right predictions: population, classifier, split, accuracy, accuracy_se, seeds."""
    cells = [*POPULATION, "split"]
    counts = run.classifiers.groupby([*cells, "seed"])[["correct", "individuals"]].sum()
    shares = (counts["correct"] / counts["individuals"]).reset_index(name="share")
    return means(shares, cells, "share").rename(columns={"mean": "accuracy", "se": "accuracy_se"})


def show_people(table: pd.DataFrame, features: pd.DataFrame) -> Any:
    """`people` and `features` as one table, a row a group."""
    rows = []
    for (population, minority, group), splits in table.set_index("split").groupby(["population", "minority", "group"]):
        train, test = splits.loc["train"], splits.loc["test"]
        own = features[features["population"] == population]
        row = {
            "population": population,
            "Group": unbroken(_group(group, minority)),
            "Train": f"{train['individuals']:,.0f}",
            "Test": f"{test['individuals']:,.0f}",
            "Favourable label, train": number(train["favourable"], train["favourable_se"]),
            "Favourable label, test": number(test["favourable"], test["favourable_se"]),
            "Can change": ", ".join(own.loc[own["can_change"], "feature"]),
            "Fixed": ", ".join(own.loc[~own["can_change"], "feature"]),
        }
        rows.append(row)
    return tables(pd.DataFrame(rows), blank=["population", "Can change", "Fixed"])


def show_rejected(table: pd.DataFrame) -> Any:
    """`rejected` summarised over seeds, a row a population, classifier and group."""
    group = [*POPULATION, "minority", "group"]
    summary = means(table, group, "share").merge(table.groupby(group)["rejected"].agg(["min", "max"]), on=group)

    def row(row: Any) -> dict[str, str]:
        return {
            "population": row.population,
            "classifier": row.classifier,
            "Group": _group(row.group, row.minority),
            "Rejected per seed": f"{row.min}" if row.min == row.max else f"{row.min} to {row.max}",
            "Share of the group": number(row.mean, row.se),
        }

    return listed(summary, row, blank=["population", "classifier"])


def show_accuracy(table: pd.DataFrame) -> Any:
    """`accuracy`, a row a population and classifier."""
    table = ordered(table, split=["train", "test"])
    texts = across(table, POPULATION, "split", lambda row: number(row.accuracy, row.accuracy_se), "Accuracy, {}".format)
    return tables(texts, blank=["population"])


def _group(group: str, minority: bool) -> str:
    return f"{group} ({'minority' if minority else 'majority'})"
