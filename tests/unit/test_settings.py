"""The configuration: each mistake is refused before anything runs, with its key and what is allowed there.

First a table of breakages; then breakages at random places of the project's own configuration.
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

from recourse_segregation import classifiers, data, declarations, methods, plan
from recourse_segregation import settings as configuration
from recourse_segregation.errors import ConfigError, DataError
from recourse_segregation.seeds import torch_generator
from workflow_tools import ROOT, snakemake

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
POPULATION, STUDY = CONFIG["populations"]["synthetic"], CONFIG["studies"]["ablation"]
HUGE, LONG, GONE = 10**12, "a" * 51, object()


def validated(config):
    return configuration.validate(copy.deepcopy(config))


def broken(keys: str | tuple, value) -> dict:
    """The project's configuration with one value replaced, put in, or GONE."""
    config = copy.deepcopy(CONFIG)
    *parents, last = keys.split(".") if isinstance(keys, str) else keys
    node = config
    for key in parents:
        node = node.setdefault(key, {})
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return config


#: key, what is put there, and what the message must say
BREAKAGES = [
    ("scenarios", GONE, "the top level: the key 'scenarios' is missing"),
    ("metods", {}, "'metods'", "did you mean 'methods'?"),
    ("studies", None, "studies: None is not allowed; expected a mapping"),
    ((1,), {}, "the top level: unknown key '1'"),
    (("run", True), {}, "run: unknown key 'True'"),
    ("run.method", ["ebr"], "run: unknown key 'method'", "did you mean 'methods'?"),
    ("run.populations", GONE, "run: the key 'populations' is missing"),
    ("run.methods", "ebr", "run.methods: 'ebr' is not allowed; expected a list"),
    ("run.methods", [], "run.methods: [] is not allowed", "at least 1 item"),
    ("run.methods", None, "run.methods: None is not allowed; expected a list"),
    ("run.methods", [["ebr"]], "run.methods.0: ['ebr'] is not allowed"),
    ("run.methods", ["ebr", "ibr", "ebr"], "run.methods", "no repetition"),
    ("run.methods", ["err"], "run.methods: 'err'", "did you mean 'ebr'?"),
    ("run.populations", ["law"], "run.populations: 'law'", "'law-sex'"),
    ("run.populations", ["../x"], "run.populations: '../x'", "law-sex"),
    ("run.populations", [1], "run.populations.0: 1", "write it in quotes"),
    ("run.seeds", 0, "run.seeds: 0 is not allowed", "at least 1"),
    ("run.seeds", 5.0, "run.seeds: 5.0 is not allowed", "a whole number"),
    ("run.seeds", "5", "run.seeds: '5' is not allowed", "a whole number"),
    ("run.seeds", [0, 1], "run.seeds: [0, 1] is not allowed", "a whole number"),
    ("run.seeds", datetime.date(2020, 1, 1), "run.seeds", "a whole number"),
    ("run.seeds", HUGE, "run.seeds", "at most 10000"),
    ("run.block_size", True, "run.block_size: True", "a whole number"),
    ("run.block_size", 0, "run.block_size: 0 is not allowed", "at least 1"),
    ("run.device", "gpu", "run.device: 'gpu'", "one of auto, cpu, cuda"),
    ("run.device", ["cpu"], "run.device: ['cpu']", "one of auto, cpu, cuda"),
    ("run.studies", ["main"], "run.studies: 'main' is not a study", "tradeoff"),
    (("methods", "../x"), {"variant_of": "ebr"}, "methods: '../x' is not allowed", "letters, digits"),
    (("populations", ".."), POPULATION, "populations: '..' is not allowed"),
    (("methods", ".ebr"), {"variant_of": "ebr"}, "methods: '.ebr' is not allowed", "letters, digits"),
    ("methods.a;b", {"variant_of": "ebr"}, "methods: 'a;b' is not allowed", "letters, digits"),
    ("scenarios.$(x)", {}, "scenarios: '$(x)' is not allowed"),
    ("studies.a'b", STUDY, 'studies: "a\'b" is not allowed'),
    ("populations.{seed}", POPULATION, "populations: '{seed}' is not allowed"),
    (("classifiers", ""), {}, "classifiers: '' is not allowed", "letters, digits"),
    ("methods.ebr\n", {"variant_of": "ebr"}, "methods: 'ebr\\n' is not allowed", "letters, digits"),
    ("methods.еbr", {"variant_of": "ebr"}, "methods: 'еbr' is not allowed", "letters, digits"),
    (("methods", "recourse.parquet"), {"variant_of": "ebr"}, "methods: 'recourse.parquet' is not allowed"),
    (("methods", False), {"variant_of": "ebr"}, "methods: False is not allowed; expected a text", "write it in quotes"),
    (("scenarios", 1), {}, "scenarios: 1 is not allowed", "write it in quotes"),
    (("classifiers", None), {}, "classifiers: None is not allowed; expected a text"),
    ("methods.EBR", {"variant_of": "ebr"}, "methods: 'ebr' and 'EBR' differ in upper and lower case only"),
    ("populations", {}, "populations: {} is not allowed", "at least 1 entry"),
    ("populations", ["law-sex"], "populations: ['law-sex'] is not allowed"),
    ("populations.law-sex", None, "populations.law-sex: None is not allowed"),
    ("populations.law-sex.dataset", GONE, "populations.law-sex: the key 'dataset'"),
    ("populations.law-sex.prepare", {"row": 5}, "populations.law-sex.prepare", "did you mean 'rows'?"),
    (
        "populations.law-sex.dataset",
        "reading",
        "populations.law-sex.dataset: 'reading' is not a data set; there are: adult",
    ),
    ("populations.law-sex.dataset", "../settings", "populations.law-sex.dataset: '../settings' is not a data set"),
    ("populations.law-sex.dataset", "a" * 300, "populations.law-sex.dataset: 'aaa", "there are: adult"),
    (
        "populations.law-sex.sensitive",
        "age",
        "populations.law-sex.sensitive: 'age' is not a sensitive attribute; there are: ",
    ),
    ("populations.german-age.sensitive", "agee", "populations.german-age.sensitive", "did you mean 'age'?"),
    ("populations.law-sex.prepare.rows", 19, "populations.law-sex.prepare.rows: 19", "20"),
    ("populations.law-sex.prepare.rows", HUGE, "populations.law-sex.prepare.rows", "most"),
    (
        "populations.law-sex.measure.neighbourhoods",
        0.5,
        "populations.law-sex.measure.neighbourhoods: 0.5 is not allowed; expected a whole number",
    ),
    (
        "populations.law-sex.measure.radius_quantile",
        math.nan,
        "populations.law-sex.measure.radius_quantile: nan is not allowed; expected a finite number",
    ),
    (
        "populations.law-sex.measure.radius_quantile",
        1.01,
        "populations.law-sex.measure.radius_quantile: 1.01",
        "at most 1",
    ),
    ("populations.law-sex.classifiers", [], "classifiers: [] is not all"),
    (
        "populations.law-sex.classifiers",
        ["mlp", "lineal"],
        "populations.law-sex.classifiers: 'lineal'",
        "did you mean 'linear'?",
    ),
    (
        "populations.synthetic.decided_by",
        ["mlp"],
        "populations.synthetic.decided_by: 'mlp' is not a listed classifier; there are: linear",
    ),
    ("populations.raw", POPULATION, "populations.raw: results/raw is"),
    ("classifiers", {}, "classifiers: {} is not allowed", "at least 1 entry"),
    ("classifiers.mlp", None, "classifiers.mlp: None is not allowed"),
    ("classifiers.mlp.epochs", 5, "classifiers.mlp: unknown key 'epochs'; allowed: label, model, options, populations"),
    ("classifiers.mlp.options.epoch", 5, "classifiers.mlp.options: unknown key 'epoch'", "did you mean 'epochs'?"),
    (
        "classifiers.mlp.options.learning_rate",
        math.inf,
        "classifiers.mlp.options.learning_rate: inf is not allowed; expected a finite number",
    ),
    ("classifiers.mlp.options.learning_rate", 1e300, "classifiers.mlp.options.learning_rate: 1e+300", "at most 1e+30"),
    (
        "classifiers.mlp.options.hidden",
        [True],
        "classifiers.mlp.options.hidden.0: True is not allowed; expected a whole number",
    ),
    (
        "classifiers.linear.populations.synthetic.epochs",
        0,
        "classifiers.linear.populations.synthetic.epochs: 0",
        "at least 1",
    ),
    (
        "classifiers.mlp.populations",
        {"gmc": {}},
        "classifiers.mlp.populations: 'gmc' is not a population; there are: synthetic",
    ),
    ("methods", {}, "methods: {} is not allowed", "at least 1 entry"),
    ("methods.ebr", None, "methods.ebr: None is not allowed; expected a mapping"),
    ("methods.mine", {}, "methods: 'mine' is not a method", "write methods/mine.py"),
    ("methods.mine", {"variant_of": "mine"}, "methods.mine.variant_of: 'mine' is not"),
    ("methods.mine", {"variant_of": "ibx"}, "methods.mine.variant_of", "mean 'ibr'?"),
    (
        "methods.mine",
        {"variant_of": "ebr-q90"},
        "methods.mine.variant_of: 'ebr-q90' is a variant",
        "of its own, here 'ebr'",
    ),
    (
        "methods",
        {**CONFIG["methods"], "a": {"variant_of": "b"}, "b": {"variant_of": "a"}},
        "methods.a.variant_of: 'b' is a variant",
        "methods.b.variant_of: 'a' is a variant",
    ),
    ("methods.mine", {"variant_of": "_method"}, "methods.mine.variant_of: '_method'"),
    ("methods.mine", {"variant_of": "../data/law"}, "methods.mine.variant_of: '../data"),
    ("methods.mine", {"variant_of": None}, "methods.mine.variant_of: None", "a text"),
    ("methods.ebr.options", None, "methods.ebr.options: None", "a mapping"),
    (
        "methods.ebr.options",
        {"adversary_weight": 1},
        "methods.ebr.options: unknown key 'adversary_weight'; allowed: bound",
    ),
    ("methods.nobody.options", {"epochs": 1}, "methods.nobody.options: unknown key 'epochs'; allowed: none"),
    ("methods.ebr.options", {1: 1}, "methods.ebr.options: unknown key '1'"),
    (
        "methods.ebr.options",
        {"resampling": "true"},
        "methods.ebr.options.resampling: 'true' is not allowed; expected true or false",
    ),
    (
        "methods.face.options",
        {"neighbours": 5.0},
        "methods.face.options.neighbours: 5.0 is not allowed; expected a whole number",
    ),
    ("methods.ebr.options", {"proposals": HUGE}, "methods.ebr.options.proposals", "at most 1000000000"),
    (
        "methods.ebr.options",
        {"density_quantile": math.nan},
        "methods.ebr.options.density_quantile: nan is not allowed; expected a finite number",
    ),
    ("methods.ibr.options", {"adversary_weight": -1}, "methods.ibr.options.adversary_weight: -1", "at least 0"),
    (
        "methods.ebr.populations",
        {"german": {}},
        "methods.ebr.populations: 'german' is not a population",
        "did you mean 'german-sex'?",
    ),
    ("methods.ebr.populations", {1: {}}, "methods.ebr.populations: 1 is not allowed; expected a text"),
    (
        "methods.ebr.populations",
        {"law-sex": None},
        "methods.ebr.populations.law-sex: None is not allowed; expected a mapping",
    ),
    ("methods.ebr.populations", {"law-sex": {"bound": 0}}, "methods.ebr.populations.law-sex.bound: 0", "above 0"),
    ("scenarios.default", GONE, "scenarios: the key 'default' is missing"),
    ("scenarios.drop", None, "scenarios.drop: None is not allowed; expected a mapping"),
    ("scenarios.drop.simulate", {"unresolve": "drop"}, "scenarios.drop.simulate", "mean 'unresolved'?"),
    ("scenarios.drop.simulate", {"uptake": 50}, "scenarios.drop.simulate.uptake: 50", "most 1"),
    ("scenarios.drop.simulate", {"uptake": math.nan}, "scenarios.drop.simulate.uptake: nan"),
    ("scenarios.drop.simulate", {"uptake": True}, "scenarios.drop.simulate.uptake: True"),
    ("scenarios.drop.measure", {"groups": "mixed"}, "groups: 'mixed'", "shuffled"),
    ("scenarios.drop", {"groups": "own"}, "scenarios.drop: unknown key 'groups'"),
    (("methods", LONG), {"variant_of": "ebr"}, f"methods: '{LONG}' is not allowed", "at most 50 characters"),
    ("studies.main", STUDY, "studies.main: this name is taken by what `run` itself"),
    ("studies.theory", STUDY, "studies.theory: this name is taken by the page"),
    ("studies.ablation.methods", GONE, "studies.ablation: the key 'methods' is missing"),
    ("studies.ablation.methods", ["ebr-q9O"], "studies.ablation.methods: 'ebr-q9O'", "did you mean 'ebr-q9"),
    ("studies.ablation.scenarios", ["drop", "drop"], "studies.ablation.scenarios", "no repetition"),
    ("studies.ablation.scenarios", ["origins"], "studies.ablation.scenarios: 'origins'", "did you mean 'origin'?"),
    ("studies.ablation.seeds", 0, "studies.ablation.seeds: 0", "at least 1"),
    ("comparison", GONE, "the key 'comparison' is missing"),
    ("comparison.tolerance", math.inf, "comparison.tolerance: inf"),
    ("comparison.quality_tolerance", -0.1, "comparison.quality_tolerance: -0.1"),
    ("claims.study", "twenty", "claims.study: 'twenty'", "'twenty_seeds'"),
    ("claims.study", ["main"], "claims.study: ['main'] is not allowed; expected a text"),
    ("prepare.rows", GONE, "prepare: the key 'rows' is missing"),
    ("measure.atkinson_b", 1, "measure.atkinson_b: 1 is not allowed", "below 1"),
    ("methods.wachter.options.steps", GONE, "methods.wachter.options: the key 'steps' is missing"),
    ("comparison", [], "comparison", "a mapping"),
    ("runs", {}, "the top level", "'runs'", "did you mean 'run'?"),
]


@pytest.mark.parametrize(("keys", "value", "says"), [(keys, value, says) for keys, value, *says in BREAKAGES])
def test_the_key_and_what_is_allowed_are_named(keys, value, says):
    with pytest.raises(ConfigError) as error:
        validated(broken(keys, value))
    for part in says:
        assert part in str(error.value)


@pytest.mark.parametrize("whole", [None, [CONFIG], "run", {}])
def test_what_is_no_configuration_is_said(whole):
    says = "the key 'run', 'prepare', " if whole == {} else "expected a mapping"
    with pytest.raises(ConfigError, match=f"the top level: .*{says}") as error:
        validated(whole)
    assert len(str(error.value)) < 400, "a long value is cut"
    assert str(error.value).count("\n  - ") == 1, "every problem is said once"


def test_every_problem_is_reported_at_once():
    config = broken("run.seeds", 0)
    config["simulate"]["uptake"] = 7
    with pytest.raises(ConfigError, match=r"(?s)run\.seeds.*simulate\.uptake"):
        validated(config)


def test_the_paper_s_configuration_is_valid_and_complete():
    assert validated(CONFIG) == CONFIG


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


def test_what_the_command_line_gives_is_typed():
    given = {"run": {"seeds": "2", "methods": ["ebr"], "device": "cpu"}, "comparison": {"tolerance": "0.01"}}
    assert configuration.typed(given) == {
        "run": {"seeds": 2, "methods": ["ebr"], "device": "cpu"},
        "comparison": {"tolerance": 0.01},
    }


# --- read from the source -----------------------------------------------------------------------------------


def test_names_are_read_without_importing():
    assert declarations.names("methods") == methods.names()
    for name in data.names():
        assert declarations.sensitive(name) == list(data.load(name).sensitive)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("class M:\n    def __init__(self, k: int): ...\n", "methods/mine.py: the option 'k' must be annotated"),
        ("class M:\n    def __init__(self, k: Count = ): ...\n", "methods/mine.py, line 2: "),
    ],
)
def test_a_method_file_that_cannot_be_read_is_named(source, says, tmp_path, monkeypatch):
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "mine.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(declarations, "_PACKAGE", tmp_path)
    with pytest.raises(ConfigError, match=re.escape(says)):
        declarations.method_options("mine")


def test_a_classifier_that_diverges_is_an_error(people):
    """No range of learning rates excludes it, so it is seen afterwards."""
    diverged = classifiers.train(
        people["levels"], torch_generator(0, "train", "mlp"), hidden=(8,), learning_rate=1e30, epochs=2, batch=32
    )
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
    process = snakemake(tmp_path, "--dry-run", "--cores", "1", configs=(mine,))
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
            st.text(max_size=8) | st.sampled_from(["variant_of", "options", "ebr", "law-sex", 1, True]),
            inner,
            max_size=3,
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
    assert plan.cells(config)
    assert plan.claims_study(config) in plan.studies(config)
    assert set(plan.described_run(config)["studies"]) == set(plan.studies(config))
    for population in plan.populations(config):
        assert plan.seeds_in(plan.blocks(config, population)[-1])
        plan.settings(config, "prepare", population)
        for room in ("simulate", "measure"):
            plan.in_scenarios(config, room, population, config["scenarios"])
        for section in ("classifiers", "methods"):
            for name in config[section]:
                plan.options_for(config, section, name, population)
    for method in config["methods"]:
        assert plan.method_file(config, method) in declarations.names("methods")


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
