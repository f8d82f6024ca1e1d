"""Broken configurations: each is refused before anything runs, with the key that is wrong and what is allowed there.

First a table of named breakages; then breakages at random places of the project's own configuration.
"""

from __future__ import annotations

import copy
import datetime
import math
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from recourse_segregation import classifiers, data
from recourse_segregation import settings as configuration
from recourse_segregation.errors import ConfigError, DataError
from recourse_segregation.seeds import torch_generator
from workflow_tools import ROOT, snakemake

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
POPULATION, STUDY = CONFIG["populations"]["synthetic"], CONFIG["studies"]["ablation"]
HUGE, LONG = 10**12, "a" * 51


def validated(config):
    return configuration.validate(copy.deepcopy(config))


def broken(keys: tuple, value) -> dict:
    """The project's configuration with one value replaced, or put in."""
    config = copy.deepcopy(CONFIG)
    *parents, last = keys
    node = config
    for key in parents:
        node = node.setdefault(key, {})
    node[last] = value
    return config


def without(*keys) -> dict:
    config = copy.deepcopy(CONFIG)
    *parents, last = keys
    node = config
    for key in parents:
        node = node[key]
    del node[last]
    return config


def a_method(name) -> dict:
    return broken(("methods", name), {"base": "ebr"})


#: what is wrong: the configuration, and what its message must say
BREAKAGES = {
    # the whole
    "nothing": (None, "the top level: None is not allowed; expected a mapping"),
    "a list": ([CONFIG], "the top level", "expected a mapping"),
    "a text": ("run", "the top level: 'run' is not allowed; expected a mapping"),
    "empty": ({}, "the key 'run', 'populations', 'classifiers', 'methods', 'scenarios', 'comparison' is missing"),
    "a section that is not there": (without("scenarios"), "the top level: the key 'scenarios' is missing"),
    "a section with a typo": (broken(("metods",), {}), "'metods'", "did you mean 'methods'?"),
    "a section without content": (broken(("studies",), None), "studies: None is not allowed; expected a mapping"),
    "a number as a key": (broken((1,), {}), "the top level: unknown key '1'"),
    "yes as a key": (broken(("run", True), {}), "run: unknown key 'True'"),
    # run
    "run: typo in a key": (broken(("run", "method"), ["ebr"]), "run: unknown key 'method'", "did you mean 'methods'?"),
    "run: no populations": (without("run", "populations"), "run: the key 'populations' is missing"),
    "run: a text for a list": (broken(("run", "methods"), "ebr"), "run.methods: 'ebr' is not allowed; expected a list"),
    "run: an empty list": (broken(("run", "methods"), []), "run.methods: [] is not allowed", "at least 1 item"),
    "run: null": (broken(("run", "methods"), None), "run.methods: None is not allowed; expected a list"),
    "run: a list in the list": (broken(("run", "methods"), [["ebr"]]), "run.methods.0: ['ebr'] is not allowed"),
    "run: a method twice": (broken(("run", "methods"), ["ebr", "ibr", "ebr"]), "run.methods", "no repetition"),
    "run: a method with a typo": (broken(("run", "methods"), ["err"]), "run.methods: 'err'", "did you mean 'ebr'?"),
    "run: a population with a typo": (broken(("run", "populations"), ["law"]), "run.populations: 'law'", "'law-sex'"),
    "run: a file as a population": (broken(("run", "populations"), ["../x"]), "run.populations: '../x'", "law-sex"),
    "run: a number as a population": (
        broken(("run", "populations"), [1]),
        "run.populations.0: 1",
        "write it in quotes",
    ),
    "run: no seeds": (broken(("run", "seeds"), 0), "run.seeds: 0 is not allowed", "at least 1"),
    "run: seeds as a fraction": (broken(("run", "seeds"), 5.0), "run.seeds: 5.0 is not allowed", "a whole number"),
    "run: seeds as a text": (broken(("run", "seeds"), "5"), "run.seeds: '5' is not allowed", "a whole number"),
    "run: seeds as a list": (broken(("run", "seeds"), [0, 1]), "run.seeds: [0, 1] is not allowed", "a whole number"),
    "run: seeds as a date": (broken(("run", "seeds"), datetime.date(2020, 1, 1)), "run.seeds", "a whole number"),
    "run: too many seeds": (broken(("run", "seeds"), HUGE), "run.seeds", "at most 10000"),
    "run: block_size as a flag": (broken(("run", "block_size"), True), "run.block_size: True", "a whole number"),
    "run: a block of none": (broken(("run", "block_size"), 0), "run.block_size: 0 is not allowed", "at least 1"),
    "run: an unknown device": (broken(("run", "device"), "gpu"), "run.device: 'gpu'", "one of auto, cpu, cuda"),
    "run: a device as a list": (broken(("run", "device"), ["cpu"]), "run.device: ['cpu']", "one of auto, cpu, cuda"),
    "run: an unknown study": (broken(("run", "studies"), ["main"]), "run.studies: 'main' is not a study", "tradeoff"),
    # names
    "name: a path": (a_method("../x"), "methods: '../x' is not allowed", "letters, digits"),
    "name: a folder above": (broken(("populations", ".."), POPULATION), "populations: '..' is not allowed"),
    "name: hidden": (a_method(".ebr"), "methods: '.ebr' is not allowed", "letters, digits"),
    "name: a second command": (a_method("a;b"), "methods: 'a;b' is not allowed", "letters, digits"),
    "name: a command inside": (broken(("scenarios", "$(x)"), {}), "scenarios: '$(x)' is not allowed"),
    "name: quotes": (broken(("studies", "a'b"), STUDY), 'studies: "a\'b" is not allowed'),
    "name: a wildcard": (broken(("populations", "{seed}"), POPULATION), "populations: '{seed}' is not allowed"),
    "name: empty": (broken(("classifiers", ""), {}), "classifiers: '' is not allowed", "letters, digits"),
    "name: a line end": (a_method("ebr\n"), r"methods: 'ebr\n' is not allowed", "letters, digits"),
    "name: a letter that looks alike": (a_method("еbr"), "methods: 'еbr' is not allowed", "letters, digits"),
    "name: too long for a file": (a_method(LONG), f"methods: '{LONG}' is not allowed", "at most 50 characters"),
    "name: one of our files": (a_method("recourse.parquet"), "methods: 'recourse.parquet' is not allowed"),
    "name: no": (a_method(False), "methods: False is not allowed; expected a text", "write it in quotes"),
    "name: a number": (broken(("scenarios", 1), {}), "scenarios: 1 is not allowed", "write it in quotes"),
    "name: null": (broken(("classifiers", None), {}), "classifiers: None is not allowed; expected a text"),
    "name: upper and lower case": (a_method("EBR"), "methods: 'ebr' and 'EBR' differ in upper and lower case only"),
    # populations
    "population: none": (broken(("populations",), {}), "populations: {} is not allowed", "at least 1 entry"),
    "population: a list": (broken(("populations",), ["law-sex"]), "populations: ['law-sex'] is not allowed"),
    "population: null": (broken(("populations", "law-sex"), None), "populations.law-sex: None is not allowed"),
    "population: no data set": (without("populations", "law-sex", "dataset"), "populations.law-sex: the key 'dataset'"),
    "population: a typo": (broken(("populations", "law-sex", "row"), 5), "populations.law-sex", "did you mean 'rows'?"),
    "population: not a data set": (
        broken(("populations", "law-sex", "dataset"), "reading"),
        "populations.law-sex.dataset: 'reading' is not a data set; there are: adult",
    ),
    "population: a path as a data set": (
        broken(("populations", "law-sex", "dataset"), "../settings"),
        "populations.law-sex.dataset: '../settings' is not a data set",
    ),
    "population: a data set longer than a path": (
        broken(("populations", "law-sex", "dataset"), "a" * 300),
        "populations.law-sex.dataset: 'aaa",
        "there are: adult",
    ),
    "population: an attribute of another": (
        broken(("populations", "law-sex", "sensitive"), "age"),
        "populations.law-sex.sensitive: 'age' is not a sensitive attribute; there are: ",
    ),
    "population: an attribute with a typo": (
        broken(("populations", "german-age", "sensitive"), "agee"),
        "populations.german-age.sensitive",
        "did you mean 'age'?",
    ),
    "population: too few rows": (broken(("populations", "law-sex", "rows"), 19), "populations.law-sex.rows: 19", "20"),
    "population: too many rows": (broken(("populations", "law-sex", "rows"), HUGE), "populations.law-sex.rows", "most"),
    "population: half a neighbourhood": (
        broken(("populations", "law-sex", "neighbourhoods"), 0.5),
        "populations.law-sex.neighbourhoods: 0.5 is not allowed; expected a whole number",
    ),
    "population: a radius of NaN": (
        broken(("populations", "law-sex", "radius_quantile"), math.nan),
        "populations.law-sex.radius_quantile: nan is not allowed; expected a finite number",
    ),
    "population: a radius beyond all": (
        broken(("populations", "law-sex", "radius_quantile"), 1.01),
        "populations.law-sex.radius_quantile: 1.01",
        "at most 1",
    ),
    "population: no classifier": (broken(("populations", "law-sex", "classifiers"), []), "classifiers: [] is not all"),
    "population: an unknown classifier": (
        broken(("populations", "law-sex", "classifiers"), ["mlp", "lineal"]),
        "populations.law-sex.classifiers: 'lineal'",
        "did you mean 'linear'?",
    ),
    "population: recourse from a classifier that is not trained": (
        broken(("populations", "synthetic", "recourse"), ["mlp"]),
        "populations.synthetic.recourse: 'mlp' is not a listed classifier; there are: linear",
    ),
    "population: called as a folder": (broken(("populations", "raw"), POPULATION), "populations.raw: results/raw is"),
    # classifiers
    "classifier: none": (broken(("classifiers",), {}), "classifiers: {} is not allowed", "at least 1 entry"),
    "classifier: null": (broken(("classifiers", "mlp"), None), "classifiers.mlp: None is not allowed"),
    "classifier: options outside of options": (
        broken(("classifiers", "mlp", "epochs"), 5),
        "classifiers.mlp: unknown key 'epochs'; allowed: model, options, populations",
    ),
    "classifier: an option with a typo": (
        broken(("classifiers", "mlp", "options", "epoch"), 5),
        "classifiers.mlp.options: unknown key 'epoch'",
        "did you mean 'epochs'?",
    ),
    "classifier: an infinite rate": (
        broken(("classifiers", "mlp", "options", "learning_rate"), math.inf),
        "classifiers.mlp.options.learning_rate: inf is not allowed; expected a finite number",
    ),
    "classifier: a rate that no float holds": (
        broken(("classifiers", "mlp", "options", "learning_rate"), 1e300),
        "classifiers.mlp.options.learning_rate: 1e+300",
        "at most 1e+30",
    ),
    "classifier: a layer of yes": (
        broken(("classifiers", "mlp", "options", "hidden"), [True]),
        "classifiers.mlp.options.hidden.0: True is not allowed; expected a whole number",
    ),
    "classifier: no epochs": (
        broken(("classifiers", "linear", "populations", "synthetic", "epochs"), 0),
        "classifiers.linear.populations.synthetic.epochs: 0",
        "at least 1",
    ),
    "classifier: an override for an unknown population": (
        broken(("classifiers", "mlp", "populations"), {"gmc": {}}),
        "classifiers.mlp.populations: 'gmc' is not a population; there are: synthetic",
    ),
    # methods
    "method: none": (broken(("methods",), {}), "methods: {} is not allowed", "at least 1 entry"),
    "method: null": (broken(("methods", "ebr"), None), "methods.ebr: None is not allowed; expected a mapping"),
    "method: no file": (broken(("methods", "mine"), {}), "methods: 'mine' is not a method", "write methods/mine.py"),
    "method: its own base": (broken(("methods", "mine"), {"base": "mine"}), "methods.mine.base: 'mine' is not"),
    "method: a base with a typo": (broken(("methods", "mine"), {"base": "ibx"}), "methods.mine.base", "mean 'ibr'?"),
    "method: a variant as the base": (
        broken(("methods", "mine"), {"base": "ebr-q90"}),
        "methods.mine.base: 'ebr-q90' is a variant",
        "of its own, here 'ebr'",
    ),
    "method: a cycle of bases": (
        broken(("methods", "ebr"), {"base": "ibr"}) | {"methods": {"ebr": {"base": "ibr"}, "ibr": {"base": "ebr"}}},
        "methods.ebr.base: ebr is a method itself",
        "methods.ibr.base: ibr is a method itself",
    ),
    "method: a cycle of variants": (
        broken(("methods",), {**CONFIG["methods"], "a": {"base": "b"}, "b": {"base": "a"}}),
        "methods.a.base: 'b' is a variant",
        "methods.b.base: 'a' is a variant",
    ),
    "method: a hidden file as the base": (
        broken(("methods", "mine"), {"base": "_method"}),
        "methods.mine.base: '_base'",
    ),
    "method: a path as the base": (broken(("methods", "mine"), {"base": "../data/law"}), "methods.mine.base: '../data"),
    "method: a base of null": (broken(("methods", "mine"), {"base": None}), "methods.mine.base: None", "a text"),
    "method: options of null": (broken(("methods", "ebr", "options"), None), "methods.ebr.options: None", "a mapping"),
    "method: an option of another": (
        broken(("methods", "ebr", "options"), {"adversary_weight": 1}),
        "methods.ebr.options: unknown key 'adversary_weight'; allowed: bound",
    ),
    "method: options where there are none": (
        broken(("methods", "nobody", "options"), {"epochs": 1}),
        "methods.nobody.options: unknown key 'epochs'; allowed: none",
    ),
    "method: an option with a number as its name": (
        broken(("methods", "ebr", "options"), {1: 1}),
        "methods.ebr.options: unknown key '1'",
    ),
    "method: a flag as a text": (
        broken(("methods", "ebr", "options"), {"resampling": "true"}),
        "methods.ebr.options.resampling: 'true' is not allowed; expected true or false",
    ),
    "method: a count as a fraction": (
        broken(("methods", "face", "options"), {"neighbours": 5.0}),
        "methods.face.options.neighbours: 5.0 is not allowed; expected a whole number",
    ),
    "method: a count that no memory holds": (
        broken(("methods", "ebr", "options"), {"proposals": HUGE}),
        "methods.ebr.options.proposals",
        "at most 1000000000",
    ),
    "method: a probability of NaN": (
        broken(("methods", "ebr", "options"), {"density_quantile": math.nan}),
        "methods.ebr.options.density_quantile: nan is not allowed; expected a finite number",
    ),
    "method: a weight below zero": (
        broken(("methods", "ibr", "options"), {"adversary_weight": -1}),
        "methods.ibr.options.adversary_weight: -1",
        "at least 0",
    ),
    "method: an override for an unknown population": (
        broken(("methods", "ebr", "populations"), {"german": {}}),
        "methods.ebr.populations: 'german' is not a population",
        "did you mean 'german-sex'?",
    ),
    "method: an override for a number": (
        broken(("methods", "ebr", "populations"), {1: {}}),
        "methods.ebr.populations: 1 is not allowed; expected a text",
    ),
    "method: an override of null": (
        broken(("methods", "ebr", "populations"), {"law-sex": None}),
        "methods.ebr.populations.law-sex: None is not allowed; expected a mapping",
    ),
    "method: an override out of range": (
        broken(("methods", "ebr", "populations"), {"law-sex": {"bound": 0}}),
        "methods.ebr.populations.law-sex.bound: 0",
        "above 0",
    ),
    # scenarios
    "scenario: no default": (without("scenarios", "default"), "scenarios: the key 'default' is missing"),
    "scenario: null": (broken(("scenarios", "drop"), None), "scenarios.drop: None is not allowed; expected a mapping"),
    "scenario: a typo": (broken(("scenarios", "drop"), {"unresolve": "drop"}), "scenarios.drop", "mean 'unresolved'?"),
    "scenario: uptake in per cent": (
        broken(("scenarios", "drop"), {"uptake": 50}),
        "scenarios.drop.uptake: 50",
        "most 1",
    ),
    "scenario: uptake of NaN": (broken(("scenarios", "drop"), {"uptake": math.nan}), "scenarios.drop.uptake: nan"),
    "scenario: uptake of yes": (broken(("scenarios", "drop"), {"uptake": True}), "scenarios.drop.uptake: True"),
    "scenario: groups that are not": (
        broken(("scenarios", "drop"), {"groups": "mixed"}),
        "groups: 'mixed'",
        "shuffled",
    ),
    # studies
    "study: called main": (broken(("studies", "main"), STUDY), "studies.main: this name is taken by what `run` itself"),
    "study: called as a page": (broken(("studies", "theory"), STUDY), "studies.theory: this name is taken by the page"),
    "study: no methods": (without("studies", "ablation", "methods"), "studies.ablation: the key 'methods' is missing"),
    "study: an unknown method": (
        broken(("studies", "ablation", "methods"), ["ebr-q9O"]),
        "studies.ablation.methods: 'ebr-q9O'",
        "did you mean 'ebr-q9",
    ),
    "study: a scenario twice": (
        broken(("studies", "ablation", "scenarios"), ["drop", "drop"]),
        "studies.ablation.scenarios",
        "no repetition",
    ),
    "study: an unknown scenario": (
        broken(("studies", "ablation", "scenarios"), ["origins"]),
        "studies.ablation.scenarios: 'origins'",
        "did you mean 'origin'?",
    ),
    "study: no seeds": (broken(("studies", "ablation", "seeds"), 0), "studies.ablation.seeds: 0", "at least 1"),
    # comparison and claims
    "comparison: missing": (without("comparison"), "the key 'comparison' is missing"),
    "comparison: an infinite tolerance": (broken(("comparison", "tolerance"), math.inf), "comparison.tolerance: inf"),
    "comparison: below zero": (broken(("comparison", "quality_tolerance"), -0.1), "comparison.quality_tolerance: -0.1"),
    "claims: an unknown study": (broken(("claims", "study"), "twenty"), "claims.study: 'twenty'", "'twenty_seeds'"),
    "claims: a list": (broken(("claims", "study"), ["main"]), "claims.study: ['main'] is not allowed; expected a text"),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_the_key_and_what_is_allowed_are_named(breakage):
    config, *says = BREAKAGES[breakage]
    with pytest.raises(ConfigError) as error:
        validated(config)
    for part in says:
        assert part in str(error.value)


def test_a_long_value_is_cut():
    with pytest.raises(ConfigError) as error:
        validated(broken(("run", "methods"), CONFIG["methods"]))
    assert len(str(error.value)) < 400


def test_every_problem_is_said_once():
    with pytest.raises(ConfigError) as error:
        validated({})
    assert str(error.value).count("is missing") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run:\n  seeds: 2\nmethods: {}\nrun: {}\n", "line 4: run stands in line 1 already"),
        ("run: {seeds: 2}\nmethods:\n  ebr: {}\n  'ebr': {}\n", "line 4: methods.ebr stands in line 3 already"),
        ('{"run": {"seeds": 2,\n "seeds": 3}}', "line 2: run.seeds stands in line 1 already"),
    ],
)
def test_a_key_that_stands_twice_is_refused(text, says, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(f"{file}, {says}; keep one of them")):
        configuration.refuse_repetition(file)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- run\n- run\n",
        "a: &x {k: 1}\nb: {<<: *x, k: 2}\nc: *x\n",
        '{\n\t"run": 1\n}',
        (ROOT / "config.yaml").read_text(),
    ],
)
def test_keys_that_stand_once_are_not(text, tmp_path):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    configuration.refuse_repetition(tmp_path / "mine.yaml")


def test_sensitive_attributes_are_read_without_importing():
    assert {name: configuration.sensitive_names(name) for name in data.names()} == {
        name: list(data.load(name).sensitive) for name in data.names()
    }


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("class M:\n    def __init__(self, k: Count = ): ...\n", "methods/mine.py, line 2: "),
        (
            "class M:\n    def __init__(self, k: Count = N): ...\n",
            "methods/mine.py: the defaults of options must be plain",
        ),
    ],
)
def test_a_method_file_that_cannot_be_read_is_named(source, says, tmp_path, monkeypatch):
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "mine.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(configuration, "_PACKAGE", tmp_path)
    configuration._constructor.cache_clear()
    try:
        with pytest.raises(ConfigError, match=re.escape(says)):
            configuration.method_defaults("mine")
    finally:
        configuration._constructor.cache_clear()


def test_a_classifier_that_diverges_is_an_error(people):
    """No range of learning rates excludes it, so it is seen afterwards."""
    diverged = classifiers.train(people["levels"], torch_generator(0, "train", "mlp"), (8,), 1e30, 2)
    with pytest.raises(DataError, match=r"population made-up, seed 0: .*diverged; lower its learning_rate"):
        classifiers.predictions(diverged, people["levels"])


# --- through Snakemake --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run: {seeds: 2\nmethods: [", "Config file is not valid JSON or YAML"),
        ("- run", "Config file must be given as JSON or YAML with keys at top level"),
        ("run: {}\nmethods: {}\nrun: {}", "mine.yaml, line 3: run stands in line 1 already; keep one of them"),
        (
            "populations: {law-sex: {sensitive: age}}",
            "populations.law-sex.sensitive: 'age' is not a sensitive attribute",
        ),
        (None, "No such file or directory: "),
    ],
)
def test_snakemake_shows_what_is_wrong_and_runs_nothing(text, says, tmp_path):
    mine = tmp_path / "mine.yaml"
    if text is not None:
        mine.write_text(text, encoding="utf-8")
    process = snakemake(tmp_path, "--dry-run", "--cores", "1", configs=(ROOT / "config.yaml", mine))
    assert process.returncode != 0
    assert says in process.stdout
    assert "mine.yaml" in process.stdout or text is not None
    assert not (tmp_path / "results").exists()


# --- at random places ---------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
ANYTHING = st.recursive(
    SCALARS | st.sampled_from(["ebr", "law-sex", "default", "mlp", "../x", "a;b", 0, 1, 0.5, 10**20, math.nan]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(["base", "options", "ebr", "law-sex", 1, True]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def places(node, keys=()):
    """Every key of the configuration, and every position in its lists."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*keys, key)
        yield from places(value, (*keys, key))


PLACES = list(places(CONFIG))
KEY = re.compile(rf"^  - (the top level|({'|'.join(CONFIG)})\b.*?): ", re.MULTILINE | re.DOTALL)


@st.composite
def mutants(draw):
    """The configuration after one to three changes: a value replaced, a key deleted, renamed or put in."""
    config = copy.deepcopy(CONFIG)
    for keys in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True)):
        *parents, last = keys
        node = config
        try:
            for key in parents:
                node = node[key]
            old = node[last]
        except (KeyError, IndexError, TypeError):  # an earlier change took it away
            continue
        change = draw(st.sampled_from(["replace", "delete", "rename", "insert"]))
        if change == "replace" or (change == "rename" and isinstance(node, list)):
            node[last] = draw(ANYTHING)
        elif change == "insert":
            into = old if isinstance(old, dict) else node
            into.append(draw(ANYTHING)) if isinstance(into, list) else into.update({draw(SCALARS): draw(ANYTHING)})
        else:
            del node[last]
            if change == "rename":
                node[draw(SCALARS | st.just(f"{last}s"))] = old
    return config


def derive(config) -> None:
    """Everything that the rules ask for."""
    names = configuration.studies(config)
    assert configuration.cells(config)
    assert configuration.claims_study(config) in names
    assert set(configuration.described(config)) == set(names)
    for population in configuration.populations(config):
        blocks = configuration.blocks(config, population)
        assert blocks
        assert configuration.seeds_in(blocks[-1])
        for scenario in config["scenarios"]:
            configuration.measured_as(config, scenario, population)
            configuration.simulated_as(config, scenario)
        for section in ("classifiers", "methods"):
            for name in config[section]:
                configuration.options_for(config, section, name, population)
    for method in config["methods"]:
        assert configuration.method_base(config, method) in configuration.method_names()


@given(mutants())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_configuration_works_or_is_refused_by_its_key(config):
    try:
        valid = validated(config)
    except ConfigError as error:
        refusal = str(error)
    else:
        derive(valid)
        return
    assert KEY.search(refusal), f"no key is named: {refusal}"
