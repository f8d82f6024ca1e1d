"""What is said of a YAML file that somebody wrote: file, line, key, what is allowed."""

import math

import pytest

from recourse_segregation import checking
from recourse_segregation.errors import ConfigError

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "dependentRequired": {"share": ["why"]},
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer", "minimum": 1, "default": 3},
        "share": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "description": "Of all rows."},
        "kind": {"enum": ["small", "large"]},
        "why": {"type": "string"},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"size": {"type": "integer"}}}},
        "options": {"type": "object", "default": {}},
    },
}


def read(text, tmp_path, **more):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    return checking.read_yaml(tmp_path / "mine.yaml", SCHEMA, **more)


def test_defaults_are_filled_in_and_not_shared(tmp_path):
    one, other = (read("name: a\n", tmp_path) for _ in range(2))
    assert one == {"name": "a", "count": 3, "options": {}}
    one["options"]["x"] = 1
    assert other["options"] == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: a\n\ncuont: 2\n", "line 3: the top level: unknown key 'cuont'; allowed: .*; did you mean 'count'?"),
        ("# nothing\ncount: 2\n", "line 1: the top level: the key 'name' is missing"),
        ("name: a\ncount: 2.0\n", "line 2: count: 2.0 is not allowed; expected a whole number and at least 1"),
        ("name: a\ncount: true\n", "line 2: count: True is not allowed"),
        ("name: a\nwhy: b\nshare: .nan\n", "line 3: share: nan is not allowed; expected a finite number and at least"),
        ("name: a\nwhy: b\nshare: 1\n", r"line 3: share: 1 .* and below 1 \(Of all rows.\)"),
        ("name: a\nshare: 0.5\n", "line 1: the top level: 'why' is a dependency of 'share'"),
        ("name: 7\n", "line 1: name: 7 is not allowed; expected a text; write it in quotes"),
        ("name: a\nkind: huge\n", "line 2: kind: 'huge' is not allowed; expected one of small, large"),
        ("name: a\nparts:\n- {size: 1}\n- {size: x}\n", "line 4: parts.1.size: 'x' is not allowed"),
        ("name: a\nparts:\n- size: 1\n  size: 2\n", "line 4: parts.0.size stands in line 3 already; keep one of them"),
        ("name: a\nname: b\n", "line 2: name stands in line 1 already"),
        ("name: [a\n", "line 2: not YAML: expected ',' or ']'"),
        ("name: 2020-13-45\n", "mine.yaml: not YAML: month must be in"),
        ("", "line 1: the top level: None is not allowed; expected a mapping"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(text, says, tmp_path):
    with pytest.raises(ConfigError, match=f"^{tmp_path}/(mine.yaml, )?{says}"):
        read(text, tmp_path)


def test_every_mistake_is_listed(tmp_path):
    with pytest.raises(ConfigError) as error:
        read("count: 0\nkind: huge\n", tmp_path)
    assert str(error.value).count("mine.yaml, line ") == 3


def test_what_a_schema_cannot_say_is_asked_last(tmp_path):
    def meaning(content):
        yield ("parts", 0, "size"), f"{content['count']} is too many"
        yield ("parts", 0, "weight"), "is not there"

    with pytest.raises(ConfigError) as error:
        read("name: a\nparts:\n- {}\n- size: 1\n", tmp_path, meaning=meaning)
    where = tmp_path / "mine.yaml, line 3: parts.0"
    assert str(error.value) == f"{where}.size: 3 is too many\n  - {where}.weight: is not there"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=f"{tmp_path}/none.yaml: No such file or directory"):
        checking.read_yaml(tmp_path / "none.yaml", SCHEMA)


def test_a_value_is_checked_without_a_file():
    assert checking.problems({"name": "a", "share": 0.5, "why": "b"}, SCHEMA) == []
    (problem,) = checking.problems({"name": "a", "count": math.inf}, SCHEMA, "methods.ebr")
    assert problem.startswith("methods.ebr.count: inf is not allowed")
    assert len(checking.problems({"name": ["x" * 1000]}, SCHEMA)[0]) < 200, "a long value is cut"


def test_names_that_must_be_known():
    assert list(checking.known(["law"], {"law": 1}, "k", "data set")) == []
    assert list(checking.known(["lwa"], ["law", "adult"], "run.x", "data set")) == [
        "run.x: 'lwa' is not a data set; there are: law, adult; did you mean 'law'?"
    ]
