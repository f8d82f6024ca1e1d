"""How far apart the two groups of a population live in feature space.

Every index takes the population as arrays: `features` [n, d], the scaled mutable features, and `minority`
[n], bool, True for its members. It raises Undefined (a ValueError) if a group is empty.
Neighbourhoods are fixed once, on the population before recourse: people move, the map does not.

Massey, D. S. and Denton, N. A. (1988). The dimensions of residential segregation. Social Forces 67(2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .pairwise import as_groups, as_points, count_within, distance_quantile, nearest, proximity_sum


@dataclass(frozen=True)
class Neighbourhoods:
    """The map that a population is measured on: `centres` [k, d] of its areas, and the `radius` of a ball."""

    centres: np.ndarray
    radius: float


class ProximitySums(NamedTuple):
    """Sums of exp(-d) over the pairs within the minority, between the groups, and within the majority.

    Within a group every ordered pair counts, self pairs included; between the groups every pair counts once.
    """

    xx: float
    xy: float
    yy: float


def neighbourhoods(
    features: np.ndarray, minority: np.ndarray, k: int = 30, radius_quantile: float = 0.1
) -> Neighbourhoods:
    """The map of a population before recourse.

    The areas are the cells of k-means with `k` centres (as many as there are distinct rows, if those are
    fewer); the radius is the quantile of all minority-minority distances, the zero distance of each member to
    themselves included.
    """
    # Here, because importing them takes a second, and only this function needs them.
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    features, minority = _population(features, minority)
    k = min(k, len(np.unique(features, axis=0)))
    # With more threads the partial sums of k-means are added in the order in which the threads end.
    with threadpool_limits(limits=1):
        centres = KMeans(k, n_init=10, random_state=0).fit(features).cluster_centers_
    return Neighbourhoods(centres, distance_quantile(features[minority], radius_quantile))


def assign(centres: np.ndarray, features: np.ndarray) -> np.ndarray:
    """The area of each individual, int [n]: the position of the nearest of `centres` [k, d]."""
    return nearest(as_points(features), as_points(centres, "centres"))


def atkinson(areas: np.ndarray, minority: np.ndarray, b: float = 0.5) -> float:
    """Atkinson index (Massey and Denton 1988, evenness).

    1 - P/(1-P) * |sum_i (1-p_i)^(1-b) p_i^b t_i / (P T)|^(1/(1-b)), with t_i the members of area i, p_i the
    share of the minority among them, and T and P the same for the whole population. `areas` is int [n].

    From 0 (every area mixed alike) to 1 (no area is mixed). 0 < b < 1: above 0.5, areas where the minority is
    overrepresented weigh more; at 0.5 both groups count alike.
    """
    if not 0 < b < 1:
        raise ValueError(f"b: expected a value between 0 and 1, got {b}")
    areas = np.asarray(areas)
    if areas.ndim != 1:
        raise ValueError(f"areas: expected an array [n], got shape {areas.shape}")
    minority = as_groups(minority, len(areas))
    _, area = np.unique(areas, return_inverse=True)
    members = np.bincount(area)
    share = np.bincount(area, weights=minority) / members
    total, overall = len(minority), minority.mean()
    mixing = np.sum((1 - share) ** (1 - b) * share**b * members) / (overall * total)
    return float(1 - overall / (1 - overall) * abs(mixing) ** (1 / (1 - b)))


def among_their_own(features: np.ndarray, minority: np.ndarray, radius: float) -> np.ndarray:
    """Whether the closed ball of `radius` around each minority member holds more minority than majority: bool [n_1].

    The member themselves is counted. Both centralizations need it; compute it once for both.
    """
    features, minority = _population(features, minority)
    members = features[minority]
    return count_within(members, radius) > count_within(members, radius, features[~minority])


def centralization(features: np.ndarray, minority: np.ndarray, radius: float, own: np.ndarray | None = None) -> float:
    """Share of the minority's members around whom the minority is in the majority.

    A member counts if the closed ball of `radius` around them holds more members of the minority, themselves
    included, than of the majority. From 0 to 1, higher = more segregated. `own`: what `among_their_own` returns.
    """
    return float((among_their_own(features, minority, radius) if own is None else own).mean())


def centralization_released(
    features: np.ndarray, minority: np.ndarray, radius: float, own: np.ndarray | None = None
) -> float:
    """`centralization` as the paper's code computes it, only for comparison with the published numbers.

    Its loop over the n_1 members of the minority pairs the j-th member with row j of the population, and
    counts the member only if that row belongs to the minority. So it depends on the order of the rows, and is
    at most `centralization`. `own`: what `among_their_own` returns.
    """
    own = among_their_own(features, minority, radius) if own is None else own
    return float(np.mean(own & minority[: len(own)]))


def proximity_sums(features: np.ndarray, minority: np.ndarray) -> ProximitySums:
    """The sums that `average_proximity` and `spatial_proximity` share; compute them once for both."""
    features, minority = _population(features, minority)
    x, y = features[minority], features[~minority]
    return ProximitySums(proximity_sum(x), proximity_sum(x, y), proximity_sum(y))


def average_proximity(features: np.ndarray, minority: np.ndarray, sums: ProximitySums | None = None) -> float:
    """Mean of exp(-d) over all minority-majority pairs: P_xy of Massey and Denton (1988, clustering).

    Above 0, up to 1 (all at one point). Higher = *less* segregated. `sums`: those of the same population.
    """
    features, minority = _population(features, minority)
    size = int(minority.sum())
    total = proximity_sum(features[minority], features[~minority]) if sums is None else sums.xy
    return total / (size * (len(minority) - size))


def spatial_proximity(features: np.ndarray, minority: np.ndarray, sums: ProximitySums | None = None) -> float:
    """Spatial proximity (Massey and Denton 1988, clustering): (X P_xx + Y P_yy) / (T P_tt).

    X, Y and T = X + Y are the sizes of the minority, the majority and the population, and P is the mean of
    exp(-d) over the pairs within each, self pairs included. `sums`: those of the same population.

    Higher = more segregated, from 1 (the groups are distributed alike) to less than T / min(X, Y). It is not
    below 1, because exp(-d) is a positive definite kernel: SP - 1 is the groups' squared maximum mean
    discrepancy under that kernel, times XY / (T^2 P_tt).
    """
    features, minority = _population(features, minority)
    xx, xy, yy = proximity_sums(features, minority) if sums is None else sums
    total = len(minority)
    size = int(minority.sum())
    return (xx / size + yy / (total - size)) * total / (xx + 2 * xy + yy)


def _population(features: np.ndarray, minority: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features = as_points(features)
    return features, as_groups(minority, len(features))
