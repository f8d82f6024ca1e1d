"""Reading raw files whose bytes are known by their sha256: the columns and cells that a data set declares."""

from __future__ import annotations

import hashlib
import io
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from ..errors import DataError, SourceError
from .dataset import Feature


@dataclass(frozen=True)
class Checked:
    """A folder of downloaded files, or one of them, that is read like a path: only bytes with their sha256.

    `digests` holds the sha256 of each file by its name. The bytes that are returned are those that were checked,
    whatever happens to the file meanwhile.
    """

    path: Path
    digests: Mapping[str, str]

    def __truediv__(self, name: str) -> Checked:
        return Checked(self.path / name, self.digests)

    def __str__(self) -> str:
        return str(self.path)

    def read_bytes(self) -> bytes:
        """The content of the file.

        Raises SourceError if it is gone or has other bytes than were downloaded.
        """
        again = f"delete {self.path.parent} and run again"
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise SourceError(f"{self.path} is gone, or cannot be read ({error.strerror}); {again}") from error
        got, expected = hashlib.sha256(content).hexdigest(), self.digests.get(self.path.name, "none in the receipt")
        if got != expected:
            raise SourceError(f"{self.path} changed since its download (sha256 {got}, expected {expected}); {again}")
        return content


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
    path: Path | Checked,
    columns: Sequence[str],
    fields: Mapping[str, Field],
    *,
    separator: str = ",",
    header: bool = True,
    skip: int = 0,
) -> pd.DataFrame:
    """The columns named in `fields`, in that order, one row a record; the index `row` counts records from 1.

    `columns` names all columns of the file in order, repeated names included (the first of them is read). With
    `header` the file must say the same, after `skip` lines. Columns that are not in `fields` never enter a frame.

    Raises DataError if the header is another, or a cell does not hold what its field expects.
    """
    content, positions = path.read_bytes(), [list(columns).index(name) for name in fields]
    options = {"sep": separator, "skipinitialspace": separator != " ", "header": None, "dtype": "str"}
    read = partial(pd.read_csv, na_filter=False, **options)  # what a text such as `NA` stands for, its field says
    try:
        if header:
            found = read(io.BytesIO(content), skiprows=skip, nrows=1).loc[0].tolist()
            if found != list(columns):
                # Not what is there: without a header that would be somebody's record.
                fail(path, f"the header is not that of the {len(columns)} columns declared, in this order")
        texts = read(io.BytesIO(content), skiprows=skip + header, names=range(len(columns)), usecols=positions)
    except (ValueError, IndexError) as error:  # pandas says what it found, or fails where columns are missing
        fail(path, f"not a table of {len(columns)} columns separated by {separator!r} ({error})")
    if texts.empty:
        fail(path, "no rows")
    texts.index = pd.RangeIndex(1, len(texts) + 1, name="row")
    frame = {}
    for name, position in zip(fields, positions, strict=True):
        field, text = fields[name], texts[position].rename(name)
        frame[name] = field.parse(text)
        fail_cell(path, text, frame[name].isna() & (text != field.missing), field.expected)
    return pd.DataFrame(frame)


def prepared(frame: pd.DataFrame, features: Sequence[Feature], path: object) -> pd.DataFrame:
    """The frame that `Dataset.read` promises: `features` in order, then `label`; index 0, 1, ...

    Raises DataError, naming `path`, column and row (by the frame's index), for a missing value, a level that
    is not declared, a constant feature (it has no range to scale by; leave such a column out of the
    features), or a label of one class only.
    """
    for feature in features:
        values = frame[feature.name]
        bad = ~values.isin(feature.levels) if feature.levels else values.isna()
        fail_cell(path, values, bad, f"one of {', '.join(feature.levels)}" if feature.levels else "a number")
        if values.nunique() < 2:
            held = values.tolist()[0]
            fail(path, f"a constant feature: all rows used hold {held!r}", column=feature.name)
    if set(frame["label"]) != {0, 1}:
        fail(path, "both classes, 0 and 1, must occur among the rows used", column="label")
    kinds = {feature.name: "str" if feature.levels else "float64" for feature in features}
    return frame[[*kinds, "label"]].astype({**kinds, "label": "int64"}).reset_index(drop=True)


def fail(path: object, what: str, place: str = "", column: object = None) -> NoReturn:
    """Raise DataError: file, place in it (`line 3`), column, and what is wrong there."""
    where = str(path) + (f", {place}" if place else "") + (f", column {column!r}" if column is not None else "")
    raise DataError(f"{where}: {what}")


def fail_cell(path: object, values: pd.Series, bad: pd.Series, what: str) -> None:
    """Raise DataError for the first bad cell, if there is one; the index of `values` says where it is."""
    if bad.any():
        first = bad.to_numpy().argmax()
        cell = reprlib.repr(values.tolist()[first])  # long text is shortened
        fail(path, f"{cell} is not {what}", f"{values.index.name} {values.index[first]}", values.name)
