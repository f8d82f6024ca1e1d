"""A data set that is a CSV file of the user's own and a description of it: see docs/adding_a_dataset.md."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import ConfigError
from ..population import RESERVED
from .dataset import Dataset, Feature, Sensitive
from .reading import Failing, Readable, fail, fail_cell, number, prepared, read_texts

#: texts that are taken for a missing value, unless they are listed as a level
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "?")
MOST_LEVELS = 50  # a column with more is a name, an id or free text, unless it is said to be categorical


def load(path: str, description: Mapping[str, Any], file: Readable) -> Dataset:
    """The data set that is in `file`, as the `description` at `path` says; `settings.read_description` gives it.

    What each column is, is found in the file; `read` gives the frame in which it was found.

    Raises DataError naming line and column if the file is not as described, and ConfigError naming the key if
    the description names a column or a value that the file does not have.
    """
    remedy = f"correct the file, or what {path} says of it, and run again"
    described = _Description(path, description, partial(fail, file, remedy))
    texts = read_texts(
        file, description["ignore"], remedy, separator=description["separator"], identifier=description.get("id")
    )
    described.check_columns(texts)
    texts = described.complete_rows(texts)
    label = described.label(texts)
    columns = [described.feature(texts[column]) for column in texts.columns.drop(label.name)]
    features = {feature.name: feature for feature, _ in columns}
    frame = pd.DataFrame({feature.name: values for feature, values in columns} | {"label": label})
    frame = prepared(frame, list(features.values()), file, remedy)
    return Dataset(
        name=Path(path).stem,
        title=description.get("title", path),
        licence=description.get("licence", "not stated"),
        citation=description.get("citation", "not stated"),
        features=tuple(features.values()),
        sensitive={name: described.sensitive(features[name], frame) for name in description["sensitive"]},
        read=lambda _: frame,
    )


@dataclass(frozen=True)
class _Description:
    """A description, where it is, and what raises DataError about the file that it describes."""

    path: str
    entries: Mapping[str, Any]
    failing: Failing

    def check_columns(self, texts: pd.DataFrame) -> None:
        """The columns that the description names are there, and no feature is called as something else."""
        label = self.entries["label"]["column"]
        keys = ("sensitive", "immutable", "continuous", "categorical", "levels")
        for key, columns in {"label.column": [label], **{key: self.entries[key] for key in keys}}.items():
            for column in columns:
                if column not in texts:
                    # Not what is there: without a header that would be somebody's record.
                    close = difflib.get_close_matches(column, list(texts), n=1)
                    hint = f"; did you mean {close[0]!r}?" if close else ""
                    self._refuse(key, f"{column!r} is not a column of the file{hint}")
        for column in sorted(RESERVED.intersection(texts.columns) - {label}):
            self.failing("a feature cannot have this name; rename it, or list it under `ignore`", 1, column)

    def complete_rows(self, texts: pd.DataFrame) -> pd.DataFrame:
        """The rows without a missing value, if those with one are to be dropped."""
        dropped = self.entries["drop_rows_with"]
        texts = texts[~texts.isin(dropped).any(axis=1)]
        if texts.empty:
            self.failing(f"no rows are left without {_some(dropped)}")
        for column, cells in texts.items():
            missing = cells.isin(set(MISSING) - set(self._listed(column)))
            if missing.any():
                key = f"drop_rows_with: [{cells[missing].iloc[0]!r}]"
                fail_cell(self.failing, cells, missing, f"a value: fill it in, or drop such rows with `{key}`")
        return texts

    def label(self, texts: pd.DataFrame) -> pd.Series:
        """1 = favourable; called as its column."""
        column, favourable = self.entries["label"]["column"], str(self.entries["label"]["favourable"])
        values = list(texts[column].value_counts().index[:2])
        if len(values) < 2:
            self.failing(f"a label has two values, this one has {values[0]!r} only", column=column)
        other = ~texts[column].isin(values)
        if other.any():
            fail_cell(self.failing, texts[column], other, f"one of {_some(values)}; a label has two values")
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
            if numbers.isna().any():
                what = "a finite number; if the column does not hold numbers, list it under `categorical`"
                fail_cell(self.failing, cells, numbers.isna(), what)
            return Feature(name, "continuous", immutable=immutable), numbers
        if not discrete and len(levels) > MOST_LEVELS:
            many = f"{len(levels)} different texts, as of names; list it under `ignore`, or else under `categorical`"
            self.failing(many, column=name)
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

    def _listed(self, column: str) -> list[str]:
        return [str(level) for level in self.entries["levels"].get(column, [])]

    def _refuse(self, key: str, what: str) -> None:
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
