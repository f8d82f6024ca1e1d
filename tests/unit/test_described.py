"""A CSV file of the user's own: what its columns are taken for, and what is said of a wrong description."""

from __future__ import annotations

import contextlib
import copy
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

from recourse_segregation import data, settings
from recourse_segregation.errors import ConfigError, DataError
from recourse_segregation.population import prepare

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
HEADER = "id,name,sex,age,zip,income,owner,job,approved"
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
            *(
                f"{random.random():.4f}",
                str(i % 2),
                ("clerk", "none", "other", "chief")[i % 4],
                ("no", "yes")[i // 2 % 2],
            ),
        ]
        for i in range(count)
    ]


def write(folder: Path, cells: list[list[str]], header: str = HEADER, **changes) -> str:
    """A CSV file and its description in `folder`; returns the path of the description."""
    text = "".join(",".join(row) + "\n" for row in [header.split(","), *cells])
    (folder / "loans.csv").write_text(text, encoding="utf-8")
    description = {k: v for k, v in (DESCRIPTION | changes).items() if v is not None}
    (folder / "loans.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    return str(folder / "loans.yaml")


def load(path: str) -> data.Dataset:
    description = settings.read_description(path)
    return data.load_described(path, description, Path(description["file"]))


def configuration(path: str, sensitive: str = "sex") -> dict:
    config = copy.deepcopy(CONFIG)
    entry = {"dataset": path, "sensitive": sensitive, "classifiers": ["mlp"], "recourse": ["mlp"]}
    config["populations"]["mine"] = entry
    config["run"]["populations"] = ["mine"]
    return config


# --- what is found ----------------------------------------------------------------------------------------


def test_the_columns_are_what_is_in_them(tmp_path):
    dataset = load(write(tmp_path, rows()))
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
    cells = pd.DataFrame(rows(), columns=HEADER.split(","))
    assert frame["label"].tolist() == (cells["approved"] == "yes").astype(int).tolist()
    assert frame["income"].tolist() == [float(text) for text in cells["income"]]
    assert frame["job"].tolist() == cells["job"].tolist()


def test_kinds_and_levels_can_be_said(tmp_path):
    listed = {"job": ["none", "other", "clerk", "chief"], "sex": ["male", "female"]}
    dataset = load(write(tmp_path, rows(), continuous=["owner"], levels=listed))
    features = {f.name: f for f in dataset.features}
    assert features["owner"].kind == "continuous"
    assert features["job"].levels == ("none", "other", "clerk", "chief")
    assert dataset.sensitive["sex"].levels == ("male", "female")


def test_every_sensitive_attribute_makes_a_population(tmp_path):
    dataset = load(write(tmp_path, rows()))
    frame = dataset.read(tmp_path)
    sex = prepare("mine", dataset, "sex", 0, 10_000, frame)
    assert (sex.encoding.groups, sex.encoding.minority) == (("female", "male"), "female")
    age = prepare("mine", dataset, "age", 0, 60, frame)
    assert age.encoding.groups == ("up to the median", "above the median")
    raw = frame.loc[age.table["individual"]].reset_index(drop=True)
    above = raw["age"] > raw["age"].median()
    assert (age.table["group"] == "above the median").tolist() == above.tolist(), "the median is of the 60 rows used"
    (kind,) = [f.kind for f in age.encoding.features if f.name == "age"]
    assert kind == "binary"


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
    dataset = load(write(tmp_path, rows(), sensitive=entry, immutable=None))
    (found,) = dataset.sensitive.values()
    assert (found.levels, found.minority) == (levels, minority)
    if found.derive:
        border = float(levels[0].removeprefix("up to "))
        derived = found.derive(pd.DataFrame({"age": [border, border + 1e-9]}))
        assert derived.tolist() == list(levels)


def test_rows_with_a_missing_value_are_left_out_if_that_is_asked_for(tmp_path):
    cells = rows()
    cells[4][5], cells[9][7], cells[11][8] = "", "NA", "NA"
    cells[13][1] = ""  # a name; not used, so not missed
    path = write(tmp_path, cells, drop_rows_with=["", "NA"])
    dataset = load(path)
    frame = dataset.read(tmp_path)
    kept = [float(row[5]) for i, row in enumerate(cells) if i not in (4, 9, 11)]
    assert frame["income"].tolist() == kept
    assert "NA" not in next(f for f in dataset.features if f.name == "job").levels


def test_a_text_that_is_listed_as_a_level_is_not_missing(tmp_path):
    cells = rows()
    for row in cells[::2]:
        row[7] = "NA"
    load(write(tmp_path, cells, levels={"job": ["NA", "none", "chief", "clerk", "other"]}))


def test_other_separators(tmp_path):
    expected = load(write(tmp_path, rows())).read(tmp_path)
    for separator in ";\t|":
        text = "".join(separator.join(row) + "\n" for row in [HEADER.split(","), *rows()])
        path = write(tmp_path, rows(), separator=",")
        (tmp_path / "loans.csv").write_text(text, encoding="utf-8")
        with pytest.raises(
            DataError, match=r"loans\.csv, line 1: no header with columns separated by ','; .*loans\.yaml"
        ):
            load(path)
        description = settings.read_description(path) | {"separator": separator}
        frame = data.load_described(path, description, tmp_path / "loans.csv").read(tmp_path)
        pd.testing.assert_frame_equal(frame, expected)


# --- what is refused in the file, beside what tests/unit/test_bad_data.py breaks --------------------------


@pytest.mark.parametrize(
    ("row", "column", "text", "says"),
    [
        (
            7,
            5,
            "NA",
            "line 9, column 'income': 'NA' is not a value: fill it in, or drop such rows with `drop_rows_with",
        ),
        (7, 7, "", "line 9, column 'job': '' is not a value"),
        (7, 8, "?", r"line 9, column 'approved': '\?' is not a value"),
        (7, 5, "12o5", "line 9, column 'income': '12o5' is not a finite number; .* list it under `categorical`"),
        (7, 6, "x", "line 9, column 'owner': 'x' is not a finite number"),
        (7, 8, "perhaps", "line 9, column 'approved': 'perhaps' is not one of 'no', 'yes'; a label has two values"),
        (7, 0, "3", "line 9, column 'id': the same as on line 5"),
    ],
)
def test_a_doubtful_cell_is_named(row, column, text, says, tmp_path):
    cells = rows()
    cells[row][column] = text
    with pytest.raises(DataError, match=says) as error:
        load(write(tmp_path, cells))
    assert "correct the file, or what" in str(error.value)


def test_a_column_of_names_is_refused_and_not_shown(tmp_path):
    with pytest.raises(
        DataError, match="column 'name': 120 different texts, as of names; list it under `ignore`"
    ) as error:
        load(write(tmp_path, rows(), ignore=None))
    assert "Person" not in str(error.value)
    assert "name" in {f.name for f in load(write(tmp_path, rows(), ignore=None, categorical=["zip", "name"])).features}


def test_a_listed_level_is_all_there_is(tmp_path):
    with pytest.raises(DataError, match="line 5, column 'job': 'chief' is not one of clerk, none, other"):
        load(write(tmp_path, rows(), levels={"job": ["clerk", "none", "other"]}))


@pytest.mark.parametrize("name", ["group", "seed", "label"])
def test_a_feature_may_not_be_called_as_something_else(name, tmp_path):
    with pytest.raises(DataError, match=f"line 1, column '{name}': a feature cannot have this name; rename it"):
        load(write(tmp_path, rows(), header=HEADER.replace("owner", name)))


def test_all_rows_dropped(tmp_path):
    cells = [[*row[:5], "-", *row[6:]] for row in rows()]
    with pytest.raises(DataError, match="no rows are left without '-'"):
        load(write(tmp_path, cells, drop_rows_with=["-"]))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"immutable": ["agee"]}, "immutable: 'agee' is not a column of the file; did you mean 'age'"),
        ({"label": {"column": "granted", "favourable": "yes"}}, "label.column: 'granted' is not a column"),
        ({"label": {"column": "approved", "favourable": "Yes"}}, "label.favourable: 'Yes' does not occur; there are: "),
        ({"sensitive": {"gender": {}}}, "sensitive: 'gender' is not a column"),
        ({"sensitive": {"age": {}}}, "sensitive.age: a column of numbers; divide it with `above`"),
        (
            {"sensitive": {"job": {}}},
            "sensitive.job: two groups are compared, these are 'chief', 'clerk', 'none', 'other'",
        ),
        (
            {"sensitive": {"sex": {"minority": "women"}}},
            "sensitive.sex.minority: 'women' is not a group; .*'female', 'male'",
        ),
        ({"levels": {"jobs": ["a", "b"]}}, "levels: 'jobs' is not a column"),
    ],
)
def test_a_description_that_does_not_fit_is_named_by_file_and_key(changes, says, tmp_path):
    with pytest.raises(ConfigError, match=rf"loans\.yaml: {says}"):
        load(write(tmp_path, rows(), **changes))


def test_a_record_in_place_of_the_header_is_not_shown(tmp_path):
    path = write(tmp_path, rows()[1:], header=",".join(rows()[3]), ignore=None, id=None)
    with pytest.raises(ConfigError, match=r"label\.column: 'approved' is not a column of the file") as error:
        load(path)
    assert "Person" not in str(error.value)


@pytest.mark.parametrize(("key", "column"), [("ignore", "names"), ("id", "number")])
def test_a_column_left_out_must_be_there(key, column, tmp_path):
    with pytest.raises(DataError, match=rf"loans\.csv, line 1: column '{column}' is missing"):
        load(write(tmp_path, rows(), **{key: column if key == "id" else [column]}))


# --- what is refused in the description, before anything runs ---------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"file": None}, "the top level: the key 'file' is missing"),
        ({"sensitve": {}}, "the top level: unknown key 'sensitve'; .*did you mean 'sensitive'"),
        ({"label": "approved"}, "label: 'approved' is not allowed; expected a mapping"),
        ({"label": {"column": "approved", "favourable": True}}, "label.favourable: True is not allowed; .*into quotes"),
        ({"label": {"column": "approved"}}, "label: the key 'favourable' is missing"),
        ({"sensitive": {}}, "sensitive: {} is not allowed; expected a mapping and at least 1 entry"),
        ({"sensitive": {"age": {"above": "mean"}}}, "sensitive.age.above: 'mean' is not allowed; .*`median`"),
        ({"sensitive": {"sex": None}}, "sensitive.sex: None is not allowed"),
        ({"sensitive": {1: {}}}, "sensitive: 1 is not allowed; expected a text"),
        ({"immutable": "age"}, "immutable: 'age' is not allowed; expected a list"),
        ({"ignore": ["name", "name"]}, "ignore: .* no repetition"),
        ({"ignore": ["sex"]}, "sensitive: 'sex' is also under ignore"),
        ({"ignore": ["approved"]}, "ignore: 'approved' is also under label.column"),
        ({"immutable": ["id"]}, "immutable: 'id' is also under id"),
        ({"continuous": ["zip"]}, "categorical: 'zip' is also under continuous"),
        ({"categorical": ["age"]}, "categorical: 'age' is also under continuous"),
        ({"levels": {"job": ["clerk"]}}, "levels.job: .*at least 2 item"),
        ({"drop_rows_with": [None]}, "drop_rows_with.0: None is not allowed; expected a text"),
        ({"separator": ":"}, "separator: ':' is not allowed; expected one of"),
        ({"sha256": "abc"}, "sha256: 'abc' is not allowed; expected a text .*64 hexadecimal digits"),
        ({"file": "https://example.org/loans.csv"}, "the top level: the key 'sha256' is missing"),
        ({"file": "http://example.org/loans.csv"}, "file: 'http://example.org/loans.csv' is not the https address"),
        (
            {"file": "https://example.org/a.zip", "sha256": "0" * 64},
            "file: 'https://.*zip' is not the https address of a CSV",
        ),
        ({"file": "loan.csv"}, r"file: .*loan\.csv is not there, or cannot be read"),
        ({"file": "."}, "file: .* is not there, or cannot be read"),
        ({"file": "a\0b"}, "file: .* is not allowed"),
    ],
)
def test_a_wrong_description_stops_the_run_before_it_starts(changes, says, tmp_path):
    path = write(tmp_path, rows(), **changes)
    with pytest.raises(ConfigError, match=rf"populations\.mine\.dataset: {path}: {says}"):
        settings.validate(configuration(path))


@pytest.mark.parametrize("text", ["", "[]", "a: [", "\x00", "- file: x", "title: My: loans"])
def test_what_is_no_description(text, tmp_path):
    (tmp_path / "loans.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"loans\.yaml: (not YAML|the top level: )"):
        settings.validate(configuration(str(tmp_path / "loans.yaml")))


def test_names_of_data_sets_and_attributes(tmp_path):
    path = write(tmp_path, rows())
    assert settings.validate(configuration(path))
    with pytest.raises(
        ConfigError, match=r"mine\.sensitive: 'gender' is not a sensitive attribute; there are: age, sex"
    ):
        settings.validate(configuration(path, "gender"))
    with pytest.raises(ConfigError, match=r"mine\.dataset: .*no/loans\.yaml: No such file or directory; the path"):
        settings.validate(configuration(str(tmp_path / "no" / "loans.yaml")))
    with pytest.raises(ConfigError, match="'law' is the name of another data set"):
        settings.validate(configuration(str((tmp_path / "loans.yaml").rename(tmp_path / "law.yaml"))))
    with pytest.raises(ConfigError, match="'my loans' becomes a folder"):
        settings.validate(configuration(str((tmp_path / "law.yaml").rename(tmp_path / "my loans.yaml"))))


def test_two_descriptions_may_not_have_one_name(tmp_path):
    paths = []
    for name in "ab":
        (tmp_path / name).mkdir()
        paths.append(write(tmp_path / name, rows()))
    config = configuration(paths[0])
    config["populations"]["other"] = config["populations"]["mine"] | {"dataset": paths[1]}
    with pytest.raises(ConfigError, match="'loans' is the name of another data set"):
        settings.validate(config)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(-2, 2)
    | st.sampled_from(HEADER.split(","))
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(HEADER.split(",")), inner, max_size=2),
    max_leaves=5,
)
KEYS = sorted(yaml.safe_load((ROOT / "workflow/schemas/dataset.schema.yaml").read_text(encoding="utf-8"))["properties"])


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(KEYS), value=JSON)
def test_no_description_ends_in_a_traceback(key, value, tmp_path):
    with contextlib.suppress(ConfigError, DataError):
        path = write(tmp_path, rows(40), **{key: value})
        settings.validate(configuration(path))
        load(path)


# --- what the rules ask for -------------------------------------------------------------------------------


def test_what_decides_a_population_is_its_part_of_the_description(tmp_path):
    path = write(tmp_path, rows(), title="Loans", sha256="0" * 64)
    config = settings.validate(configuration(path))
    found = settings.description(config, "mine")
    assert found["sensitive"] == {"sex": {"minority": "female"}}
    assert not {"title", "sha256"} & set(found)
    assert settings.raw_file(config, "loans") == {"name": "loans.csv", "sha256": "0" * 64, "urls": []}
    assert settings.description(config, "law-sex") is None
    assert (settings.dataset_name(config, "mine"), settings.dataset_name(config, "law-sex")) == ("loans", "law")
    assert settings.own_file(config, "loans") == [tmp_path / "loans.csv"]
    assert settings.own_file(config, "law") == []
    write(tmp_path, rows(), file="https://example.org/data/loans.csv?dl=1", sha256="0" * 64)
    assert settings.own_file(config, "loans") == []
    assert settings.raw_file(config, "loans") == {
        "name": "loans.csv",
        "sha256": "0" * 64,
        "urls": ["https://example.org/data/loans.csv?dl=1"],
    }


def test_settings_are_read_without_pandas_and_torch():
    code = (
        "import sys; from recourse_segregation import settings; print({'pandas', 'torch', 'numpy'} & set(sys.modules))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "workflow" / "src"
    )
    assert process.stdout.strip() == "set()", process.stderr
