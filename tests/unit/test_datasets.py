"""The data sets: prepared as documented, read from bytes with the right sha256 only, silent about persons."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import real_data
from fixtures.make_raw import MAKERS, PERSONAL, RawTable, make, write
from recourse_segregation import data
from recourse_segregation.data import reading
from recourse_segregation.errors import DataError, SourceError
from recourse_segregation.population import prepare

NAMES = sorted(MAKERS)


def read(name: str, folder: Path, tables: list[RawTable]) -> pd.DataFrame:
    for table in tables:
        table.write(folder)
    return data.load(name).read(folder)


# --- the contract -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_data_set_keeps_the_contract_and_makes_a_population_by_every_sensitive_attribute(name, tmp_path):
    assert name in data.names()
    dataset = data.load(name)
    assert dataset.name == name
    assert all((dataset.title, dataset.licence, dataset.citation, dataset.sensitive))
    for raw in dataset.files:
        assert re.fullmatch("[0-9a-f]{64}", raw.sha256)
        assert len(set(raw.urls)) == len(raw.urls) >= 3, "mirrors beside the publisher"
        assert all(url.startswith("https://") for url in raw.urls)
    write(name, tmp_path)
    frame = dataset.read(tmp_path)
    assert list(frame.columns) == [*(feature.name for feature in dataset.features), "label"]
    assert list(frame.index) == list(range(len(frame)))
    assert not frame.isna().any(axis=None)
    assert set(frame["label"]) == {0, 1}
    assert frame["label"].dtype == "int64"
    for feature in dataset.features:
        if feature.kind == "continuous":
            assert frame[feature.name].dtype == "float64"
            assert not feature.levels
        else:
            assert len(feature.levels) == 2 if feature.kind == "binary" else len(feature.levels) > 2
            assert set(frame[feature.name]) == set(feature.levels), "the made-up file has every level"
    declared = {feature.name: feature.levels for feature in dataset.features}
    for key, sensitive in dataset.sensitive.items():
        groups = sensitive.derive(frame) if sensitive.derive else frame[sensitive.feature]
        assert set(groups) == set(sensitive.levels)
        assert sensitive.minority in sensitive.levels
        assert groups.index.equals(frame.index)
        assert sensitive.derive or sensitive.levels == declared[sensitive.feature]
        people = prepare(f"{name}-{key}", dataset, key, 0, 10_000, 0.25, frame)
        assert (people.encoding.sensitive, people.encoding.minority) == (sensitive.feature, sensitive.minority)
        moves = {f.name for f in people.encoding.features if not f.immutable}
        assert moves == {f.name for f in dataset.features if not f.immutable} - {sensitive.feature}
        assert not people.encoding.mutable[people.encoding.sensitive_index], "also where it moves in other populations"
        for columns in people.encoding.indices("categorical"):
            assert (people.features[:, columns].sum(1) == 1).all()


# --- what each preparation does ---------------------------------------------------------------------------


def test_give_me_some_credit_drops_incomplete_rows_and_outliers_and_flips_the_label(tmp_path):
    (table,) = make("give_me_some_credit")
    table.set(3, "MonthlyIncome", "NA")
    table.set(7, "NumberOfDependents", "NA")
    table.set(11, "NumberOfTimes90DaysLate", "98")  # a code, not a count: more than three deviations away
    raw = pd.DataFrame(table.records, columns=table.columns).drop(index=[3, 7, 11]).reset_index(drop=True)
    frame = read("give_me_some_credit", tmp_path, [table])
    for feature in data.load("give_me_some_credit").features:
        assert frame[feature.name].tolist() == [float(text) for text in raw[feature.name]]
    assert frame["label"].tolist() == [1 - int(text) for text in raw["SeriousDlqin2yrs"]]


def test_give_me_some_credit_takes_z_scores_once_with_the_population_deviation(tmp_path):
    column = "NumberOfTimes90DaysLate"
    usual = [row % 2 for row in range(30)]

    def kept(*first: float) -> list[float]:
        (table,) = make("give_me_some_credit", rows=30)
        values = [*first, *usual[len(first) :]]
        for row, value in enumerate(values):
            table.set(row, column, str(value))
        return read("give_me_some_credit", tmp_path / repr(first), [table])[column].tolist()

    border = [2.36, *usual[1:]]  # 3.008 population deviations from the mean, but 2.957 sample deviations
    assert (2.36 - np.mean(border)) / np.std(border) > 3 > (2.36 - np.mean(border)) / np.std(border, ddof=1)
    assert kept(2.36) == usual[1:]
    assert kept(2.3) == [2.3, *usual[1:]]
    assert kept(98, 10) == [10, *usual[2:]], "10 would be far out once 98 is gone"


def test_law_reads_sex_and_race_and_leaves_the_region_out(tmp_path):
    (table,) = make("law")
    table.fill("region_first", "GL")
    frame = read("law", tmp_path, [table])
    assert frame["sex"].tolist() == [{"1": "female", "2": "male"}[text] for text in table.column("sex")]
    assert frame["race"].tolist() == ["White" if text == "White" else "Other" for text in table.column("race")]
    assert frame["label"].tolist() == [float(text) for text in table.column("first_pf")]


def test_german_splits_attribute_nine_and_1_is_good(tmp_path):
    (table,) = make("german")
    frame = read("german", tmp_path, [table])
    status = pd.Series(table.column("9"))
    assert (frame["sex"] == "female").tolist() == (status == "A92").tolist()
    assert (frame["marital_status"] == "single").tolist() == (status == "A93").tolist()
    assert frame["label"].tolist() == [2 - int(text) for text in table.column("label")]
    assert (frame["purpose"] == "education").tolist() == [code == "A46" for code in table.column("4")]
    immutable = {feature.name for feature in data.load("german").features if feature.immutable}
    assert immutable == {"sex", "marital_status", "age", "foreign_worker"}
    young = data.load("german").sensitive["age"].derive(frame) == "up to 25"
    assert young.tolist() == [int(text) <= 25 for text in table.column("13")]
    for attribute, code in (("4", "A47"), ("9", "A95")):  # documented, but not in the file
        (table,) = make("german")
        table.set(5, attribute, code)
        with pytest.raises(DataError, match=f"row 6, .*{code}"):
            read("german", tmp_path, [table])


def test_compas_filters_as_propublica_and_labels_by_score(tmp_path):
    (table,) = make("compas")
    before = read("compas", tmp_path / "before", [table])
    out = {
        0: {"days_b_screening_arrest": "31"},
        1: {"days_b_screening_arrest": "-31"},
        2: {"days_b_screening_arrest": "", "c_jail_in": "", "c_jail_out": ""},
        3: {"is_recid": "-1"},
        4: {"c_charge_degree": "O"},
        5: {"score_text": "N/A"},
    }
    edge = {6: {"days_b_screening_arrest": "30"}, 7: {"days_b_screening_arrest": "-30"}}
    for row, cells in {**out, **edge}.items():
        for name, text in cells.items():
            table.set(row, name, text)
    frame = read("compas", tmp_path / "after", [table])
    pd.testing.assert_frame_equal(frame, before.drop(index=list(out)).reset_index(drop=True))
    scores = table.column("score_text")[len(out) :]
    assert frame["label"].tolist() == [int(score != "High") for score in scores]


def test_compas_length_of_stay_is_whole_days_rounded_down(tmp_path):
    (table,) = make("compas")
    for row, end in enumerate(("2013-01-02 09:59:59", "2013-01-02 10:00:00", "2013-01-01 09:00:00")):
        table.set(row, "c_jail_in", "2013-01-01 10:00:00")
        table.set(row, "c_jail_out", end)
    assert read("compas", tmp_path, [table])["length_of_stay"].tolist()[:3] == [0, 1, -1]


def test_adult_fills_a_question_mark_from_the_row_above_and_drops_never_worked(tmp_path):
    train, test = make("adult")
    train.set(0, "workclass", "Private")
    train.set(1, "workclass", "?")
    train.set(2, "workclass", "?")
    train.set(5, "workclass", "Never-worked")
    train.set(5, "occupation", "?")
    train.set(-1, "native-country", "Mexico")
    test.set(0, "native-country", "?")  # the row above is the last of the other file
    first = make("adult")
    first[0].set(0, "occupation", "?")
    with pytest.raises(DataError, match=r"adult\.data, row 1, column 'occupation'"):
        read("adult", tmp_path, first)
    frame = read("adult", tmp_path, [train, test])
    assert frame["workclass"].tolist()[:3] == ["Private"] * 3
    assert frame["native-country"].tolist()[len(train.records) - 1] == "Non-US"
    kept = {name: [*train.column(name)[:5], *train.column(name)[6:], *test.column(name)] for name in ("age", "income")}
    assert frame["age"].tolist() == [float(text) for text in kept["age"]]
    assert frame["label"].tolist() == [int(text.startswith(">50K")) for text in kept["income"]]


def test_adult_merges_levels_to_two_as_carla_does(tmp_path):
    tables = make("adult")
    frame = read("adult", tmp_path, tables)
    one = {
        ("marital-status", "Married"): "Married-civ-spouse Married-AF-spouse",
        ("native-country", "US"): "United-States",
        ("occupation", "Managerial-Specialist"): "Adm-clerical Exec-managerial Machine-op-inspct Prof-specialty",
        ("race", "White"): "White",
        ("relationship", "Husband"): "Husband",
        ("sex", "Male"): "Male",
        ("workclass", "Private"): "Private",
    }
    for (column, level), texts in one.items():
        raw = tables[0].column(column) + tables[1].column(column)
        assert (frame[column] == level).tolist() == [text in texts.split() for text in raw]


# --- what is not as declared --------------------------------------------------------------------------------
# The bytes are the published ones, so this is for who writes the file of a data set.

# of each data set's first file: a column that is read as a number, one that is read as a code, and the label
NUMBER = {"adult": "fnlwgt", "compas": "age", "german": "5", "give_me_some_credit": "DebtRatio", "law": "ZFYA"}
LEVEL = {"adult": "sex", "compas": "sex", "german": "20", "give_me_some_credit": "SeriousDlqin2yrs", "law": "sex"}
LABEL = {"adult": "income", "compas": "score_text", "german": "label", "law": "first_pf"}
LABEL["give_me_some_credit"] = "SeriousDlqin2yrs"
POSITION = {"5": "credit_amount", "20": "foreign_worker"}  # names given to German's attributes
CELLS = [(NUMBER, text, "a finite number") for text in ("abc", "nan", "inf", "", "1_000", "0x10", "1e999", "x" * 500)]
CELLS += [(LEVEL, text, "one of ") for text in ("abc", "", "99")]
CELLS += [({"compas": "c_jail_in"}, "yesterday", "a time ")]


def broken(name: str) -> Iterator[tuple[list[RawTable], str]]:
    """Files of a data set that are not as declared, and what is said of each."""
    for columns, text, expected in [cell for cell in CELLS if name in cell[0]]:
        tables = make(name)
        tables[0].set(17, columns[name], text)
        column = POSITION.get(columns[name], columns[name])
        yield tables, f"{tables[0].file}, row 18, column '{column}': .* is not {expected}"
    label = make(name)[0].column(LABEL[name])[0]
    constant = f"column '{POSITION.get(NUMBER[name], NUMBER[name])}': a constant feature"
    for columns, text, says in ((NUMBER, "5", constant), (LABEL, label, "column 'label': both classes")):
        tables = make(name)
        for table in tables:
            table.fill(columns[name], text + ("." if columns is LABEL and table.file == "adult.test" else ""))
        yield tables, says
    if not make(name)[0].header:
        return
    missing, extra, reordered, headless, separated = (make(name)[0] for _ in range(5))
    for cells in (missing.columns, *missing.records):
        cells.pop()
    for cells in (extra.columns, *extra.records):
        cells.append("1")
    reordered.columns[2:4] = reordered.columns[3:1:-1]
    headless.header = False
    separated.separator = ";"
    for table in (missing, extra, reordered, headless, separated):
        yield [table], r"the header is not that of the \d+ columns declared, in this order"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_as_declared_is_refused_and_named(name, tmp_path):
    """By file, row and column; of compas, without what stands in cells that are not used."""
    for tables, says in broken(name):
        with pytest.raises(DataError, match=says) as error:
            read(name, tmp_path, tables)
        assert len(str(error.value)) < 400 + 1000 * (" is not one of " in str(error.value))
        assert PERSONAL not in str(error.value)
    for content in (b"", b"\n\n", b"<!DOCTYPE html>\n<html></html>\n", b"1,2\n\xff\xfe,3\n"):
        (tmp_path / make(name)[0].file).write_bytes(content)
        with pytest.raises(DataError, match=f"{make(name)[0].file}: (not a table|no rows|the header)"):
            data.load(name).read(tmp_path)


def test_only_the_declared_text_is_missing(tmp_path):
    (tmp_path / "table.csv").write_text("a,b,a\nNA,2,5\n3,,5\n", encoding="utf-8")
    frame = reading.read_table(tmp_path / "table.csv", ["a", "b", "a"], {"a": reading.number("NA")})
    assert frame["a"].tolist()[1:] == [3]
    assert np.isnan(frame["a"].tolist()[0])
    assert list(frame) == ["a"]
    with pytest.raises(DataError, match=r"table\.csv, row 2, column 'b': '' is not a finite number"):
        reading.read_table(tmp_path / "table.csv", ["a", "b", "a"], {"b": reading.number("NA")})


def test_numbers_are_parsed_correctly_rounded(tmp_path):
    texts = [str(x) for x in np.random.default_rng(0).random(500)] + ["0.9999999", "0.766126609", "1e-320"]
    (tmp_path / "table.csv").write_text("a\n" + "\n".join(texts) + "\n", encoding="utf-8")
    frame = reading.read_table(tmp_path / "table.csv", ["a"], {"a": reading.number()})
    assert frame["a"].tolist() == [float(text) for text in texts]


# --- files that are not what was downloaded ---------------------------------------------------------------


def checked(name: str, folder: Path) -> reading.Checked:
    """The made-up files, as they are when they have been downloaded."""
    paths = write(name, folder)
    return reading.Checked(folder, {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths})


@pytest.mark.parametrize("name", NAMES)
def test_other_bytes_than_were_downloaded_are_not_parsed(name, tmp_path, monkeypatch):
    """A file that is right in itself, say with one row less, is not taken; a link is what it points to.

    It is looked at once: the bytes that are parsed are those whose sha256 is checked.
    """
    raw = checked(name, tmp_path)
    path = tmp_path / make(name)[0].file
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    plain, reads = Path.read_bytes, []
    monkeypatch.setattr(Path, "read_bytes", lambda self: reads.append(self.name) or plain(self))
    data.load(name).read(raw)
    assert reads == [table.file for table in make(name)]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    changed = rf"{path.name} changed since its download \(sha256 .*; delete {tmp_path} and run again"
    with pytest.raises(SourceError, match=changed):
        data.load(name).read(raw)
    path.unlink()
    with pytest.raises(SourceError, match=rf"{path.name} is gone, or cannot be read \(No such file.*; delete "):
        data.load(name).read(raw)
    with pytest.raises(SourceError, match=r"expected none in the receipt\); delete .* and run again"):
        data.load(name).read(replace(raw, path=checked(name, tmp_path).path, digests={}))


# --- the real files ---------------------------------------------------------------------------------------

# name: raw rows, rows used, {sensitive attribute: (members, members with label 1) of each of its levels}
EXPECTED = {
    "adult": (48_842, 48_832, {"sex": ((16_189, 1_769), (32_643, 9_918)), "race": ((7_077, 1_080), (41_755, 10_607))}),
    "compas": (7_214, 6_172, {"race": ((3_175, 2_330), (2_997, 2_698)), "sex": ((1_175, 1_024), (4_997, 4_004))}),
    "german": (1_000, 1_000, {"sex": ((690, 499), (310, 201)), "age": ((190, 110), (810, 590))}),
    "give_me_some_credit": (150_000, 115_527, {"age": ((60_220, 54_849), (55_307, 52_837))}),
    "law": (21_791, 21_791, {"sex": ((12_254, 11_003), (9_537, 8_357))}),
}
#: CARLA's ranges, and ProPublica's counts
STATISTICS = {
    "compas": {"two_year_recid": {"sum": 2_809}, "length_of_stay": {"min": -1, "max": 799}},
    "give_me_some_credit": {
        "RevolvingUtilizationOfUnsecuredLines": {"max": 771},
        "DebtRatio": {"max": 1_299},
        "MonthlyIncome": {"max": 49_750},
        "NumberOfTime30-59DaysPastDueNotWorse": {"max": 10},
        "NumberOfTime60-89DaysPastDueNotWorse": {"max": 8},
        "NumberOfTimes90DaysLate": {"max": 10},
        "age": {"min": 21, "median": 51, "max": 94},
    },
}
DOCUMENT = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_document_gives_the_counts_features_and_immutables(name):
    """What the document says is what the tests below find in the real files."""
    raw, used, attributes = EXPECTED[name]
    features = data.load(name).features

    def says(start: str, *last: str) -> bool:
        """A row of the data set starts so, and ends with these cells."""
        starts, ends = f"| `{name}` | {start}", f"{' | '.join(last)} |"
        return any(line.startswith(starts) and line.endswith(ends) for line in DOCUMENT.splitlines())

    def share(part: int, of: int) -> str:
        return f"{100 * part / of:.2f} %"

    continuous = sum(feature.kind == "continuous" for feature in features)
    kinds = f"{continuous} + {len(features) - continuous}"
    for key, sensitive in data.load(name).sensitive.items():
        members, ones = zip(*attributes[key], strict=True)
        assert sum(members) == used
        assert says(f"{raw:,} | {used:,} | ", f": {sum(ones):,}", share(sum(ones), used), kinds)
        counts = " / ".join(f"{group:,}" for group in members)
        shares = " / ".join(map(share, ones, members))
        assert says(f"{key} | {' / '.join(sensitive.levels)}", f" | {counts}", shares, sensitive.minority)
        assert sensitive.minority == sensitive.levels[members.index(min(members))], "the smaller group"
    immutable = ", ".join(feature.name for feature in features if feature.immutable)
    assert re.search(rf"^\| `{name}` \| {immutable}(;.*)? \|$", DOCUMENT, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_real_counts_levels_and_ranges(name):
    _, rows, attributes = EXPECTED[name]
    frame = real_data.frame(name)
    assert len(frame) == rows
    assert set(data.load(name).sensitive) == set(attributes)
    for key, sensitive in data.load(name).sensitive.items():
        groups = sensitive.derive(frame) if sensitive.derive else frame[sensitive.feature]
        counts = frame["label"].groupby(groups).agg(["size", "sum"])
        assert [tuple(counts.loc[level]) for level in sensitive.levels] == list(attributes[key])
    for feature in data.load(name).features:
        assert not feature.levels or set(frame[feature.name]) == set(feature.levels), "every level occurs"
    for column, known in STATISTICS.get(name, {}).items():
        assert frame[column].agg(list(known)).to_dict() == known


def test_real_law_races_and_sander_index():
    frame = real_data.frame("law")
    assert (frame["race"] == "White").sum() == 18_285
    np.testing.assert_allclose(frame["sander_index"], 0.6 * frame["LSAT"] / 48 + 0.4 * frame["UGPA"] / 4.2, atol=1e-9)
