"""A data set that is a CSV file of the user's own and a description of it: see docs/adding_a_dataset.md.

Nobody has published the file, so it is read with care: what is doubtful is an error that says where it is.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from ..checking import did_you_mean
from ..errors import ConfigError
from ..population import RESERVED
from .dataset import Dataset, Feature, Sensitive
from .reading import Readable, fail, fail_cell, number, prepared

#: texts that are taken for a missing value, unless they are listed as a level
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "?")
MOST_LEVELS = 50  # a column with more is a name, an id or free text, unless it is said to be categorical


def load(path: str, description: Mapping[str, Any], file: Readable) -> Dataset:
    """The data set that is in `file`, as the `description` at `path` says; `description.read` gives it.

    What each column is, is found in the file; `read` gives the frame in which it was found.

    Raises DataError naming line and column if the file is not as described, and ConfigError naming the key if
    the description names a column or a value that the file does not have.
    """
    own = _Own(path, description, file)
    texts = own.complete_rows(own.texts())
    label = own.label(texts)
    columns = [own.feature(texts[column]) for column in texts.columns.drop(label.name)]
    features = {feature.name: feature for feature, _ in columns}
    frame = pd.DataFrame({feature.name: values for feature, values in columns} | {"label": label})
    frame = prepared(frame, list(features.values()), file, own.remedy)
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
    """A description, where it is, and the file that it describes."""

    path: str
    entries: Mapping[str, Any]
    file: Readable

    @property
    def remedy(self) -> str:
        return f"correct the file, or what {self.path} says of it, and run again"

    def texts(self) -> pd.DataFrame:
        """All columns that the file names but those that are left out, as text; the index is the line (1-based)."""
        records = csv.reader(
            io.StringIO(self._text(), newline=""),
            delimiter=self.entries["separator"],
            skipinitialspace=True,
            strict=True,
        )
        try:
            header = next(records, [])
            wanted = self._check_header(header)
            positions = [header.index(column) for column in wanted]
            rows = {line: [record[p] for p in positions] for line, record in self._rows(records, header)}
        except csv.Error as error:
            self._fail(str(error), records.line_num)
        if not rows:
            self._fail("no rows")
        return pd.DataFrame(list(rows.values()), columns=wanted, index=pd.Index(rows, name="line"), dtype="str")

    def _text(self) -> str:
        """The file's content; an error if it is no text, or its last line has no end."""
        content = self.file.read_bytes()
        if not content.strip():
            self._fail("the file is empty")
        if b"\0" in content:
            self._fail("a NUL byte: the file is not UTF-8 text", content.count(b"\n", 0, content.index(b"\0")) + 1)
        try:
            text = content.decode("utf-8-sig")  # the mark with which some programs start UTF-8 says nothing
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self._fail(f"byte {content[error.start]:#04x} is not UTF-8", line)
        if not text.endswith("\n"):
            self._fail("the last line has no end: the file is cut short", text.count("\n") + 1)
        return text

    def _check_header(self, header: list[str]) -> list[str]:
        """The columns that are used; what the description names must be there."""
        label, apart = self.entries["label"]["column"], [*self.entries["ignore"], *filter(None, [self._id])]
        if len(header) < 2:
            self._fail(f"no header with columns separated by {self.entries['separator']!r}", 1)
        for name in apart:
            if name not in header:
                self._fail(f"column {name!r} is missing", 1)
        wanted = [name for name in header if name not in apart]
        keys = ("sensitive", "immutable", "continuous", "categorical", "levels")
        for key, columns in {"label.column": [label], **{key: self.entries[key] for key in keys}}.items():
            for column in columns:
                if column not in wanted:
                    # Not what is there: without a header that would be somebody's record.
                    self._refuse(key, f"{column!r} is not a column of the file{did_you_mean(column, wanted)}")
        for name, times in Counter(header).items():
            if times > 1:
                self._fail(f"column {name!r} is repeated", 1)
        if "" in wanted:
            self._fail(f"column {header.index('') + 1} has no name", 1)
        for column in sorted(RESERVED.intersection(wanted) - {label}):
            self._fail("a feature cannot have this name; rename it, or list it under `ignore`", 1, column)
        return wanted

    def _rows(self, records: Any, header: list[str]) -> Iterator[tuple[int, list[str]]]:
        """The line on which each record ends, and its cells."""
        key = None if self._id is None else header.index(self._id)
        seen: dict[str, int] = {}
        for record in filter(None, records):  # an empty line is no record
            line = records.line_num
            if len(record) != len(header):
                columns = f"{len(header)} columns separated by {self.entries['separator']!r}"
                self._fail(f"{columns} expected, {len(record)} found", line)
            if key is not None:  # which it is may be personal and is not shown
                first = seen.setdefault(record[key], line)
                if first != line:
                    self._fail(f"the same as on line {first}: a repeated record", line, self._id)
            yield line, record

    def complete_rows(self, texts: pd.DataFrame) -> pd.DataFrame:
        """The rows without a missing value, if those with one are to be dropped."""
        dropped = self.entries["drop_rows_with"]
        texts = texts[~texts.isin(dropped).any(axis=1)]
        if texts.empty:
            self._fail(f"no rows are left without {_some(dropped)}")
        for column, cells in texts.items():
            missing = cells.isin(set(MISSING) - set(self._listed(column)))
            if missing.any():
                key = f"drop_rows_with: [{cells[missing].iloc[0]!r}]"
                self._fail_cell(cells, missing, f"a value: fill it in, or drop such rows with `{key}`")
        return texts

    def label(self, texts: pd.DataFrame) -> pd.Series:
        """1 = favourable; called as its column."""
        column, favourable = self.entries["label"]["column"], str(self.entries["label"]["favourable"])
        values = list(texts[column].value_counts().index[:2])
        if len(values) < 2:
            self._fail(f"a label has two values, this one has {values[0]!r} only", column=column)
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
        """The two groups; the minority is the smaller one in the file if the description names none."""
        entry, key = self.entries["sensitive"][feature.name], f"sensitive.{feature.name}"
        derive, levels = None, feature.levels
        if "above" in entry:
            derive, levels = _division(feature.name, entry["above"])
        elif feature.kind == "continuous":
            self._refuse(key, "a column of numbers; divide it with `above`: a number, or median")
        elif feature.kind == "categorical":
            self._refuse(key, f"two groups are compared, these are {_some(levels)}; merge them in the file")
        counts = (derive(frame) if derive else frame[feature.name]).value_counts()
        minority = str(entry.get("minority", min(reversed(levels), key=lambda level: counts.get(level, 0))))
        if minority not in levels:
            self._refuse(f"{key}.minority", f"{minority!r} is not a group; the groups are: {_some(levels)}")
        return Sensitive(feature.name, levels, minority, derive)

    @property
    def _id(self) -> str | None:
        return self.entries.get("id")

    def _listed(self, column: str) -> list[str]:
        return [str(level) for level in self.entries["levels"].get(column, [])]

    def _fail(self, what: str, line: int | None = None, column: str | None = None) -> NoReturn:
        fail(self.file, self.remedy, what, f"line {line}" if line else "", column)

    def _fail_cell(self, cells: pd.Series, bad: pd.Series, what: str) -> None:
        fail_cell(self.file, self.remedy, cells, bad, what)

    def _refuse(self, key: str, what: str) -> NoReturn:
        raise ConfigError(f"{self.path}: {key}: {what}")


def _division(column: str, above: float | str) -> tuple[Callable[[pd.DataFrame], pd.Series], tuple[str, str]]:
    """How rows are divided by a number, or by their median, into those up to it and those strictly above."""
    border = "the median" if above == "median" else str(above)
    levels = f"up to {border}", f"above {border}"

    def derive(rows: pd.DataFrame) -> pd.Series:
        values = rows[column]
        return (values > (values.median() if above == "median" else above)).map({False: levels[0], True: levels[1]})

    return derive, levels


def _some(values: Iterable[str]) -> str:
    """Values for messages; only how many if they are many, for they may be names."""
    values = list(values)
    return ", ".join(map(repr, values)) if len(values) <= 10 else f"{len(values)} values"
