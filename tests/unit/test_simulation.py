"""Who moves, who stays, what becomes of those without recourse, and what can be done with the people after it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import CONFIG, QUICK, options
from recourse_segregation import classifiers, contracts, recourse, simulation
from recourse_segregation.errors import ConfigError
from recourse_segregation.seeds import torch_generator


@pytest.fixture(scope="module")
def cell(people, trained):
    everyone, classifier = people["levels"], trained["levels", "mlp"]
    offered, _ = recourse.generate([everyone], [classifier], "mlp", "wachter", "wachter", options("wachter"))
    offered.loc[offered.index[:4], "found"] = False
    train = everyone.training_part()
    return train, contracts.accepted(classifiers.predictions(classifier, everyone), train), offered


def implement(cell, seed=0, **changes) -> pd.DataFrame:
    """The table of the people after."""
    return simulation.implement(*cell, np.random.default_rng(seed), **CONFIG["simulate"] | changes).table


def test_everybody_with_recourse_moves_and_nobody_else(cell):
    train, accepted, offered = cell
    after = implement(cell)
    assert list(after.columns) == [*train.table.columns, "status", "accepted"]
    columns, mutable = list(train.encoding.columns), list(train.encoding.mutable_columns)
    found = offered[offered["found"]].set_index("individual")
    moved = after["status"] == "moved"
    assert moved.sum() == len(found)
    landed = after[moved].set_index("individual")[mutable]
    np.testing.assert_array_equal(landed, found.loc[landed.index, mutable])
    np.testing.assert_array_equal(after.loc[~moved, columns], train.table.loc[~moved, columns])
    kept = [c for c in train.table.columns if c not in mutable]
    pd.testing.assert_frame_equal(after[kept], train.table[kept])
    assert (after.loc[accepted, "status"] == "accepted").all()
    assert (after["status"] == "unresolved").sum() == 4
    assert (after["accepted"] == (accepted | moved)).all()


@given(uptake=st.floats(0, 1), seed=st.integers(0, 10))
def test_uptake_is_a_share_of_those_with_recourse(cell, uptake, seed):
    after = implement(cell, seed, uptake=uptake)
    found, moved, declined = cell[2]["found"].sum(), *((after["status"] == s).sum() for s in ("moved", "declined"))
    assert (moved, declined) == (round(uptake * found), found - moved)
    assert after.equals(implement(cell, seed, uptake=uptake))
    assert not implement(cell, seed, uptake=0.5).equals(implement(cell, seed + 1, uptake=0.5)), "drawn from the seed"


def test_unresolved_policies(cell):
    train = cell[0]
    stay, origin, drop = (implement(cell, unresolved=policy) for policy in simulation.UNRESOLVED)
    lost = (stay["status"] == "unresolved").to_numpy()
    columns, mutable = list(train.encoding.columns), list(train.encoding.mutable_columns)
    np.testing.assert_array_equal(stay.loc[lost, columns], train.table.loc[lost, columns])
    assert (origin.loc[lost, mutable] == 0).all(axis=None)
    assert list(drop["individual"]) == list(stay.loc[~lost, "individual"])


@pytest.mark.parametrize("changes", [{"uptake": 1.5}, {"unresolved": "vanish"}])
def test_wrong_settings(cell, changes):
    with pytest.raises(ConfigError, match=f"{next(iter(changes))}:"):
        implement(cell, **changes)


def test_nobody_rejected_leaves_everything_as_it_is(cell):
    train, accepted, offered = cell
    after = implement((train, np.ones_like(accepted), offered[:0]))
    assert (after["status"] == "accepted").all()
    pd.testing.assert_frame_equal(after[train.table.columns], train.table)


@pytest.mark.parametrize("unresolved", simulation.UNRESOLVED)
def test_the_people_after_are_a_population(unresolved, cell, tmp_path):
    """From memory or from their file: a classifier is trained on them, and those whom it rejects get recourse again."""
    settings = CONFIG["simulate"] | {"uptake": 0.5, "unresolved": unresolved}
    after = simulation.implement(*cell, np.random.default_rng(0), **settings)
    contracts.write(after.table.assign(scenario=contracts.DEFAULT), tmp_path / "after", "after", after.encoding)
    (read,) = contracts.people(contracts.read(tmp_path / "after", "after")).values()
    offers = []
    for people in (after, read):
        model = classifiers.train(people, torch_generator(0, "again"), hidden=(), **QUICK)
        accepted = contracts.accepted(classifiers.predictions(model, people), people)
        offered, _ = recourse.generate([people], [model], "linear", "wachter", "wachter", options("wachter"))
        assert list(offered["individual"]) == list(people.table.loc[~accepted, "individual"])
        assert offered["found"].any()
        now = simulation.implement(people, accepted, offered, np.random.default_rng(0), **CONFIG["simulate"]).table
        assert set(now["status"]) == {"accepted", "moved"} | ({"unresolved"} if not offered["found"].all() else set())
        assert (now["accepted"] == (now["status"] != "unresolved")).all(), "by the classifier that made this offer"
        assert (now["status"] == "moved").sum() == offered["found"].sum()
        offers.append(offered)
    pd.testing.assert_frame_equal(*offers)
