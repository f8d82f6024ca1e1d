"""Checks of what people write in YAML: against a JSON schema, with messages that name file, line and key.

Imports neither torch nor pandas: the configuration is checked every time Snakemake starts.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from .errors import ConfigError

_SCHEMAS = Path(__file__).parents[2] / "schemas"

Key = tuple[str | int, ...]


@cache
def schema(name: str) -> dict[str, Any]:
    """The JSON schema workflow/schemas/<name>.schema.yaml."""
    return yaml.safe_load((_SCHEMAS / f"{name}.schema.yaml").read_text(encoding="utf-8"))


def read_yaml(path: Path | str, schema: Mapping[str, Any], meaning: Callable[[Any], Iterable[tuple[Key, str]]]) -> Any:
    """What the YAML file at `path` holds, with the defaults of the schema's own keys.

    meaning: finds what is wrong in content that the schema allows: keys from the top level on, each with a sentence.

    Raises ConfigError naming the file, and line and key of everything that is wrong, a repeated key included.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        lines = key_lines(text, str(path))
        content = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ConfigError(f"{path}{where}: not YAML: {what}") from error
    found = [_explain(error) for error in _Validator(schema).iter_errors(content)]
    if not found:
        defaults = {key: part["default"] for key, part in schema["properties"].items() if "default" in part}
        content = deepcopy(defaults) | content
        found = [(key, f"{_dotted(key)}: {what}") for key, what in meaning(content)]
    if found:
        raise ConfigError("\n  - ".join(f"{path}, line {_line(lines, key)}: {what}" for key, what in found))
    return content


def problems(value: Any, schema: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Everything that is wrong with a value: sentences that start with the key, which itself starts with `prefix`."""
    return [_explain(error, prefix)[1] for error in _Validator(schema).iter_errors(value)]


def known(names: Iterable[str], allowed: Iterable[str], key: str, what: str) -> Iterator[str]:
    """A sentence for each of the `names` under `key` that is not a `what`, that is, none of the `allowed`."""
    allowed = list(allowed)
    for name in names:
        if name not in allowed:
            hint = did_you_mean(name, allowed)
            yield f"{key}: {name!r} is not a {what}; there are: {', '.join(allowed) or 'none'}{hint}"


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'law'?`, or nothing where no name is close."""
    close = difflib.get_close_matches(name, list(allowed), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def key_lines(text: str, file: str) -> dict[tuple[str, ...], int]:
    """The line (1-based) of every key in YAML, and of every item of a list, which is called by its position.

    Raises ConfigError, naming `file`, line and key, for a key that stands twice in one mapping: YAML takes the last of
    them in silence. Raises yaml.YAMLError for what is not YAML.
    """
    lines: dict[tuple[str, ...], int] = {(): 1}

    def note(node: yaml.Node, key: tuple[str, ...]) -> None:
        if isinstance(node, yaml.SequenceNode):
            entries = [(str(i), item, item) for i, item in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            entries = [(str(name.value), name, value) for name, value in node.value]
        else:
            return
        for name, start, value in entries:
            inner, line = (*key, name), start.start_mark.line + 1
            if inner in lines:
                raise ConfigError(
                    f"{file}, line {line}: {_dotted(inner)} stands in line {lines[inner]} already; keep one of them"
                )
            lines[inner] = line
            note(value, inner)

    note(yaml.compose(text, Loader=yaml.SafeLoader), ())
    return lines


def _line(lines: Mapping[tuple[str, ...], int], key: Key) -> int:
    """The line of a key, or of the nearest around it that is in the file."""
    names = tuple(map(str, key))
    return lines[names] if names in lines else _line(lines, names[:-1])


def _dotted(key: Iterable[str | int], prefix: str = "") -> str:
    return ".".join([*filter(None, [prefix]), *map(str, key)]) or "the top level"


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and abs(value) < float("inf"))


# JSON Schema calls 1.0 an integer, and for it NaN is never out of range; in what people write both are slips.
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def _explain(error: jsonschema.ValidationError, prefix: str = "") -> tuple[Key, str]:
    """Where to look, and the problem as a sentence that starts with the key and ends with what is allowed."""
    place, schema, value = tuple(error.absolute_path), error.schema, error.instance
    key = _dotted(place, prefix)
    if error.validator == "additionalProperties":
        allowed = sorted(schema.get("properties", {}))
        unknown = sorted(set(map(str, value)) - set(allowed))
        hint = did_you_mean(unknown[0], allowed)
        shown = f"{', '.join(map(repr, unknown))}; allowed: {', '.join(allowed) or 'none'}{hint}"
        return (*place, unknown[0]), f"{key}: unknown key {shown}"
    if error.validator == "required":
        missing = [k for k in schema["required"] if k not in value]
        return place, f"{key}: the key {', '.join(map(repr, missing))} is missing"
    if error.validator == "dependentRequired":
        return place, f"{key}: {error.message}"
    about = f" ({schema['description'].strip()})" if schema.get("description") else ""
    shown = repr(value) if len(repr(value)) <= 100 else f"{repr(value)[:100]}..."
    quote = "; write it in quotes" if schema.get("type") == "string" and isinstance(value, bool | int | float) else ""
    hint = did_you_mean(value, map(str, schema.get("enum", ()))) if isinstance(value, str) else ""
    if "enum" in schema:
        expected = "one of " + ", ".join(map(str, schema["enum"]))
    else:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        limits = [text.format(schema[limit]) for limit, text in _LIMITS.items() if limit in schema]
        expected = " and ".join([" or ".join(_KINDS[kind] for kind in kinds), *limits])
    return place, f"{key}: {shown} is not allowed; expected {expected}{about}{quote}{hint}"


_KINDS = {
    "integer": "a whole number",
    "number": "a finite number",
    "array": "a list",
    "object": "a mapping",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
}
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "at least {} item",
    "minProperties": "at least {} entry",
    "uniqueItems": "no repetition",
    "maxLength": "at most {} characters",
}
