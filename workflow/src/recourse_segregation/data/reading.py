"""Strict reading: the file is what its publisher describes, or a DataError says where it is not."""

from __future__ import annotations

import contextlib
import csv
import io
import reprlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, Protocol

import numpy as np
import pandas as pd

from ..errors import DataError
from .dataset import Feature

#: what to do about a broken file that was downloaded
REMEDY = "delete the file and download it again"

# How files start that are no text: with these a table is sometimes handed on.
_PACKED = {
    b"\x1f\x8b": "gzip archive",
    b"PK\x03\x04": "zip archive or spreadsheet",
    b"PAR1": "parquet file",
}


class Readable(Protocol):
    """A file: a path, or what stands for one (`sources.Checked`). As text it is how messages call it."""

    def read_bytes(self) -> bytes: ...


#: `fail` for one file: what is wrong, `line` and `column`
Failing = Callable[..., NoReturn]


@dataclass(frozen=True)
class Field:
    """How the cells of one raw column are read.

    `parse` maps a series of text to a series of values, with NaN for text that it does not know. `missing`
    is the text that the publisher writes for a missing value; it alone may become NaN.
    """

    parse: Callable[[pd.Series], pd.Series]
    expected: str
    missing: str | None = None


def number(missing: str | None = None) -> Field:
    """A finite number."""

    def parse(text: pd.Series) -> pd.Series:
        values = pd.to_numeric(text, errors="coerce").astype("float64")
        return values.where(np.isfinite(values))

    return Field(parse, "a finite number", missing)


def level(codes: Mapping[str, str | int], missing: str | None = None) -> Field:
    """A code of the publisher's; becomes `codes[text]`, a readable level or a label."""
    return Field(lambda text: text.map(dict(codes)), f"one of {', '.join(map(repr, codes))}", missing)


def moment(missing: str | None = None) -> Field:
    """A point in time, `2013-08-13 06:03:42`."""
    form = "%Y-%m-%d %H:%M:%S"
    return Field(lambda text: pd.to_datetime(text, format=form, errors="coerce"), f"a time {form}", missing)


def read_table(
    path: Readable,
    columns: Sequence[str],
    fields: Mapping[str, Field],
    *,
    separator: str = ",",
    header: bool = True,
    preamble: str | None = None,
    identifier: str | None = None,
) -> pd.DataFrame:
    """The columns named in `fields`, one row a record, indexed by line of the file (1-based).

    `columns` names all columns of the file in order, repeated names included (the first of them is read);
    with `header` the file must say the same. Columns that are not in `fields` are not kept, not even as text.
    `preamble` is a line that must stand before everything else; no two records may have the same text in the
    column `identifier`.

    Raises DataError if the file is missing, empty, cut short, not UTF-8, an HTML page, separated or shaped
    otherwise, if a record is repeated, or if a cell does not hold what its field expects.
    """
    failing = partial(fail, path, REMEDY)
    with _records(_text(path, failing), separator, failing) as reader:
        if preamble is not None and next(reader, []) != [preamble]:
            failing(f"the line {preamble!r} is missing", line=1)
        if header:
            _check_header(failing, next(reader, []), list(columns), separator, reader.line_num)
        texts = _cells(reader, failing, columns, list(fields), separator, identifier)
    return pd.DataFrame({name: _parse(failing, texts[name], field) for name, field in fields.items()})


def read_texts(
    path: Readable, left_out: Sequence[str], remedy: str, *, separator: str = ",", identifier: str | None = None
) -> pd.DataFrame:
    """All columns that the file's own header names, but those `left_out` and the `identifier`, as text.

    One row a record, indexed by line of the file (1-based). `remedy` ends every message.

    Raises DataError as `read_table` does, and if a column has no name or that of another.
    """
    failing = partial(fail, path, remedy)
    with _records(_text(path, failing), separator, failing) as reader:
        columns = next(reader, [])
        if len(columns) < 2:
            failing(f"no header with columns separated by {separator!r}", line=1)
        for name, times in Counter(columns).items():
            if times > 1:
                failing(f"column {name!r} is repeated", line=1)
        for name in [*left_out, *([] if identifier is None else [identifier])]:
            if name not in columns:
                failing(f"column {name!r} is missing", line=1)
        wanted = [name for name in columns if name not in left_out and name != identifier]
        if "" in wanted:
            failing(f"column {columns.index('') + 1} has no name", line=1)
        return _cells(reader, failing, columns, wanted, separator, identifier)


def prepared(frame: pd.DataFrame, features: Sequence[Feature], path: object, remedy: str = REMEDY) -> pd.DataFrame:
    """The frame that `Dataset.read` promises: `features` in order, then `label`; index 0, 1, ...

    Raises DataError, naming `path`, line (the frame's index) and column, for a missing value, a level that
    is not declared, a constant feature (it has no range to scale by; leave such a column out of the
    features), or a label of one class only.
    """
    failing = partial(fail, path, remedy)
    for feature in features:
        values = frame[feature.name]
        bad = ~values.isin(feature.levels) if feature.levels else values.isna()
        if bad.any():
            fail_cell(failing, values, bad, f"one of {', '.join(feature.levels)}" if feature.levels else "a number")
        if values.nunique() < 2:
            held = values.tolist()[0]
            failing(f"a constant feature: all rows used hold {held!r}", column=feature.name)
    if set(frame["label"]) != {0, 1}:
        failing("both classes, 0 and 1, must occur among the rows used", column="label")
    kinds = {feature.name: "str" if feature.levels else "float64" for feature in features}
    return frame[[*kinds, "label"]].astype({**kinds, "label": "int64"}).reset_index(drop=True)


def fail(path: object, remedy: str, what: str, line: int | None = None, column: object = None) -> NoReturn:
    """Raise DataError: file, line, column, what is wrong there, and what to do."""
    place = str(path)
    place += f", line {line}" if line is not None else ""
    place += f", column {column!r}" if column is not None else ""
    raise DataError(f"{place}: {what}; {remedy}")


def fail_cell(failing: Failing, values: pd.Series, bad: pd.Series, what: str) -> NoReturn:
    """Name the first bad cell; the index of `values` holds line numbers."""
    first = bad.to_numpy().argmax()
    cell = reprlib.repr(values.tolist()[first])  # long text is shortened
    failing(f"{cell} is not {what}", line=values.index[first], column=values.name)


def _text(path: Readable, failing: Failing) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; download it first") from error
    last = content.count(b"\n") + 1
    if not content.strip():
        failing("the file is empty")
    for start, kind in _PACKED.items():
        if content.startswith(start):
            failing(f"a {kind}, not text", line=1)
    if content.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        failing("a web page, not data", line=1)
    if b"\0" in content:
        failing("a NUL byte: the file is not UTF-8 text", line=content.count(b"\n", 0, content.index(b"\0")) + 1)
    if not content.endswith(b"\n"):
        failing("the last line has no end: the file is cut short", line=last)
    try:
        return content.decode("utf-8-sig")  # the mark with which some programs start UTF-8 says nothing
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        failing(f"byte {content[error.start]:#04x} is not UTF-8", line=line)


@contextlib.contextmanager
def _records(text: str, separator: str, failing: Failing) -> Iterator[Any]:
    """The records of a text, one after the other; `line_num` is the line on which the last of them ends."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        skipinitialspace=separator != " ",
        strict=True,
    )
    try:
        yield reader
    except csv.Error as error:
        failing(str(error), line=reader.line_num)


def _cells(
    reader: Any, failing: Failing, columns: Sequence[str], wanted: Sequence[str], separator: str, identifier: str | None
) -> pd.DataFrame:
    """The wanted columns of the records that are left, as text, indexed by line."""
    positions = [columns.index(name) for name in wanted]
    own = None if identifier is None else columns.index(identifier)
    lines: list[int] = []
    cells: list[list[str]] = []
    seen: dict[str, int] = {}
    for record in reader:
        if not record:  # an empty line, as at the end of Adult's files
            continue
        if len(record) != len(columns):
            found = f"{len(columns)} columns separated by {separator!r} expected, {len(record)} found"
            failing(found, line=reader.line_num)
        if own is not None:  # which it is may be personal and is not shown
            first = seen.setdefault(record[own], reader.line_num)
            if first != reader.line_num:
                failing(f"the same as on line {first}: a repeated record", line=reader.line_num, column=identifier)
        lines.append(reader.line_num)
        cells.append([record[position] for position in positions])
    if not cells:
        failing("no rows")
    return pd.DataFrame(cells, columns=list(wanted), index=lines, dtype="str")


def _check_header(failing: Failing, found: list[str], expected: list[str], separator: str, line: int) -> None:
    if found == expected:
        return
    missing, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    problems = [f"column {name!r} is missing" for name in missing]
    problems += [f"column {name!r} is {'repeated' if name in expected else 'not expected'}" for name in extra]
    if 2 * missing.total() > len(expected):  # no header: what stands there may be personal and is not shown
        problems = [f"no header with {len(expected)} columns separated by {separator!r}"]
    failing("; ".join(problems) or "the columns are in another order", line=line)


def _parse(failing: Failing, text: pd.Series, field: Field) -> pd.Series:
    values = field.parse(text)
    bad = values.isna() & (text != field.missing)
    if bad.any():
        fail_cell(failing, text, bad, field.expected)
    return values
