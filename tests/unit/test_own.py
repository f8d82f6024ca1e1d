"""A CSV file of the user's own: what its columns are taken for, and what is said of a wrong file or description."""

import contextlib
import copy
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conftest import CONFIG, ROOT
from recourse_segregation import checking, data, settings
from recourse_segregation.data import description
from recourse_segregation.errors import ConfigError, DataError
from recourse_segregation.population import prepare
from workflow_tools import run_script

HEADER = ["id", "name", "sex", "age", "zip", "income", "owner", "job", "approved"]
DESCRIPTION = {
    "file": "loans.csv",
    "label": {"column": "approved", "favourable": "yes"},
    "sensitive": {"sex": {"minority": "female"}, "age": {"above": "median"}},
    "immutable": ["sex", "age"],
    "ignore": ["name"],
    "id": "id",
    "categorical": ["zip"],
}


def rows(count: int = 120) -> list[list[str]]:
    random = np.random.default_rng(0)
    return [
        [
            *(str(i), f"Person {i}", "female" if i % 3 == 0 else "male", str(20 + i % 40), str(1000 + i % 3)),
            *(f"{random.random():.4f}", str(i % 2)),
            *(("clerk", "none", "other", "chief")[i % 4], ("no", "yes")[i // 2 % 2]),
        ]
        for i in range(count)
    ]


def text(cells: list[list[str]], header: list[str] = HEADER, separator: str = ",") -> str:
    return "".join(separator.join(row) + "\n" for row in [header, *cells])


def write(folder: Path, content: str | bytes | None = None, **changes) -> str:
    """A CSV file and its description in `folder`; returns the path of the description."""
    content = text(rows()) if content is None else content
    folder.mkdir(exist_ok=True)
    (folder / "loans.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    entries = {k: v for k, v in (DESCRIPTION | changes).items() if v is not None}
    (folder / "loans.yaml").write_text(yaml.safe_dump(entries, sort_keys=False), encoding="utf-8")
    return str(folder / "loans.yaml")


def refused(config: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        settings.validate(config)


def load(path: str) -> data.Dataset:
    found = description.read(path)
    return data.load_own(path, found, Path(found["file"]).read_bytes())


def edited(*changes: tuple[int, str, str]) -> str:
    """The file with other texts in some cells: row, column, text."""
    cells = rows()
    for row, column, cell in changes:
        cells[row][HEADER.index(column)] = cell
    return text(cells)


def configuration(path: str, sensitive: str = "sex") -> dict:
    config = copy.deepcopy(CONFIG)
    config["populations"]["mine"] = config["populations"]["law-sex"] | {"dataset": path, "sensitive": sensitive}
    config["run"]["populations"] = ["mine"]
    return config


# --- what is found ----------------------------------------------------------------------------------------


def test_the_columns_are_what_is_in_them(tmp_path):
    dataset = load(write(tmp_path))
    assert {f.name: (f.kind, f.levels, f.immutable) for f in dataset.features} == {
        "sex": ("binary", ("female", "male"), True),
        "age": ("continuous", (), True),
        "zip": ("categorical", ("1000", "1001", "1002"), False),
        "income": ("continuous", (), False),
        "owner": ("binary", ("0", "1"), False),
        "job": ("categorical", ("chief", "clerk", "none", "other"), False),
    }
    assert dataset.name == "loans"
    frame = dataset.read(tmp_path)
    assert list(frame) == [*(f.name for f in dataset.features), "label"]
    cells = pd.DataFrame(rows(), columns=HEADER)
    assert frame["label"].tolist() == (cells["approved"] == "yes").astype(int).tolist()
    assert frame["income"].tolist() == [float(income) for income in cells["income"]]
    assert frame["job"].tolist() == cells["job"].tolist()
    assert frame.index.equals(pd.RangeIndex(len(cells)))


def test_kinds_and_levels_can_be_said(tmp_path):
    listed = {"job": ["none", "other", "clerk", "chief"], "sex": ["male", "female"]}
    dataset = load(write(tmp_path, continuous=["owner"], levels=listed))
    features = {f.name: f for f in dataset.features}
    assert features["owner"].kind == "continuous"
    assert features["job"].levels == ("none", "other", "clerk", "chief")
    assert dataset.sensitive["sex"].levels == ("male", "female")
    some = edited(*((row, "job", "NA") for row in range(0, 120, 2)))
    load(write(tmp_path, some, levels={"job": ["NA", "none", "chief", "clerk", "other"]}))  # not missing: it is a level
    assert "name" in {f.name for f in load(write(tmp_path, ignore=None, categorical=["zip", "name"])).features}


def test_every_sensitive_attribute_makes_a_population(tmp_path):
    dataset = load(write(tmp_path))
    frame = dataset.read(tmp_path)
    sex = prepare("mine", dataset, "sex", 0, 10_000, 0.25, frame)
    assert (sex.encoding.groups, sex.encoding.minority) == (("female", "male"), "female")
    age = prepare("mine", dataset, "age", 0, 60, 0.25, frame)
    assert age.encoding.groups == ("up to the median", "above the median")
    raw = frame.loc[age.table["individual"]].reset_index(drop=True)
    above = raw["age"] > raw["age"].median()
    assert (age.table["group"] == "above the median").tolist() == above.tolist(), "the median is of the 60 rows used"
    assert [f.kind for f in age.encoding.features if f.name == "age"] == ["binary"]


@pytest.mark.parametrize(
    ("entry", "levels", "minority"),
    [
        ({"age": {"above": 25}}, ("up to 25", "above 25"), "up to 25"),
        ({"age": {"above": 50.5}}, ("up to 50.5", "above 50.5"), "above 50.5"),
        ({"age": {"above": 25, "minority": "above 25"}}, ("up to 25", "above 25"), "above 25"),
        ({"age": {"above": 39}}, ("up to 39", "above 39"), "above 39"),  # as many: the second
        ({"sex": {}}, ("female", "male"), "female"),
        ({"owner": {"minority": 1}}, ("0", "1"), "1"),
    ],
)
def test_groups_are_divided_strictly_and_the_smaller_is_the_minority(entry, levels, minority, tmp_path):
    (found,) = load(write(tmp_path, sensitive=entry, immutable=None)).sensitive.values()
    assert (found.levels, found.minority) == (levels, minority)
    if found.derive:
        border = float(levels[0].removeprefix("up to "))
        assert found.derive(pd.DataFrame({"age": [border, border + 1e-9]})).tolist() == list(levels)


def test_a_column_of_several_levels_makes_up_the_groups_of_a_population(tmp_path):
    dataset = load(write(tmp_path, sensitive={"job": {}}))
    given = "mine", dataset, "job", 0, 120, 0.25, dataset.read(tmp_path)
    with pytest.raises(ConfigError, match=r"populations\.mine: two groups are compared, and 'job' has 4 levels"):
        prepare(*given)
    people = prepare(*given, groups={"minority": ["chief"], "majority": ["clerk", "other"]})
    assert people.table["group"].value_counts().to_dict() == {"clerk or other": 60, "chief": 30}
    assert people.encoding.minority == "chief"


def test_rows_with_a_missing_value_are_left_out_if_that_is_asked_for(tmp_path):
    missing = (4, "income", ""), (9, "job", "NA"), (11, "approved", "NA"), (13, "name", "")  # names are not used
    dataset = load(write(tmp_path, edited(*missing), drop_rows_with=["", "NA"]))
    kept = [float(row[5]) for i, row in enumerate(rows()) if i not in (4, 9, 11)]
    assert dataset.read(tmp_path)["income"].tolist() == kept
    assert "NA" not in next(f for f in dataset.features if f.name == "job").levels


def test_what_says_nothing_changes_nothing(tmp_path):
    """Another separator, line ends, a byte order mark, a blank line at the end, the order of the columns."""
    expected = load(write(tmp_path)).read(tmp_path)
    same = text(rows())
    for content in (same.replace("\n", "\r\n"), "\ufeff" + same, same + "\n"):
        pd.testing.assert_frame_equal(load(write(tmp_path, content)).read(tmp_path), expected)
    for separator in ";\t|":
        content = text(rows(), separator=separator)
        pd.testing.assert_frame_equal(load(write(tmp_path, content, separator=separator)).read(tmp_path), expected)
    backwards = load(write(tmp_path, text([row[::-1] for row in rows()], HEADER[::-1]))).read(tmp_path)
    pd.testing.assert_frame_equal(backwards[list(expected)], expected)


# --- what is refused in the file --------------------------------------------------------------------------

SAME = text(rows())
LINES = SAME.splitlines(keepends=True)


def lines(first: int, last: int, *new: str) -> str:
    """The file with other lines in place of those from `first` (1-based) to before `last`."""
    return "".join([*LINES[: first - 1], *new, *LINES[last - 1 :]])


#: a line end in quotes, and an empty line
MORE_LINES = (3, "name", '"Person\n3"'), (6, "approved", "yes\n")
#: what is wrong: the file, or the changes in its description, and what is said
BROKEN = {
    "cut before the last line end": (SAME.rstrip(), "line 121: the last line has no end: the file is cut short"),
    "empty": (b"", "loans.csv: the file is empty"),
    "header only": (LINES[0], "loans.csv: no rows"),
    "semicolons": (SAME.replace(",", ";"), "line 1: no header with columns separated by ','"),
    "Latin-1": (lines(7, 8, "München\n").encode("latin-1"), "line 7: byte 0xfc is not UTF-8"),
    "a NUL byte": (lines(9, 9, "\0\n"), "line 9: a NUL byte"),
    "a column name twice": (SAME.replace("income", "age", 1), "line 1: column 'age' is repeated"),
    "a column without a name": (SAME.replace("income", "", 1), "line 1: column 6 has no name"),
    "a longer row": (lines(33, 34, LINES[32].replace("\n", ",1\n")), "line 33: 9 columns .* expected, 10 found"),
    "a shorter row": (lines(33, 34, LINES[32].rpartition(",")[0] + "\n"), "line 33: .* expected, 8 found"),
    "a quote that does not end": (lines(40, 41, '"' + LINES[39]), "line [0-9]+: "),
    "two more lines": (edited(*MORE_LINES, (7, "income", "abc")), "line 11, column 'income': 'abc'"),
    "an id twice": (edited((40, "id", "3")), "line 42, column 'id': the same as on line 5: a repeated record"),
    "a record twice": (SAME + LINES[3], "line 122, column 'id': the same as on line 4: a repeated record"),
    "another label": (edited((7, "approved", "perhaps")), "line 9, .*'perhaps' is not one of 'no', 'yes'; a label has"),
    "one class only": (SAME.replace("no\n", "yes\n"), "column 'label': both classes, 0 and 1, must occur"),
    "a constant": (edited(*((i, "income", "5") for i in range(120))), "column 'income': a constant feature"),
    "a third value": (edited((7, "owner", "x")), "line 9, column 'owner': 'x' is not a finite number"),
    "many texts": ({"ignore": None}, "column 'name': 120 different texts, as of names; list it under `ignore`"),
    "a level": ({"levels": {"job": ["clerk", "none", "other"]}}, "line 5, column 'job': 'chief' is not one of clerk, "),
    "no rows": ({"drop_rows_with": ["none", "other", "clerk", "chief"]}, "no rows are left without 'none', "),
    "a name": (SAME.replace("owner", "group", 1), "line 1, column 'group': a feature cannot have this name; rename it"),
}
NO_NUMBERS = ["abc", "12o5", '"1,5"', "1000$", "1_000", "0x10", "True", "inf", "-Infinity", "1e999", "9x" * 5000]
NO_VALUES = ["", "?", "NaN", "NA", "null"]
for cells, what in ((NO_NUMBERS, "finite number; if the"), (NO_VALUES, "value: fill it in, or drop")):
    says = f"line 9, column 'income': .* is not a {what}"
    BROKEN |= {f"income {cell[:9]!r}": (edited((7, "income", cell)), says) for cell in cells}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_named_with_the_place_and_what_to_do(what, tmp_path):
    broken, says = BROKEN[what]
    with pytest.raises(DataError, match=says) as error:
        load(write(tmp_path, **broken) if isinstance(broken, dict) else write(tmp_path, broken))
    message = str(error.value)
    assert re.match(rf"{tmp_path}/loans\.csv(, line [0-9]+)?(, column '\w+')?: ", message)
    assert message.endswith(f"; correct the file, or what {tmp_path}/loans.yaml says of it, and run again")
    assert len(message) < 500
    assert "Person" not in message, "a column that is not used is not shown"


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_but_between_lines_is_refused(share, tmp_path):
    cut = SAME[: int(share * len(SAME))]
    if not cut.endswith("\n"):
        with pytest.raises(DataError, match=r"loans\.csv"):
            load(write(tmp_path, cut))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"immutable": ["agee"]}, "immutable: 'agee' is not a column of the file; did you mean 'age'"),
        ({"label": {"column": "granted", "favourable": "yes"}}, "label.column: 'granted' is not a column"),
        ({"label": {"column": "approved", "favourable": "Yes"}}, "label.favourable: 'Yes' does not occur; there are: "),
        ({"sensitive": {"gender": {}}}, "sensitive: 'gender' is not a column"),
        ({"sensitive": {"age": {}}}, "sensitive.age: a column of numbers; divide it with `above`"),
        ({"sensitive": {"sex": {"minority": "women"}}}, "sensitive.sex.minority: 'women' is not a group; .*'male'"),
        ({"id": "key"}, "id: 'key' is not a column"),
        ({"content": lines(1, 2)}, "sensitive: 'sex' is not a column of the file"),
        ({"content": lines(1, 2), "ignore": None, "id": None}, "sensitive: 'sex' is not a column of the file"),
    ],
)
def test_a_description_that_does_not_fit_is_named_by_file_and_key(changes, says, tmp_path):
    with pytest.raises(ConfigError, match=rf"loans\.yaml: {says}") as error:
        load(write(tmp_path, **changes))
    assert "Person" not in str(error.value), "a record in place of the header is not shown"


def test_nothing_of_a_broken_file_gets_into_a_result(tmp_path):
    """As the script of the rule `prepare` does it: the same file without the breakage makes a population."""
    receipt, output, log = tmp_path / "raw" / "receipt.json", tmp_path / "population.parquet", tmp_path / "log"
    receipt.parent.mkdir()
    path, wrong = write(tmp_path), edited((17, "income", "abc"))
    asked = {"dataset": path, "description": description.of_population(path, "sex"), "sensitive": "sex"}
    asked |= {"settings": CONFIG["prepare"], "seeds": [0], "groups": None}

    def run(content: str, downloaded: str) -> str:
        (receipt.parent / "loans.csv").write_text(content, encoding="utf-8")
        digest = hashlib.sha256(downloaded.encode()).hexdigest()
        receipt.write_text(json.dumps({"dataset": "loans", "files": {"loans.csv": digest}}), encoding="utf-8")
        run_script("prepare", log, asked, {"receipt": receipt, "population": output}, population="mine", seeds="0-0")

    for content, says in ((wrong, "line 19, .*'abc' is not a finite number"), (SAME, "raw/loans.csv changed since")):
        with pytest.raises(SystemExit):
            run(content, downloaded=wrong)
        assert re.search(f"error in prepare, population mine, seeds 0-0.*: .*{says}", log.read_text())
        assert not output.exists()
    run(SAME, downloaded=SAME)
    assert output.exists()


# --- what is refused in the description, before anything runs ---------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"file": None}, "1: the top level: the key 'file' is missing"),
        ({"label": {"column": "approved", "favourable": True}}, "4: label.favourable: True is not .*into quotes"),
        ({"label": {"column": "approved"}}, "2: label: the key 'favourable' is missing"),
        ({"sensitive": {}}, "5: sensitive: {} is not allowed; expected a mapping and at least 1 entry"),
        ({"sensitive": {"age": {"above": "mean"}}}, "7: sensitive.age.above: 'mean' is not allowed; .*`median`"),
        ({"sensitive": {1: {}}}, "5: sensitive: 1 is not allowed; expected a text"),
        ({"ignore": ["name", "name"]}, "13: ignore: .* no repetition"),
        ({"ignore": ["sex"]}, "5: sensitive: 'sex' is also under ignore"),
        ({"ignore": ["approved"]}, "13: ignore: 'approved' is also under label.column"),
        ({"immutable": ["id"]}, "10: immutable: 'id' is also under id"),
        ({"continuous": ["zip"]}, "[0-9]+: categorical: 'zip' is also under continuous"),
        ({"categorical": ["age"]}, "[0-9]+: categorical: 'age' is also under continuous"),
        ({"levels": {"job": ["clerk"]}}, "[0-9]+: levels.job: .*at least 2 item"),
        ({"sha256": "abc"}, "[0-9]+: sha256: 'abc' is not allowed; expected a text .*64 hexadecimal digits"),
        ({"file": "https://example.org/loans.csv"}, "1: the top level: the key 'sha256' is missing"),
        ({"file": "http://example.org/loans.csv"}, "1: file: 'http://.* is not allowed; .*https address"),
        ({"file": "https://example.org/a.zip", "sha256": "0" * 64}, "1: file: 'https://.* not allowed; .*no archive"),
        ({"file": "a\0b"}, "1: file: .* is not allowed"),
        ({"immutable": ["sex", 7]}, "12: immutable.1: 7 is not allowed; expected a text; write it in quotes"),
        ({"separator": "x", "separato": ";"}, r"19: .*; did you mean 'separator'\?\n.*, line 18: separator: 'x' "),
    ],
)
def test_a_wrong_description_stops_the_run_before_it_starts(changes, says, tmp_path):
    path = write(tmp_path, **changes)
    refused(configuration(path), rf"populations\.mine\.dataset: {path}, line {says}")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        *[(text, ", line 1: the top level: .* is not allowed; expected a mapping") for text in ("", "[]", "- file: x")],
        ("file: [a\n", ", line 2: not YAML: expected ',' or ']'"),
        ("title: My: loans", ", line 1: not YAML: "),
        ("title: 2020-13-45", ": not YAML: month must be in"),
        ("\x00", ": not YAML: "),
        ("true: 1", ", line 1: the top level: unknown key 'True'; allowed: "),
        ("ignore:\n- size: 1\n  size: 2\n", ", line 3: ignore.0.size stands in line 2 already; keep one of them"),
    ],
)
def test_what_is_no_description(content, says, tmp_path):
    (tmp_path / "loans.yaml").write_text(content, encoding="utf-8")
    refused(configuration(str(tmp_path / "loans.yaml")), f"dataset: {tmp_path}/loans.yaml{says}")


@pytest.mark.parametrize("file", ["loan.csv", "."])
def test_the_file_must_be_there_for_a_run_that_needs_it(file, tmp_path):
    config = configuration(write(tmp_path, file=file))
    refused(config, r"mine\.dataset: .*loans\.yaml: file: .* is not there, or cannot be read")
    config["run"]["populations"] = ["law-sex"]
    settings.validate(config)


def test_names_of_data_sets_and_attributes(tmp_path):
    path = write(tmp_path)
    assert settings.validate(configuration(path))
    unknown = r"mine\.sensitive: 'gender' is not a sensitive attribute; there are: sex, age"
    refused(configuration(path, "gender"), unknown)
    refused(configuration(f"{tmp_path}/no/loans.yaml"), r"mine\.dataset: .*no/loans\.yaml: No such file or directory")
    config = configuration(path)
    config["populations"]["other"] = config["populations"]["mine"] | {"dataset": write(tmp_path / "other")}
    refused(config, "'loans' is the name of another data set")
    law = (tmp_path / "loans.yaml").rename(tmp_path / "law.yaml")
    refused(configuration(str(law)), "'law' is the name of another data set")
    mine = law.rename(tmp_path / "my loans.yaml")
    refused(configuration(str(mine)), r"'my loans' is not allowed; .*Names become folders")


COLUMNS = st.sampled_from(HEADER)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | COLUMNS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(COLUMNS, inner, max_size=2),
    max_leaves=5,
)


@hypothesis_settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(sorted(checking.schema("dataset")["properties"])), value=JSON)
def test_no_description_ends_in_a_traceback(key, value, tmp_path):
    with contextlib.suppress(ConfigError, DataError):
        path = write(tmp_path, text(rows(40)), **{key: value})
        settings.validate(configuration(path))
        load(path)


# --- what the rules ask for -------------------------------------------------------------------------------


def test_what_decides_a_population_is_its_part_of_the_description(tmp_path):
    path = write(tmp_path, title="Loans", sha256="0" * 64)
    found = description.of_population(path, "sex")
    assert found["sensitive"] == {"sex": {"minority": "female"}}
    assert not {"title", "sha256"} & set(found)
    assert description.raw_file(path) == {"name": "loans.csv", "sha256": "0" * 64, "urls": []}
    assert description.own_file(path) == [tmp_path / "loans.csv"]
    assert (description.is_path(path), description.name(path), description.module(path)) == (True, "loans", "data.own")
    write(tmp_path)
    assert description.raw_file(path)["sha256"] == hashlib.sha256(SAME.encode()).hexdigest()
    description.read(path)["levels"]["job"] = ["clerk"]
    assert description.read(path)["levels"] == {}, "a default is nobody's"
    url = "https://example.org/data/loans.csv?dl=1"
    write(tmp_path, file=url, sha256="0" * 64)
    assert description.own_file(path) == []
    assert description.raw_file(path) == {"name": "loans.csv", "sha256": "0" * 64, "urls": [url]}

    # A data set of the package has no description.
    asked = description.is_path, description.name, description.module, description.raw_file, description.own_file
    assert [question("law") for question in asked] == [False, "law", "data.law", None, []]
    assert description.of_population("law", "sex") is None


def test_descriptions_are_read_without_pandas_and_torch():
    code = (
        "import sys; from recourse_segregation import settings; from recourse_segregation.data import description; "
        "print({'pandas', 'torch', 'numpy', 'requests'} & set(sys.modules))"
    )
    folder = ROOT / "workflow" / "src"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert process.stdout.strip() == "set()", process.stderr
