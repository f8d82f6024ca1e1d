"""Strict reading: the file is what its publisher describes, or a DataError says where it is not."""

from __future__ import annotations

import csv
import io
import reprlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from ..errors import DataError
from .base import Feature


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
    path: Path,
    columns: Sequence[str],
    fields: Mapping[str, Field],
    *,
    separator: str = ",",
    header: bool = True,
    preamble: str | None = None,
) -> pd.DataFrame:
    """The columns named in `fields`, one row a record, indexed by line of the file (1-based).

    `columns` names all columns of the file in order, repeated names included (the first of them is read);
    with `header` the file must say the same. Columns that are not in `fields` are not kept, not even as text.
    `preamble` is a line that must stand before everything else.

    Raises DataError if the file is missing, empty, cut short, not UTF-8, an HTML page, separated or shaped
    otherwise, or if a cell does not hold what its field expects.
    """
    text = _text(path)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        skipinitialspace=separator != " ",
        strict=True,
    )
    lines: list[int] = []
    records: list[list[str]] = []
    positions = [columns.index(name) for name in fields]
    try:
        if preamble is not None and next(reader, []) != [preamble]:
            _fail(path, f"the line {preamble!r} is missing", line=1)
        if header:
            _check_header(path, next(reader, []), list(columns), separator, reader.line_num)
        for record in reader:
            if not record:  # an empty line, as at the end of Adult's files
                continue
            if len(record) != len(columns):
                found = f"{len(columns)} columns separated by {separator!r} expected, {len(record)} found"
                _fail(path, found, line=reader.line_num)
            lines.append(reader.line_num)
            records.append([record[position] for position in positions])
    except csv.Error as error:
        _fail(path, str(error), line=reader.line_num)
    if not records:
        _fail(path, "no rows")
    frame = pd.DataFrame(records, columns=list(fields), index=lines, dtype="str")
    return pd.DataFrame({name: _parse(path, frame[name], field) for name, field in fields.items()})


def prepared(frame: pd.DataFrame, features: Sequence[Feature], path: Path) -> pd.DataFrame:
    """The frame that `Dataset.read` promises: `features` in order, then `label`; index 0, 1, ...

    Raises DataError, naming `path`, line (the frame's index) and column, for a missing value, a level that
    is not declared, a constant feature (it has no range to scale by; leave such a column out of the
    features), or a label of one class only.
    """
    for feature in features:
        values = frame[feature.name]
        bad = ~values.isin(feature.levels) if feature.levels else values.isna()
        if bad.any():
            expected = f"one of {', '.join(feature.levels)}" if feature.levels else "a number"
            _fail_cell(path, values, bad, expected)
        if values.nunique() < 2:
            held = values.tolist()[0]
            _fail(path, f"a constant feature: all rows used hold {held!r}", column=feature.name)
    if set(frame["label"]) != {0, 1}:
        _fail(path, "both classes, 0 and 1, must occur among the rows used", column="label")
    kinds = {feature.name: "str" if feature.levels else "float64" for feature in features}
    return frame[[*kinds, "label"]].astype({**kinds, "label": "int64"}).reset_index(drop=True)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; download it first") from error
    last = content.count(b"\n") + 1
    if not content.strip():
        _fail(path, "the file is empty")
    if content.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        _fail(path, "a web page, not data", line=1)
    if not content.endswith(b"\n"):
        _fail(path, "the last line has no end: the file is cut short", line=last)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        _fail(path, f"byte {content[error.start]:#04x} is not UTF-8", line=line)


def _check_header(path: Path, found: list[str], expected: list[str], separator: str, line: int) -> None:
    if found == expected:
        return
    missing, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    problems = [f"column {name!r} is missing" for name in missing]
    problems += [f"column {name!r} is {'repeated' if name in expected else 'not expected'}" for name in extra]
    if 2 * missing.total() > len(expected):  # no header: what stands there may be personal and is not shown
        problems = [f"no header with {len(expected)} columns separated by {separator!r}"]
    _fail(path, "; ".join(problems) or "the columns are in another order", line=line)


def _parse(path: Path, text: pd.Series, field: Field) -> pd.Series:
    values = field.parse(text)
    bad = values.isna() & (text != field.missing)
    if bad.any():
        _fail_cell(path, text, bad, field.expected)
    return values


def _fail_cell(path: Path, values: pd.Series, bad: pd.Series, expected: str) -> NoReturn:
    """Name the first bad cell; the index of `values` holds line numbers."""
    first = bad.to_numpy().argmax()
    cell = reprlib.repr(values.tolist()[first])  # long text is shortened
    _fail(path, f"{cell} is not {expected}", line=values.index[first], column=values.name)


def _fail(path: Path, what: str, line: int | None = None, column: object = None) -> NoReturn:
    place = str(path)
    place += f", line {line}" if line is not None else ""
    place += f", column {column!r}" if column is not None else ""
    raise DataError(f"{place}: {what}; delete the file and download it again")
