"""The controls: what every index does when nobody moves, when labels are shuffled, and when everybody is one point."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recourse_segregation import measure, recourse, simulation


@pytest.fixture(scope="module")
def cell(people, trained):
    everyone, classifier = people["continuous"], trained["continuous", "mlp"]
    train = everyone.training_part()
    from recourse_segregation.classifiers import tensor

    accepted = classifier.accepts(tensor(train.features)).numpy()
    return everyone, train, classifier, accepted


def measured(cell, method, groups="own"):
    everyone, train, classifier, accepted = cell
    offered, _ = recourse.generate([everyone], [classifier], "mlp", method, method, {})
    implemented = simulation.implement(train, accepted, offered, np.random.default_rng(0))
    people = measure.grouped(train, groups)
    homes = measure.fit_neighbourhoods(people, accepted, 10, 0.2)
    before = measure.before(people, accepted, homes).assign(phase="before")
    table = measure.after(people, accepted, offered, implemented, before, homes)
    everyone_only = table[table["scope"] == "everyone"]
    return everyone_only.pivot(index="metric", columns="phase", values="value")


def test_nobody_changes_nothing_to_the_bit(cell):
    table = measured(cell, "nobody").drop("atkinson_released")
    assert (table["before"] == table["after"]).all()


def test_the_placebo_is_the_same_people_under_other_labels(cell):
    _, train, _, _ = cell
    shuffled = measure.grouped(train, "shuffled")
    assert shuffled.table["group"].value_counts().equals(train.table["group"].value_counts())
    assert (shuffled.table["group"] != train.table["group"]).any()
    pd.testing.assert_frame_equal(shuffled.table.drop(columns="group"), train.table.drop(columns="group"))
    again = measure.grouped(train, "shuffled")
    assert (again.table["group"] == shuffled.table["group"]).all(), "the labels come from the seed"
    assert measure.grouped(train, "own") is train


def test_the_placebo_finds_no_groups_before(cell):
    """Two groups that live apart are told apart; under shuffled labels they are not."""
    own, placebo = measured(cell, "wachter"), measured(cell, "wachter", "shuffled")
    assert placebo.loc["spatial_proximity", "before"] < own.loc["spatial_proximity", "before"]
    assert placebo.loc["atkinson", "before"] < own.loc["atkinson", "before"]


def test_the_placebo_measures_after_with_the_labels_of_before(cell):
    """Nobody moves, so nothing may change under shuffled labels either."""
    table = measured(cell, "nobody", "shuffled").drop("atkinson_released")
    assert (table["before"] == table["after"]).all()


def test_collapse_raises_average_proximity_whatever_it_does_to_the_groups(cell):
    table = measured(cell, "collapse")
    assert table.loc["average_proximity", "after"] > table.loc["average_proximity", "before"]


def test_swap_in_brings_the_groups_together(cell):
    """Where the groups live apart, taking accepted places of the other group lowers spatial proximity."""
    table = measured(cell, "swap_in")
    assert table.loc["spatial_proximity", "after"] < table.loc["spatial_proximity", "before"]
