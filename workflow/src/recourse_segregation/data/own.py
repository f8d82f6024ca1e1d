"""A data set that is a CSV file of the user's own and a description of it: see docs/adding_a_dataset.md.

Nobody has published the file, so it is read with care: what is doubtful is an error that says where it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from ..checking import did_you_mean
from ..errors import ConfigError, DataError
from ..population import RESERVED
from .dataset import Dataset, Feature, Sensitive, divided
from .reading import fail, fail_cell, number, prepared

#: texts that are taken for a missing value, unless they are listed as a level
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "?")
MOST_LEVELS = 50  # a column with more is a name, an id or free text, unless it is said to be categorical


def load(path: str, description: Mapping[str, Any], content: bytes) -> Dataset:
    """The data set of a file with this `content`, as the `description` at `path` says; `description.read` gives it.

    What each column is, is found in the file; `read` gives the frame in which it was found.

    Raises DataError naming line and column if the file is not as described, and ConfigError naming the key if
    the description names a column or a value that the file does not have.
    """
    own = _Own(path, description)
    try:
        texts = own.complete_rows(own.texts(content))
        label = own.label(texts)
        columns = [own.feature(texts[column]) for column in texts.columns.drop(label.name)]
        features = {feature.name: feature for feature, _ in columns}
        frame = pd.DataFrame({feature.name: values for feature, values in columns} | {"label": label})
        frame = prepared(frame, list(features.values()), description["file"])
    except DataError as error:
        raise DataError(f"{error}; correct the file, or what {path} says of it, and run again") from error
    return Dataset(
        name=Path(path).stem,
        title=description.get("title", path),
        licence=description.get("licence", "not stated"),
        citation=description.get("citation", "not stated"),
        features=tuple(features.values()),
        sensitive={name: own.sensitive(features[name], frame) for name in description["sensitive"]},
        read=lambda _: frame,
    )


@dataclass(frozen=True)
class _Own:
    """A description, and where it is."""

    path: str
    entries: Mapping[str, Any]

    def texts(self, content: bytes) -> pd.DataFrame:
        """All columns that the file names but those that are left out, as text; the index is the line (1-based)."""
        separator, identity = self.entries["separator"], self.entries.get("id")
        text = io.StringIO(self._text(content), newline="")
        records = csv.reader(text, delimiter=separator, skipinitialspace=True, strict=True)
        rows: dict[int, list[str]] = {}
        seen: dict[str, int] = {}  # the ids, and the lines that they are on
        try:
            header = next(records, [])
            wanted = self._check_header(header)
            for record in filter(None, records):  # an empty line is no record
                line = records.line_num
                if len(record) != len(header):
                    what = f"{len(header)} columns separated by {separator!r} expected, {len(record)} found"
                    self._fail(what, line)
                cells = dict(zip(header, record, strict=True))
                # Which id it is may be personal and is not shown.
                if identity and seen.setdefault(cells[identity], line) != line:
                    first = seen[cells[identity]]
                    self._fail(f"the same as on line {first}: a repeated record", line, identity)
                rows[line] = [cells[column] for column in wanted]
        except csv.Error as error:
            self._fail(str(error), records.line_num)
        if not rows:
            self._fail("no rows")
        return pd.DataFrame(list(rows.values()), columns=wanted, index=pd.Index(rows, name="line"), dtype="str")

    def _text(self, content: bytes) -> str:
        """The file's content; an error if it is no text, or its last line has no end."""
        if not content.strip():
            self._fail("the file is empty")
        try:
            text = content.decode("utf-8-sig")  # the mark with which some programs start UTF-8 says nothing
        except UnicodeDecodeError as error:
            self._fail(f"byte {content[error.start]:#04x} is not UTF-8", content.count(b"\n", 0, error.start) + 1)
        if "\0" in text:
            self._fail("a NUL byte: the file is not UTF-8 text", text.count("\n", 0, text.index("\0")) + 1)
        if not text.endswith("\n"):
            self._fail("the last line has no end: the file is cut short", text.count("\n") + 1)
        return text

    def _check_header(self, header: list[str]) -> list[str]:
        """The columns that are used; what the description names must be there."""
        if len(header) < 2:
            self._fail(f"no header with columns separated by {self.entries['separator']!r}", 1)
        wanted = [name for name in header if name not in (*self.entries["ignore"], self.entries.get("id"))]
        keys = ("sensitive", "immutable", "ignore", "continuous", "categorical", "levels")
        named = {key: list(self.entries[key]) for key in keys} | {"label.column": [self.entries["label"]["column"]]}
        if "id" in self.entries:
            named["id"] = [self.entries["id"]]
        for key, columns in named.items():
            for column in columns:
                if column not in header:
                    # Not what is there: without a header that would be somebody's record.
                    self._refuse(key, f"{column!r} is not a column of the file{did_you_mean(column, wanted)}")
        if "" in wanted:
            self._fail(f"column {header.index('') + 1} has no name", 1)
        repeated = [name for name in header if header.count(name) > 1]
        if repeated:
            self._fail(f"column {repeated[0]!r} is repeated", 1)
        for column in sorted(RESERVED.intersection(wanted) - {self.entries["label"]["column"]}):
            self._fail("a feature cannot have this name; rename it, or list it under `ignore`", 1, column)
        return wanted

    def complete_rows(self, texts: pd.DataFrame) -> pd.DataFrame:
        """The rows without a missing value, if those with one are to be dropped."""
        dropped = self.entries["drop_rows_with"]
        texts = texts[~texts.isin(dropped).any(axis=1)]
        if texts.empty:
            self._fail(f"no rows are left without {_some(dropped)}")
        for column, cells in texts.items():
            missing = cells.isin(set(MISSING) - set(self._listed(column)))
            self._fail_cell(cells, missing, "a value: fill it in, or drop such rows with `drop_rows_with`")
        return texts

    def label(self, texts: pd.DataFrame) -> pd.Series:
        """1 = favourable; called as its column."""
        column, favourable = self.entries["label"]["column"], str(self.entries["label"]["favourable"])
        values = list(texts[column].value_counts().index[:2])
        what = f"one of {_some(values)}; a label has two values"
        self._fail_cell(texts[column], ~texts[column].isin(values), what)
        if favourable not in values:
            self._refuse("label.favourable", f"{favourable!r} does not occur; there are: {_some(values)}")
        return (texts[column] == favourable).astype("int64")

    def feature(self, cells: pd.Series) -> tuple[Feature, pd.Series]:
        """What a column is, and its values: as the description says, else by what is in it."""
        name = str(cells.name)
        immutable = name in self.entries["immutable"]
        levels = self._listed(name) or sorted(cells.unique())
        discrete = name in self.entries["categorical"] or name in self.entries["levels"]
        continuous = name in self.entries["continuous"] or "above" in self.entries["sensitive"].get(name, {})
        numbers = number().parse(cells)
        if continuous or (not discrete and len(levels) != 2 and numbers.notna().any()):
            what = "a finite number; if the column does not hold numbers, list it under `categorical`"
            self._fail_cell(cells, numbers.isna(), what)
            return Feature(name, "continuous", immutable=immutable), numbers
        if not discrete and len(levels) > MOST_LEVELS:
            many = f"{len(levels)} different texts, as of names; list it under `ignore`, or else under `categorical`"
            self._fail(many, column=name)
        return Feature(name, "binary" if len(levels) == 2 else "categorical", tuple(levels), immutable), cells

    def sensitive(self, feature: Feature, frame: pd.DataFrame) -> Sensitive:
        """The groups; the minority is the smallest in the file if the description names none.

        A population says which of more than two levels make up its two groups (see `dataset.merged`).
        """
        entry, key = self.entries["sensitive"][feature.name], f"sensitive.{feature.name}"
        if "above" in entry:
            found = divided(feature.name, entry["above"], minority="")
        elif feature.levels:
            found = Sensitive(feature.name, feature.levels, minority="")
        else:
            self._refuse(key, "a column of numbers; divide it with `above`: a number, or median")
        groups = found.derive(frame) if found.derive else frame[feature.name]
        smaller = groups.value_counts().reindex(found.levels[::-1], fill_value=0).idxmin()
        minority = str(entry.get("minority", smaller))
        if minority not in found.levels:
            self._refuse(f"{key}.minority", f"{minority!r} is not a group; the groups are: {_some(found.levels)}")
        return replace(found, minority=minority)

    def _listed(self, column: str) -> list[str]:
        """The levels that the description gives a column."""
        return [str(level) for level in self.entries["levels"].get(column, ())]

    def _fail(self, what: str, line: int | None = None, column: str | None = None) -> NoReturn:
        fail(self.entries["file"], what, f"line {line}" if line else "", column)

    def _fail_cell(self, cells: pd.Series, bad: pd.Series, what: str) -> None:
        fail_cell(self.entries["file"], cells, bad, what)

    def _refuse(self, key: str, what: str) -> NoReturn:
        raise ConfigError(f"{self.path}: {key}: {what}")


def _some(values: Iterable[str]) -> str:
    """Values for messages; only how many if they are many, for they may be names."""
    values = list(values)
    return ", ".join(map(repr, values)) if len(values) <= 10 else f"{len(values)} values"
