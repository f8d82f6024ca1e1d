"""The configuration: each mistake is refused before anything runs, with its key and what is allowed there.

First a table of breakages; then breakages at random places of the project's own configuration.
"""

from __future__ import annotations

import copy
import datetime
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CONFIG, ROOT
from recourse_segregation import classifiers, data, declarations, methods, plan
from recourse_segregation import settings as configuration
from recourse_segregation.errors import ConfigError, DataError
from recourse_segregation.seeds import torch_generator
from workflow_tools import snakemake

POPULATION, STUDY, VARIANT = CONFIG["populations"]["synthetic"], CONFIG["studies"]["ablation"], {"variant_of": "ebr"}
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


WHOLE, FINITE, LIST, MAPPING, TEXT = (
    f"is not allowed; expected a {kind}" for kind in ("whole number", "finite number", "list", "mapping", "text")
)

#: section, what one calls something there, and what is wrong with the name
NAMES = [
    *[("methods", name, "letters, digits") for name in ("../x", ".ebr", "a;b", "ebr\n", "еbr", "recourse.parquet")],
    *[("populations", name, "letters, digits") for name in ("..", "{seed}")],
    *[("scenarios", "$(x)", "letters, digits"), ("studies", "a'b", "letters, digits")],
    *[("classifiers", "", "letters, digits"), ("classifiers", None, "expected a text")],
    *[
        ("methods", False, "write it in quotes"),
        ("scenarios", 1, "write it in quotes"),
    ],
    ("methods", LONG, "at most 50 characters"),
]
ENTRIES = {"methods": VARIANT, "populations": POPULATION, "studies": STUDY, "scenarios": {}, "classifiers": {}}

#: key, what is put there, and what the message must say; what starts with a colon comes after the key
BREAKAGES = [
    # whatever stands there
    ("scenarios", GONE, "the top level: the key 'scenarios' is missing"),
    ("comparison", GONE, "the key 'comparison' is missing"),
    ("comparison", [], f": [] {MAPPING}"),
    ("metods", {}, "the top level: unknown key 'metods'; allowed: ", "did you mean 'methods'?"),
    ("runs", {}, "the top level: unknown key 'runs'; allowed: ", "did you mean 'run'?"),
    ((1,), {}, "the top level: unknown key '1'"),
    ("studies", None, f": None {MAPPING}"),
    # run
    (("run", True), {}, "run: unknown key 'True'"),
    ("run.method", ["ebr"], "run: unknown key 'method'", "did you mean 'methods'?"),
    ("run.populations", GONE, "run: the key 'populations' is missing"),
    ("run.populations", ["law"], ": 'law' is not a population; there are: synthetic, ", "did you mean 'law-sex'?"),
    ("run.populations", ["../x"], ": '../x'", "law-sex"),
    ("run.populations", [1], "run.populations.0: 1", "write it in quotes"),
    ("run.methods", "ebr", f": 'ebr' {LIST}"),
    ("run.methods", [], ": [] is not allowed", "at least 1 item"),
    ("run.methods", None, f": None {LIST}"),
    ("run.methods", [["ebr"]], f"run.methods.0: ['ebr'] {TEXT}"),
    ("run.methods", ["ebr", "ibr", "ebr"], ": ['ebr', 'ibr', 'ebr'] is not allowed", "no repetition"),
    ("run.methods", ["err"], ": 'err' is not a method; there are: ", "did you mean 'ebr'?"),
    *[("run.seeds", seeds, f": {seeds!r} {WHOLE}") for seeds in (5.0, "5", [0, 1], datetime.date(2020, 1, 1))],
    ("run.seeds", 0, ": 0 is not allowed", "at least 1"),
    ("run.seeds", HUGE, "at most 10000"),
    ("run.block_size", True, f": True {WHOLE}"),
    ("run.block_size", 0, ": 0 is not allowed", "at least 1"),
    ("run.device", "cudaa", ": 'cudaa' is not allowed; expected one of auto, cpu, cuda", "did you mean 'cuda'?"),
    ("run.device", ["cpu"], ": ['cpu'] is not allowed", "one of auto, cpu, cuda"),
    ("run.studies", ["main"], ": 'main' is not a study; there are: tradeoff"),
    # names
    *[((section, name), ENTRIES[section], f"{section}: {name!r} is not allowed", why) for section, name, why in NAMES],
    ("methods.EBR", VARIANT, "methods: 'ebr' and 'EBR' differ in upper and lower case only"),
    ("populations.raw", POPULATION, ": results/raw is"),
    ("studies.main", STUDY, ": this name is taken by what `run` itself"),
    ("studies.theory", STUDY, ": this name is taken by the page"),
    ("methods.mine", VARIANT | {"label": 7}, f"methods.mine.label: 7 {TEXT}", "write it in quotes"),
    ("scenarios.drop.label", "a" * 61, ": 'aaa", "at most 60 characters"),
    # what is drawn, done and measured, for all or otherwise
    ("prepare.rows", GONE, "prepare: the key 'rows' is missing"),
    ("prepare.test_share", 0, ": 0 is not allowed", "above 0 and below 1"),
    ("simulate.unresolved", GONE, "simulate: the key 'unresolved' is missing"),
    ("measure.atkinson_b", 1, ": 1 is not allowed", "below 1"),
    ("measure", {"ynn_k": 5}, ": the key 'neighbourhoods', 'atkinson_b', 'radius_quantile', 'groups' is missing"),
    ("populations.law-sex.prepare", {"row": 5}, ": unknown key 'row'; allowed: rows, test_share", "mean 'rows'?"),
    ("populations.law-sex.prepare.rows", 19, ": 19 is not allowed", "at least 20"),
    ("populations.law-sex.prepare.rows", HUGE, f": {HUGE} is not allowed", "at most"),
    (
        "populations.law-sex.simulate",
        {},
        "populations.law-sex: unknown key 'simulate'; allowed: classifiers, dataset, ",
    ),
    ("populations.law-sex.measure.neighbourhoods", 0.5, f": 0.5 {WHOLE}"),
    ("populations.law-sex.measure.radius_quantile", math.nan, f": nan {FINITE}"),
    ("populations.law-sex.measure.radius_quantile", 1.01, ": 1.01 is not allowed", "at most 1"),
    ("scenarios.default", GONE, "scenarios: the key 'default' is missing"),
    ("scenarios.drop", None, f": None {MAPPING}"),
    ("scenarios.drop.simulate", {"unresolve": "drop"}, ": unknown key 'unresolve'; allowed: ", "mean 'unresolved'?"),
    ("scenarios.drop.simulate", {"uptake": 50}, "scenarios.drop.simulate.uptake: 50", "most 1"),
    ("scenarios.drop.simulate.uptake", math.nan, f": nan {FINITE}"),
    ("scenarios.drop.simulate.uptake", True, f": True {FINITE}"),
    (
        "scenarios.drop.measure.groups",
        "shufled",
        ": 'shufled' is not allowed; expected one of own, shuffled",
        "did you",
    ),
    ("scenarios.drop", {"groups": "own"}, ": unknown key 'groups'; allowed: label, measure, simulate"),
    # populations
    ("populations", {}, ": {} is not allowed", "at least 1 entry"),
    ("populations", ["law-sex"], f": ['law-sex'] {MAPPING}"),
    ("populations.law-sex", None, f": None {MAPPING}"),
    ("populations.law-sex.dataset", GONE, "populations.law-sex: the key 'dataset' is missing"),
    *[
        ("populations.law-sex.dataset", name, f": '{name}' is not a data set; there are: adult")
        for name in ("reading", "../settings", "a" * 300)
    ],
    ("populations.law-sex.sensitive", "age", ": 'age' is not a sensitive attribute; there are: "),
    ("populations.german-age.sensitive", "agee", ": 'agee' is not a sensitive attribute", "did you mean 'age'?"),
    ("populations.law-sex.classifiers", [], ": [] is not allowed", "at least 1 item"),
    ("populations.law-sex.classifiers", ["mlp", "lineal"], ": 'lineal' is not a classifier", "did you mean 'linear'?"),
    ("populations.synthetic.decided_by", ["mlp"], ": 'mlp' is not a listed classifier; there are: linear"),
    # classifiers
    ("classifiers", {}, ": {} is not allowed", "at least 1 entry"),
    ("classifiers.mlp", None, f": None {MAPPING}"),
    ("classifiers.mlp.epochs", 5, "classifiers.mlp: unknown key 'epochs'; allowed: label, model, options, populations"),
    ("classifiers.mlp.options.epoch", 5, "classifiers.mlp.options: unknown key 'epoch'", "did you mean 'epochs'?"),
    ("classifiers.mlp.options.epochs", GONE, "classifiers.mlp.options: the key 'epochs' is missing"),
    ("classifiers.mlp.options.learning_rate", math.inf, f": inf {FINITE}"),
    ("classifiers.mlp.options.learning_rate", 1e300, ": 1e+300 is not allowed", "at most 1e+30"),
    ("classifiers.mlp.options.hidden", [True], f"classifiers.mlp.options.hidden.0: True {WHOLE}"),
    ("classifiers.linear.populations.synthetic.epochs", 0, ": 0 is not allowed", "at least 1"),
    ("classifiers.mlp.populations", {"gmc": {}}, ": 'gmc' is not a population; there are: synthetic"),
    ("classifiers.mlp.model", "forest", ": 'forest' is not a model", "write models/forest.py"),
    # methods
    ("methods", {}, ": {} is not allowed", "at least 1 entry"),
    ("methods.ebr", None, f": None {MAPPING}"),
    ("methods.mine", {}, "methods: 'mine' is not a method; there are: cchvae, ", "write methods/mine.py"),
    ("methods.face.variant_of", "ebr", ": face is a method itself (methods/face.py)"),
    ("methods.mine.variant_of", "mine", ": 'mine' is a variant; a variant starts from a method with a file of its own"),
    ("methods.mine.variant_of", "ebr-q90", ": 'ebr-q90' is a variant; ", "of its own, here 'ebr'"),
    ("methods.ebr", GONE, "methods.ebr-q90.variant_of: 'ebr' has no entry under `methods`, from which options come"),
    ("methods.ebr", GONE, "run.methods: 'ebr' is not a method", "give it an entry 'ebr' under `methods`"),
    ("methods.mine.variant_of", "ibx", ": 'ibx' is not a method; there are: cchvae, ", "mean 'ibr'?"),
    *[("methods.mine.variant_of", name, f": '{name}' is not a method") for name in ("_method", "../data/law")],
    ("methods.mine.variant_of", None, f": None {TEXT}"),
    (
        "methods",
        {**CONFIG["methods"], "a": {"variant_of": "b"}, "b": {"variant_of": "a"}},
        "methods.a.variant_of: 'b' is a variant",
        "methods.b.variant_of: 'a' is a variant",
    ),
    ("methods.ebr.options", None, f": None {MAPPING}"),
    ("methods.ebr.options", {1: 1}, ": unknown key '1'"),
    ("methods.ebr.options", {"adversary_weight": 1}, ": unknown key 'adversary_weight'; allowed: bound"),
    ("methods.nobody.options", {"epochs": 1}, ": unknown key 'epochs'; allowed: none"),
    ("methods.wachter.options.steps", GONE, "methods.wachter.options: the key 'steps' is missing"),
    (
        "methods.wachter.options",
        {"steps": 5},
        ": the key 'learning_rate', 'penalty', 'rounds', 'compatible' is missing",
    ),
    ("methods.ebr.options.resampling", "true", ": 'true' is not allowed; expected true or false"),
    ("methods.face.options.neighbours", 5.0, f": 5.0 {WHOLE}"),
    ("methods.ebr.options.proposals", HUGE, f": {HUGE} is not allowed", "at most 1000000000"),
    ("methods.ebr.options.density_quantile", math.nan, f": nan {FINITE}"),
    ("methods.ibr.options.adversary_weight", -1, ": -1 is not allowed", "at least 0"),
    ("methods.ebr.populations", {"german": {}}, ": 'german' is not a population", "did you mean 'german-sex'?"),
    ("methods.ebr.populations", {1: {}}, f": 1 {TEXT}"),
    ("methods.ebr.populations.law-sex", None, f": None {MAPPING}"),
    ("methods.ebr.populations.law-sex", {"bound": 0}, "methods.ebr.populations.law-sex.bound: 0", "above 0"),
    # studies, and what is said of the results
    ("studies.ablation.methods", GONE, "studies.ablation: the key 'methods' is missing"),
    ("studies.ablation.methods", ["ebr-q9O"], ": 'ebr-q9O' is not a method", "did you mean 'ebr-q9"),
    ("studies.ablation.scenarios", ["drop", "drop"], ": ['drop', 'drop'] is not allowed", "no repetition"),
    ("studies.ablation.scenarios", ["origins"], ": 'origins' is not a scenario", "did you mean 'origin'?"),
    ("studies.ablation.seeds", 0, ": 0 is not allowed", "at least 1"),
    ("comparison.tolerance", math.inf, f": inf {FINITE}"),
    ("comparison.quality_tolerance", -0.1, ": -0.1 is not allowed", "at least 0"),
    ("claims.study", "twenty", ": 'twenty' is not a study", "did you mean 'twenty_seeds'?"),
    ("claims.study", ["main"], f": ['main'] {TEXT}"),
]


def called(keys: str | tuple) -> str:
    return keys if isinstance(keys, str) else ".".join(map(str, keys))


@pytest.mark.parametrize(
    ("keys", "value", "says"),
    [
        pytest.param(keys, value, says, id=f"{called(keys)} {'GONE' if value is GONE else ascii(value)[:20]}")
        for keys, value, *says in BREAKAGES
    ],
)
def test_the_key_and_what_is_allowed_are_named(keys, value, says):
    with pytest.raises(ConfigError) as error:
        validated(broken(keys, value))
    for part in says:
        assert (f"  - {called(keys)}{part}" if part.startswith(":") else part) in str(error.value)


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


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ("run.device", "cpu"),
        ("populations.law-sex.label", "Law: who passes the bar?"),
        ("populations.law-sex.prepare", {"rows": 500, "test_share": 0.5}),
        ("populations.law-sex.measure", dict(CONFIG["measure"], groups="shuffled")),
        ("methods.mine", VARIANT | {"options": {"bound": 2.0}, "populations": {"law-sex": {"bound": 3}}}),
        ("methods.mine", VARIANT),
        ("scenarios.mine", {"simulate": {"uptake": 0.5}, "measure": {"ynn_k": 1}}),
    ],
)
def test_what_may_be_said_is_left_as_it_is(keys, value):
    """As the paper's configuration, which is complete: nothing is filled in."""
    assert validated(CONFIG) == CONFIG
    assert validated(broken(keys, value)) == broken(keys, value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run:\n  seeds: 2\nmethods: {}\nrun: {}\n", "line 4: run stands in line 1 already"),
        ("run: {seeds: 2}\nmethods:\n  ebr: {}\n  'ebr': {}\n", "line 4: methods.ebr stands in line 3 already"),
        ('{"run": {"seeds": 2,\n "seeds": 3}}', "line 2: run.seeds stands in line 1 already"),
        *[(text, "") for text in ("", "- run\n- run\n", "a: &x {k: 1}\nb: {<<: *x, k: 2}\nc: *x\n")],
        *[(text, "") for text in ('{\n\t"run": 1\n}', (ROOT / "config.yaml").read_text(encoding="utf-8"))],
    ],
)
def test_only_a_key_that_stands_twice_is_refused(text, says, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    if not says:
        configuration.refuse_repetition(file)
        return
    with pytest.raises(ConfigError, match=re.escape(f"{file}, {says}; keep one of them")):
        configuration.refuse_repetition(file)


def test_what_the_command_line_gives_is_typed():
    """Numbers and flags are; whatever else a text may be stays one."""
    assert configuration.typed({"run": {"seeds": "2", "methods": ["1", "ebr"]}, "x": ["0.01", "true", 3, None]}) == {
        "run": {"seeds": 2, "methods": [1, "ebr"]},
        "x": [0.01, True, 3, None],
    }
    texts = ["cpu", "", "EBR: mine", "EBR, β = 0.5", "[a", "@a", "2020-13-45", "2020-12-31"]
    assert configuration.typed(texts) == texts


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
    ids=["broken", "list", "repetition", "value", "absent"],
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
