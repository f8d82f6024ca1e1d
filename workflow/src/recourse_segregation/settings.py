"""The configuration: checked once, before anything runs, and looked up by the rules.

Imports neither torch nor pandas: it is read every time Snakemake starts. What options a method has is read
from its source: the keyword arguments of its class, whose annotations are the types in `options`.
"""

from __future__ import annotations

import ast
import difflib
import os
import re
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import yaml

from . import options, tracking
from .errors import ConfigError

_PACKAGE = Path(__file__).parent
_SCHEMA = _PACKAGE.parents[1] / "schemas" / "config.schema.yaml"
_DATASET_SCHEMA = _SCHEMA.with_name("dataset.schema.yaml")
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
#: the project's folder, where paths in the configuration start
PROJECT = _PACKAGE.parents[2]

#: the study that `run` itself describes, and the scenario that a study has if it names none
MAIN, DEFAULT = "main", "default"


def validate(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with its defaults filled in.

    Raises ConfigError naming every wrong key and what is allowed there.
    """
    schema = yaml.safe_load(_SCHEMA.read_text(encoding="utf-8"))
    problems = [_explain(e) for e in _Validator(schema).iter_errors(config)]
    if not problems:
        _fill_defaults(config, schema)
        problems = list(_meaning(config))
    if problems:
        raise ConfigError("the configuration is wrong:\n" + "\n".join(f"  - {p}" for p in problems))
    return config


@dataclass(frozen=True)
class Study:
    """What one exhibit, or several, is about: every population with every method in every scenario, for some seeds."""

    populations: tuple[str, ...]
    methods: tuple[str, ...]
    scenarios: tuple[str, ...]
    seeds: int


@dataclass(frozen=True)
class Cell:
    """What one measuring job works on."""

    population: str
    classifier: str
    method: str
    scenario: str
    seeds: str


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
    found = {
        Cell(population, classifier, method, scenario, block): None
        for population in populations(config)
        for study in wanted
        if population in study.populations
        for classifier in config["populations"][population]["recourse"]
        for method in study.methods
        for scenario in study.scenarios
        for block in blocks(config, population)
        if seeds_in(block)[0] < study.seeds
    }
    return list(found)


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


def method_names() -> list[str]:
    """The methods that there are: files under methods/ that do not start with `_`."""
    return sorted(p.stem for p in (_PACKAGE / "methods").glob("[!_]*.py"))


def dataset_names() -> list[str]:
    """The data sets of the package: files under data/."""
    return sorted(p.stem for p in (_PACKAGE / "data").glob("*.py") if "DATASET = " in p.read_text(encoding="utf-8"))


def is_described(dataset: str) -> bool:
    """Whether a population's data set is the path of a description; else it is one of the package."""
    return Path(dataset).suffix in (".yaml", ".yml")


def dataset_name(config: dict[str, Any], population: str) -> str:
    """What the data set of a population is called: `law`, or for `datasets/loans.yaml` `loans`."""
    dataset = config["populations"][population]["dataset"]
    return Path(dataset).stem if is_described(dataset) else dataset


def dataset_module(config: dict[str, Any], name: str) -> str:
    """The module that reads the data set called `name`."""
    return "data.described" if _description_path(config, name) else f"data.{name}"


def description(config: dict[str, Any], population: str) -> dict[str, Any] | None:
    """What the individuals of a population are made by, if its data set is described: all but titles and the
    digest (the download is about that), and of the sensitive attributes its own. `file` is the path that messages name.
    """
    own = config["populations"][population]
    if not is_described(own["dataset"]):
        return None
    found = read_description(own["dataset"])
    found["sensitive"] = {own["sensitive"]: found["sensitive"][own["sensitive"]]}
    return {key: value for key, value in found.items() if key not in ("title", "licence", "citation", "sha256")}


def own_file(config: dict[str, Any], name: str) -> list[Path]:
    """The file of the described data set called `name`, from the project's folder; none if it is downloaded."""
    path = _description_path(config, name)
    file = read_description(path)["file"] if path else ""
    return [] if not path or _is_address(file) else [Path(file)]


def raw_file(config: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Name, sha256 and addresses of the file of the described data set called `name`; None for one of the package."""
    path = _description_path(config, name)
    if path is None:
        return None
    found = read_description(path)
    if _is_address(found["file"]):
        return {"name": Path(urlsplit(found["file"]).path).name, "sha256": found["sha256"], "urls": [found["file"]]}
    file = Path(found["file"])
    return {"name": file.name, "sha256": found.get("sha256") or tracking.file_digest(PROJECT / file), "urls": []}


def read_description(dataset: str) -> dict[str, Any]:
    """The description of a data set at a path from the project's folder, with its defaults filled in.

    `file` is an address or a path from the project's folder.

    Raises ConfigError naming the description and every wrong key.
    """
    try:
        found = yaml.safe_load((PROJECT / dataset).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{dataset}: {error.strerror}; the path of a description starts in {PROJECT}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{dataset}: not YAML ({' '.join(str(error).split())}); correct it") from error
    schema = yaml.safe_load(_DATASET_SCHEMA.read_text(encoding="utf-8"))
    problems = [_explain(e) for e in _Validator(schema).iter_errors(found)]
    if not problems:
        _fill_defaults(found, schema)
        problems = list(_contradictions(found))
    if problems:
        raise ConfigError("\n  - ".join(f"{dataset}: {p}" for p in problems))
    if not _is_address(found["file"]):
        found["file"] = str(Path(dataset).parent / found["file"])
    return found


def _description_path(config: dict[str, Any], name: str) -> str | None:
    described = (p["dataset"] for p in config["populations"].values() if is_described(p["dataset"]))
    return next((path for path in described if Path(path).stem == name), None)


def _is_address(file: str) -> bool:
    return "://" in file


def _contradictions(found: dict[str, Any]):
    """What is wrong in a description on its own: an address that cannot be used, a column with two uses."""
    if _is_address(found["file"]):
        address = urlsplit(found["file"])
        if address.scheme != "https" or not Path(address.path).name or address.path.endswith(".zip"):
            yield f"file: {found['file']!r} is not the https address of a CSV file"
    divided = [column for column, entry in found["sensitive"].items() if "above" in entry]
    apart = {
        "label.column": [found["label"]["column"]],
        "id": [found["id"]] if "id" in found else [],
        "ignore": found["ignore"],
    }
    uses = {
        **apart,
        "sensitive": found["sensitive"],
        "immutable": found["immutable"],
        "continuous": [*found["continuous"], *divided],
        "categorical": found["categorical"],
        "levels": found["levels"],
    }
    for one, other in combinations(uses, 2):
        if one in apart or (one == "continuous" and other in ("categorical", "levels")):
            for column in uses[one]:
                if column in uses[other]:
                    yield f"{other}: {column!r} is also under {one}, and can be one of the two only"


def _datasets(config: dict[str, Any]):
    """What is wrong with the data sets of the populations."""
    run = {p for study in [config["run"], *config["studies"].values()] for p in study["populations"]}
    places: dict[str, str] = {}
    for name, population in config["populations"].items():
        key, dataset = f"populations.{name}", population["dataset"]
        if not is_described(dataset):
            yield from _known([dataset], dataset_names(), f"{key}.dataset", "data set")
            continue
        short = Path(dataset).stem
        if not re.fullmatch(_NAME, short):
            yield f"{key}.dataset: {short!r} becomes a folder; use letters, digits, `-`, `_` and `.` only"
        if short in dataset_names() or places.setdefault(short, dataset) != dataset:
            yield f"{key}.dataset: {short!r} is the name of another data set; give {dataset} another name"
        try:
            found = read_description(dataset)
        except ConfigError as error:
            yield f"{key}.dataset: {error}"
            continue
        yield from _known([population["sensitive"]], found["sensitive"], f"{key}.sensitive", "sensitive attribute")
        file = PROJECT / found["file"]
        if name in run and not _is_address(found["file"]) and not (file.is_file() and os.access(file, os.R_OK)):
            yield f"{key}.dataset: {dataset}: file: {found['file']} is not there, or cannot be read"


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
    return {argument.arg: ast.literal_eval(default) for argument, default in pairs}


@cache
def _constructor(method: str) -> ast.FunctionDef | None:
    """`__init__` of the method's class, None if it has none of its own."""
    tree = ast.parse((_PACKAGE / "methods" / f"{method}.py").read_text(encoding="utf-8"))
    found = (item for node in tree.body if isinstance(node, ast.ClassDef) for item in node.body)
    return next((i for i in found if isinstance(i, ast.FunctionDef) and i.name == "__init__"), None)


_CLASSIFIER_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "hidden": {"type": "array", "items": {"type": "integer", "minimum": 1}},
        "learning_rate": {"type": "number", "exclusiveMinimum": 0},
        "epochs": {"type": "integer", "minimum": 1},
        "batch": {"type": "integer", "minimum": 1},
    },
}


def _signature(function: ast.FunctionDef, where: str) -> dict[str, Any]:
    properties = {}
    for argument in [*function.args.args, *function.args.kwonlyargs]:
        if argument.arg == "self":
            continue
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
    yield from _known(config["run"]["studies"], config["studies"], "run.studies", "study")
    for key, study in {"run": config["run"], **{f"studies.{n}": s for n, s in config["studies"].items()}}.items():
        yield from _known(study["populations"], config["populations"], f"{key}.populations", "population")
        yield from _known(study.get("scenarios", []), config["scenarios"], f"{key}.scenarios", "scenario")
        for problem in _known(study["methods"], config["methods"], f"{key}.methods", "method"):
            there = [m for m in study["methods"] if m not in config["methods"] and m in method_names()]
            hint = f" (methods/{there[0]}.py is there: add a line `{there[0]}: {{}}` under `methods`)" if there else ""
            yield problem + hint
    yield from _known([config["claims"]["study"]], [MAIN, *config["studies"]], "claims.study", "study")
    if MAIN in config["studies"]:
        yield f"studies.{MAIN}: this name is taken by what `run` itself describes; choose another"
    yield from _datasets(config)
    for name, population in config["populations"].items():
        key = f"populations.{name}"
        yield from _known(population["classifiers"], config["classifiers"], f"{key}.classifiers", "classifier")
        yield from _known(population["recourse"], population["classifiers"], f"{key}.recourse", "listed classifier")
    for name, method in config["methods"].items():
        key, base = f"methods.{name}", method.get("base", name)
        unknown = list(_known([base], method_names(), f"{key}.base" if "base" in method else "methods", "method"))
        yield from (f"{problem} (or write methods/{base}.py)" for problem in unknown)
        if not unknown:
            yield from _options(method, method_schema(base), key, config["populations"])
    for name, classifier in config["classifiers"].items():
        yield from _options(classifier, _CLASSIFIER_SCHEMA, f"classifiers.{name}", config["populations"])


def _options(entry: dict[str, Any], schema: dict[str, Any], key: str, populations: dict[str, Any]):
    yield from (_explain(e, f"{key}.options") for e in _Validator(schema).iter_errors(entry.get("options", {})))
    for population, overrides in entry.get("populations", {}).items():
        where = f"{key}.populations"
        yield from _known([population], populations, where, "population")
        yield from (_explain(e, f"{where}.{population}") for e in _Validator(schema).iter_errors(overrides))


def _known(names, allowed, key: str, what: str):
    for name in names:
        if name not in allowed:
            close = difflib.get_close_matches(name, list(allowed), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            yield f"{key}: {name!r} is not a {what}; there are: {', '.join(allowed) or 'none'}{hint}"


# JSON Schema calls true a boolean and 1.0 an integer; in a configuration both are slips.
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def _explain(error: jsonschema.ValidationError, prefix: str = "") -> str:
    """One problem as a sentence that starts with the key and ends with what is allowed."""
    key = ".".join([*filter(None, [prefix]), *map(str, error.absolute_path)]) or "the top level"
    schema, value = error.schema, error.instance
    if error.validator == "additionalProperties":
        allowed = sorted(schema.get("properties", {}))
        extra = sorted(set(map(str, value)) - set(allowed))
        close = difflib.get_close_matches(extra[0], allowed, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"{key}: unknown key {', '.join(map(repr, extra))}; allowed: {', '.join(allowed) or 'none'}{hint}"
    if error.validator == "required":
        missing = [k for k in schema["required"] if k not in value]
        return f"{key}: the key {', '.join(map(repr, missing))} is missing"
    about = f" ({schema['description'].strip()})" if schema.get("description") else ""
    return f"{key}: {value!r} is not allowed; expected {_allowed(schema)}{about}"


def _allowed(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    words = {
        "integer": "a whole number",
        "number": "a number",
        "array": "a list",
        "object": "a mapping",
        "string": "a text",
        "boolean": "true or false",
    }
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    limits = [
        text.format(schema[key])
        for key, text in {
            "minimum": "at least {}",
            "exclusiveMinimum": "above {}",
            "maximum": "at most {}",
            "minItems": "at least {} item",
            "minProperties": "at least {} entry",
            "uniqueItems": "no repetition",
            "pattern": "matching {}",
        }.items()
        if key in schema
    ]
    return " and ".join([" or ".join(words[kind] for kind in kinds), *limits])


def _fill_defaults(value: Any, schema: dict[str, Any]) -> None:
    if not isinstance(value, dict):
        return
    for key, part in schema.get("properties", {}).items():
        if "default" in part:
            value.setdefault(key, part["default"])
        if key in value:
            _fill_defaults(value[key], part)
    if isinstance(schema.get("additionalProperties"), dict):
        for item in value.values():
            _fill_defaults(item, schema["additionalProperties"])
