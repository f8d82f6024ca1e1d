"""Every metric, before and after recourse, on three scopes, as one tidy table.

Scopes: `everyone` (the training population), `recipients` (those who implemented a recourse) and `accepted`
(those whom the classifier accepts, before and after). Neighbourhoods and the radius of centralization are
fitted once, on everyone before, and serve every scope, method and phase. So is the bandwidth of MMD.

`known`, where a function takes it, is a dictionary of what was measured: scopes and scenarios often have the very same
people (the accepted are everyone, once all have recourse), and these are measured once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from .errors import MetricError
from .metrics import Estimate, Undefined, environments, segregation, two_samples
from .metrics import recourse as quality
from .metrics.indices import INDICES, Index, excess
from .metrics.pairwise import as_groups, distance_quantile
from .metrics.segregation import Neighbourhoods
from .population import Encoding, Population
from .seeds import numpy_generator

SCOPES = ("everyone", "recipients", "accepted")
#: the indices of the nearest neighbours that have a profile: the value for each k, with null and excess
PROFILE = ("isolation", "information", "dissimilarity", "assortativity")
_COLUMNS = ["phase", "scope", "metric", "value", "n", "note"]


def fit_neighbourhoods(
    population: Population, accepted: np.ndarray, settings: Mapping[str, Any]
) -> dict[str, Neighbourhoods]:
    """The neighbourhoods of everyone before, and of the accepted only (the release's synthetic "before").

    population: the training part. accepted: bool [n]. settings: `measure` of the configuration.
    """
    features, minority = _mutable(population), population.minority
    k, quantile = settings["neighbourhoods"], settings["radius_quantile"]
    everyone = segregation.neighbourhoods(features, minority, k, quantile)
    found = {"everyone": replace(everyone, bandwidth=distance_quantile(features, 0.5))}
    if accepted.sum() >= k and minority[accepted].any():
        found["accepted"] = segregation.neighbourhoods(features[accepted], minority[accepted], k, quantile)
    return found


def before(
    population: Population,
    accepted: np.ndarray,
    neighbourhoods: Mapping[str, Neighbourhoods],
    settings: Mapping[str, Any],
    known: dict[tuple, list] | None = None,
) -> pd.DataFrame:
    """Segregation before recourse of everyone and of the accepted: columns phase, scope, metric, value, n, note."""
    features, minority, fitted = _mutable(population), population.minority, neighbourhoods["everyone"]
    known = {} if known is None else known
    rows = [
        *_segregation("everyone", features, minority, fitted, settings, known),
        *_segregation("accepted", features[accepted], minority[accepted], fitted, settings, known),
        *_asked_for(features, minority, fitted, settings, population.seed),
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
    known: dict[tuple, list] | None = None,
    used: tuple[Population, np.ndarray] | None = None,
) -> pd.DataFrame:
    """What one method's recourse did: columns phase, scope, metric, value, n, note.

    The recipients are measured before as well: who they are differs between methods.

    population: the training part, with the groups to measure. accepted: bool [n], before. recourse: that of the cell.
    implemented: what `simulation.implement` returned. settings: `measure` of the configuration. used: all people, train
    and test, and whether they are accepted before, bool: among them `ynn_released` looks for neighbours.
    """
    fitted, known = neighbourhoods["everyone"], {} if known is None else known
    place = pd.Series(np.arange(len(population.table)), index=population.table["individual"])
    people = place[implemented.table["individual"]].to_numpy()
    minority, features, came_from = population.minority[people], _mutable(implemented), _mutable(population)[people]
    moved = (implemented.table["status"] == "moved").to_numpy()
    now = implemented.table["accepted"].to_numpy()
    rows = [
        *_segregation("everyone", features, minority, fitted, settings, known),
        _atkinson_released(features, minority, fitted, settings),
        *_segregation("recipients", features[moved], minority[moved], fitted, settings, known),
        *_segregation("accepted", features[now], minority[now], fitted, settings, known),
        *_asked_for(features, minority, fitted, settings, population.seed),
        *_quality(population, accepted, recourse, place[recourse["individual"]].to_numpy(), settings),
    ]
    if used is not None:
        rows.append(_ynn_released(recourse, *used, settings))
    recipients_before = _segregation("recipients", came_from[moved], minority[moved], fitted, settings, known)
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
            fitted_on=fitted_on,
            radius=float(fitted.radius),
            radius_error=getattr(fitted.radius, "error", 0.0),
            bandwidth=float(fitted.bandwidth),
        )
        for fitted_on, fitted in neighbourhoods.items()
    ]
    return pd.concat(tables).assign(seed=seed, scenario=scenario)


def neighbourhoods_from(table: pd.DataFrame, encoding: Encoding) -> dict[str, Neighbourhoods]:
    """The inverse of `neighbourhood_table`, for the rows of one seed and scenario."""
    columns = list(encoding.mutable_columns)
    return {
        fitted_on: Neighbourhoods(
            part[columns].to_numpy(np.float64), *map(float, part[["radius", "bandwidth"]].iloc[0])
        )
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
        self.centres, self.radius, self.bandwidth = fitted.centres, fitted.radius, fitted.bandwidth
        self.b, self.k = settings["atkinson_b"], settings["neighbours"]
        self.groups = self.minority.astype(np.int64)

    areas = cached_property(lambda given: segregation.assign(given.centres, given.features))
    own = cached_property(lambda given: segregation.among_their_own(given.features, given.minority, given.radius))
    sums = cached_property(lambda given: segregation.proximity_sums(given.features, given.minority))
    shares = cached_property(lambda given: environments.shares(given.neighbours, given.groups))

    @cached_property
    def neighbours(self) -> environments.Neighbours:
        """With fewer neighbours than members of the smaller group: only so can somebody meet nobody but their own."""
        smallest = int(np.bincount(self.groups).min())
        if smallest < 2:
            raise Undefined("the smaller group has a single member, who can meet nobody of their own")
        return environments.nearest(self.features, min(self.k, smallest - 1))


def _segregation(
    scope: str,
    features: np.ndarray,
    minority: np.ndarray,
    fitted: Neighbourhoods,
    settings: Mapping[str, Any],
    known: dict[tuple, list],
) -> list[tuple]:
    arrays = (features, minority, fitted.centres)
    content = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).digest()
    key = (content, len(features), fitted.radius, fitted.bandwidth, settings["atkinson_b"], settings["neighbours"])
    if key not in known:
        try:
            given = _Given(features, minority, fitted, settings)
        except Undefined as error:
            known[key] = [(scope, name, np.nan, len(features), str(error)) for name in INDICES]
        else:
            known[key] = [_row(scope, name, len(features), partial(index, given)) for name, index in INDICES.items()]
    return [(scope, *row[1:]) for row in known[key]]


def _asked_for(
    features: np.ndarray, minority: np.ndarray, fitted: Neighbourhoods, settings: Mapping[str, Any], seed: int
) -> Iterator[tuple]:
    """What takes too long to be measured of everybody everywhere, among everyone: separability, and the profile.

    The profile is `<index>_k<k>` for each k, and with `permutations` its null and excess, `…_null` and `…_excess`.
    """
    n, draws = len(features), settings["permutations"]
    if settings["separability"]:
        groups = minority.astype(np.int64)
        yield _row("everyone", "separability", n, lambda: two_samples.separability(features, groups))
    for k in settings["profile"]:
        try:
            given = _Given(features, minority, fitted, {**settings, "neighbours": k})
            if given.neighbours.k < k:
                raise Undefined(f"{k} neighbours need {k + 1} members of the smaller group")
            nulls = _nulls(given, draws, numpy_generator(seed, "permutations", str(k))) if draws else {}
            values = {name: INDICES[name](given) for name in PROFILE}
        except Undefined as error:
            parts = ["", "_null", "_excess"] if draws else [""]
            yield from (("everyone", f"{name}_k{k}{part}", np.nan, n, str(error)) for name in PROFILE for part in parts)
            continue
        for name, value in values.items():
            yield ("everyone", f"{name}_k{k}", value, n, "")
            if draws:
                above = excess(value, nulls[name], INDICES[name].complete)
                yield ("everyone", f"{name}_k{k}_null", nulls[name], n, "")
                yield ("everyone", f"{name}_k{k}_excess", above, n, "")


def _nulls(given: _Given, draws: int, rng: np.random.Generator) -> dict[str, float]:
    """The mean of each index of the profile under shuffled groups: where it is not known, over so many permutations."""
    unknown: dict[str, Index] = {name: INDICES[name] for name in PROFILE if INDICES[name].null is None}
    shuffled = copy(given)
    values = []
    for _ in range(draws):
        shuffled.groups = rng.permutation(given.groups)
        shuffled.shares = environments.shares(given.neighbours, shuffled.groups)
        values.append([index(shuffled) for index in unknown.values()])
    means = dict(zip(unknown, np.mean(values, axis=0).tolist(), strict=True))
    return means | {name: INDICES[name].null(given.groups) for name in PROFILE if name not in means}


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


def _ynn_released(
    recourse: pd.DataFrame, everyone: Population, accepted: np.ndarray, settings: Mapping[str, Any]
) -> tuple:
    """yNN as the paper's code has it, only for comparison with the published numbers.

    It looks for neighbours among all people, test part included, and over all columns, the sensitive one included.
    """
    target = recourse.loc[recourse["found"], list(everyone.encoding.columns)].to_numpy(np.float64)
    metric = partial(quality.ynn, target, everyone.features, accepted, settings["ynn_k"])
    return _row("recipients", "ynn_released", len(target), metric)


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
