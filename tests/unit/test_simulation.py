"""Who moves, who stays, and what becomes of those without recourse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recourse_segregation import recourse, simulation
from recourse_segregation.classifiers import predictions
from recourse_segregation.contracts import accepted as accepted_in
from recourse_segregation.errors import ConfigError


@pytest.fixture(scope="module")
def cell(people, trained):
    population, classifier = people["levels"], trained["levels", "mlp"]
    offered, _ = recourse.generate([population], [classifier], "mlp", "wachter", "wachter", {})
    offered.loc[offered.index[:4], "found"] = False
    train = population.training_part()
    return train, accepted_in(predictions(classifier, population), train), offered


def implement(cell, seed=0, **options):
    return simulation.implement(*cell, np.random.default_rng(seed), **options)


def test_everybody_with_recourse_moves_and_nobody_else(cell):
    train, accepted, offered = cell
    after = implement(cell)
    encoding = train.encoding
    found = offered[offered["found"]].set_index("individual")
    moved = after["status"] == "moved"
    assert moved.sum() == len(found)
    columns = list(encoding.columns)
    mutable = list(encoding.mutable_columns)
    landed = after[moved].set_index("individual")[mutable]
    np.testing.assert_array_equal(landed, found.loc[landed.index, mutable])
    np.testing.assert_array_equal(after.loc[~moved, columns], train.table.loc[~moved, columns])
    immutable = [c for c in columns if c not in mutable]
    np.testing.assert_array_equal(after[immutable], train.table[immutable])
    assert (after.loc[accepted, "status"] == "accepted").all()
    assert (after["status"] == "unresolved").sum() == 4
    assert (after["accepted"] == (accepted | moved)).all()


@given(uptake=st.floats(0, 1), seed=st.integers(0, 10))
def test_uptake_is_a_share_of_those_with_recourse(cell, uptake, seed):
    after = implement(cell, seed, uptake=uptake)
    assert (after["status"] == "moved").sum() == round(uptake * cell[2]["found"].sum())
    assert after.equals(implement(cell, seed, uptake=uptake))


def test_who_takes_it_up_is_drawn_from_the_seed(cell):
    assert not implement(cell, 0, uptake=0.5).equals(implement(cell, 1, uptake=0.5))


def test_unresolved_policies(cell):
    train = cell[0]
    stay, origin, drop = (implement(cell, unresolved=policy) for policy in simulation.UNRESOLVED)
    lost = (stay["status"] == "unresolved").to_numpy()
    columns, mutable = list(train.encoding.columns), list(train.encoding.mutable_columns)
    np.testing.assert_array_equal(stay.loc[lost, columns], train.table.loc[lost, columns])
    assert (origin.loc[lost, mutable] == 0).all(axis=None)
    assert len(drop) == len(stay) - lost.sum()
    assert not drop["individual"].isin(stay.loc[lost, "individual"]).any()


@pytest.mark.parametrize(("options", "key"), [({"uptake": 1.5}, "uptake"), ({"unresolved": "vanish"}, "unresolved")])
def test_wrong_settings(cell, options, key):
    with pytest.raises(ConfigError, match=rf"{key}"):
        implement(cell, **options)


def test_nobody_rejected_leaves_everything_as_it_is(cell):
    train, accepted, offered = cell
    after = simulation.implement(train, np.ones_like(accepted), offered[:0], np.random.default_rng(0))
    assert (after["status"] == "accepted").all()
    np.testing.assert_array_equal(after[list(train.encoding.columns)], train.table[list(train.encoding.columns)])
