"""The configuration: each mistake is refused before anything runs, with its key and what is allowed there.

First a table of breakages; then what a configuration asks for; then breakages at random places of the project's own.
"""

import copy
import datetime
import math
import re
from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CONFIG, QUICK, ROOT
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


LAW, ALL = "populations.law-sex", "is not allowed"
MEASURED = ", ".join(f"'{key}'" for key in CONFIG["measure"] if key != "ynn_k")
YNN = "  - measure.ynn_k: 0 is not allowed"
WHOLE, FINITE, LIST, MAPPING, TEXT = (
    f"{ALL}; expected a {kind}" for kind in ("whole number", "finite number", "list", "mapping", "text")
)
BARE, FEW, FOLDER = "at least 1 entry", "at least 1 item", "letters, digits"
STRICT = {"variant_of": "mlp", "options": {"rejected": 0.2}}
ENTRIES = {"methods": VARIANT, "populations": POPULATION, "studies": STUDY, "scenarios": {}, "classifiers": {}}
#: section, what one calls something there, and what is wrong with the name
NAMES = [
    *[("methods", name, FOLDER) for name in ("../x", ".ebr", "a;b", "ebr\n", "еbr", "recourse.parquet")],
    *[("populations", name, FOLDER) for name in ("..", "{seed}")],
    *[("scenarios", "$(x)", FOLDER), ("studies", "a'b", FOLDER), ("classifiers", "", FOLDER)],
    *[("methods", False, "write it in quotes"), ("scenarios", 1, "write it in quotes")],
    *[("classifiers", None, "expected a text"), ("methods", LONG, "at most 50 characters")],
]
EPOCHS, ROUND = "classifiers.linear.populations.synthetic.epochs", {"a": {"variant_of": "b"}, "b": {"variant_of": "a"}}
#: keys without which nothing is complete
REQUIRED = ["scenarios", "comparison", "run.populations", "prepare.rows", "simulate.unresolved", "measure.ynn_k"]
REQUIRED += ["scenarios.default", f"{LAW}.dataset", "studies.ablation.methods", "classifiers.mlp.options.epochs"]
REQUIRED += ["methods.wachter.options.steps"]
#: key, an entry that is not known there, what is, and what else is said
UNKNOWN = [
    ("", {"metods": {}}, "claims, ", "did you mean 'methods'?"),
    ("", {1: {}}, "claims, "),
    ("run", {True: {}}, "block_size, "),
    ("run", {"method": ["ebr"]}, "block_size, ", "did you mean 'methods'?"),
    (f"{LAW}.prepare", {"row": 5}, "draws, rows, test_share; did you mean 'rows'?"),
    (LAW, {"simulate": {}}, "classifiers, dataset, "),
    (f"{LAW}.groups", {"others": []}, "majority, minority"),
    ("scenarios.drop.simulate", {"unresolve": "drop"}, "unresolved, uptake; did you mean 'unresolved'?"),
    ("scenarios.drop", {"groups": "own"}, "label, measure, simulate"),
    ("classifiers.mlp", {"epochs": 5}, "label, model, options, populations, variant_of"),
    ("methods.ebr.options", {"adversary_weight": 1}, "bound, "),
    ("methods.nobody.options", {"epochs": 1}, "none"),
]
#: key, what is put there, what it is not, and what is said beside what there is
NO_SUCH = [
    ("run.populations", ["law"], "population", "there are: synthetic, ", "did you mean 'law-sex'?"),
    ("run.methods", ["err"], "method", "did you mean 'ebr'?"),
    ("run.studies", ["main"], "study", "there are: reruns"),
    *[(f"{LAW}.dataset", [n], "data set", "there are: adult") for n in ("reading", "../settings", "a" * 300)],
    (f"{LAW}.sensitive", ["age"], "sensitive attribute", "there are: "),
    ("populations.german-age.sensitive", ["agee"], "sensitive attribute", "did you mean 'age'?"),
    (f"{LAW}.classifiers", ["lineal", "mlp"], "classifier", "did you mean 'linear'?"),
    ("populations.synthetic.decided_by", ["mlp"], "listed classifier", "there are: linear"),
    ("classifiers.mlp.populations", {"gmc": {}}, "population", "there are: synthetic"),
    ("classifiers.mlp.model", ["forest"], "model", "write models/forest.py"),
    ("methods.mine.variant_of", ["ibx"], "method of its own", "did you mean 'ibr'?"),
    *[("methods.mine.variant_of", [n], "method of its own") for n in ("_method", "../data/law", "mine", "ebr-q90")],
    ("classifiers.mine.variant_of", ["mpl"], "classifier of its own", "did you mean 'mlp'?"),
    ("classifiers.mine.variant_of", ["mlp-strict-5"], "classifier of its own"),
    ("studies.ablation.classifiers", ["mlp-strict-6"], "classifier", "did you mean 'mlp-strict-60'?"),
    ("methods.ebr.populations", {"german": {}}, "population", "did you mean 'german-sex'?"),
    ("studies.ablation.methods", ["ebr-q9O"], "method", "did you mean 'ebr-q9"),
    ("studies.ablation.scenarios", ["origins"], "scenario", "did you mean 'origin'?"),
    ("claims.study", ["twenty"], "study", "did you mean 'twenty_seeds'?"),
    ("comparison.study", ["rerun"], "study", "did you mean 'reruns'?"),
    *[("populations.mine.variant_of", [n], "population of its own") for n in ("law", "law-sex-reruns")],
]
ONE = ("dataset", "sensitive", "model", "variant_of", "study")
#: what every place refuses -> key, what is put there
REFUSED = {
    MAPPING: [(key, None) for key in ("studies", "scenarios.drop", LAW, "classifiers.mlp", "methods.ebr")]
    + [(key, None) for key in ("methods.ebr.options", "methods.ebr.populations.law-sex")]
    + [("comparison", []), ("populations", ["law-sex"])],
    LIST: [("run.methods", "ebr"), ("run.methods", None)],
    TEXT: [("methods.mine.variant_of", None), ("claims.study", ["main"]), ("methods.mine.label", 7)],
    WHOLE: [("run.seeds", seeds) for seeds in (5.0, "5", [0, 1], datetime.date(2020, 1, 1))]
    + [("run.block_size", True), (f"{LAW}.measure.neighbourhoods", 0.5), ("methods.face.options.neighbours", 5.0)],
    FINITE: [(f"{LAW}.measure.radius_quantile", math.nan), ("classifiers.mlp.options.learning_rate", math.inf)]
    + [("scenarios.drop.simulate.uptake", wrong) for wrong in (math.nan, True)]
    + [("methods.ebr.options.density_quantile", math.nan), ("comparison.tolerance", math.inf)],
    BARE: [("populations", {}), ("classifiers", {}), ("methods", {})],
    FEW: [(key, []) for key in ("run.methods", "studies.ablation.classifiers")]
    + [(f"{LAW}.{key}", []) for key in ("classifiers", "groups.minority")],
    "no repetition": [("run.methods", ["ebr", "ibr", "ebr"]), ("studies.ablation.scenarios", ["drop", "drop"])],
    "at least 1": [(key, 0) for key in ("run.seeds", "run.block_size", "studies.ablation.seeds", EPOCHS)],
    "at least 20": [(f"{LAW}.prepare.rows", 19)],
    "at least 0": [("comparison.quality_tolerance", -0.1), ("methods.ibr.options.adversary_weight", -1)],
    "above 0 and below 1": [("prepare.test_share", 0), ("measure.atkinson_b", 1)]
    + [("classifiers.mlp.options.rejected", share) for share in (0, 1, 5)],
    "a finite number or null and above 0": [("classifiers.mlp.options.rejected", "5 %")],
    "above 0 and at most": [("methods.ebr.populations.law-sex.bound", 0)],
    "at most 1 ": [("scenarios.drop.simulate.uptake", 50), (f"{LAW}.measure.radius_quantile", 1.01)],
    "at most 10000 ": [("run.seeds", HUGE)],
    "at most 1000000000": [(f"{LAW}.prepare.rows", HUGE), ("methods.ebr.options.proposals", HUGE)],
    "at most 1e+30": [("classifiers.mlp.options.learning_rate", 1e300)],
    "at most 60 characters": [("scenarios.drop.label", "a" * 61)],
    "expected true or false": [("methods.ebr.options.resampling", "true")],
    "expected one of auto, cpu, cuda": [("run.device", "gpu"), ("run.device", ["cpu"])],
    "did you mean 'cuda'?": [("run.device", "cudaa")],
    "expected one of own, shuffled": [("scenarios.drop.measure.groups", "mixed")],
}


def called(keys: str | tuple) -> str:
    return keys if isinstance(keys, str) else ".".join(map(str, keys))


def missing(key: str) -> str:
    return f"{key.rpartition('.')[0] or 'the top level'}: the key {key.rpartition('.')[2]!r} is missing"


def unknown(key: str, item: dict, allowed: str, *more: str) -> tuple:
    ((name, value),) = item.items()
    keys = tuple(filter(None, key.split(".")))
    return (*keys, name), value, f"{key or 'the top level'}: unknown key '{name}'; allowed: {allowed}", *more


#: key, what is put there, and what the message must say; what starts with a colon comes after the key
BREAKAGES = [
    *[((section, name), ENTRIES[section], f"{section}: {name!r} {ALL}", why) for section, name, why in NAMES],
    *[(key, GONE, missing(key)) for key in REQUIRED],
    *[unknown(*what) for what in UNKNOWN],
    *[
        (key, value[0] if key.endswith(ONE) else value, f": {next(iter(value))!r} is not a {what}; there are: ", *more)
        for key, value, what, *more in NO_SUCH
    ],
    *[(key, value, f": {value!r} {ALL}", why) for why, pairs in REFUSED.items() for key, value in pairs],
    ("run.populations", [1], f"run.populations.0: 1 {TEXT}", "write it in quotes"),
    ("run.methods", [["ebr"]], f"run.methods.0: ['ebr'] {TEXT}"),
    ("classifiers.mlp.options.hidden", [True], f"classifiers.mlp.options.hidden.0: True {WHOLE}"),
    ("methods.ebr.populations", {1: {}}, f": 1 {TEXT}"),
    ("measure", {"ynn_k": 0}, f": the key {MEASURED} is missing", YNN),
    ("methods.EBR", VARIANT, "methods: 'ebr' and 'EBR' differ in upper and lower case only"),
    ("populations.raw", POPULATION, ": results/raw is"),
    ("studies.main", STUDY, ": this name is taken by what `run` itself"),
    ("studies.theory", STUDY, ": this name is taken by the page"),
    ("methods.mine", {}, "methods: 'mine' is not a method; there are: cchvae, ", "write methods/mine.py"),
    ("methods.face.variant_of", "ebr", ": face is a method itself (methods/face.py)"),
    ("classifiers.mine", STRICT | {"model": "forest"}, ".model: a variant has the model of mlp; leave this out"),
    (f"{LAW}.groups", {"minority": ["female"]}, ": the key 'majority' is missing"),
    ("methods.ebr", GONE, "methods.ebr-q90.variant_of: 'ebr' is not a method of its own; there are: "),
    ("methods.ebr", GONE, "run.methods: 'ebr' is not a method", "what has an entry under `methods`"),
    *[("methods", CONFIG["methods"] | ROUND, f"methods.{a}.variant_of: {b!r} is not a") for a, b in ("ab", "ba")],
]


@pytest.mark.parametrize(
    ("keys", "value", "says"),
    [
        pytest.param(keys, value, says, id=f"{called(keys)} {'GONE' if value is GONE else ascii(value)[:20]}")
        for keys, value, *says in BREAKAGES
    ],
)
def test_the_key_and_what_is_allowed_are_named(keys, value, says):
    """Of every problem at once."""
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


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ("run.device", "cpu"),
        ("populations.law-sex.label", "Law: who passes the bar?"),
        ("populations.law-sex.prepare", {"rows": 500, "test_share": 0.5}),
        ("populations.law-sex.groups", {"minority": ["a", 1], "majority": ["b"]}),
        ("classifiers.mine", STRICT),
        ("studies.ablation.classifiers", ["linear", "mlp-strict-5"]),
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
    refused = pytest.raises(ConfigError, match=re.escape(f"{file}, {says}; keep one of them"))
    with refused if says else nullcontext():
        configuration.refuse_repetition(file)


def test_what_the_command_line_gives_is_typed():
    """Numbers and flags are; whatever else a text may be stays one."""
    assert configuration.typed({"run": {"seeds": "2", "methods": ["1", "ebr"]}, "x": ["0.01", "true", 3, None]}) == {
        "run": {"seeds": 2, "methods": [1, "ebr"]},
        "x": [0.01, True, 3, None],
    }
    texts = ["cpu", "", "EBR: mine", "EBR, β = 0.5", "[a", "@a", "2020-13-45", "2020-12-31"]
    assert configuration.typed(texts) == texts


def test_names_are_read_without_importing():
    assert declarations.names("methods") == methods.names()
    for name in data.names():
        assert declarations.sensitive(name) == list(data.load(name).sensitive)


@pytest.mark.parametrize(
    ("option", "says"), [("k: int", ": the option 'k' must be annotated"), ("k: Count = ", ", line 2: ")]
)
def test_a_method_file_that_cannot_be_read_is_named(option, says, write):
    write("methods/mine.py", f"class M:\n    def __init__(self, {option}): ...\n")
    with pytest.raises(ConfigError, match=f"methods/mine.py{says}"):
        declarations.method_options("mine")


def test_a_classifier_that_diverges_is_an_error(people):
    """No range of learning rates excludes it, so it is seen afterwards."""
    diverged = classifiers.train(
        people["levels"], torch_generator(0, "train", "mlp"), hidden=(8,), **QUICK | {"learning_rate": 1e30}
    )
    with pytest.raises(DataError, match=r"population made-up, seed 0: .*diverged; lower its learning_rate"):
        classifiers.predictions(diverged, people["levels"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run: {seeds: 2\nmethods: [", "Config file is not valid JSON or YAML"),
        ("run: {}\nmethods: {}\nrun: {}", "mine.yaml, line 3: run stands in line 1 already; keep one of them"),
        ("populations: {law-sex: {sensitive: age}}", f"{LAW}.sensitive: 'age' is not a sensitive attribute"),
    ],
    ids=["broken", "repetition", "value"],
)
def test_snakemake_shows_what_is_wrong_and_runs_nothing(text, says, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(text, encoding="utf-8")
    process = snakemake(tmp_path, "--dry-run", "--cores", "1", configs=(mine,))
    assert process.returncode != 0
    assert says in process.stdout
    assert not (tmp_path / "results").exists()


# --- what a configuration asks for ------------------------------------------------------------------------


def running(**run) -> dict:
    """The project's configuration with another `run`."""
    return broken("run", CONFIG["run"] | run)


@given(seeds=st.integers(1, 60), size=st.integers(1, 12))
def test_blocks_cover_every_seed_once(seeds, size):
    some = running(seeds=seeds, block_size=size, studies=[])
    assert [s for block in plan.blocks(some, "german-sex", "mlp") for s in plan.seeds_in(block)] == list(range(seeds))


@pytest.fixture
def studies():
    some = running(populations=["law-sex"], methods=["wachter", "ebr"], seeds=3, studies=["more", "policies"])
    some["studies"]["more"] = {"populations": ["law-sex", "synthetic"], "methods": ["ebr"], "seeds": 7}
    scenarios = ["default", "drop", "radius-0.1"]
    some["studies"]["policies"] = {"populations": ["synthetic"], "methods": ["ebr"], "scenarios": scenarios}
    return validated(some)


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


def test_a_study_may_name_classifiers(studies):
    """It has them, and its seeds, in place of those of its populations, and no other study has them."""
    studies["studies"]["more"]["classifiers"] = ["mlp-strict-60", "linear"]
    cells = plan.cells(validated(studies))
    named = {(c.population, c.classifier, c.method, c.seeds) for c in cells if c.classifier == "mlp-strict-60"}
    assert named == {(p, "mlp-strict-60", "ebr", seeds) for p in ("law-sex", "synthetic") for seeds in ("0-4", "5-6")}
    law = {(c.classifier, c.method, c.seeds) for c in cells if c.population == "law-sex"} - {c[1:] for c in named}
    assert law == {("mlp", m, "0-2") for m in ("wachter", "ebr")} | {("linear", "ebr", s) for s in ("0-4", "5-6")}
    trained = plan.trained(studies)
    assert len(set(trained)) == len(trained)
    assert {(c.population, c.classifier, c.seeds) for c in trained} >= {(c[0], c[1], c[3]) for c in named}
    found = plan.described_run(studies)["studies"]
    assert found["more"]["classifiers"]["law-sex"] == found["more"]["decided_by"]["law-sex"]
    assert found["more"]["decided_by"]["synthetic"] == ["mlp-strict-60", "linear"]
    assert (found["main"]["classifiers"], found["main"]["decided_by"]) == (
        {"law-sex": CONFIG["populations"]["law-sex"]["classifiers"]},
        {"law-sex": ["mlp"]},
    )


def test_a_variant_of_a_classifier_has_its_options_and_its_stream(studies):
    expected = CONFIG["classifiers"]["mlp"]["options"] | {"rejected": 0.6}
    assert plan.options_for(studies, "classifiers", "mlp-strict-60", "law-sex") == expected
    assert plan.stream(studies, "mlp-strict-60") == plan.stream(studies, "mlp") == "mlp"
    assert plan.model_file(studies, "mlp-strict-60") is None


def test_a_population_and_a_scenario_say_otherwise(studies):
    """What is drawn, what people do and how they are measured are apart: each room gets its own settings."""
    studies["populations"]["law-sex"] |= {"prepare": {"test_share": 0.5}, "measure": {"ynn_k": 3}}
    assert plan.settings(validated(studies), "prepare", "law-sex") == CONFIG["prepare"] | {"test_share": 0.5}
    assert plan.settings(studies, "measure", "law-sex") == CONFIG["measure"] | {"ynn_k": 3}
    assert plan.settings(studies, "prepare", "synthetic") == CONFIG["prepare"]
    names = ["default", "drop", "radius-0.2"]
    simulated = plan.in_scenarios(studies, "simulate", "synthetic", names)
    assert [s["unresolved"] for s in simulated.values()] == ["stay", "drop", "stay"]
    measured = plan.in_scenarios(studies, "measure", "synthetic", names)
    assert [m["radius_quantile"] for m in measured.values()] == [0.1, 0.1, 0.2]
    assert measured["default"] == CONFIG["measure"] | {"radius_quantile": 0.1}


@pytest.mark.parametrize(("unresolved", "wrong"), [("drop", False), ("origin", True)])
def test_a_placebo_is_another_scenario_but_for_its_groups(unresolved, wrong):
    some = running()
    some["scenarios"]["drop-placebo"] = {"simulate": {"unresolved": unresolved}, "measure": {"groups": "shuffled"}}
    with pytest.raises(ConfigError, match="drop-placebo: must be 'drop' but for") if wrong else nullcontext():
        validated(some)


def test_a_variant_of_a_population_has_its_settings_and_its_options(studies):
    studies["populations"]["again"] = {"variant_of": "synthetic", "prepare": {"draws": 1}}
    studies["studies"]["reruns"] = {"populations": ["again", "law-sex"], "methods": ["ebr"], "seeds": 25}
    studies["run"]["studies"].append("reruns")
    original = plan.population_of(validated(studies), "synthetic")
    assert plan.population_of(studies, "again") == original | studies["populations"]["again"]
    assert plan.settings(studies, "prepare", "again") == CONFIG["prepare"] | {"draws": 1}
    assert plan.settings(studies, "measure", "again") == plan.settings(studies, "measure", "synthetic")
    for section, name in (("methods", "ebr"), ("methods", "ebr-q90"), ("classifiers", "linear")):
        options = [plan.options_for(studies, section, name, population) for population in ("again", "synthetic")]
        assert options[0] == options[1]
    studies["methods"]["ebr"]["populations"]["again"] = {"keep": 7}
    assert plan.options_for(validated(studies), "methods", "ebr", "again")["keep"] == 7
    assert {c.classifier for c in plan.cells(studies, "reruns") if c.population == "again"} == {"linear"}
    assert plan.reruns(studies) == {"synthetic": {"population": "again", "draws": 1}}, "law-sex is no re-run"
    assert "reruns" not in plan.pages(studies), "they are shown on the page `comparison`"
    assert plan.reruns(running(studies=[])) == {}


def test_options_of_a_population_and_of_a_variant():
    some = running()
    some["methods"]["mine"] = {"variant_of": "ebr", "options": {"density_quantile": 0.99}}
    assert plan.method_file(validated(some), "mine") == "ebr"
    own = CONFIG["methods"]["ebr"]
    assert plan.options_for(some, "methods", "ebr", "gmc-age") == own["options"]
    expected = own["options"] | own["populations"]["synthetic"] | {"density_quantile": 0.99}
    assert plan.options_for(some, "methods", "mine", "synthetic") == expected


def test_a_run_describes_its_studies_and_labels():
    """And its claims are judged by their study, if it is run."""
    assert plan.claims_study(running()) == "main"
    assert plan.claims_study(running(studies=["twenty_seeds"])) == "twenty_seeds"
    some = running(studies=["tradeoff"])
    del some["populations"]["law-sex"]["label"]
    described = plan.described_run(validated(some))
    assert set(described["studies"]) == {"main", "tradeoff"}
    assert described["studies"]["tradeoff"]["variant_of"]["ebr-q90"] == "ebr"
    assert described["studies"]["tradeoff"]["options"]["ebr-q90"]["law-sex"] == {"density_quantile": 0.9}
    labels = {kind: described["labels"][kind] for kind in ("population", "classifier", "method", "scenario")}
    assert labels["population"]["adult-sex"] == "Adult by sex"
    assert labels["population"]["law-sex"] == "law-sex", "its name, where it has no label"
    for kind, found in labels.items():
        assert found.keys() == CONFIG[f"{kind}s"].keys()


# --- random breakages ---------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
KEYS = st.sampled_from(["variant_of", "options", "ebr", "law-sex", 1, True])
ANYTHING = st.recursive(
    SCALARS | st.sampled_from(["ebr", "law-sex", "default", "mlp", "../x", "a;b", 0, 1, 0.5, 10**20, math.nan]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | KEYS, inner, max_size=3),
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
    """The configuration after one to three changes: a value replaced, a key deleted or one put in."""
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
        change = draw(st.sampled_from(["replace", "delete", "insert"]))
        if change == "replace":
            node[last] = draw(ANYTHING)
        elif change == "delete":
            del node[last]
        else:
            into = old if isinstance(old, dict) else node
            key = draw(SCALARS | st.just(f"{last}s"))
            into.append(draw(ANYTHING)) if isinstance(into, list) else into.update({key: draw(ANYTHING | st.just(old))})
    return config


def derive(config) -> None:
    """Everything that the rules ask for."""
    assert plan.cells(config)
    assert plan.claims_study(config) in plan.studies(config)
    assert set(plan.described_run(config)["studies"]) == set(plan.studies(config))
    for population in plan.populations(config):
        for classifier in {cell.classifier for cell in plan.cells(config) if cell.population == population}:
            assert plan.seeds_in(plan.blocks(config, population, classifier)[-1])
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
        return derive(valid)
    assert KEY.search(refusal), f"no key is named: {refusal}"
