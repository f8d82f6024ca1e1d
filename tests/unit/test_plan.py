"""What a configuration asks for."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import CONFIG
from recourse_segregation import plan, settings


def config(**run) -> dict:
    """The project's configuration with another `run`."""
    changed = copy.deepcopy(CONFIG)
    changed["run"] |= run
    return changed


@given(seeds=st.integers(1, 60), size=st.integers(1, 12))
def test_blocks_cover_every_seed_once(seeds, size):
    some = config(seeds=seeds, block_size=size, studies=[])
    assert [s for block in plan.blocks(some, "german-sex") for s in plan.seeds_in(block)] == list(range(seeds))


@pytest.fixture
def studies():
    some = config(populations=["law-sex"], methods=["wachter", "ebr"], seeds=3, studies=["more", "policies"])
    some["studies"]["more"] = {"populations": ["law-sex", "synthetic"], "methods": ["ebr"], "seeds": 7}
    scenarios = ["default", "drop", "radius-0.1"]
    some["studies"]["policies"] = {"populations": ["synthetic"], "methods": ["ebr"], "scenarios": scenarios}
    return settings.validate(some)


def test_a_cell_that_several_studies_need_is_run_once(studies):
    """And a study takes what it does not say from `run`."""
    assert list(plan.studies(studies)) == ["main", "more", "policies"]
    assert plan.studies(studies)["policies"].seeds == 3
    assert plan.studies(studies)["more"].scenarios == ("default",)
    cells = plan.cells(studies)
    assert len(set(cells)) == len(cells)
    law = [(c.method, c.seeds) for c in cells if c.population == "law-sex"]
    assert sorted(law) == [("ebr", "0-4"), ("ebr", "5-6"), ("wachter", "0-4")]
    synthetic = {c.seeds: c.scenarios for c in cells if c.population == "synthetic"}
    assert synthetic == {"0-4": ("default", "drop", "radius-0.1"), "5-6": ("default",)}
    trained = {(c.population, c.classifier, c.seeds) for c in plan.trained(studies)}
    assert {("law-sex", name, "5-6") for name in studies["populations"]["law-sex"]["classifiers"]} < trained
    assert trained >= {(c.population, c.classifier, c.seeds) for c in cells}


def test_a_population_and_a_scenario_say_otherwise(studies):
    """What is drawn, what people do and how they are measured are apart: each room gets its own settings."""
    studies["populations"]["law-sex"] |= {"prepare": {"test_share": 0.5}, "measure": {"ynn_k": 3}}
    assert plan.settings(settings.validate(studies), "prepare", "law-sex") == CONFIG["prepare"] | {"test_share": 0.5}
    assert plan.settings(studies, "measure", "law-sex") == CONFIG["measure"] | {"ynn_k": 3}
    assert plan.settings(studies, "prepare", "synthetic") == CONFIG["prepare"]
    names = ["default", "drop", "radius-0.2"]
    simulated = plan.in_scenarios(studies, "simulate", "synthetic", names)
    assert [s["unresolved"] for s in simulated.values()] == ["stay", "drop", "stay"]
    measured = plan.in_scenarios(studies, "measure", "synthetic", names)
    assert [m["radius_quantile"] for m in measured.values()] == [0.1, 0.1, 0.2]
    assert measured["default"] == CONFIG["measure"] | {"radius_quantile": 0.1}


def test_claims_are_judged_by_their_study_if_it_is_run():
    assert plan.claims_study(config()) == "main"
    assert plan.claims_study(config(studies=["twenty_seeds"])) == "twenty_seeds"


def test_options_of_a_population_and_of_a_variant():
    some = config()
    some["methods"]["mine"] = {"variant_of": "ebr", "options": {"density_quantile": 0.99}}
    assert plan.method_file(settings.validate(some), "mine") == "ebr"
    own = CONFIG["methods"]["ebr"]
    assert plan.options_for(some, "methods", "ebr", "gmc-age") == own["options"]
    expected = own["options"] | own["populations"]["synthetic"] | {"density_quantile": 0.99}
    assert plan.options_for(some, "methods", "mine", "synthetic") == expected


def test_a_run_describes_its_studies_and_labels():
    some = config(studies=["tradeoff"])
    del some["populations"]["law-sex"]["label"]
    described = plan.described_run(settings.validate(some))
    assert set(described["studies"]) == {"main", "tradeoff"}
    assert described["studies"]["tradeoff"]["variant_of"]["ebr-q90"] == "ebr"
    assert described["studies"]["tradeoff"]["options"]["ebr-q90"]["law-sex"] == {"density_quantile": 0.9}
    labels = {kind: described["labels"][kind] for kind in ("population", "classifier", "method", "scenario")}
    assert labels["population"]["adult-sex"] == "Adult by sex"
    assert labels["population"]["law-sex"] == "law-sex", "its name, where it has no label"
    for kind, found in labels.items():
        assert found.keys() == CONFIG[f"{kind}s"].keys()
