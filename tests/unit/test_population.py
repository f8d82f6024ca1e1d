"""Drawing, splitting, encoding, scaling; and the published measures before recourse."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import real_data
from conftest import CONFIG, CONTINUOUS, LEVELS, ROOT, made_up, population
from recourse_segregation import classifiers, data, measure, plan
from recourse_segregation.data import Dataset, Feature, Sensitive, divided
from recourse_segregation.errors import ConfigError, DataError
from recourse_segregation.population import Encoding, Population, overlap, prepare
from recourse_segregation.seeds import torch_generator

#: re-runs have the people of another population
POPULATIONS = {name: entry for name, entry in CONFIG["populations"].items() if "variant_of" not in entry}


def test_encoding():
    people = population("levels")
    encoding, features = people.encoding, people.features
    assert encoding.columns[:3] == ("income", "debt", "score")
    assert [f.kind for f in encoding.features] == ["continuous"] * 3 + ["binary", "categorical"] * 2
    assert (features.min(), features.max()) == (0, 1)
    assert (features[:, :3].min(0) == 0).all()
    assert (features[:, :3].max(0) == 1).all()
    for columns in [*encoding.indices("binary"), *encoding.indices("categorical")]:
        assert np.isin(features[:, columns], (0, 1)).all()
    (job,) = encoding.indices("categorical")
    assert (features[:, job].sum(1) == 1).all()
    assert encoding.mutable.sum() == 3 + 1 + 4
    assert np.array_equal(people.minority, features[:, encoding.sensitive_index] == 1)
    assert Encoding.from_json(encoding.to_json()) == encoding


@pytest.mark.parametrize(("test_share", "trained_on"), [(0.25, 300), (0.4, 240)])
def test_train_comes_first_and_every_individual_is_there_once(test_share, trained_on):
    people = prepare("p", made_up((*CONTINUOUS, *LEVELS)), "sex", 0, 400, test_share)
    assert people.train.sum() == people.train[:trained_on].sum() == trained_on == len(people.training_part().table)
    assert sorted(people.table["individual"]) == list(range(400))


def test_the_synthetic_population_is_the_release_s():
    people = prepare("synthetic", data.load("synthetic"), "sex", 0, 10_000, 0.25)
    assert people.train.sum() == 600
    assert people.minority[people.train].sum() == 288


SEXES = {"sex": Sensitive("sex", ("men", "women"), minority="women")}


JOBS = Sensitive("job", ("none", "clerk", "manager", "other"), minority="")
BY_JOB = replace(made_up((*CONTINUOUS, *LEVELS)), sensitive={"job": JOBS})


def test_levels_make_up_two_groups_and_who_has_another_is_left_out():
    drawn = BY_JOB.draw(np.random.RandomState(0))
    dataset, groups = replace(BY_JOB, draw=None), {"minority": ["manager"], "majority": ["none", "clerk"]}
    whole = prepare("p", dataset, "job", 0, 400, 0.25, drawn, groups)
    assert (whole.encoding.groups, whole.encoding.minority) == (("none or clerk", "manager"), "manager")
    table = whole.table.sort_values("individual")
    jobs = drawn.loc[table["individual"], "job"]
    assert table["individual"].tolist() == drawn.index[drawn["job"] != "other"].tolist()
    assert (table["group"].to_numpy() == jobs.map(lambda job: "manager" if job == "manager" else "none or clerk")).all()
    assert (table["job"].to_numpy() == (jobs == "manager")).all(), "one column, which recourse does not move"
    assert "job" not in whole.encoding.mutable_columns
    few = prepare("p", dataset, "job", 0, 100, 0.25, drawn, groups)
    assert len(few.table) == 100, "of those in a group, as many are drawn as asked for"
    larger = {"minority": ["none", "clerk", "other"], "majority": ["manager"]}
    assert prepare("p", BY_JOB, "job", 0, 400, 0.25, groups=larger).encoding.minority == "none or clerk or other"


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        (None, "p: two groups are compared, and 'job' has 4 levels; say which .*groups: {minority: "),
        (
            {"minority": ["chief"], "majority": ["none"]},
            "p.groups.minority: 'chief' is not a level of 'job'; there are",
        ),
        ({"minority": ["clerk"], "majority": ["none", "clerk"]}, "p.groups: 'clerk' is in both groups"),
    ],
)
def test_unclear_groups_are_refused(groups, says):
    with pytest.raises(ConfigError, match=f"populations.{says}"):
        prepare("p", BY_JOB, "job", 0, 400, 0.25, groups=groups)
    halves = replace(BY_JOB, sensitive={"income": divided("income", "median", "above the median")})
    with pytest.raises(ConfigError, match=r"populations\.p\.groups: 'income' is divided into two groups already"):
        prepare("p", halves, "income", 0, 400, 0.25, groups={"minority": ["a"], "majority": ["b"]})


def test_more_rows_than_asked_for_are_sampled_down():
    full = made_up((*CONTINUOUS, *LEVELS)).draw(np.random.RandomState(0))
    whole = Dataset("d", "", "", "", (*CONTINUOUS, *LEVELS), SEXES)
    people, again, other = (prepare("p", whole, "sex", seed, 100, 0.25, full).table for seed in (0, 0, 1))
    assert len(people) == 100
    pd.testing.assert_frame_equal(people, again)
    assert not people.equals(other)


@pytest.mark.parametrize("dataset", [data.load("synthetic"), made_up((*CONTINUOUS, *LEVELS))], ids=["drawn", "made up"])
def test_a_re_run_has_the_people_and_the_split_of_its_draw(dataset):
    def people(seed, **draws):
        return prepare("p", dataset, "sex", seed, 100, 0.25, **draws).table.drop(columns="seed")

    pd.testing.assert_frame_equal(people(7, draws=5), people(2))
    assert not people(7, draws=5).equals(people(7))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": 1.0}, "feature 'x' is constant"),
        ({"sex": "men"}, "nobody of group 'women'"),
        ({"label": 1}, "all labels of the .* data are 1"),
        ({"sex": "other"}, "undeclared level 'other'"),
        ({"group": 1}, "a feature may not be called 'group'"),
    ],
)
def test_broken_populations_say_what_is_wrong(change, message):
    frame = pd.DataFrame({"label": [0, 1] * 20, "x": np.arange(40.0), "sex": ["men"] * 20 + ["women"] * 20})
    frame = frame.assign(**change)
    more = [Feature(name, "continuous") for name in change if name not in ("x", "sex", "label")]
    features = (Feature("x", "continuous"), Feature("sex", "binary", ("men", "women")), *more)
    with pytest.raises(DataError, match=f"^population p, seed 3: .*{message}"):
        prepare("p", Dataset("d", "", "", "", features, SEXES, draw=lambda _: frame), "sex", 3, 100, 0.25)


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
    frame, settings = real_data.frame(dataset.name), plan.settings(CONFIG, "prepare", name)
    for seed in seeds:
        yield prepare(name, dataset, chosen["sensitive"], seed, **settings, frame=frame)


def measured(name: str, seeds: range) -> pd.Series:
    """Indices of everyone before, where whoever has the favourable label counts as accepted; their means over seeds."""
    chosen, tables = plan.settings(CONFIG, "measure", name), []
    for train in (people.training_part() for people in drawn(name, seeds)):
        homes = measure.fit_neighbourhoods(train, train.labels == 1, chosen)
        tables.append(measure.before(train, train.labels == 1, homes, chosen).query("scope == 'everyone'"))
    return pd.concat(tables).groupby("metric")["value"].mean()


def test_synthetic_before_recourse_equals_the_published_numbers():
    ours = measured("synthetic", range(1))
    for metric in ("centralization_released", "average_proximity"):
        assert ours[metric] == pytest.approx(published("synthetic", metric), abs=5e-7)
    # Neighbourhoods of the favourable only, as the release; k-means differs between scikit-learn versions.
    assert ours["atkinson_released"] == pytest.approx(published("synthetic", "atkinson"), abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gmc-age", "law-sex"])
def test_real_before_recourse_equals_the_published_numbers(name):
    ours = measured(name, range(5))
    for metric in ("centralization_released", "average_proximity"):
        assert round(ours[metric], 3) == published(name, metric)
    assert ours["atkinson"] == pytest.approx(published(name, "atkinson"), abs=0.002)


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
    for classifier in POPULATIONS[name]["decided_by"]:
        chosen = plan.options_for(CONFIG, "classifiers", classifier, name)
        for people in drawn(name, range(5)):
            model = classifiers.train(people, torch_generator(people.seed, "train", classifier), **chosen)
            table = classifiers.summary(people, classifier, classifiers.predictions(model, people))
            train = table[table["split"] == "train"]
            assert train["accepted"].between(1, train["individuals"] - 1).all(), f"seed {people.seed}"
            favourable = people.labels[people.train].mean()
            larger = max(favourable, 1 - favourable)
            assert train["correct"].sum() / train["individuals"].sum() > larger, f"seed {people.seed}"


def test_the_people_that_seeds_share():
    rows = [
        *((0, i, "train", i / 10) for i in (1, 2, 3, 4)),
        (0, 5, "test", 0.5),
        *((1, i, "train", i / 10 + (i > 2)) for i in (3, 4, 5, 6)),
        *((2, i, "train", i / 10) for i in (7, 8, 9, 1)),
    ]
    people = pd.DataFrame(rows, columns=["seed", "individual", "split", "x"])
    assert overlap(people, drawn=False) == pytest.approx((2 / 4 + 1 / 4 + 0) / 3)
    assert overlap(people, drawn=True) == pytest.approx(1 / 4 / 3), "known by their features"
    assert np.isnan(overlap(people[people["seed"] == 0], drawn=False))
