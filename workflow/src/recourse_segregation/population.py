"""The table of individuals that every later stage works on: drawn, split, encoded and scaled.

The draws follow the release (one `numpy.random.RandomState(seed)` for sampling and splitting), so that
the measures before recourse can be compared with the published ones digit by digit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from .data.dataset import Dataset, Feature, merged
from .errors import ConfigError, DataError

#: names of columns beside the features in tables of individuals (see `contracts`)
RESERVED = {
    *("population", "seed", "individual", "split", "label", "group", "scenario"),
    *("classifier", "method", "found", "reason", "status", "accepted"),
    *("fitted_on", "radius", "radius_error", "bandwidth"),
}


@dataclass(frozen=True)
class Encoding:
    """What the columns of a population mean. Masks and indices refer to `columns` (d of them)."""

    population: str
    features: tuple[Feature, ...]
    sensitive: str
    groups: tuple[str, str]
    minority: str

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return tuple(c for f in self.features for c in f.columns)

    @cached_property
    def mutable(self) -> np.ndarray:
        """bool [d]: may recourse move this column?"""
        return np.array([not f.immutable for f in self.features for _ in f.columns])

    @cached_property
    def mutable_columns(self) -> tuple[str, ...]:
        return tuple(np.array(self.columns, dtype=object)[self.mutable])

    @cached_property
    def sensitive_index(self) -> int:
        """Index of the sensitive attribute among the columns."""
        return self.columns.index(self.sensitive)

    def indices(self, kind: str) -> list[list[int]]:
        """Column indices of each *mutable* feature of a kind."""
        return [[self.columns.index(c) for c in f.columns] for f in self.features if f.kind == kind and not f.immutable]

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Encoding:
        raw = json.loads(text)
        raw["features"] = tuple(
            Feature(**{k: tuple(v) if isinstance(v, list) else v for k, v in f.items()}) for f in raw["features"]
        )
        raw["groups"] = tuple(raw["groups"])
        return cls(**raw)


@dataclass(frozen=True)
class Population:
    """The individuals of one population and seed; rows are in the order of the split, train first."""

    encoding: Encoding
    table: pd.DataFrame

    @property
    def name(self) -> str:
        return self.encoding.population

    @cached_property
    def seed(self) -> int:
        return int(self.table["seed"].iloc[0])

    @cached_property
    def features(self) -> np.ndarray:
        """float64 [n, d], every column in [0, 1]."""
        return self.table[list(self.encoding.columns)].to_numpy(np.float64)

    @cached_property
    def labels(self) -> np.ndarray:
        """int64 [n], 1 = favourable."""
        return self.table["label"].to_numpy(np.int64)

    @cached_property
    def minority(self) -> np.ndarray:
        """bool [n]"""
        return (self.table["group"] == self.encoding.minority).to_numpy()

    @cached_property
    def train(self) -> np.ndarray:
        """bool [n]"""
        return (self.table["split"] == "train").to_numpy()

    def training_part(self) -> Population:
        """The training individuals only: the people that recourse is given to and that are measured."""
        return Population(self.encoding, self.table[self.train].reset_index(drop=True))


def prepare(
    name: str,
    dataset: Dataset,
    sensitive: str,
    seed: int,
    rows: int,
    test_share: float,
    frame: pd.DataFrame | None = None,
    groups: Mapping[str, Any] | None = None,
    draws: int | None = None,
) -> Population:
    """Draw, split, encode and scale the population `name` for one seed.

    rows: the most individuals to use; more are sampled down. test_share: the share of them in the test part.
    frame: the prepared frame (`dataset.read(...)`); None for a made-up data set, which is drawn here.
    groups: `minority` and `majority` -> levels of the sensitive attribute. Whoever has another one is left out before
    anybody is drawn.
    draws: how many different draws of people there are: of 5, seed 7 has the people and the split of seed 2; by
    default every seed has its own.

    Raises ConfigError for an unknown sensitive attribute or unclear groups, and DataError when a feature is constant or
    a group is absent among the rows used.
    """
    # Here, because importing it takes a second, and every stage imports this module.
    from sklearn.model_selection import train_test_split

    if sensitive not in dataset.sensitive:
        raise ConfigError(
            f"populations.{name}.sensitive: {sensitive!r} is not a sensitive attribute of {dataset.name}; "
            f"it has: {', '.join(sorted(dataset.sensitive))}"
        )
    attribute = dataset.sensitive[sensitive]
    random_state = np.random.RandomState(seed % draws if draws else seed)
    if dataset.draw is not None:
        frame = dataset.draw(random_state).sample(frac=1, random_state=random_state)
    if groups is not None:
        attribute, listed = merged(attribute, groups, f"populations.{name}.groups")
        frame = frame[frame[attribute.feature].astype(str).isin(listed)]
    if len(attribute.levels) > 2:
        raise ConfigError(
            f"populations.{name}: two groups are compared, and {sensitive!r} has {len(attribute.levels)} levels; say "
            "which of them make up each group: groups: {minority: [...], majority: [...]}"
        )
    if dataset.draw is None and len(frame) > rows:
        frame = frame.sample(rows, random_state=random_state)
    if attribute.derive is not None:
        frame = frame.assign(**{attribute.feature: attribute.derive(frame)})

    where = f"population {name}, seed {seed}"
    features = tuple(
        Feature(f.name, "binary", attribute.levels, immutable=True) if f.name == attribute.feature else f
        for f in dataset.features
    )
    encoding = Encoding(name, features, attribute.feature, attribute.levels, attribute.minority)
    taken = [name for name in encoding.columns if name in RESERVED or encoding.columns.count(name) > 1]
    if taken:  # by a level too: `a=b` is a name, and the level b of a
        raise DataError(f"{where}: a feature may not be called {taken[0]!r}, which names another column; rename it")
    encoded = _encode(frame, encoding, scale=not dataset.scaled, where=where)
    identity = pd.DataFrame(
        {
            "population": name,
            "seed": seed,
            "individual": frame.index.to_numpy(np.int64),
            "split": "train",
            "label": frame["label"].to_numpy(np.int64),
            "group": frame[attribute.feature].astype(str).to_numpy(),
        }
    )
    table = pd.concat([identity, encoded], axis=1)
    train, test = train_test_split(np.arange(len(table)), test_size=test_share, random_state=random_state)
    table.loc[test, "split"] = "test"
    table = table.iloc[np.concatenate([train, test])].reset_index(drop=True)
    for split, part in table.groupby("split"):
        absent = set(attribute.levels) - set(part["group"])
        if absent:
            raise DataError(f"{where}: nobody of group {sorted(absent)[0]!r} in the {split} data; use more rows")
        if part["label"].nunique() < 2:
            raise DataError(f"{where}: all labels of the {split} data are {part['label'].iloc[0]}; use more rows")
    return Population(encoding, table)


def overlap(people: pd.DataFrame, drawn: bool) -> float:
    """The share of the training people of a seed that another seed has as well: the mean over pairs of seeds.

    people: `population` tables of several seeds. drawn: is the data set made up anew for a seed? Then its rows have the
    same numbers for other people, who are known by their features. NaN for one seed.
    """
    train = people[people["split"] == "train"]
    known_by = train.columns.drop(["seed", "individual", "split"]) if drawn else ["individual"]
    seeds = [set(part[known_by].itertuples(index=False, name=None)) for _, part in train.groupby("seed")]
    shares = [2 * len(one & other) / (len(one) + len(other)) for one, other in combinations(seeds, 2)]
    return float(np.mean(shares)) if shares else np.nan


def _encode(frame: pd.DataFrame, encoding: Encoding, scale: bool, where: str) -> pd.DataFrame:
    columns = {}
    for feature in encoding.features:
        values = frame[feature.name]
        if feature.kind == "continuous":
            numbers = values.to_numpy(np.float64)
            low, high = numbers.min(), numbers.max()
            if low == high:
                raise DataError(f"{where}: feature {feature.name!r} is constant ({low:g}) among the rows used")
            columns[feature.name] = (numbers - low) / (high - low) if scale else numbers
            continue
        unknown = set(values.astype(str)) - set(feature.levels)
        if unknown:
            raise DataError(
                f"{where}: feature {feature.name!r} has the undeclared level {sorted(unknown)[0]!r}; "
                f"declared: {', '.join(feature.levels)}"
            )
        levels = feature.levels[1:] if feature.kind == "binary" else feature.levels
        for column, level in zip(feature.columns, levels, strict=True):
            columns[column] = (values.astype(str) == level).to_numpy(np.float64)
    return pd.DataFrame(columns)
