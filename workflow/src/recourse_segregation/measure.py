"""Every metric, before and after recourse, on three scopes, as one tidy table.

Scopes: `everyone` (the training population), `recipients` (those who implemented a recourse) and `accepted`
(those whom the classifier accepts, before and after). Neighbourhoods and the radius of centralization are
fitted once, on everyone before, and serve every scope, method and phase.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from math import isfinite
from numbers import Real

import numpy as np
import pandas as pd

from .errors import MetricError
from .metrics import Estimate, Undefined, segregation
from .metrics import recourse as quality
from .metrics.pairwise import as_groups
from .metrics.segregation import Neighbourhoods
from .population import Encoding, Population
from .seeds import numpy_generator

ATKINSON_B, YNN_K = 0.5, 5
SCOPES = ("everyone", "recipients", "accepted")


def fit_neighbourhoods(
    population: Population, accepted: np.ndarray, k: int, radius_quantile: float
) -> dict[str, Neighbourhoods]:
    """The neighbourhoods of everyone before, and of the accepted only (the release's synthetic "before").

    population: the training part; accepted: bool [n].
    """
    features, minority = _mutable(population.table, population), population.minority
    found = {"everyone": segregation.neighbourhoods(features, minority, k, radius_quantile)}
    if accepted.sum() >= k and minority[accepted].any():
        found["accepted"] = segregation.neighbourhoods(features[accepted], minority[accepted], k, radius_quantile)
    return found


def before(population: Population, accepted: np.ndarray, neighbourhoods: Mapping[str, Neighbourhoods]) -> pd.DataFrame:
    """Segregation before recourse of everyone and of the accepted: columns scope, metric, value, n, note."""
    features, minority = _mutable(population.table, population), population.minority
    everyone = np.ones(len(features), dtype=bool)
    rows = []
    for scope, members in (("everyone", everyone), ("accepted", accepted)):
        rows += _segregation(scope, features[members], minority[members], neighbourhoods["everyone"])
    rows.append(_atkinson_released(features, minority, neighbourhoods.get("accepted")))
    return _table(rows)


def after(
    population: Population,
    accepted: np.ndarray,
    recourse: pd.DataFrame,
    implemented: pd.DataFrame,
    before: pd.DataFrame,
    neighbourhoods: Mapping[str, Neighbourhoods],
) -> pd.DataFrame:
    """All measures of one cell: columns phase, scope, metric, value, n, note.

    population: the training part. accepted: bool [n], before. recourse: the cell's recourse. implemented: the
    `after` table. before: what `before` returned, repeated here so that each method's rows stand alone.
    """
    home = neighbourhoods["everyone"]
    features = _mutable(implemented, population)
    moved = (implemented["status"] == "moved").to_numpy()
    origin = pd.Series(np.arange(len(population.table)), index=population.table["individual"])
    factual = _mutable(population.table, population)
    place = origin[implemented["individual"]].to_numpy()
    came_from, minority = factual[place], population.minority[place]

    rows = _segregation("everyone", features, minority, home)
    rows.append(_atkinson_released(features, minority, home))
    rows += _segregation("recipients", features[moved], minority[moved], home)
    now = implemented["accepted"].to_numpy()
    rows += _segregation("accepted", features[now], minority[now], home)
    rows += _quality(population, accepted, recourse, origin[recourse["individual"]].to_numpy())
    recipients_before = _table(_segregation("recipients", came_from[moved], minority[moved], home))
    return pd.concat(
        [
            before[["phase", "scope", "metric", "value", "n", "note"]],
            recipients_before.assign(phase="before"),
            _table(rows).assign(phase="after"),
        ],
        ignore_index=True,
    )[["phase", "scope", "metric", "value", "n", "note"]]


def grouped(population: Population, groups: str) -> Population:
    """The people with their `own` group labels, or with these `shuffled` among them: the placebo."""
    if groups == "own":
        return population
    labels = numpy_generator(population.seed, "placebo").permutation(population.table["group"].to_numpy())
    return Population(population.encoding, population.table.assign(group=labels))


def in_cell(measures: pd.DataFrame, cell: Mapping[str, object]) -> pd.DataFrame:
    """Measures with the columns that name their cell in front: a `measures` table (see `contracts`)."""
    return measures.assign(**cell)[[*cell, "phase", "scope", "metric", "value", "n", "note"]]


def neighbourhood_table(
    neighbourhoods: Mapping[str, Neighbourhoods], seed: int, scenario: str, encoding: Encoding
) -> pd.DataFrame:
    """Neighbourhoods as a table (see `contracts`): one row per centre."""
    tables = []
    for fitted_on, home in neighbourhoods.items():
        centres = pd.DataFrame(home.centres, columns=list(encoding.mutable_columns))
        error = home.radius.error if isinstance(home.radius, Estimate) else 0.0
        identity = {
            "seed": seed,
            "scenario": scenario,
            "fitted_on": fitted_on,
            "radius": float(home.radius),
            "radius_error": error,
        }
        tables.append(pd.concat([pd.DataFrame(identity, index=centres.index), centres], axis=1))
    return pd.concat(tables)


def neighbourhoods_from(table: pd.DataFrame, encoding: Encoding) -> dict[str, Neighbourhoods]:
    """The inverse of `neighbourhood_table`, for the rows of one seed and scenario."""
    columns = list(encoding.mutable_columns)
    return {
        str(fitted_on): Neighbourhoods(part[columns].to_numpy(np.float64), float(part["radius"].iloc[0]))
        for fitted_on, part in table.groupby("fitted_on", sort=False)
    }


def _mutable(table: pd.DataFrame, population: Population) -> np.ndarray:
    return table[list(population.encoding.mutable_columns)].to_numpy(np.float64)


class _Given:
    """The people of a scope, with what indices ask for (`indices.GIVEN`); each is computed when the first asks for it.

    Raises Undefined if a group is empty.
    """

    def __init__(self, features: np.ndarray, minority: np.ndarray, home: Neighbourhoods):
        self.features, self.minority = features, as_groups(minority, len(features))
        self.centres, self.radius, self.b = home.centres, home.radius, ATKINSON_B

    @cached_property
    def areas(self) -> np.ndarray:
        return segregation.assign(self.centres, self.features)

    @cached_property
    def own(self) -> np.ndarray:
        return segregation.among_their_own(self.features, self.minority, self.radius)

    @cached_property
    def sums(self) -> segregation.ProximitySums:
        return segregation.proximity_sums(self.features, self.minority)


def _segregation(scope: str, features: np.ndarray, minority: np.ndarray, home: Neighbourhoods) -> list[tuple]:
    try:
        given = _Given(features, minority, home)
    except Undefined as error:
        return [(scope, name, np.nan, len(features), str(error)) for name in segregation.INDICES]
    return [_row(scope, name, len(features), partial(index, given)) for name, index in segregation.INDICES.items()]


def _atkinson_released(features: np.ndarray, minority: np.ndarray, home: Neighbourhoods | None) -> tuple:
    """The release's synthetic convention: neighbourhoods of the accepted before, those of everyone after."""
    if home is None:
        return (
            "everyone",
            "atkinson_released",
            np.nan,
            len(features),
            "too few accepted for the neighbourhoods",
        )
    areas = segregation.assign(home.centres, features)
    return _row(
        "everyone", "atkinson_released", len(features), lambda: segregation.atkinson(areas, minority, ATKINSON_B)
    )


def _quality(population: Population, accepted: np.ndarray, recourse: pd.DataFrame, place: np.ndarray) -> list[tuple]:
    """Quality of the recourse of everyone who has one, whether or not they take it up; place: their rows [n]."""
    people = _mutable(population.table, population)
    found = recourse["found"].to_numpy()
    minority = population.minority[place]
    target = _mutable(recourse, population)[found]
    origin = people[place[found]]
    refused = (recourse["reason"] == "not accepted").to_numpy()
    favourable = people[population.labels == 1]
    n = int(found.sum())
    return [
        _row("recipients", "found", len(found), lambda: quality.found_rate(found)),
        _row("recipients", "invalidation", len(found), lambda: quality.invalidation(~refused)),
        _row("recipients", "cost", n, lambda: quality.cost(origin, target)),
        _row("recipients", "cost_gap", n, lambda: quality.cost_gap(origin, target, minority[found])),
        _row("recipients", "ynn", n, lambda: quality.ynn(target, people, accepted, YNN_K)),
        _row("recipients", "diversity", n, lambda: quality.diversity(target)),
        _row("recipients", "closeness", n, lambda: quality.closeness(target, favourable)),
    ]


def _row(scope: str, name: str, n: int, metric: Callable[[], float]) -> tuple:
    """(scope, metric, value, n, note); a metric that is not defined here has no value and says why.

    An estimate says so in its note, with its standard error. Raises MetricError for a value that is no finite number.
    """
    try:
        value = metric()
    except Undefined as error:
        return (scope, name, np.nan, n, str(error))
    if not isinstance(value, Real) or not isfinite(value):
        raise MetricError(
            f"the metric {name!r} of {scope} ({n} individuals) is {value!r}; it must be a finite number, or raise "
            "Undefined with the reason why there is none"
        )
    return (scope, name, float(value), n, value.note if isinstance(value, Estimate) else "")


def _table(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["scope", "metric", "value", "n", "note"])
