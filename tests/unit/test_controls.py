"""The controls: what every index does when nobody moves, when labels are shuffled, and when everybody is one point."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conftest import CONFIG, options
from recourse_segregation import measure, recourse, simulation
from recourse_segregation.classifiers import tensor

SETTINGS = CONFIG["measure"] | {"neighbourhoods": 10}


@pytest.fixture(scope="module")
def measured(people, trained):
    """measured(method, groups): every index of everyone, before and after."""
    everyone, classifier = people["continuous"], trained["continuous", "mlp"]
    train = everyone.training_part()
    accepted = classifier.accepts(tensor(train.features)).numpy()

    def indices(method: str, groups: str = "own") -> pd.DataFrame:
        offered, _ = recourse.generate([everyone], [classifier], "mlp", method, method, options(method))
        implemented = simulation.implement(train, accepted, offered, np.random.default_rng(0), **CONFIG["simulate"])
        people = measure.grouped(train, groups)
        homes = measure.fit_neighbourhoods(people, accepted, SETTINGS)
        before = measure.before(people, accepted, homes, SETTINGS)
        table = pd.concat([before, measure.after(people, accepted, offered, implemented, homes, SETTINGS)])
        table = table.query("scope == 'everyone' and metric != 'atkinson_released'")
        return table.pivot(index="metric", columns="phase", values="value")

    return indices


@pytest.mark.parametrize("groups", ["own", "shuffled"])
def test_nobody_changes_nothing_to_the_bit(groups, measured):
    """The placebo measures after with the labels of before, so nothing may change under shuffled labels either."""
    table = measured("nobody", groups)
    assert (table["before"] == table["after"]).all()


def test_the_placebo_is_the_same_people_under_other_labels(people):
    train = people["continuous"].training_part()
    shuffled, again = (measure.grouped(train, "shuffled").table for _ in range(2))
    assert shuffled["group"].value_counts().equals(train.table["group"].value_counts())
    assert (shuffled["group"] != train.table["group"]).any()
    pd.testing.assert_frame_equal(shuffled.drop(columns="group"), train.table.drop(columns="group"))
    assert (again["group"] == shuffled["group"]).all(), "the labels come from the seed"
    assert measure.grouped(train, "own") is train


def test_the_placebo_finds_no_groups_before(measured):
    """Two groups that live apart are told apart; under shuffled labels they are not."""
    own, placebo = (measured("wachter", groups)["before"] for groups in ("own", "shuffled"))
    for index in ("spatial_proximity", "atkinson"):
        assert placebo[index] < own[index]


@pytest.mark.parametrize(
    ("method", "index", "sign"), [("collapse", "average_proximity", 1), ("swap_in", "spatial_proximity", -1)]
)
def test_what_a_control_does_to_an_index(method, index, sign, measured):
    """At one point everybody is near whatever their group; accepted places of the other group bring groups together."""
    row = measured(method).loc[index]
    assert sign * (row["after"] - row["before"]) > 0
