"""What a data set is: where its raw files come from, how they are read, and what its columns mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..checking import known
from ..errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class RawFile:
    """One file as its publisher serves it.

    `urls` lists the canonical address first, then mirrors pinned to a commit whose bytes are the same.
    `sha256` is the digest of the file itself. An address that ends in `.zip` is an archive that holds it as `name`.
    """

    name: str
    sha256: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Feature:
    """One column of the prepared frame.

    kind: `continuous` (numbers, min-max scaled later), `binary` (two levels, becomes one 0/1 column
    that is 1 for `levels[1]`) or `categorical` (more levels, becomes one-hot in the order of `levels`).
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    immutable: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns in the table of individuals."""
        return tuple(f"{self.name}={level}" for level in self.levels) if self.kind == "categorical" else (self.name,)


@dataclass(frozen=True)
class Sensitive:
    """A sensitive attribute: the feature that defines the two groups.

    `feature` replaces the column of the same name in the data set's features (it is always immutable).
    `levels` names the groups, `minority` is the one of them that the segregation indices follow. An attribute with more
    than two levels has no minority: a population says of which of them its two groups are (see `merged`).
    `derive` computes the column of level names from the frame of the rows used (default: the column as it is).
    """

    feature: str
    levels: tuple[str, ...]
    minority: str
    derive: Callable[[pd.DataFrame], pd.Series] | None = None


def merged(attribute: Sensitive, groups: Mapping[str, Sequence[str | int]], key: str) -> tuple[Sensitive, list[str]]:
    """The attribute with two groups, each of some of its levels, and these levels; who has another is in neither.

    groups: `minority` and `majority` -> levels. key: where they stand in the configuration.

    Raises ConfigError for a level that the attribute does not have, or that is in both groups.
    """
    wanted = {group: [str(level) for level in levels] for group, levels in groups.items()}
    if attribute.derive is not None:
        raise ConfigError(f"{key}: {attribute.feature!r} is divided into two groups already; leave this out")
    for group, levels in wanted.items():
        for problem in known(levels, attribute.levels, f"{key}.{group}", f"level of {attribute.feature!r}"):
            raise ConfigError(problem)
    for level in wanted["minority"]:
        if level in wanted["majority"]:
            raise ConfigError(f"{key}: {level!r} is in both groups; take it out of one")
    named = {level: " or ".join(levels) for levels in wanted.values() for level in levels}
    minority, majority = (named[wanted[group][0]] for group in ("minority", "majority"))
    two = Sensitive(
        attribute.feature, (majority, minority), minority, lambda rows: rows[attribute.feature].astype(str).map(named)
    )
    return two, list(named)


def divided(column: str, above: float | str, minority: str) -> Sensitive:
    """Those strictly above a number, or above the `median` of the rows used, and those up to it."""
    border = "the median" if above == "median" else str(above)
    levels = f"up to {border}", f"above {border}"

    def derive(rows: pd.DataFrame) -> pd.Series:
        values = rows[column]
        return (values > (values.median() if above == "median" else above)).map({False: levels[0], True: levels[1]})

    return Sensitive(column, levels, minority, derive)


@dataclass(frozen=True)
class Dataset:
    """A public data set.

    `read(folder)` turns the raw files in `folder` into the prepared frame: rows in file order, a column
    `label` (1 = favourable, 0 = not) and one column per feature in natural units or level names, no missing
    values. It raises `DataError` naming file, line and column otherwise.

    A made-up data set has `draw(random_state)` in place of `read` and files; the frame that it returns is
    shuffled and split with the same stream. `scaled` says that its continuous features are in [0, 1] already.
    """

    name: str
    title: str
    licence: str
    citation: str
    features: tuple[Feature, ...]
    sensitive: dict[str, Sensitive] = field(default_factory=dict)
    files: tuple[RawFile, ...] = ()
    read: Callable[[Path], pd.DataFrame] | None = None
    draw: Callable[[np.random.RandomState], pd.DataFrame] | None = None
    scaled: bool = False
