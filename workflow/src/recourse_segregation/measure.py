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
from typing import Any

import numpy as np
import pandas as pd

from .errors import MetricError
from .metrics import Estimate, Undefined, segregation
from .metrics import recourse as quality
from .metrics.pairwise import as_groups
from .metrics.segregation import Neighbourhoods
from .population import Encoding, Population
from .seeds import numpy_generator

SCOPES = ("everyone", "recipients", "accepted")
_COLUMNS = ["phase", "scope", "metric", "value", "n", "note"]


def fit_neighbourhoods(
    population: Population, accepted: np.ndarray, settings: Mapping[str, Any]
) -> dict[str, Neighbourhoods]:
    """The neighbourhoods of everyone before, and of the accepted only (the release's synthetic "before").

    population: the training part. accepted: bool [n]. settings: `measure` of the configuration.
    """
    features, minority = _mutable(population), population.minority
    k, quantile = settings["neighbourhoods"], settings["radius_quantile"]
    found = {"everyone": segregation.neighbourhoods(features, minority, k, quantile)}
    if accepted.sum() >= k and minority[accepted].any():
        found["accepted"] = segregation.neighbourhoods(features[accepted], minority[accepted], k, quantile)
    return found


def before(
    population: Population,
    accepted: np.ndarray,
    neighbourhoods: Mapping[str, Neighbourhoods],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Segregation before recourse of everyone and of the accepted: columns phase, scope, metric, value, n, note."""
    features, minority, fitted = _mutable(population), population.minority, neighbourhoods["everyone"]
    rows = [
        *_segregation("everyone", features, minority, fitted, settings),
        *_segregation("accepted", features[accepted], minority[accepted], fitted, settings),
        _atkinson_released(features, minority, neighbourhoods.get("accepted"), settings),
    ]
    return _table("before", rows)


def after(
    population: Population,
    accepted: np.ndarray,
    recourse: pd.DataFrame,
    implemented: Population,
    neighbourhoods: Mapping[str, Neighbourhoods],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """What one method's recourse did: columns phase, scope, metric, value, n, note.

    The recipients are measured before as well: who they are differs between methods.

    population: the training part, with the groups to measure. accepted: bool [n], before. recourse: that of the cell.
    implemented: what `simulation.implement` returned. settings: `measure` of the configuration.
    """
    fitted = neighbourhoods["everyone"]
    place = pd.Series(np.arange(len(population.table)), index=population.table["individual"])
    people = place[implemented.table["individual"]].to_numpy()
    minority, features, came_from = population.minority[people], _mutable(implemented), _mutable(population)[people]
    moved = (implemented.table["status"] == "moved").to_numpy()
    now = implemented.table["accepted"].to_numpy()
    rows = [
        *_segregation("everyone", features, minority, fitted, settings),
        _atkinson_released(features, minority, fitted, settings),
        *_segregation("recipients", features[moved], minority[moved], fitted, settings),
        *_segregation("accepted", features[now], minority[now], fitted, settings),
        *_quality(population, accepted, recourse, place[recourse["individual"]].to_numpy(), settings),
    ]
    recipients_before = _segregation("recipients", came_from[moved], minority[moved], fitted, settings)
    return pd.concat([_table("before", recipients_before), _table("after", rows)], ignore_index=True)


def grouped(population: Population, groups: str) -> Population:
    """The people with their `own` group labels, or with these `shuffled` among them: the placebo."""
    if groups == "own":
        return population
    labels = numpy_generator(population.seed, "placebo").permutation(population.table["group"].to_numpy())
    return Population(population.encoding, population.table.assign(group=labels))


def neighbourhood_table(
    neighbourhoods: Mapping[str, Neighbourhoods], seed: int, scenario: str, encoding: Encoding
) -> pd.DataFrame:
    """Neighbourhoods as a table (see `contracts`): one row per centre."""
    tables = [
        pd.DataFrame(fitted.centres, columns=list(encoding.mutable_columns)).assign(
            fitted_on=fitted_on, radius=float(fitted.radius), radius_error=getattr(fitted.radius, "error", 0.0)
        )
        for fitted_on, fitted in neighbourhoods.items()
    ]
    return pd.concat(tables).assign(seed=seed, scenario=scenario)


def neighbourhoods_from(table: pd.DataFrame, encoding: Encoding) -> dict[str, Neighbourhoods]:
    """The inverse of `neighbourhood_table`, for the rows of one seed and scenario."""
    columns = list(encoding.mutable_columns)
    return {
        fitted_on: Neighbourhoods(part[columns].to_numpy(np.float64), float(part["radius"].iloc[0]))
        for fitted_on, part in table.groupby("fitted_on", sort=False)
    }


def _mutable(people: Population) -> np.ndarray:
    """float64 [n, m]: the features that recourse may move."""
    return people.table[list(people.encoding.mutable_columns)].to_numpy(np.float64)


class _Given:
    """The people of a scope, with what indices ask for (`indices.GIVEN`); each is computed when the first asks for it.

    Raises Undefined if a group is empty.
    """

    def __init__(self, features: np.ndarray, minority: np.ndarray, fitted: Neighbourhoods, settings: Mapping[str, Any]):
        self.features, self.minority = features, as_groups(minority, len(features))
        self.centres, self.radius, self.b = fitted.centres, fitted.radius, settings["atkinson_b"]

    areas = cached_property(lambda given: segregation.assign(given.centres, given.features))
    own = cached_property(lambda given: segregation.among_their_own(given.features, given.minority, given.radius))
    sums = cached_property(lambda given: segregation.proximity_sums(given.features, given.minority))


def _segregation(
    scope: str, features: np.ndarray, minority: np.ndarray, fitted: Neighbourhoods, settings: Mapping[str, Any]
) -> list[tuple]:
    try:
        given = _Given(features, minority, fitted, settings)
    except Undefined as error:
        return [(scope, name, np.nan, len(features), str(error)) for name in segregation.INDICES]
    return [_row(scope, name, len(features), partial(index, given)) for name, index in segregation.INDICES.items()]


def _atkinson_released(
    features: np.ndarray, minority: np.ndarray, fitted: Neighbourhoods | None, settings: Mapping[str, Any]
) -> tuple:
    """The release's synthetic convention: neighbourhoods of the accepted before, those of everyone after."""

    def released() -> float:
        if fitted is None:
            raise Undefined("too few accepted for the neighbourhoods")
        return segregation.atkinson(segregation.assign(fitted.centres, features), minority, settings["atkinson_b"])

    return _row("everyone", "atkinson_released", len(features), released)


def _quality(
    population: Population, accepted: np.ndarray, recourse: pd.DataFrame, place: np.ndarray, settings: Mapping[str, Any]
) -> list[tuple]:
    """Quality of the recourse of everyone who has one, whether or not they take it up; place: their rows [n]."""
    people, columns = _mutable(population), list(population.encoding.mutable_columns)
    found = recourse["found"].to_numpy()
    target, origin = recourse.loc[found, columns].to_numpy(np.float64), people[place[found]]
    minority = population.minority[place[found]]
    valid = (recourse["reason"] != "not accepted").to_numpy()
    favourable = people[population.labels == 1]
    shares = {"found": lambda: quality.found_rate(found), "invalidation": lambda: quality.invalidation(valid)}
    means = {
        "cost": lambda: quality.cost(origin, target),
        "cost_gap": lambda: quality.cost_gap(origin, target, minority),
        "ynn": lambda: quality.ynn(target, people, accepted, settings["ynn_k"]),
        "diversity": lambda: quality.diversity(target),
        "closeness": lambda: quality.closeness(target, favourable),
    }
    rows = [_row("recipients", name, len(found), metric) for name, metric in shares.items()]
    return rows + [_row("recipients", name, len(target), metric) for name, metric in means.items()]


def _row(scope: str, name: str, n: int, metric: Callable[[], float]) -> tuple:
    """(scope, metric, value, n, note); a metric that is not defined here has no value and says why.

    An estimate says so in its note, with its standard error. Raises MetricError for a value that is no finite number.
    """
    try:
        value = metric()
    except Undefined as error:
        return (scope, name, np.nan, n, str(error))
    if not isinstance(value, Real) or not isfinite(value):
        found = f"the metric {name!r} of {scope} ({n} individuals) is {value!r}"
        raise MetricError(f"{found}; it must be a finite number, or raise Undefined with the reason why there is none")
    return (scope, name, float(value), n, value.note if isinstance(value, Estimate) else "")


def _table(phase: str, rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame([(phase, *row) for row in rows], columns=_COLUMNS)
