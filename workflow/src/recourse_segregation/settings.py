"""The configuration: checked once, before anything runs, and looked up by the rules.

Imports neither torch nor pandas: it is read every time Snakemake starts. What options a method has is read
from its source: the keyword arguments of its class, whose annotations are the types in `options`.
"""

from __future__ import annotations

import ast
import difflib
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from . import options
from .errors import ConfigError

_PACKAGE = Path(__file__).parent
_SCHEMA = _PACKAGE.parents[1] / "schemas" / "config.schema.yaml"


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


def blocks(config: dict[str, Any]) -> list[str]:
    """The seeds in blocks that one job works through: 7 seeds in blocks of 5 are `0-4` and `5-6`."""
    seeds, size = config["run"]["seeds"], config["run"]["block_size"]
    return [f"{first}-{min(first + size, seeds) - 1}" for first in range(0, seeds, size)]


def seeds_in(block: str) -> list[int]:
    """`0-4` -> [0, 1, 2, 3, 4]"""
    first, last = block.split("-")
    return list(range(int(first), int(last) + 1))


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
    """The data sets that there are: files under data/."""
    return sorted(p.stem for p in (_PACKAGE / "data").glob("*.py") if "DATASET = " in p.read_text(encoding="utf-8"))


@cache
def method_schema(method: str) -> dict[str, Any]:
    """JSON schema of a method's options, from the signature of its class."""
    tree = ast.parse((_PACKAGE / "methods" / f"{method}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    return _signature(item, f"methods/{method}.py")
    return {"type": "object", "additionalProperties": False, "properties": {}}


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
    yield from _known(config["run"]["populations"], config["populations"], "run.populations", "population")
    for problem in _known(config["run"]["methods"], config["methods"], "run.methods", "method"):
        there = [m for m in config["run"]["methods"] if m not in config["methods"] and m in method_names()]
        hint = f" (methods/{there[0]}.py is there: add a line `{there[0]}: {{}}` under `methods`)" if there else ""
        yield problem + hint
    for name, population in config["populations"].items():
        key = f"populations.{name}"
        yield from _known([population["dataset"]], dataset_names(), f"{key}.dataset", "data set")
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
    }[schema["type"]]
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
    return " and ".join([words, *limits])


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
