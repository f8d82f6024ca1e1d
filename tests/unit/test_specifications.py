"""The specification curve: which specifications there are, and their verdicts by hand."""

import numpy as np
import pandas as pd
import pytest

from made_up_measures import index, measures, quality
from recourse_segregation import contracts, names, specifications
from recourse_segregation.claims import Claim

CHOICES = {"scopes": ["everyone", "accepted"], "scenarios": ["default", "drop"], "populations": ["a", "b"]}
ABOUT = {"id": "lowers", "part": 2, "statement": "It lowers it.", "scope": "everyone", "methods": ["ebr"]}
ABOUT |= {"alpha": 0.05, "metrics": dict.fromkeys(["atkinson", "centralization"], "less segregated")}
ABOUT |= {"verdict": {"decided": 0.5, "contradicted": 0.5, "supported": 0.75, "tolerated": 0.1, "partly": 0.25}}


def falling(by=-0.1, seeds=5, **where):
    before = np.linspace(0.3, 0.6, seeds)
    return index(before, before + by * np.linspace(0.9, 1.1, seeds), **where)


def run(populations="ab", **where):
    """Both indices fall for everyone and for the accepted."""
    cells = [(p, m, s) for p in populations for m in ABOUT["metrics"] for s in CHOICES["scopes"]]
    return [row for p, m, s in cells for row in falling(**{"population": p, "metric": m, "scope": s} | where)]


def specified(*parts, kinds=("paper",), seeds=(5,), overlap=None, smallest=None, **claim):
    stated = [Claim(**ABOUT | claim, indices=kind) for kind in kinds]
    table = specifications.specify(
        measures(*parts), stated, CHOICES, seeds, overlap or {}, smallest or dict.fromkeys(names.INDICES, 0.01)
    )
    assert list(table) == list(contracts.CONTRACTS["specifications"])
    assert not table.duplicated([c for c in table if c not in ("tests", "in_favour", "against", "verdict")]).any()
    return table


def chosen(table, column):
    return list(dict.fromkeys(table[column]))


def test_all_choices_are_combined():
    table = specified(run())
    assert len(table) == 3 * 2 * 3 * 2 * 2  # indices, scopes, populations, overlap, small effects
    assert chosen(table, "indices") == ["paper", "atkinson", "centralization"]
    assert chosen(table, "populations") == ["published", "without a", "without b"]
    assert set(table["verdict"]) == {"supported"}
    assert table.query("indices == 'paper' and populations == 'published'")["tests"].unique() == [4]


def test_what_was_not_run_or_moves_no_number_is_left_out():
    same = run(scenario="drop")
    assert len(specified(run(), same)) == len(specified(run()))
    other = run(scenario="drop", by=-0.2)
    assert chosen(specified(run(), other), "scenario") == ["default", "drop"]
    assert specified(run(), kinds=["groups"]).empty, "no shuffled groups"
    both = specified(run(), run(scenario="placebo", by=0.0), other, kinds=["groups"])
    assert (chosen(both, "scenario"), chosen(both, "shuffled")) == (["default"], [True])
    with_own = specified(run(), run(scenario="placebo", by=0.0), other, run(scenario="drop-placebo"), kinds=["groups"])
    assert chosen(with_own, "scenario") == ["default", "drop"]
    assert chosen(specified(run("abc")), "populations") == ["published", "all", "without a", "without b"]
    assert chosen(specified(run("a")), "populations") == ["without b"]
    assert chosen(specified(run("c")), "populations") == ["all"]


def test_as_many_seeds_as_there_are():
    table = specified(run("a", seeds=8), run("b"), seeds=[5, 8])
    found = {(row.populations, row.seeds) for row in table.itertuples()}
    assert found == {("published", 5), ("without a", 5), ("without b", 5), ("without b", 8)}


@pytest.mark.parametrize(
    ("by", "overlap", "column", "verdicts"),
    [
        (-0.1, {"a": 0.5, "b": 0.999}, "overlap", {False: "supported", True: "partly supported"}),
        (-0.005, {}, "relevant", {False: "supported", True: "not supported"}),
    ],
)
def test_a_stricter_choice_may_turn_a_verdict(by, overlap, column, verdicts):
    table = specified(run(by=by), overlap=overlap)
    own = table[(table["populations"] == "published") & (table["indices"] == "paper")]
    assert own.groupby(column)["verdict"].unique().map(list).to_dict() == {k: [v] for k, v in verdicts.items()}


def test_a_claim_about_quality_has_its_own_scope_and_scenario():
    parts = [quality([0.98, 0.99, 1.0, 1.0, 0.99], "found", population=p) for p in "ab"]
    claim = {"metrics": {"found": "higher"}, "bound": 0.95, "scope": "recipients"}
    table = specified(*parts, kinds=[""], **claim)
    assert len(table) == 3 * 2  # populations, overlap
    assert chosen(table, "verdict") == ["supported"]


def test_without_any_measures_there_is_nothing():
    empty = specified(run()[:0])
    assert empty.empty
    pd.testing.assert_index_equal(empty.columns, specified(run()).columns)
