"""The stages generate -> implement -> measure on one cell and through their scripts, and what happens at the edges."""

from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from common import CONFIG, Cell, options
from hypothesis import given
from hypothesis import strategies as st

import loops
from conftest import QUICK, population
from recourse_segregation import classifiers, contracts, measure, recourse, simulation
from recourse_segregation.errors import ConfigError
from recourse_segregation.metrics import pairwise
from recourse_segregation.seeds import torch_generator
from workflow_tools import run_script

#: through which a cell goes after recourse
SETTINGS = CONFIG["measure"] | {"neighbourhoods": 8, "radius_quantile": 0.1}
INDICES = ("atkinson", "centralization", "centralization_released", "average_proximity", "spatial_proximity")
QUALITY = ("found", "invalidation", "cost", "cost_gap", "ynn", "diversity", "closeness")


def run(people, classifier, method, groups="own", known=None, **asked):
    """All stages of one cell: recourse, table after, measures, diagnostics; asked: settings of measuring."""
    cell, settings = Cell(people, classifier), SETTINGS | asked
    offered, diagnostics = cell.given(method)
    after, train = cell.taken_up(offered), measure.grouped(cell.train, groups)
    homes = measure.fit_neighbourhoods(train, cell.accepted, settings)
    before = measure.before(train, cell.accepted, homes, settings, known)
    later = measure.after(train, cell.accepted, offered, after, homes, settings, known)
    table = pd.concat([before, later], ignore_index=True)
    return offered, after.table, table, diagnostics.set_index("quantity")["value"]


def values(table: pd.DataFrame, phase: str, scope: str = "everyone") -> pd.Series:
    return table.query("phase == @phase and scope == @scope").set_index("metric")["value"]


def constant(people, margin: float) -> classifiers.Classifier:
    """Gives everybody the same margin."""
    weights = torch.zeros(2, len(people.encoding.columns))
    return classifiers.from_state({"layers": [(weights, torch.tensor([0.0, margin]))]})


@pytest.fixture(scope="module")
def cell(people, trained):
    found = Cell(people["levels"], trained["levels", "mlp"])
    offered, _ = found.given("wachter")
    offered.loc[offered.index[:4], "found"] = False
    return found.train, found.accepted, offered


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
    after = implement((train, np.ones_like(accepted), offered[:0]))
    assert (after["status"] == "accepted").all(), "nobody is rejected"
    pd.testing.assert_frame_equal(after[train.table.columns], train.table)


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


def test_every_metric_phase_and_scope_is_there_about_the_same_recipients(people, trained):
    offered, _, table, _ = run(people["continuous"], trained["continuous", "mlp"], "growing_spheres")
    for scope in measure.SCOPES:
        for phase in ("before", "after"):
            assert set(INDICES) <= set(values(table, phase, scope).index)
    assert set(QUALITY) <= set(values(table, "after", "recipients").index)
    assert table["value"].notna().all()
    assert not table.duplicated(["phase", "scope", "metric"]).any()
    changes = values(table, "after") - values(table, "before")
    assert changes.drop("atkinson_released").abs().gt(0).all()
    assert list(table.query("scope == 'recipients' and metric == 'atkinson'")["n"]) == [offered["found"].sum()] * 2


@pytest.mark.parametrize("groups", ["own", "shuffled"])
@pytest.mark.parametrize("kind", ["levels", "continuous"])
def test_the_control_nobody_changes_no_metric_to_the_bit(kind, groups, people, trained):
    """The placebo measures after with the labels of before, so nothing may change under shuffled labels either."""
    offered, after, table, _ = run(people[kind], trained[kind, "mlp"], "nobody", groups)
    assert not offered["found"].any()
    assert set(after["status"]) == {"accepted", "unresolved"}
    for scope in ("everyone", "accepted"):
        before, later = (values(table, phase, scope)[list(INDICES)] for phase in ("before", "after"))
        assert before.equals(later)
    quality = table.query("scope == 'recipients' and metric == 'found'").iloc[0]
    assert (quality["value"], quality["n"]) == (0, len(offered))
    undefined = table[table["value"].isna()]
    assert set(undefined["scope"]) == {"recipients"}
    assert (undefined["note"] != "").all()


def test_the_profile_and_separability_are_measured_where_they_are_asked_for(people, trained):
    """Among everyone, with the same shuffled groups before and after; too many neighbours are not defined."""
    asked = {"profile": [5, 15, 500], "permutations": 3, "separability": True}
    plain, own = (run(people["levels"], trained["levels", "mlp"], "swap_in", **more)[2] for more in ({}, asked))
    new = own[~own["metric"].isin(plain["metric"])]
    assert set(new["scope"]) == {"everyone"}
    assert len(new) == 2 * (1 + len(measure.PROFILE) * 3 * 3)
    assert own.drop(new.index).reset_index(drop=True).equals(plain), "the others are as they are without"
    before, after = (values(own, phase) for phase in ("before", "after"))
    for index in measure.PROFILE:
        assert before[f"{index}_k15"] == before[index]
        value, null, excess = (before[f"{index}_k5{part}"] for part in ("", "_null", "_excess"))
        assert excess == pytest.approx((value - null) / (1 - null))
        assert null == pytest.approx(after[f"{index}_k5_null"], abs=0.05)
        assert np.isnan(before[f"{index}_k500_excess"])
    assert new.loc[new["value"].isna(), "note"].eq("500 neighbours need 501 members of the smaller group").all()
    assert 0.5 < before["separability"] < 1


def test_the_same_people_are_measured_once(people, trained):
    """Once all have recourse, the accepted are everyone, and whatever the scenario says of the others is nothing."""
    known = {}
    with mock.patch.object(measure.segregation, "proximity_sums", wraps=measure.segregation.proximity_sums) as sums:
        one, two = (
            run(people["continuous"], trained["continuous", "mlp"], "swap_in", known=known)[2] for _ in range(2)
        )
    assert one.equals(two)
    assert sums.call_count == 2 + 3, "before: everyone, accepted; after: everyone, recipients, and where they were"
    after = one[one["phase"] == "after"]
    everyone, accepted = (
        after[(after["scope"] == s) & after["metric"].isin(INDICES)] for s in ("everyone", "accepted")
    )
    assert everyone["value"].tolist() == accepted["value"].tolist()


def test_ynn_as_released_looks_at_all_people_and_all_columns(people, trained):
    """Of train and test, the group included: other neighbours than those of train by the mutable features."""
    cell = Cell(people["levels"], trained["levels", "mlp"])
    offered, _ = cell.given("swap_in")
    everyone = people["levels"]
    accepted = contracts.accepted(classifiers.predictions(cell.classifier, everyone), everyone)
    homes = measure.fit_neighbourhoods(cell.train, cell.accepted, SETTINGS)
    given = cell.train, cell.accepted, offered, cell.taken_up(offered), homes, SETTINGS
    plain, table = measure.after(*given), measure.after(*given, used=(everyone, accepted))
    rows = table[table["metric"] == "ynn_released"]
    target = offered.loc[offered["found"], list(everyone.encoding.columns)].to_numpy()
    assert rows["value"].tolist() == [pytest.approx(loops.ynn(target, everyone.features, accepted, 5))]
    assert table.drop(rows.index).reset_index(drop=True).equals(plain)


def test_the_placebo_is_the_same_people_under_other_labels(people, trained):
    """Two groups that live apart are told apart before; under shuffled labels they are not."""
    train = people["continuous"].training_part()
    shuffled, again = (measure.grouped(train, "shuffled").table for _ in range(2))
    assert shuffled["group"].value_counts().equals(train.table["group"].value_counts())
    assert (shuffled["group"] != train.table["group"]).any()
    pd.testing.assert_frame_equal(shuffled.drop(columns="group"), train.table.drop(columns="group"))
    assert (again["group"] == shuffled["group"]).all(), "the labels come from the seed"
    assert measure.grouped(train, "own") is train
    cell = people["continuous"], trained["continuous", "mlp"], "wachter"
    own, placebo = (values(run(*cell, groups)[2], "before") for groups in ("own", "shuffled"))
    for index in ("spatial_proximity", "atkinson"):
        assert placebo[index] < own[index]


@pytest.mark.parametrize(
    ("method", "index", "sign"), [("collapse", "average_proximity", 1), ("swap_in", "spatial_proximity", -1)]
)
def test_what_a_control_does_to_an_index(method, index, sign, people, trained):
    """At one point everybody is near whatever their group; accepted places of the other group bring groups together."""
    table = run(people["continuous"], trained["continuous", "mlp"], method)[2]
    assert sign * (values(table, "after")[index] - values(table, "before")[index]) > 0


def test_immutables_are_equal_to_the_bit_and_diagnostics_hold_seconds_and_counts(people, trained):
    offered, _, _, quantity = run(people["levels"], trained["levels", "mlp"], "face")
    assert (quantity[["fit_seconds", "search_seconds"]] > 0).all()
    assert quantity["rejected"] == len(offered) == quantity["found"] + quantity[list(contracts.REASONS)].sum()
    encoding, train = people["levels"].encoding, people["levels"].training_part()
    immutable = [c for c, m in zip(encoding.columns, encoding.mutable, strict=True) if not m]
    own = train.table.set_index("individual").loc[offered["individual"], immutable]
    offered = run(people["levels"], trained["levels", "mlp"], "wachter")[0]
    np.testing.assert_array_equal(offered[immutable], own)


@pytest.fixture(scope="module")
def written(tmp_path_factory, trained):
    """What the scripts write of two methods in two scenarios: before, and method -> measures.

    The classifier of seed 0 accepts some, that of seed 1 everybody, that of seed 2 nobody.
    """
    folder = tmp_path_factory.mktemp("cell")
    everyone = [population("levels", seed) for seed in range(3)]
    deciding = [trained["levels", "linear"], constant(everyone[0], 5.0), constant(everyone[0], -5.0)]
    said = [classifiers.predictions(c, p) for c, p in zip(deciding, everyone, strict=True)]
    encoding = everyone[0].encoding
    contracts.write(pd.concat([p.table for p in everyone]), folder / "population", "population", encoding)
    contracts.write(pd.concat(said), folder / "predictions", "predictions")
    names = ("population", "predictions", "recourse", "after", "neighbourhoods")
    files = {name: folder / name for name in names} | {"measures": folder / "before"}
    cell = {"population": everyone[0].name, "classifier": "linear", "seeds": "0-2"}
    measured = {"scenarios": {"default": SETTINGS, "drop": SETTINGS}}
    placebo = {"placebo": SETTINGS | {"groups": "shuffled"}}
    run_script("measure_before", folder / "log", {"scenarios": measured["scenarios"] | placebo}, files, **cell)
    tables = {}
    for method in ("nobody", "swap_in"):
        offered, _ = recourse.generate(everyone, deciding, "linear", method, method, options(method))
        contracts.write(offered, folder / "recourse", "recourse", encoding)
        simulated = {"default": CONFIG["simulate"], "drop": CONFIG["simulate"] | {"unresolved": "drop"}}
        run_script("simulate", folder / "log", {"scenarios": simulated}, files, **cell, method=method)
        files["measures"] = folder / "measures"
        run_script("measure", folder / "log", measured, files, **cell, method=method)
        tables[method] = contracts.read(folder / "measures", "measures")
    return (
        contracts.read(folder / "before", "measures"),
        tables,
        contracts.read(folder / "neighbourhoods", "neighbourhoods"),
    )


def test_a_placebo_is_the_same_index_of_other_groups(written):
    """With the neighbourhoods and the radius of the real ones."""
    before, _, areas = written
    real, shuffled = (areas[areas["scenario"] == name].drop(columns="scenario") for name in ("default", "placebo"))
    pd.testing.assert_frame_equal(real.reset_index(drop=True), shuffled.reset_index(drop=True))
    values = before.query("scope == 'everyone' and seed == 0").pivot(index="metric", columns="scenario", values="value")
    assert (values["default"] != values["placebo"])[list(INDICES)].all()


def test_the_population_before_is_measured_once_whatever_the_method(written):
    before, tables, _ = written
    assert set(before["method"]) == {contracts.BEFORE}
    assert set(before["scope"]) == {"everyone", "accepted"}
    assert set(before["phase"]) == {"before"}
    for method, table in tables.items():
        assert set(table["method"]) == {method}
        assert set(table.query("phase == 'before'")["scope"]) == {"recipients"}
    collected = pd.concat([before, *tables.values()])
    assert not collected.duplicated([*contracts.IDENTITY, "phase", "scope", "metric"]).any()
    cells = collected.groupby([*contracts.IDENTITY]).size()
    assert len(cells) == 3 * 2 * 3 + 3, "seeds, scenarios, and no method or one of two; the placebo without a method"


def test_a_seed_that_rejects_nobody_or_everybody_or_leaves_nobody_is_measured(written):
    """As far as there is something to measure: a note says why there is not."""
    table = pd.concat(written[1].values()).query("phase == 'after'")
    found = table.query("seed == 1 and metric == 'found'")
    assert found["value"].isna().all()
    assert found["note"].str.contains("no values").all()
    assert (found["n"] == 0).all()
    nothing = written[1]["nobody"].query("seed == 2 and scenario == 'default'")
    assert nothing.query("metric == 'found'")[["value", "n"]].values.tolist() == [[0, 300]]
    accepted = nothing.query("scope == 'accepted'")
    assert len(accepted) > 0
    assert accepted["value"].isna().all()
    assert (accepted["note"] != "").all()
    gone = table.query("seed == 2 and scenario == 'drop' and scope == 'everyone'")
    assert (gone["n"] == 0).all()
    assert gone["value"].isna().all()
    assert (gone["note"] != "").all()


def test_what_is_estimated_says_so_with_its_error(people, trained):
    cell = people["continuous"], trained["continuous", "mlp"], "wachter"
    exact = run(*cell)[2]
    # Few enough pairs that everything but the smallest scopes is estimated.
    with mock.patch.multiple(pairwise, PAIRS=2_000, DRAWS=20_000):
        table = run(*cell)[2]
        train = cell[0].training_part()
        homes = measure.fit_neighbourhoods(train, train.labels == 1, SETTINGS)
    assert (exact["note"] == "").all()
    estimated = table[table["note"] != ""]
    assert estimated["value"].notna().all()
    assert estimated["note"].str.fullmatch(r"estimated from .*, standard error [0-9.e-]+").all()
    everyone = estimated.query("scope == 'everyone' and phase == 'after'")["metric"]
    assert set(everyone) == {*INDICES, "mmd"} - {"atkinson"}, "what looks at all pairs"
    near, far = (t.query("metric == 'average_proximity'")["value"] for t in (table, exact))
    np.testing.assert_allclose(near, far, rtol=0.01)
    rows = measure.neighbourhood_table(homes, 0, "default", train.encoding)
    again = measure.neighbourhoods_from(rows, train.encoding)
    assert set(again) == set(homes) == {"everyone", "accepted"}
    for scope, home in homes.items():
        np.testing.assert_array_equal(again[scope].centres, home.centres)
        assert again[scope].radius == home.radius
        np.testing.assert_equal(again[scope].bandwidth, float(home.bandwidth))
        assert (rows.loc[rows["fitted_on"] == scope, "radius_error"] == home.radius.error).all()
        assert home.radius.error > 0
