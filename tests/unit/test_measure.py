"""The stages generate -> implement -> measure on one cell, and what happens at the edges."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch

from recourse_segregation import classifiers, contracts, measure, recourse, simulation
from recourse_segregation.metrics import pairwise
from recourse_segregation.network import MLP, Parameters

INDICES = ("atkinson", "centralization", "centralization_released", "average_proximity", "spatial_proximity")
QUALITY = ("found", "invalidation", "cost", "cost_gap", "ynn", "diversity", "closeness")


def run(population, classifier, method, options=None):
    """All stages of one cell: recourse, after, measures, diagnostics."""
    offered, diagnostics = recourse.generate([population], [classifier], "mlp", method, method, options or {})
    train = population.training_part()
    accepted = contracts.accepted(classifiers.predictions(classifier, population), train)
    after = simulation.implement(train, accepted, offered, np.random.default_rng(0))
    homes = measure.fit_neighbourhoods(train, accepted, 8, 0.1)
    table = measure.after(train, accepted, offered, after, measured_before(train, accepted, homes), homes)
    return offered, after, table, diagnostics


def measured_before(train, accepted, homes):
    return measure.before(train, accepted, homes).assign(phase="before")


def values(table: pd.DataFrame, phase: str, scope: str = "everyone") -> pd.Series:
    return table.query("phase == @phase and scope == @scope").set_index("metric")["value"]


def constant(columns: int, margin: float) -> classifiers.Classifier:
    """Gives everybody the same margin."""
    network = MLP((columns, 2))
    parameters = Parameters(network)
    with torch.inference_mode():
        network.layers[0][1].copy_(torch.tensor([0.0, margin]))
    return classifiers.Classifier(network, parameters)


def test_every_metric_phase_and_scope_is_there(people, trained):
    _, _, table, _ = run(people["continuous"], trained["continuous", "mlp"], "growing_spheres")
    for scope in measure.SCOPES:
        for phase in ("before", "after"):
            assert set(INDICES) <= set(values(table, phase, scope).index)
    assert set(QUALITY) <= set(values(table, "after", "recipients").index)
    assert table["value"].notna().all()
    assert not table.duplicated(["phase", "scope", "metric"]).any()
    changes = values(table, "after") - values(table, "before")
    assert changes.drop("atkinson_released").abs().gt(0).all()


def test_the_do_nothing_control_changes_no_metric(people, trained):
    offered, after, table, _ = run(people["levels"], trained["levels", "mlp"], "nobody")
    assert not offered["found"].any()
    assert set(after["status"]) == {"accepted", "unresolved"}
    for scope in ("everyone", "accepted"):
        before, later = values(table, "before", scope), values(table, "after", scope)
        for metric in INDICES:
            assert before[metric] == later[metric]
    quality = table.query("scope == 'recipients' and metric == 'found'").iloc[0]
    assert quality["value"] == 0
    assert quality["n"] == len(offered)
    undefined = table[table["value"].isna()]
    assert set(undefined["scope"]) == {"recipients"}
    assert (undefined["note"] != "").all()


def test_nobody_rejected_says_so(people):
    population = people["levels"]
    offered, after, table, _ = run(population, constant(len(population.encoding.columns), 5.0), "wachter")
    assert len(offered) == 0
    assert (after["status"] == "accepted").all()
    found = table.query("metric == 'found'").iloc[0]
    assert np.isnan(found["value"])
    assert found["n"] == 0
    assert "no values" in found["note"]
    assert values(table, "before")["atkinson"] == values(table, "after")["atkinson"]


def test_everybody_rejected_and_nothing_found_says_zero_of_n(people):
    population = people["levels"]
    offered, _, table, diagnostics = run(
        population, constant(len(population.encoding.columns), -5.0), "wachter", {"steps": 5, "rounds": 1}
    )
    assert len(offered) == population.train.sum()
    assert set(offered["reason"]) == {"nothing found"}
    found = table.query("metric == 'found'").iloc[0]
    assert (found["value"], found["n"]) == (0, len(offered))
    accepted = table.query("scope == 'accepted'")
    assert accepted["value"].isna().all()
    assert (accepted["note"] != "").all()
    assert diagnostics.set_index("quantity").loc["nothing found", "value"] == len(offered)


def test_recipients_are_the_same_people_before_and_after(people, trained):
    offered, _, table, _ = run(people["continuous"], trained["continuous", "linear"], "growing_spheres")
    n = offered["found"].sum()
    rows = table.query("scope == 'recipients' and metric == 'atkinson'")
    assert list(rows["n"]) == [n, n]


def test_diagnostics_hold_seconds_and_counts(people, trained):
    offered, _, _, diagnostics = run(people["levels"], trained["levels", "mlp"], "face")
    quantity = diagnostics.set_index("quantity")["value"]
    assert quantity["fit_seconds"] > 0
    assert quantity["search_seconds"] > 0
    assert quantity["rejected"] == len(offered)
    assert quantity["found"] + sum(quantity[r] for r in contracts.REASONS) == len(offered)


def test_immutables_are_equal_to_the_bit(people, trained):
    offered, _, _, _ = run(people["levels"], trained["levels", "mlp"], "wachter")
    encoding, train = people["levels"].encoding, people["levels"].training_part()
    immutable = [c for c, m in zip(encoding.columns, encoding.mutable, strict=True) if not m]
    own = train.table.set_index("individual").loc[offered["individual"], immutable]
    np.testing.assert_array_equal(offered[immutable], own)


def test_neighbourhoods_survive_their_table(people):
    train = people["levels"].training_part()
    homes = measure.fit_neighbourhoods(train, train.labels == 1, 8, 0.1)
    table = measure.neighbourhood_table(homes, 0, "default", train.encoding)
    again = measure.neighbourhoods_from(table, train.encoding)
    assert set(again) == {"everyone", "accepted"}
    np.testing.assert_array_equal(again["everyone"].centres, homes["everyone"].centres)
    assert again["everyone"].radius == homes["everyone"].radius


@pytest.mark.parametrize("classifier", ["linear", "mlp"])
def test_classifiers_learn_and_are_summarised(classifier, people, trained):
    population, model = people["levels"], trained["levels", classifier]
    predicted = classifiers.predictions(model, population)
    summary = classifiers.summary(population, classifier, predicted)
    assert summary["individuals"].sum() == len(population.table)
    assert (
        summary.query("split == 'test'")["correct"].sum() / summary.query("split == 'test'")["individuals"].sum() > 0.8
    )
    assert set(summary["group"]) == {"men", "women"}
    assert summary.groupby("group")["minority"].first().to_dict() == {"men": False, "women": True}


def test_classifiers_survive_a_file(tmp_path, trained, people):
    model = trained["levels", "mlp"]
    classifiers.save({3: model}, tmp_path / "c.pt")
    loaded = classifiers.load(tmp_path / "c.pt")[3]
    x = classifiers.tensor(people["levels"].features)
    assert torch.equal(loaded.margin(x), model.margin(x))
    margin, gradient = loaded.margin_and_gradient(x[:5])
    step = torch.zeros_like(x[:5])
    step[:, 0] = 1e-3
    slope = (loaded.margin(x[:5] + step) - margin) / 1e-3
    torch.testing.assert_close(slope, gradient[:, 0], rtol=1e-2, atol=1e-2)


def test_what_is_estimated_says_so_with_its_error(people, trained):
    population = people["continuous"]
    exact = run(population, trained["continuous", "mlp"], "wachter")[2]
    # Few enough pairs that everything but the smallest scopes is estimated.
    with mock.patch.multiple(pairwise, PAIRS=2_000, DRAWS=20_000):
        table = run(population, trained["continuous", "mlp"], "wachter")[2]
        train = population.training_part()
        home = measure.fit_neighbourhoods(train, train.labels == 1, 8, 0.1)["everyone"]
    assert (exact["note"] == "").all()
    estimated = table[table["note"] != ""]
    assert estimated["value"].notna().all()
    assert estimated["note"].str.fullmatch(r"estimated from .*, standard error [0-9.e-]+").all()
    everyone = estimated.query("scope == 'everyone' and phase == 'after'")["metric"]
    assert set(everyone) == {m for m in INDICES if m != "atkinson"}
    np.testing.assert_allclose(
        table.query("metric == 'average_proximity'")["value"],
        exact.query("metric == 'average_proximity'")["value"],
        rtol=0.01,
    )
    rows = measure.neighbourhood_table({"everyone": home}, 0, "default", train.encoding)
    assert (rows["radius_error"] == home.radius.error).all()
    assert home.radius.error > 0
