"""The configuration: checked once, before anything runs, and looked up by the rules.

Imports neither torch nor pandas: it is read every time Snakemake starts. What options a method or a model has is read
from its source: the keyword arguments of its class or its `build`, whose annotations are the types in `options`.
"""

from __future__ import annotations

import ast
import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import yaml

from . import declarations, options, tracking
from .errors import ConfigError

_PACKAGE = Path(__file__).parent
_SCHEMA = _PACKAGE.parents[1] / "schemas" / "config.schema.yaml"
_DATASET_SCHEMA = _SCHEMA.with_name("dataset.schema.yaml")
_NAME = r"[A-Za-z0-9]([A-Za-z0-9_-]|\.[0-9])*"
#: the project's folder, where paths in the configuration start
PROJECT = _PACKAGE.parents[2]

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
    schema = yaml.safe_load(_SCHEMA.read_text(encoding="utf-8"))
    problems = [_explain(e) for e in _Validator(schema).iter_errors(config)]
    if not problems:
        _fill_defaults(config, schema)
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
        _distinct_keys(yaml.compose(Path(file).read_text(encoding="utf-8"), Loader=yaml.SafeLoader), str(file))
    except yaml.YAMLError:
        return


def _distinct_keys(node: yaml.Node, file: str, where: str = "") -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        name, line = f"{where}{key.value}", key.start_mark.line + 1
        if name in lines:
            raise ConfigError(f"{file}, line {line}: {name} stands in line {lines[name]} already; keep one of them")
        lines[name] = line
        _distinct_keys(value, file, f"{name}.")


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
        return {name: given[name] for name in given if name in varied[base]}

    methods = [*varied, *bases]
    return {"bases": bases, "options": {m: {p: options_of(m, p) for p in study.populations} for m in methods}}


def claims_study(config: dict[str, Any]) -> str:
    """The study that the claims are judged by."""
    wanted = config["claims"]["study"]
    return wanted if wanted in studies(config) else MAIN


def method_base(config: dict[str, Any], method: str) -> str:
    """The method's file: its own name, or the one that a variant is made of."""
    return config["methods"][method].get("variant_of", method)


def options_for(config: dict[str, Any], section: str, name: str, population: str) -> dict[str, Any]:
    """Options of a classifier or method for one population: those for all, overridden by its own.

    section: `classifiers` or `methods`. A variant starts from its base's options.
    """
    entry = config[section][name]
    base = entry.get("variant_of", name)
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
    return "data.own" if _description_path(config, name) else f"data.{name}"


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
    """JSON schema of a method's options, from the signature of its class; `required` are those without a default."""
    tree = declarations.parse(_PACKAGE / "methods" / f"{method}.py")
    found = (item for node in tree.body if isinstance(node, ast.ClassDef) for item in node.body)
    function = next((i for i in found if isinstance(i, ast.FunctionDef) and i.name == "__init__"), None)
    return _signature(function.args if function else None, f"methods/{method}.py")


@cache
def classifier_schema(model: str | None) -> dict[str, Any]:
    """JSON schema of a classifier's options: those of the model's `build`, and of `fit` if it is a network.

    model: a file under models/; None for a built-in network.
    """
    if model is None:
        return _signature(_fit("classifiers.py"), "classifiers.py")
    where = f"models/{model}.py"
    schema = _signature(declarations.build(model).args, where)
    networks = declarations.has_gradients(model)
    training = _signature(_fit("models/_network.py") if networks else None, "models/_network.py")
    for name in schema["properties"].keys() & {"device", *training["properties"]}:
        raise ConfigError(f"{where}: {name!r} is an option of training; give the one of `build` another name")
    schema["properties"] |= training["properties"]
    schema["required"] += training["required"]
    return schema


def _fit(file: str) -> ast.arguments:
    """The arguments of the function `fit` of a file of the package that are options."""
    tree = ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8"))
    (function,) = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "fit")
    function.args.posonlyargs = function.args.posonlyargs[:1]
    return function.args


def _signature(given: ast.arguments | None, where: str) -> dict[str, Any]:
    """JSON schema of the arguments of a function after its first, which is not an option."""
    schema = {"type": "object", "additionalProperties": False, "properties": {}, "required": []}
    if given is None:
        return schema
    own = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(own) - len(given.defaults)), *given.defaults, *given.kw_defaults]
    for argument, default in list(zip([*own, *given.kwonlyargs], defaults, strict=True))[1:]:
        kind = ast.unparse(argument.annotation) if argument.annotation else ""
        known = getattr(options, kind, None)
        if known is None:
            raise ConfigError(
                f"{where}: the option {argument.arg!r} must be annotated with a type of options.py "
                f"(Count, Probability, Positive, NonNegative, Sizes, Flag or Text), not {kind or 'nothing'}"
            )
        schema["properties"][argument.arg] = dict(known.__metadata__[0])
        schema["required"] += [] if default else [argument.arg]
    return schema


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
            yield from _known([population["sensitive"]], attributes, f"{key}.sensitive", "sensitive attribute")
        yield from _known(population["classifiers"], config["classifiers"], f"{key}.classifiers", "classifier")
        yield from _known(population["recourse"], population["classifiers"], f"{key}.recourse", "listed classifier")
    for name, method in config["methods"].items():
        key, base = f"methods.{name}", method.get("variant_of", name)
        if base != name and name in method_names():
            yield f"{key}.variant_of: {name} is a method itself (methods/{name}.py); give the variant another name"
        if base != name and base in config["methods"] and base not in method_names():
            own = config["methods"][base].get("variant_of")
            hint = f", here {own!r}" if own in method_names() else ""
            yield f"{key}.variant_of: {base!r} is a variant; it must be a method with a file of its own{hint}"
            continue
        unknown = list(
            _known([base], method_names(), f"{key}.variant_of" if "variant_of" in method else "methods", "method")
        )
        yield from (f"{problem} (or write methods/{name}.py)" if base == name else problem for problem in unknown)
        if not unknown:
            yield from _options(method, method_schema(base), key, config["populations"], config["methods"].get(base))
    for name, classifier in config["classifiers"].items():
        key, model = f"classifiers.{name}", model_of(config, name)
        unknown = list(_known([model] if model else [], model_names(), f"{key}.model", "model"))
        yield from (f"{problem} (or write models/{model}.py)" for problem in unknown)
        if not unknown:
            yield from _options(classifier, classifier_schema(model), key, config["populations"])


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


def _options(entry: dict, schema: dict, key: str, populations: dict, of: dict | None = None):
    """What is wrong with the options of a classifier or a method; of: the method that it is a variant of."""
    given = (of or {}).get("options", {}) | entry.get("options", {})
    missing = [name for name in schema["required"] if name not in given]
    yield from (f"{key}.options: the option {name!r} is missing, and has no default" for name in missing)
    schema = schema | {"required": []}
    yield from (_explain(e, f"{key}.options") for e in _Validator(schema).iter_errors(entry.get("options", {})))
    for population, overrides in entry.get("populations", {}).items():
        where = f"{key}.populations"
        yield from _known([population], populations, where, "population")
        yield from (_explain(e, f"{where}.{population}") for e in _Validator(schema).iter_errors(overrides))


def _alike(names, key: str):
    """Names become folders, and some file systems do not tell `A` from `a`."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            yield f"{key}: {other!r} and {name!r} differ in upper and lower case only; rename one of them"


def _known(names, allowed, key: str, what: str):
    for name in names:
        if name not in allowed:
            close = difflib.get_close_matches(name, list(allowed), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            yield f"{key}: {name!r} is not a {what}; there are: {', '.join(allowed) or 'none'}{hint}"


def _is_integer(_, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_, value: Any) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and abs(value) < float("inf"))


# JSON Schema calls 1.0 an integer, and for it NaN is never out of range; in a configuration both are slips.
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
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
    shown = repr(value) if len(repr(value)) <= 100 else f"{repr(value)[:100]}..."
    quote = "; write it in quotes" if schema.get("type") == "string" and isinstance(value, bool | int | float) else ""
    return f"{key}: {shown} is not allowed; expected {_allowed(schema)}{about}{quote}"


def _allowed(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    words = {
        "integer": "a whole number",
        "number": "a finite number",
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
            "maxLength": "at most {} characters",
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
