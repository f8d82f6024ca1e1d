"""Drawing, splitting, encoding, scaling; and the published measures before recourse."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import CONTINUOUS, LEVELS, made_up, population
from recourse_segregation import classifiers, data, measure, settings
from recourse_segregation.data import Dataset, Feature, Sensitive
from recourse_segregation.errors import ConfigError, DataError
from recourse_segregation.population import Encoding, Population, prepare
from recourse_segregation.seeds import torch_generator

ROOT = Path(__file__).parents[2]
CONFIG = settings.validate(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
POPULATIONS = CONFIG["populations"]
MIRROR = Path(os.environ.get("RECOURSE_DATA_MIRROR", ROOT.parent / "shared" / "datasets"))


def test_encoding():
    people = population("levels")
    encoding = people.encoding
    assert encoding.columns[:3] == ("income", "debt", "score")
    assert [f.kind for f in encoding.features] == ["continuous"] * 3 + [
        "binary",
        "categorical",
        "binary",
        "categorical",
    ]
    features = people.features
    assert features.min() == 0
    assert features.max() == 1
    assert (features[:, :3].min(0) == 0).all()
    assert (features[:, :3].max(0) == 1).all()
    for columns in [*encoding.indices("binary"), *encoding.indices("categorical")]:
        assert np.isin(features[:, columns], (0, 1)).all()
    (job,) = encoding.indices("categorical")
    assert (features[:, job].sum(1) == 1).all()
    assert encoding.mutable.sum() == 3 + 1 + 4
    assert np.array_equal(people.minority, features[:, encoding.sensitive_index] == 1)
    assert Encoding.from_json(encoding.to_json()) == encoding


def test_train_comes_first_and_every_individual_is_there_once():
    people = population("levels")
    assert people.train.sum() == 300
    assert people.train[:300].all()
    assert sorted(people.table["individual"]) == list(range(400))
    assert len(people.training_part().table) == 300


def test_the_synthetic_population_is_the_release_s():
    people = prepare("synthetic", data.load("synthetic"), "sex", 0, 10_000, 0.25)
    assert people.train.sum() == 600
    assert people.minority[people.train].sum() == 288
    assert people.features.min() >= 0
    assert people.features.max() <= 1


def test_more_rows_than_asked_for_are_sampled_down():
    full = made_up((*CONTINUOUS, *LEVELS)).draw(np.random.RandomState(0))
    whole = Dataset("d", "", "", "", (*CONTINUOUS, *LEVELS), {"sex": Sensitive("sex", ("men", "women"), "women")})
    people = prepare("p", whole, "sex", 0, 100, 0.25, full)
    assert len(people.table) == 100
    again = prepare("p", whole, "sex", 0, 100, 0.25, full)
    pd.testing.assert_frame_equal(people.table, again.table)
    assert not people.table.equals(prepare("p", whole, "sex", 1, 100, 0.25, full).table)


def dataset_of(frame: pd.DataFrame) -> Dataset:
    return Dataset(
        "broken",
        "",
        "",
        "",
        (Feature("x", "continuous"), Feature("sex", "binary", ("men", "women"))),
        {"sex": Sensitive("sex", ("men", "women"), minority="women")},
        draw=lambda _: frame,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": 1.0}, "'x' is constant"),
        ({"sex": "men"}, "nobody of group 'women'"),
        ({"label": 1}, "all labels of the .* data are 1"),
        ({"sex": "other"}, "undeclared level 'other'"),
    ],
)
def test_broken_populations_say_what_is_wrong(change, message):
    frame = pd.DataFrame({"label": [0, 1] * 20, "x": np.arange(40.0), "sex": ["men"] * 20 + ["women"] * 20})
    with pytest.raises(DataError, match=message) as error:
        prepare("p", dataset_of(frame.assign(**change)), "sex", 3, 100, 0.25)
    assert "population p, seed 3" in str(error.value)


def test_a_feature_may_not_take_the_name_of_another_column():
    frame = pd.DataFrame({"label": [0, 1] * 20, "group": np.arange(40.0), "sex": ["men", "women"] * 20})
    features = (Feature("group", "continuous"), Feature("sex", "binary", ("men", "women")))
    sensitive = {"sex": Sensitive("sex", ("men", "women"), minority="women")}
    with pytest.raises(DataError, match="may not be called 'group'"):
        prepare("p", Dataset("d", "", "", "", features, sensitive, draw=lambda _: frame), "sex", 0, 100, 0.25)


def test_unknown_sensitive_attribute():
    with pytest.raises(ConfigError, match=r"populations\.p\.sensitive.*it has: sex"):
        prepare("p", data.load("synthetic"), "age", 0, 100, 0.25)


# The published "before" rows, from the same draws: data, split and metrics at once.

PUBLISHED = pd.read_csv(ROOT / "workflow" / "resources" / "published.csv")


def published(name: str, metric: str) -> float:
    rows = PUBLISHED.query("population == @name and method == 'none' and metric == @metric")
    return float(rows["value"].iloc[0])


def drawn(name: str, seeds: range) -> Iterator[Population]:
    """The population of config.yaml with that name, seed by seed; skips if its raw files are not at hand."""
    chosen = POPULATIONS[name]
    dataset = data.load(chosen["dataset"])
    folder = {"give_me_some_credit": "gmc"}.get(dataset.name, dataset.name)
    if dataset.read and not (MIRROR / folder).is_dir():
        pytest.skip(f"the raw files of {dataset.title} are not at hand (RECOURSE_DATA_MIRROR)")
    frame = dataset.read(MIRROR / folder) if dataset.read else None
    for seed in seeds:
        yield prepare(name, dataset, chosen["sensitive"], seed, chosen["rows"], chosen["test_share"], frame)


def measured(name: str, seeds: range) -> pd.Series:
    chosen = POPULATIONS[name]
    tables = []
    for people in drawn(name, seeds):
        train = people.training_part()
        favourable = train.labels == 1
        homes = measure.fit_neighbourhoods(train, favourable, chosen["neighbourhoods"], chosen["radius_quantile"])
        tables.append(measure.before(train, favourable, homes).query("scope == 'everyone'"))
    return pd.concat(tables).groupby("metric")["value"].mean()


def test_synthetic_before_recourse_equals_the_published_numbers():
    ours = measured("synthetic", range(1))
    assert ours["centralization_released"] == pytest.approx(published("synthetic", "centralization_released"), abs=5e-7)
    assert ours["average_proximity"] == pytest.approx(published("synthetic", "average_proximity"), abs=5e-7)
    # Neighbourhoods of the favourable only, as the release; k-means differs between scikit-learn versions.
    assert ours["atkinson_released"] == pytest.approx(published("synthetic", "atkinson"), abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gmc-age", "law-sex"])
def test_real_before_recourse_equals_the_published_numbers(name):
    ours = measured(name, range(5))
    assert round(ours["centralization_released"], 3) == published(name, "centralization_released")
    assert round(ours["average_proximity"], 3) == published(name, "average_proximity")
    assert ours["atkinson"] == pytest.approx(published(name, "atkinson"), abs=0.002)


# The populations of config.yaml


@pytest.mark.parametrize("name", POPULATIONS)
def test_every_population_has_a_sensitive_attribute_of_its_data_set(name):
    assert POPULATIONS[name]["sensitive"] in data.load(POPULATIONS[name]["dataset"]).sensitive


def described(people: list[Population]) -> str:
    """A population's row in docs/datasets.md, from its seeds."""

    def between(counts: list[int]) -> str:
        low, high = min(counts), max(counts)
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"

    encoding, trains = people[0].encoding, [p.training_part() for p in people]
    kinds = [len(encoding.indices(kind)) for kind in ("continuous", "binary", "categorical")]
    cells = [
        f"`{people[0].name}`",
        f"{len(people[0].table):,} / {len(trains[0].table):,}",
        " + ".join(map(str, kinds)),
        f"{encoding.mutable.sum()} of {len(encoding.columns)}",
        between([len(np.unique(p.features[:, ~encoding.mutable], axis=0)) for p in people]),
        between([t.minority.sum() for t in trains]),
        between([t.labels.sum() for t in trains]),
    ]
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("name", POPULATIONS)
def test_every_population_is_as_documented(name):
    document = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    assert described(list(drawn(name, range(5)))) in document.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("name", POPULATIONS)
def test_the_classifiers_that_get_recourse_reject_and_accept_people_of_both_groups(name):
    for classifier in POPULATIONS[name]["recourse"]:
        options = settings.options_for(CONFIG, "classifiers", classifier, name)
        for people in drawn(name, range(5)):
            model = classifiers.train(people, torch_generator(people.seed, "train", classifier), **options)
            table = classifiers.summary(people, classifier, classifiers.predictions(model, people))
            train = table[table["split"] == "train"]
            assert (train["accepted"].between(1, train["individuals"] - 1)).all(), f"seed {people.seed}"
            larger = max(people.labels[people.train].mean(), 1 - people.labels[people.train].mean())
            assert train["correct"].sum() / train["individuals"].sum() > larger, f"seed {people.seed}"
