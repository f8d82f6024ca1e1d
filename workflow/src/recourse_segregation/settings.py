"""The configuration: checked once, before anything runs, and looked up by the rules.

Imports neither torch nor pandas: it is read every time Snakemake starts. What options a method or a model has is read
from its source: the keyword arguments of its class or its `build`, whose annotations are the types in `options`.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from . import checking, data, declarations, options
from .checking import key_lines, known
from .data import description
from .data.description import PROJECT
from .errors import ConfigError

_PACKAGE = Path(__file__).parent
_NAME = r"[A-Za-z0-9]([A-Za-z0-9_-]|\.[0-9])*"

#: the study that `run` itself describes, and the scenario that a study has if it names none
MAIN, DEFAULT = "main", "default"
#: the pages that every run has, whatever its studies, which come before the last two
PAGES = ("populations", "synthetic", "segregation", "recourse_quality", "theory", "comparison")
#: folders of results/ that a population of the same name would write into
RESERVED = ("benchmarks", "exhibits", "notebooks", "raw")


def validate(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with its defaults filled in.

    Raises ConfigError naming every wrong key and what is allowed there.
    """
    schema = checking.schema("config")
    problems = checking.problems(config, schema)
    if not problems:
        checking.fill_defaults(config, schema)
        problems = list(_meaning(config)) or list(_gradients(config))
    if problems:
        listed = "\n".join(f"  - {p}" for p in dict.fromkeys(problems))
        raise ConfigError(f"the configuration is wrong:\n{listed}")
    return config


def refuse_repetition(file: Path | str) -> None:
    """Raise ConfigError, naming file, line and key, if a key stands twice in one mapping of a configuration file.

    YAML takes the last of them in silence, and what stands under the first is lost. A file that is not YAML (JSON may
    be indented with tabs) is left to whoever reads it.
    """
    try:
        key_lines(Path(file).read_text(encoding="utf-8"), str(file))
    except yaml.YAMLError:
        return


@dataclass(frozen=True)
class Study:
    """What one exhibit, or several, is about: every population with every method in every scenario, for some seeds."""

    populations: tuple[str, ...]
    methods: tuple[str, ...]
    scenarios: tuple[str, ...]
    seeds: int


@dataclass(frozen=True)
class Cell:
    """What one job of recourse, of simulation or of measuring works on; the last two take all its scenarios."""

    population: str
    classifier: str
    method: str
    seeds: str
    scenarios: tuple[str, ...]


def studies(config: dict[str, Any]) -> dict[str, Study]:
    """The studies that are run: `main`, which is what `run` itself says, and those that `run.studies` names."""
    chosen = {MAIN: config["run"]} | {name: config["studies"][name] for name in config["run"]["studies"]}
    return {
        name: Study(
            tuple(entry["populations"]),
            tuple(entry["methods"]),
            tuple(entry.get("scenarios", [DEFAULT])),
            entry.get("seeds", config["run"]["seeds"]),
        )
        for name, entry in chosen.items()
    }


def cells(config: dict[str, Any], *names: str) -> list[Cell]:
    """Every cell that the studies `names` need (by default all that are run), once, by population, then by study."""
    wanted = [study for name, study in studies(config).items() if name in names or not names]
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for population in populations(config):
        for study in (study for study in wanted if population in study.populations):
            for classifier in config["populations"][population]["recourse"]:
                for method in study.methods:
                    for block in blocks(config, population):
                        if seeds_in(block)[0] < study.seeds:
                            scenarios = found.setdefault((population, classifier, method, block), {})
                            scenarios.update(dict.fromkeys(study.scenarios))
    return [Cell(*cell, tuple(scenarios)) for cell, scenarios in found.items()]


def populations(config: dict[str, Any]) -> list[str]:
    """The populations that a study needs."""
    return list(dict.fromkeys(p for study in studies(config).values() for p in study.populations))


def blocks(config: dict[str, Any], population: str) -> list[str]:
    """The seeds of a population, in blocks that one job works through: 7 in blocks of 5 are `0-4` and `5-6`."""
    seeds = max(study.seeds for study in studies(config).values() if population in study.populations)
    size = config["run"]["block_size"]
    return [f"{first}-{min(first + size, seeds) - 1}" for first in range(0, seeds, size)]


def seeds_in(block: str) -> list[int]:
    """`0-4` -> [0, 1, 2, 3, 4]"""
    first, last = block.split("-")
    return list(range(int(first), int(last) + 1))


def simulation(config: dict[str, Any], scenario: str) -> dict[str, Any]:
    """What people do in a scenario: uptake and unresolved."""
    entry = config["scenarios"][scenario]
    return {"uptake": entry.get("uptake", 1.0), "unresolved": entry.get("unresolved", "stay")}


def measurement(config: dict[str, Any], scenario: str, population: str) -> dict[str, Any]:
    """How a population is measured in a scenario: neighbourhoods, radius_quantile and groups."""
    own, entry = config["populations"][population], config["scenarios"][scenario]
    return {
        "neighbourhoods": own["neighbourhoods"],
        "radius_quantile": entry.get("radius_quantile", own["radius_quantile"]),
        "groups": entry.get("groups", "own"),
    }


def simulated_as(config: dict[str, Any], scenario: str) -> str:
    """The first scenario in which people do the same: it is simulated once."""
    wanted = simulation(config, scenario)
    return next(name for name in [DEFAULT, *config["scenarios"]] if simulation(config, name) == wanted)


def measured_as(config: dict[str, Any], scenario: str, population: str) -> str:
    """The first scenario in which the population is measured in the same way: before recourse, that is done once."""
    wanted = measurement(config, scenario, population)
    names = [DEFAULT, *config["scenarios"]]
    return next(name for name in names if measurement(config, name, population) == wanted)


def simulations(config: dict[str, Any], scenarios: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What people do in these scenarios, by the name under which each is simulated."""
    return {name: simulation(config, name) for name in (simulated_as(config, scenario) for scenario in scenarios)}


def measurements(config: dict[str, Any], scenarios: Sequence[str], population: str) -> dict[str, dict[str, str]]:
    """For each scenario: the names under which it is simulated and measured before recourse, and whose groups count."""
    return {
        scenario: {
            "simulated_as": simulated_as(config, scenario),
            "measured_as": measured_as(config, scenario, population),
            "groups": measurement(config, scenario, population)["groups"],
        }
        for scenario in scenarios
    }


def described(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The studies as exhibits need them (`studies.json`): each study's lists and seeds; `bases`, what each of its
    variants is made of; and `options`, method -> population -> the options that tell a method from its variants.
    """
    return {name: vars(study) | _variants(config, study) for name, study in studies(config).items()}


def _variants(config: dict[str, Any], study: Study) -> dict[str, Any]:
    bases = {m: method_base(config, m) for m in study.methods if method_base(config, m) != m}
    varied: dict[str, set[str]] = {base: set() for base in bases.values()}
    for variant, base in bases.items():
        entry = config["methods"][variant]
        varied[base].update(entry.get("options", {}), *entry.get("populations", {}).values())

    def options_of(method: str, population: str) -> dict[str, Any]:
        base = bases.get(method, method)
        given = options_for(config, "methods", method, population) if method in config["methods"] else {}
        every = method_defaults(base) | given
        return {name: every[name] for name in every if name in varied[base]}

    methods = [*varied, *bases]
    return {"bases": bases, "options": {m: {p: options_of(m, p) for p in study.populations} for m in methods}}


def claims_study(config: dict[str, Any]) -> str:
    """The study that the claims are judged by."""
    wanted = config["claims"]["study"]
    return wanted if wanted in studies(config) else MAIN


def method_base(config: dict[str, Any], method: str) -> str:
    """The method's file: its own name, or the one that a variant is made of."""
    return config["methods"][method].get("base", method)


def options_for(config: dict[str, Any], section: str, name: str, population: str) -> dict[str, Any]:
    """Options of a classifier or method for one population: those for all, overridden by its own.

    section: `classifiers` or `methods`. A variant starts from its base's options.
    """
    entry = config[section][name]
    base = entry.get("base", name)
    inherited = options_for(config, section, base, population) if base != name and base in config[section] else {}
    return inherited | entry.get("options", {}) | entry.get("populations", {}).get(population, {})


def sensitive_names(dataset: str) -> list[str] | None:
    """The sensitive attributes of a data set under data/, from its source; None where it does not list them."""
    if dataset not in dataset_names():
        return None
    tree = ast.parse((_PACKAGE / "data" / f"{dataset}.py").read_text(encoding="utf-8"))
    calls = (n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "Dataset")
    found = [k.value for call in calls for k in call.keywords if k.arg == "sensitive"]
    if len(found) != 1 or not isinstance(found[0], ast.Dict):
        return None
    names = [key.value if isinstance(key, ast.Constant) else None for key in found[0].keys]
    return None if None in names else names


def method_names() -> list[str]:
    """The methods that there are: files under methods/ that do not start with `_`."""
    return declarations.names("methods")


def model_names() -> list[str]:
    """The models of one's own that there are: files under models/ that do not start with `_`."""
    return declarations.names("models")


def model_of(config: dict[str, Any], classifier: str) -> str | None:
    """The classifier's file: the one that it names, else that of its own name; None for the built-in networks."""
    return config["classifiers"][classifier].get("model", classifier if classifier in model_names() else None)


def modules_of(config: dict[str, Any], classifier: str) -> list[str]:
    """The module that defines a classifier of one's own: `models.forest`."""
    model = model_of(config, classifier)
    return [f"models.{model}"] if model else []


def dataset_names() -> list[str]:
    """The data sets of the package: files under data/."""
    return data.names()


def dataset_of(config: dict[str, Any], name: str) -> str:
    """The data set called `name`, as a population names it: `law`, or the path of a description."""
    named = (p["dataset"] for p in config["populations"].values())
    return next((dataset for dataset in named if description.name(dataset) == name), name)


def _datasets(config: dict[str, Any]):
    """What is wrong with the data sets of the populations."""
    run = {p for study in [config["run"], *config["studies"].values()] for p in study["populations"]}
    places: dict[str, str] = {}
    for name, population in config["populations"].items():
        key, dataset = f"populations.{name}", population["dataset"]
        if not description.is_path(dataset):
            yield from known([dataset], dataset_names(), f"{key}.dataset", "data set")
            continue
        short = Path(dataset).stem
        if not re.fullmatch(_NAME, short):
            yield f"{key}.dataset: {short!r} becomes a folder; use letters, digits, `-`, `_` and `.` only"
        if short in dataset_names() or places.setdefault(short, dataset) != dataset:
            yield f"{key}.dataset: {short!r} is the name of another data set; give {dataset} another name"
        try:
            found = description.read(dataset)
        except ConfigError as error:
            yield f"{key}.dataset: {error}"
            continue
        yield from known([population["sensitive"]], found["sensitive"], f"{key}.sensitive", "sensitive attribute")
        for file in description.own_file(dataset) if name in run else []:
            if not ((PROJECT / file).is_file() and os.access(PROJECT / file, os.R_OK)):
                yield f"{key}.dataset: {dataset}: file: {file} is not there, or cannot be read"


@cache
def method_schema(method: str) -> dict[str, Any]:
    """JSON schema of a method's options, from the signature of its class."""
    function = _constructor(method)
    if function is None:
        return {"type": "object", "additionalProperties": False, "properties": {}}
    return _signature(function, f"methods/{method}.py")


@cache
def method_defaults(method: str) -> dict[str, Any]:
    """A method's options that have a default, from the signature of its class."""
    function = _constructor(method)
    if function is None:
        return {}
    own, keyword = function.args, zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    last = own.args[len(own.args) - len(own.defaults) :]
    pairs = [*zip(last, own.defaults, strict=True), *((a, d) for a, d in keyword if d is not None)]
    try:
        return {argument.arg: ast.literal_eval(default) for argument, default in pairs}
    except ValueError as error:
        raise ConfigError(f"methods/{method}.py: the defaults of options must be plain values ({error})") from error


@cache
def _constructor(method: str) -> ast.FunctionDef | None:
    """`__init__` of the method's class, None if it has none of its own."""
    tree = declarations.parse(_PACKAGE / "methods" / f"{method}.py")
    found = (item for node in tree.body if isinstance(node, ast.ClassDef) for item in node.body)
    return next((i for i in found if isinstance(i, ast.FunctionDef) and i.name == "__init__"), None)


#: how a network is trained, a built-in one or a torch module of one's own
_TRAINING = {
    "learning_rate": {"type": "number", "exclusiveMinimum": 0, "maximum": options.LARGEST},
    "epochs": {"type": "integer", "minimum": 1, "maximum": options.MOST},
    "batch": {"type": "integer", "minimum": 1, "maximum": options.MOST},
}
_BUILT_IN = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "hidden": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": options.MOST}},
        **_TRAINING,
    },
}


@cache
def model_schema(model: str) -> dict[str, Any]:
    """JSON schema of a model's options: those of its `build`, and for a torch module those of training."""
    where = f"models/{model}.py"
    schema = _signature(declarations.build(model), where)
    training = _TRAINING if declarations.has_gradients(model) else {}
    for name in schema["properties"].keys() & {"device", *training}:
        raise ConfigError(f"{where}: {name!r} is an option of training; give the one of `build` another name")
    schema["properties"] |= training
    return schema


def _signature(function: ast.FunctionDef, where: str) -> dict[str, Any]:
    """JSON schema of the arguments of a function after its first, which is not an option."""
    properties = {}
    for argument in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs][1:]:
        kind = ast.unparse(argument.annotation) if argument.annotation else ""
        known = getattr(options, kind, None)
        if known is None:
            raise ConfigError(
                f"{where}: the option {argument.arg!r} must be annotated with a type of options.py "
                f"(Count, Probability, Positive, NonNegative, Sizes or Flag), not {kind or 'nothing'}"
            )
        properties[argument.arg] = dict(known.__metadata__[0])
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _meaning(config: dict[str, Any]):
    """What a schema cannot say: names that must exist elsewhere."""
    yield from known(config["run"]["studies"], config["studies"], "run.studies", "study")
    for key, study in {"run": config["run"], **{f"studies.{n}": s for n, s in config["studies"].items()}}.items():
        yield from known(study["populations"], config["populations"], f"{key}.populations", "population")
        yield from known(study.get("scenarios", []), config["scenarios"], f"{key}.scenarios", "scenario")
        for problem in known(study["methods"], config["methods"], f"{key}.methods", "method"):
            there = [m for m in study["methods"] if m not in config["methods"] and m in method_names()]
            hint = f" (methods/{there[0]}.py is there: add a line `{there[0]}: {{}}` under `methods`)" if there else ""
            yield problem + hint
    yield from known([config["claims"]["study"]], [MAIN, *config["studies"]], "claims.study", "study")
    for name in [name for name in (MAIN, *PAGES) if name in config["studies"]]:
        owner = "what `run` itself describes" if name == MAIN else f"the page notebooks/{name}.ipynb"
        yield f"studies.{name}: this name is taken by {owner}; choose another"
    for section in ("populations", "classifiers", "methods", "scenarios", "studies"):
        yield from _alike(config[section], section)
    yield from _datasets(config)
    for name, population in config["populations"].items():
        key = f"populations.{name}"
        if name in RESERVED:
            yield f"{key}: results/{name} is a folder of something else; choose another name"
        attributes = sensitive_names(population["dataset"])
        if attributes is not None:
            yield from known([population["sensitive"]], attributes, f"{key}.sensitive", "sensitive attribute")
        yield from known(population["classifiers"], config["classifiers"], f"{key}.classifiers", "classifier")
        yield from known(population["recourse"], population["classifiers"], f"{key}.recourse", "listed classifier")
    for name, method in config["methods"].items():
        key, base = f"methods.{name}", method.get("base", name)
        if base != name and name in method_names():
            yield f"{key}.base: {name} is a method itself (methods/{name}.py); call the variant of {base} otherwise"
        if base != name and base in config["methods"] and base not in method_names():
            own = config["methods"][base].get("base")
            hint = f", here {own!r}" if own in method_names() else ""
            yield f"{key}.base: {base!r} is a variant; a base is a method with a file of its own{hint}"
            continue
        unknown = list(known([base], method_names(), f"{key}.base" if "base" in method else "methods", "method"))
        yield from (f"{problem} (or write methods/{name}.py)" if base == name else problem for problem in unknown)
        if not unknown:
            yield from _options(method, method_schema(base), key, config["populations"])
    for name, classifier in config["classifiers"].items():
        key, model = f"classifiers.{name}", model_of(config, name)
        unknown = list(known([model] if model else [], model_names(), f"{key}.model", "model"))
        yield from (f"{problem} (or write models/{model}.py)" for problem in unknown)
        if not unknown:
            yield from _options(classifier, model_schema(model) if model else _BUILT_IN, key, config["populations"])


def _gradients(config: dict[str, Any]):
    """Methods that ask for the gradients of a classifier that has none."""
    models = {name: model_of(config, name) for name in config["classifiers"]}
    estimators = {name for name, model in models.items() if model and not declarations.has_gradients(model)}
    asking: dict[tuple[str, str], dict[str, None]] = {}
    for cell in cells(config) if estimators else ():
        if cell.classifier in estimators and declarations.needs_gradients(method_base(config, cell.method)):
            asking.setdefault((cell.population, cell.classifier), {})[cell.method] = None
    for (population, classifier), methods in asking.items():
        yield (
            f"populations.{population}.recourse: {classifier!r} is a scikit-learn estimator, without the gradients "
            f"that the methods {', '.join(methods)} (of `run` or its studies) need; methods that need none: "
            f"{', '.join(declarations.gradient_free())}"
        )


def _options(entry: dict[str, Any], schema: dict[str, Any], key: str, populations: dict[str, Any]):
    yield from checking.problems(entry.get("options", {}), schema, f"{key}.options")
    for population, overrides in entry.get("populations", {}).items():
        where = f"{key}.populations"
        yield from known([population], populations, where, "population")
        yield from checking.problems(overrides, schema, f"{where}.{population}")


def _alike(names, key: str):
    """Names become folders, and some file systems do not tell `A` from `a`."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            yield f"{key}: {other!r} and {name!r} differ in upper and lower case only; rename one of them"
