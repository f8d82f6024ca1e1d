"""The configuration: what is wrong in it is said before anything runs."""

from __future__ import annotations

import contextlib
import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from recourse_segregation import data, methods, settings
from recourse_segregation.errors import ConfigError

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def changed(path: str, value) -> dict:
    config = copy.deepcopy(CONFIG)
    *parents, last = path.split(".")
    node = config
    for key in parents:
        node = node.setdefault(key, {})
    node[last] = value
    return config


def test_the_paper_s_configuration_is_valid_and_complete():
    config = settings.validate(copy.deepcopy(CONFIG))
    assert config["populations"]["gmc-age"]["rows"] == 10_000
    assert settings.blocks(config, "gmc-age") == ["0-4"]


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("run.seeds", -1, ["run.seeds", "-1", "at least 1"]),
        ("run.seeds", True, ["run.seeds", "a whole number"]),
        ("run.seeds", 2.0, ["run.seeds", "a whole number"]),
        ("run.seedz", 5, ["run", "'seedz'", "did you mean 'seeds'?"]),
        ("run.methods", ["watcher"], ["run.methods", "'watcher'", "did you mean 'wachter'?"]),
        ("run.methods", ["ebr", "ebr"], ["run.methods", "no repetition"]),
        ("run.populations", ["gmc"], ["run.populations", "'gmc'", "gmc-age"]),
        ("run.populations", [], ["run.populations", "at least 1 item"]),
        ("run.device", "tpu", ["run.device", "auto, cpu, cuda"]),
        ("scenarios.half", {"uptake": 1.5}, ["scenarios.half.uptake", "at most 1"]),
        ("scenarios.half", {"uptakes": 0.5}, ["scenarios.half", "'uptakes'", "did you mean 'uptake'?"]),
        ("scenarios.drop", {"unresolved": "vanish"}, ["scenarios.drop.unresolved", "stay, origin, drop"]),
        ("scenarios", {"drop": {}}, ["scenarios", "the key 'default' is missing"]),
        ("run.studies", ["ablations"], ["run.studies", "did you mean 'ablation'?"]),
        ("studies.mine", {"methods": ["ebr"]}, ["studies.mine", "the key 'populations' is missing"]),
        (
            "studies.mine",
            {"populations": ["law-sex"], "methods": ["ebr"], "scenarios": ["dropped"]},
            ["studies.mine.scenarios", "'dropped'", "did you mean 'drop'?"],
        ),
        ("studies.main", CONFIG["studies"]["ablation"], ["studies.main", "this name is taken"]),
        ("claims.study", "twenty", ["claims.study", "did you mean 'twenty_seeds'?"]),
        ("populations.law-sex.radius_quantile", -0.1, ["populations.law-sex.radius_quantile", "at least 0"]),
        ("populations.law-sex.dataset", "lawn", ["populations.law-sex.dataset", "did you mean 'law'?"]),
        ("populations.law-sex.recourse", ["ebm"], ["populations.law-sex.recourse", "linear, mlp"]),
        ("populations.a b", CONFIG["populations"]["synthetic"], ["'a b'"]),
        ("methods.mine", {}, ["methods", "'mine'", "wachter"]),
        ("methods.mine", {"base": "ebx"}, ["methods.mine.base", "did you mean 'ebr'?"]),
        (
            "methods.ebr.options",
            {"density_quantile": 1.2},
            ["methods.ebr.options.density_quantile", "at most 1"],
        ),
        ("methods.ebr.options", {"quantile": 0.5}, ["methods.ebr.options", "'quantile'", "density_quantile"]),
        ("methods.ebr.populations", {"law": {}}, ["methods.ebr.populations", "did you mean 'law-sex'?"]),
        ("methods.face.options", {"neighbours": 0}, ["methods.face.options.neighbours", "at least 1"]),
        (
            "methods.wachter.options",
            {"compatible": "yes"},
            ["methods.wachter.options.compatible", "true or false"],
        ),
        ("methods.cchvae.options", {"hidden": 256}, ["methods.cchvae.options.hidden", "a list"]),
        (
            "classifiers.mlp.options",
            {"learning_rate": 0},
            ["classifiers.mlp.options.learning_rate", "above 0"],
        ),
        ("classifiers.mlp.options", {"lr": 1}, ["classifiers.mlp.options", "'lr'"]),
        ("comparison.tolerance", -1, ["comparison.tolerance", "at least 0"]),
        ("comparison", [], ["comparison", "a mapping"]),
        ("runs", {}, ["the top level", "'runs'", "did you mean 'run'?"]),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(path, value, says):
    with pytest.raises(ConfigError) as error:
        settings.validate(changed(path, value))
    for part in says:
        assert part in str(error.value)


def test_a_missing_section_is_named():
    config = copy.deepcopy(CONFIG)
    del config["run"]
    with pytest.raises(ConfigError, match="the key 'run' is missing"):
        settings.validate(config)


def test_every_problem_is_reported_at_once():
    config = changed("run.seeds", 0)
    config["scenarios"]["default"]["uptake"] = 7
    with pytest.raises(ConfigError) as error:
        settings.validate(config)
    assert "run.seeds" in str(error.value)
    assert "scenarios.default.uptake" in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(section=st.sampled_from(sorted(CONFIG)), value=JSON)
def test_no_configuration_ends_in_a_traceback(section, value):
    with contextlib.suppress(ConfigError):
        settings.validate(changed(section, value))


@given(seeds=st.integers(1, 60), size=st.integers(1, 12))
def test_blocks_cover_every_seed_once(seeds, size):
    config = changed("run.seeds", seeds)
    config["run"]["block_size"] = size
    listed = [s for block in settings.blocks(config, "german-sex") for s in settings.seeds_in(block)]
    assert listed == list(range(seeds))


@pytest.fixture
def study_config():
    config = changed("run", {"populations": ["law-sex"], "methods": ["wachter", "ebr"], "seeds": 3, "block_size": 5})
    config["studies"]["more"] = {"populations": ["law-sex", "synthetic"], "methods": ["ebr"], "seeds": 7}
    config["studies"]["policies"] = {
        "populations": ["synthetic"],
        "methods": ["ebr"],
        "scenarios": ["default", "drop", "radius-0.1"],
    }
    config["run"]["studies"] = ["more", "policies"]
    return settings.validate(config)


def test_a_cell_that_several_studies_need_is_run_once(study_config):
    cells = settings.cells(study_config)
    assert len(set(cells)) == len(cells)
    law = [(c.method, c.seeds) for c in cells if c.population == "law-sex"]
    assert sorted(law) == [("ebr", "0-4"), ("ebr", "5-6"), ("wachter", "0-4")]
    synthetic = {c.seeds: c.scenarios for c in cells if c.population == "synthetic"}
    assert synthetic == {"0-4": ("default", "drop", "radius-0.1"), "5-6": ("default",)}


def test_a_study_takes_what_it_does_not_say_from_run(study_config):
    assert list(settings.studies(study_config)) == ["main", "more", "policies"]
    assert settings.studies(study_config)["policies"].seeds == 3
    assert settings.studies(study_config)["more"].scenarios == ("default",)


def test_scenarios_that_agree_share_their_files(study_config):
    """Dropping people changes what they do, a radius how they are measured: neither needs the other's files."""
    assert settings.simulated_as(study_config, "drop") == "drop"
    assert settings.measured_as(study_config, "drop", "law-sex") == "default"
    assert settings.simulated_as(study_config, "radius-0.1") == "default"
    assert settings.measured_as(study_config, "radius-0.1", "law-sex") == "radius-0.1"
    assert settings.measured_as(study_config, "radius-0.1", "synthetic") == "default", "that is its own quantile"


def test_what_a_cell_simulates_and_measures(study_config):
    scenarios = ("default", "drop", "radius-0.1")
    assert list(settings.simulations(study_config, scenarios)) == ["default", "drop"]
    measured = settings.measurements(study_config, scenarios, "law-sex")
    assert measured["drop"] == {"simulated_as": "drop", "measured_as": "default", "groups": "own"}
    assert measured["radius-0.1"] == {"simulated_as": "default", "measured_as": "radius-0.1", "groups": "own"}


def test_claims_are_judged_by_their_study_if_it_is_run():
    config = settings.validate(copy.deepcopy(CONFIG))
    assert settings.claims_study(config) == "main"
    config["run"]["studies"] = ["twenty_seeds"]
    assert settings.claims_study(config) == "twenty_seeds"


def test_options_of_a_population_and_of_a_variant():
    config = changed("methods.ebr-q90", {"base": "ebr", "options": {"density_quantile": 0.9}})
    assert settings.validate(config)
    assert settings.method_base(config, "ebr-q90") == "ebr"
    assert settings.options_for(config, "methods", "ebr", "gmc-age") == {}
    synthetic = settings.options_for(config, "methods", "ebr-q90", "synthetic")
    assert synthetic == {**CONFIG["methods"]["ebr"]["populations"]["synthetic"], "density_quantile": 0.9}


def test_names_are_read_without_importing():
    assert settings.method_names() == methods.names()
    assert settings.dataset_names() == data.names()


@pytest.mark.parametrize("method", methods.names())
def test_option_types_agree_with_defaults(method):
    """A default must be allowed by its own type."""
    import inspect

    import jsonschema

    schema = settings.method_schema(method)
    signature = inspect.signature(methods.load(method))
    defaults = {
        name: list(p.default) if isinstance(p.default, tuple) else p.default for name, p in signature.parameters.items()
    }
    if method not in ("nobody", "collapse", "swap_in"):
        assert set(defaults) == set(schema["properties"])
        jsonschema.validate(defaults, schema)


def test_an_option_without_a_known_type_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "mine.py").write_text("class M:\n    def __init__(self, k: int = 3): ...\n")
    monkeypatch.setattr(settings, "_PACKAGE", tmp_path)
    settings.method_schema.cache_clear()
    try:
        with pytest.raises(ConfigError, match=r"methods/mine\.py: the option 'k' must be annotated"):
            settings.method_schema("mine")
    finally:
        settings.method_schema.cache_clear()
