"""Broken raw files: each ends in an error that names file, line or column and what to do; none in a result.

One table of breakages. Each is done to a small made-up file in a publisher's format, or to a CSV file with a
description, and is read as the rule `prepare` reads it.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import json
import os
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fixtures.make_raw import MAKERS, RawTable, make
from recourse_segregation import data
from recourse_segregation.data.dataset import RawFile
from recourse_segregation.errors import DataError, SourceError
from recourse_segregation.sources import Checked, fetch

ROOT = Path(__file__).parents[2]
OWN = "described"
NAMES = [*MAKERS, OWN]
#: of each data set: its first file, a column of numbers, one of codes, the label, and a column that tells rows apart
FILE = {name: make(name)[0].file for name in MAKERS} | {OWN: "loans.csv"}
NUMBER = {
    "adult": "fnlwgt",
    "compas": "age",
    "german": "5",
    "give_me_some_credit": "DebtRatio",
    "law": "ZFYA",
    OWN: "income",
}
CODE = {
    "adult": "sex",
    "compas": "sex",
    "german": "20",
    "give_me_some_credit": "SeriousDlqin2yrs",
    "law": "sex",
    OWN: "sex",
}
LABEL = {
    "adult": "income",
    "compas": "score_text",
    "german": "label",
    "give_me_some_credit": "SeriousDlqin2yrs",
    "law": "first_pf",
    OWN: "approved",
}
IDENTIFIER = {"compas": "id", "give_me_some_credit": "", "law": "", OWN: "id"}
CALLED = {"5": "credit_amount", "20": "foreign_worker"}  # German's attributes have numbers only
WITH_HEADER = ("compas", "give_me_some_credit", "law", OWN)

DESCRIPTION = {
    "file": "datasets/loans.csv",
    "separator": ",",
    "label": {"column": "approved", "favourable": "yes"},
    "sensitive": {"sex": {}},
    "immutable": ["sex"],
    "ignore": ["name"],
    "id": "id",
    "continuous": [],
    "categorical": [],
    "levels": {"sex": ["female", "male"], "approved": ["no", "yes"]},
    "drop_rows_with": [],
}


def tables(name: str) -> list[RawTable]:
    if name != OWN:
        return make(name)
    draw = random.Random(0)
    columns = ["id", "name", "sex", "income", "job", "approved"]
    records = [
        [
            str(i),
            f"Person {i}",
            "female" if i % 3 else "male",
            f"{draw.random():.3f}",
            "abc"[i % 3],
            ("no", "yes")[i % 2],
        ]
        for i in range(60)
    ]
    return [RawTable(FILE[OWN], columns, records)]


def read(name: str, folder: Path, digests: dict[str, str] | None = None) -> pd.DataFrame:
    """The prepared frame, as `prepare` has it; by default the files are what was downloaded."""
    files = [path for path in folder.iterdir() if path.is_file()]
    digests = digests or {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    raw = Checked(folder, digests)
    if name != OWN:
        return data.load(name).read(raw)
    own = Checked(folder / FILE[OWN], digests, called=DESCRIPTION["file"])
    return data.load_described("datasets/loans.yaml", DESCRIPTION, own).read(raw)


# --- the breakages ----------------------------------------------------------------------------------------
# Each takes the tables of a data set and its name, and returns the bytes of the first file.

Breakage = Callable[[list[RawTable], str], bytes]


def of_bytes(change: Callable[[bytes], bytes]) -> Breakage:
    return lambda made, name: change(made[0].text().encode())


def of_table(change: Callable[[RawTable, str], None]) -> Breakage:
    def breaking(made: list[RawTable], name: str) -> bytes:
        change(made[0], name)
        return made[0].text().encode()

    return breaking


def cell(columns: dict[str, str], text: str, row: int = 17) -> Breakage:
    return of_table(lambda table, name: table.set(row, columns[name], text))


def filled(columns: dict[str, str], text: str | None = None) -> Breakage:
    """All cells of a column the same, in every file of the data set."""

    def breaking(made: list[RawTable], name: str) -> bytes:
        for table in made:
            table.fill(columns[name], table.column(columns[name])[0] if text is None else text)
        return made[0].text().encode()

    return breaking


def separated(separator: str) -> Breakage:
    return of_table(lambda table, name: setattr(table, "separator", separator))


def zipped(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.csv", content)
    return archive.getvalue()


def cut(share: float) -> Breakage:
    """Cut at a random place in this part of the file, but inside a line."""

    def change(content: bytes) -> bytes:
        end = int(share * len(content))
        while content[end - 1 : end] in (b"\n", b"\r", b""):
            end += 1
        return content[:end]

    return of_bytes(change)


def duplicate_header(table: RawTable, name: str) -> None:
    table.columns[-1] = table.columns[-2]


def header_twice(table: RawTable, name: str) -> None:
    table.records.insert(0, list(table.columns))


def header_twice_within(table: RawTable, name: str) -> None:
    table.records.insert(30, list(table.columns))


def without_header(table: RawTable, name: str) -> None:
    table.header = False


def shuffled(table: RawTable, name: str) -> None:
    """Header and cells in another order. A described file may have any; its label is then another column."""
    order = random.Random(1).sample(range(len(table.columns)), len(table.columns))
    for cells in (table.columns, *table.records):
        cells[:] = [cells[i] for i in order]


def shuffled_cells(table: RawTable, name: str) -> None:
    """The cells in another order, under the old header."""
    for cells in table.records:
        cells.reverse()


def extra(table: RawTable, name: str) -> None:
    """A column without a name, as an index that was written along has."""
    for cells in (table.columns, *table.records):
        cells.insert(0, "7")
    table.columns[0] = ""


def extra_cells(table: RawTable, name: str) -> None:
    for cells in table.records:
        cells.append("1")


def dropped(columns: dict[str, str]) -> Breakage:
    return of_table(lambda table, name: table.drop(columns[name]))


def longer(table: RawTable, name: str) -> None:
    table.records[31].append("1")


def shorter(table: RawTable, name: str) -> None:
    table.records[31].pop()


def merged_lines(table: RawTable, name: str) -> None:
    table.records[31] += table.records.pop(32)


def open_quote(table: RawTable, name: str) -> None:
    table.records[40][0] = '"' + table.records[40][0]


def repeated_identifier(table: RawTable, name: str) -> None:
    table.set(40, IDENTIFIER[name], table.column(IDENTIFIER[name])[3])


def repeated_record(table: RawTable, name: str) -> None:
    table.records.append(list(table.records[3]))


def no_records(table: RawTable, name: str) -> None:
    table.records.clear()


NUMBERED = "{file}, line {line}, column '{number}'"
CODED = "{file}, line {line}, column '{code}'"
# what is done: how, the data sets it is done to, and what the message must say
BREAKAGES: dict[str, tuple[Breakage, list[str] | tuple[str, ...], str]] = {
    "cut in the first tenth": (cut(0.06), NAMES, "{file}, line "),
    "cut at a third": (cut(0.31), NAMES, "{file}, line "),
    "cut in the middle": (cut(0.5123), NAMES, "{file}, line "),
    "cut near the end": (cut(0.93), NAMES, "{file}, line "),
    "cut before the last line end": (of_bytes(lambda c: c.rstrip()), NAMES, "line {last}: the last line has no end"),
    "empty": (of_bytes(lambda c: b""), NAMES, "{file}: the file is empty"),
    "blank lines only": (of_bytes(lambda c: b"\n\r\n \n"), NAMES, "{file}: the file is empty"),
    "header only": (of_table(no_records), WITH_HEADER, "{file}: no rows"),
    "semicolons": (separated(";"), NAMES, "line 1: .*columns separated by"),
    "tabs": (separated("\t"), NAMES, "line 1: .*columns separated by"),
    "bars": (separated("|"), NAMES, "line 1: .*columns separated by"),
    "semicolons from line 40 on": (
        of_table(lambda table, name: table.records.__setitem__(39, [";".join(table.records[39])])),
        NAMES,
        "{file}, line {at_39}: .*(columns separated by|expected after)",
    ),
    "UTF-16": (lambda made, name: made[0].text().encode("utf-16"), NAMES, "line 1: "),
    "UTF-16 without a mark": (lambda made, name: made[0].text().encode("utf-16-le"), NAMES, "line 1: a NUL byte"),
    "Latin-1": (
        of_bytes(lambda c: c[:-9].rpartition(b"\n")[0] + "\nMünchen\n".encode("latin-1")),
        NAMES,
        "line [0-9]+: byte 0xfc is not UTF-8",
    ),
    "a NUL byte": (of_bytes(lambda c: c[:400] + b"\0" + c[400:]), NAMES, "line [0-9]+: a NUL byte"),
    "gzip of the file": (of_bytes(gzip.compress), NAMES, "line 1: a gzip archive"),
    "gzip of something else": (of_bytes(lambda c: gzip.compress(b"other")), NAMES, "line 1: a gzip archive"),
    "zip of the file": (of_bytes(zipped), NAMES, "line 1: a zip archive"),
    "parquet": (of_bytes(lambda c: b"PAR1" + c + b"PAR1"), NAMES, "line 1: a parquet file"),
    "an error page": (
        of_bytes(lambda c: b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n"),
        NAMES,
        "line 1: a web page",
    ),
    "a page to sign in": (of_bytes(lambda c: b"\n <HTML>\n<form></form></HTML>\n"), NAMES, "line 1: a web page"),
    "an XML error": (of_bytes(lambda c: b'<?xml version="1.0"?><Error>AccessDenied</Error>\n'), NAMES, "a web page"),
    "JSON": (
        of_bytes(lambda c: b'{"error": "rate limit"}\n'),
        NAMES,
        "line 1: .*(columns separated by|expected after)",
    ),
    "a pointer in place of the file": (
        of_bytes(lambda c: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        NAMES,
        "line 1: .*columns separated by",
    ),
    "a column name twice": (of_table(duplicate_header), WITH_HEADER, "line 1: .*column '.*' is (missing|repeated)"),
    "the header twice": (of_table(header_twice), WITH_HEADER, "{file}, line 2, column '.*': '.*' is not "),
    "the header again": (of_table(header_twice_within), WITH_HEADER, "{file}, line 32, column '.*': '.*' is not "),
    "no header": (of_table(without_header), WITH_HEADER[:3], "line 1: no header with"),
    "no header, described": (of_table(without_header), [OWN], "line 1: column 'name' is missing"),
    "shuffled columns": (of_table(shuffled), WITH_HEADER[:3], "line 1: the columns are in another order"),
    "shuffled columns, no header": (of_table(shuffled), ("adult", "german"), "line [0-9]+, column '.*': '.*' is not"),
    "shuffled cells": (of_table(shuffled_cells), NAMES, "{file}, "),
    "a column of numbers missing": (dropped(NUMBER), [n for n in NAMES if n != OWN], "line 1: .*(missing|separated)"),
    "the label missing": (dropped(LABEL), [n for n in NAMES if n != OWN], "line 1: .*(missing|separated)"),
    "an extra column": (of_table(extra), NAMES, "line 1: .*(not expected|repeated|has no name|separated)"),
    "extra cells": (of_table(extra_cells), NAMES, "line [12]: .*columns separated by"),
    "a longer row": (of_table(longer), NAMES, "{file}, line {at_31}: .*columns separated by"),
    "a shorter row": (of_table(shorter), NAMES, "{file}, line {at_31}: .*columns separated by"),
    "two rows on one line": (of_table(merged_lines), NAMES, "{file}, line {at_31}: .*columns separated by"),
    "a quote that does not end": (of_table(open_quote), NAMES, "{file}, line [0-9]+: "),
    "text in a number": (cell(NUMBER, "abc"), NAMES, NUMBERED),
    "a misread digit": (cell(NUMBER, "12o5"), NAMES, NUMBERED),
    "a decimal comma": (cell(NUMBER, '"1,5"'), [n for n in NAMES if n not in ("german",)], NUMBERED),
    "a unit": (cell(NUMBER, "1000$"), NAMES, NUMBERED),
    "infinity": (cell(NUMBER, "inf"), NAMES, NUMBERED),
    "minus infinity": (cell(NUMBER, "-Infinity"), NAMES, NUMBERED),
    "a number too large": (cell(NUMBER, "1e999"), NAMES, NUMBERED),
    "not a number": (cell(NUMBER, "NaN"), NAMES, NUMBERED),
    "an empty number": (cell(NUMBER, ""), NAMES, NUMBERED),
    "a missing value that is not marked": (cell(NUMBER, "?"), NAMES, NUMBERED),
    "a very long cell": (cell(NUMBER, "9x" * 5000), NAMES, NUMBERED),
    "an unknown code": (cell(CODE, "unheard-of"), NAMES, CODED),
    "an empty code": (cell(CODE, ""), NAMES, CODED),
    "a code in capitals": (cell(CODE, "MALE"), NAMES, CODED),
    "one class only": (filled(LABEL), NAMES, "{file}, column '(label|approved)': "),
    "a constant number": (filled(NUMBER, "5"), NAMES, "{file}, column '{number}': a constant feature"),
    "an identifier twice": (
        of_table(repeated_identifier),
        list(IDENTIFIER),
        "line {at_40}, column '{identifier}': .*line {at_3}",
    ),
    "a record twice": (of_table(repeated_record), list(IDENTIFIER), "line [0-9]+, column '{identifier}': .*repeated"),
}


def test_there_are_at_least_forty():
    assert len(BREAKAGES) >= 40


CASES = [(what, name) for what, (_, names, _) in BREAKAGES.items() for name in names]


@pytest.mark.parametrize(("what", "name"), CASES)
def test_a_broken_file_is_named_with_the_place_and_what_to_do(what, name, tmp_path):
    breaking, _, says = BREAKAGES[what]
    made = tables(name)
    content = breaking(made, name)
    for table in made:
        table.write(tmp_path)
    (tmp_path / FILE[name]).write_bytes(content)
    with pytest.raises(DataError) as error:
        read(name, tmp_path)
    message = str(error.value)
    places = {f"at_{row}": made[0].line(row) for row in (3, 31, 39, 40)}
    expected = says.format(
        file=FILE[name].replace(".", r"\."),
        number=CALLED.get(NUMBER[name], NUMBER[name]),
        code=CALLED.get(CODE[name], CODE[name]),
        identifier=IDENTIFIER.get(name, ""),
        line=made[0].line(17),
        last=len(content.splitlines()),
        **places,
    )
    assert re.search(expected, message), message
    remedy = (
        "correct the file, or what datasets/loans.yaml says" if name == OWN else "delete the file and download it again"
    )
    assert remedy in message
    assert len(message) < 700
    assert "Person" not in message, "a column that is not used is not shown"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_broken_file_gets_into_a_result(name, tmp_path):
    """As the script of the rule `prepare` does it: the same files without the breakage make a population."""
    spec = importlib.util.spec_from_file_location("prepare_script", ROOT / "workflow" / "scripts" / "prepare.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    sensitive = "sex" if name != "give_me_some_credit" else "age"
    population = {"dataset": "datasets/loans.yaml" if name == OWN else name, "sensitive": sensitive, "rows": 10_000}
    description = DESCRIPTION if name == OWN else None
    output = tmp_path / "population.parquet"

    def run(made: list[RawTable]) -> None:
        paths = [table.write(tmp_path / "raw") for table in made]
        receipt = tmp_path / "raw" / "receipt.json"
        digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
        receipt.write_text(json.dumps({"dataset": name, "files": digests}), encoding="utf-8")
        script.main("mine", population, description, [0], receipt, output)

    broken = tables(name)
    broken[0].set(17, NUMBER[name], "abc")
    with pytest.raises(DataError, match="'abc' is not a finite number"):
        run(broken)
    assert not output.exists()
    run(tables(name))
    assert output.exists()


# --- what makes no difference -----------------------------------------------------------------------------


def other_line_ends(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n") if b"\r\n" in content else content.replace(b"\n", b"\r\n")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "change", [other_line_ends, lambda c: b"\xef\xbb\xbf" + c], ids=["line ends", "byte order mark"]
)
def test_line_ends_and_a_byte_order_mark_are_read_alike(change, name, tmp_path):
    """Editors put them in unasked, and they say nothing: refusing them would help nobody."""
    for table in tables(name):
        table.write(tmp_path)
    expected = read(name, tmp_path)
    path = tmp_path / FILE[name]
    before = path.read_bytes()
    path.write_bytes(change(before))
    assert path.read_bytes() != before
    pd.testing.assert_frame_equal(read(name, tmp_path), expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_link_is_what_it_points_to(name, tmp_path):
    """A mirror may be made of links. What is read has the sha256 of the receipt, wherever it lies."""
    for table in tables(name):
        table.write(tmp_path / "raw")
    expected = read(name, tmp_path / "raw")
    path = tmp_path / "raw" / FILE[name]
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    pd.testing.assert_frame_equal(read(name, tmp_path / "raw"), expected)
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (tmp_path / "raw").iterdir()}
    (tmp_path / "elsewhere").unlink()
    with pytest.raises(SourceError, match=rf"{FILE[name]} is gone, .*; delete .* and run again"):
        read(name, tmp_path / "raw", digests)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(SourceError, match=rf"{FILE[name]} is gone, or cannot be read \(Is a directory\)"):
        read(name, tmp_path / "raw", digests)


def test_a_described_file_may_have_its_columns_in_any_order(tmp_path):
    (table,) = tables(OWN)
    table.write(tmp_path / "one")
    shuffled(table, OWN)
    table.write(tmp_path / "two")
    frame = read(OWN, tmp_path / "one")
    pd.testing.assert_frame_equal(read(OWN, tmp_path / "two")[list(frame)], frame)


# --- files that are not what was downloaded ---------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_other_bytes_than_were_downloaded_are_not_parsed(name, tmp_path):
    """A file that is right in itself, say with one number changed or cut between two lines, is not taken."""
    for table in tables(name):
        table.write(tmp_path)
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in tmp_path.iterdir()}
    read(name, tmp_path, digests)
    path = tmp_path / FILE[name]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(SourceError, match=rf"{FILE[name]} changed since its download \(sha256 .*; delete .* and run"):
        read(name, tmp_path, digests)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_changes_while_it_is_read_is_not_parsed(name, tmp_path, monkeypatch):
    """It is opened once, and the bytes that are parsed are those whose sha256 is checked."""
    for table in tables(name):
        table.write(tmp_path)
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in tmp_path.iterdir()}
    expected = read(name, tmp_path, digests)
    path, right = tmp_path / FILE[name], (tmp_path / FILE[name]).read_bytes()
    wrong = other_line_ends(right).replace(b"1", b"2")
    plain, reads = Path.read_bytes, []

    def changing(self: Path) -> bytes:
        """Right on the first look at the file and another from then on, or the other way round."""
        content = plain(self)
        if self.name == FILE[name]:
            reads.append(self)
            path.write_bytes(wrong if plain(path) == right else right)
        return content

    monkeypatch.setattr(Path, "read_bytes", changing)
    pd.testing.assert_frame_equal(read(name, tmp_path, digests), expected)
    assert len(reads) == 1, "a second look would see something else"
    with pytest.raises(SourceError, match="changed since its download"):
        read(name, tmp_path, digests)


def test_a_file_that_no_receipt_names_is_not_parsed(tmp_path):
    for table in tables("law"):
        table.write(tmp_path)
    with pytest.raises(SourceError, match=r"law_data\.csv: the receipt does not name it; delete .* and run again"):
        read("law", tmp_path, {"other.csv": "0"})


@pytest.mark.parametrize("change", ["edited", "gone", "a folder", "unreadable name"])
def test_a_file_of_the_user_s_own_is_copied_whole_or_not_at_all(change, tmp_path):
    (table,) = tables(OWN)
    own = table.write(tmp_path / "mine")
    wanted = RawFile(FILE[OWN], hashlib.sha256(own.read_bytes()).hexdigest(), ())
    destination = tmp_path / "raw" / "loans" / FILE[OWN]
    if change == "edited":
        own.write_bytes(own.read_bytes()[:-2])
    elif change != "unreadable name":
        own.unlink()
    if change == "a folder":
        own.mkdir()
    if change == "unreadable name":
        own = own / "loans.csv"
    with pytest.raises(SourceError, match=rf"loans could not be copied: {own}: .*correct `file` or `sha256`"):
        fetch("loans", wanted, destination, progress=False, own=own)
    assert not destination.exists()
    assert not list(destination.parent.iterdir())


def test_a_copied_file_keeps_its_permissions(tmp_path):
    (table,) = tables(OWN)
    own = table.write(tmp_path / "mine")
    own.chmod(0o600)
    wanted = RawFile(FILE[OWN], hashlib.sha256(own.read_bytes()).hexdigest(), ())
    copied = fetch("loans", wanted, tmp_path / "raw" / FILE[OWN], mirror=str(tmp_path), progress=False, own=own)
    assert copied.read_bytes() == own.read_bytes()
    assert copied.stat().st_mode & 0o777 == 0o600


# --- the real files ---------------------------------------------------------------------------------------

MIRROR = os.environ.get("RECOURSE_DATA_MIRROR", "")


@pytest.mark.skipif(not Path(MIRROR or "/nowhere").is_dir(), reason="RECOURSE_DATA_MIRROR names no folder")
@pytest.mark.parametrize("name", sorted(IDENTIFIER.keys() - {OWN}))
def test_the_publisher_s_file_repeats_no_identifier(name, tmp_path):
    """So a repeated one is an error."""
    (raw,) = data.load(name).files
    try:
        fetch(name, replace(raw, urls=()), tmp_path / raw.name, mirror=MIRROR, progress=False)
    except SourceError:
        pytest.skip(f"{raw.name} is not in {MIRROR}")
    assert pd.read_csv(tmp_path / raw.name).iloc[:, 0].is_unique
    data.load(name).read(tmp_path)
