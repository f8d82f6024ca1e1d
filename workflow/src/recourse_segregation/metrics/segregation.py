"""How far apart the two groups of a population live in feature space.

Every index takes the population as arrays: `features` [n, d], the scaled mutable features, and `minority`
[n], bool, True for its members. It raises Undefined (a ValueError) if a group is empty.
`@index` registers it, so that it is measured, can be claimed and is shown like the others (docs/adding_an_index.md).
Neighbourhoods are fixed once, on the population before recourse: people move, the map does not.
What would take more than `pairwise.PAIRS` pairs of people is an `Estimate` from a random sample, always the same one.

Massey, D. S. and Denton, N. A. (1988). The dimensions of residential segregation. Social Forces 67(2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..seeds import numpy_generator
from . import Estimate, pairwise
from .indices import INDICES as INDICES
from .indices import index
from .pairwise import as_groups, as_points, count_within, distance_quantile, kernel_sum, nearest

# The most people that the areas are fitted to.
MAPPED = 2**17


@dataclass(frozen=True)
class Neighbourhoods:
    """The map that a population is measured on: `centres` [k, d] of its areas, the `radius` of a ball, and the
    `bandwidth` of a kernel (NaN where none is needed)."""

    centres: np.ndarray
    radius: float
    bandwidth: float = np.nan


class ProximitySums(NamedTuple):
    """Sums of exp(-d) over the pairs within the minority, between the groups, and within the majority.

    Within a group every ordered pair counts, self pairs included; between the groups every pair counts once.
    """

    xx: float
    xy: float
    yy: float


class EstimatedSums(ProximitySums):
    """The same sums estimated, with their `covariance` [3, 3]."""

    covariance: np.ndarray


def neighbourhoods(features: np.ndarray, minority: np.ndarray, k: int, radius_quantile: float) -> Neighbourhoods:
    """The map of a population before recourse.

    The areas are the cells of k-means with `k` centres (as many as there are distinct rows, if those are
    fewer), fitted to a random sample where there are more than MAPPED people; the radius is the quantile of all
    minority-minority distances, the zero distance of each member to themselves included.
    """
    # Here, because importing them takes a second, and only this function needs them.
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    features, minority = _population(features, minority)
    mapped = features
    if len(features) > MAPPED:
        chosen = numpy_generator(0, "metrics", "neighbourhoods").choice(len(features), MAPPED, replace=False)
        mapped = features[np.sort(chosen)]
    k = min(k, len(np.unique(mapped, axis=0)))
    # With more threads the partial sums of k-means are added in the order in which the threads end.
    with threadpool_limits(limits=1):
        centres = KMeans(k, n_init=10, random_state=0).fit(mapped).cluster_centers_
    return Neighbourhoods(centres, distance_quantile(features[minority], radius_quantile))


def assign(centres: np.ndarray, features: np.ndarray) -> np.ndarray:
    """The area of each individual, int [n]: the position of the nearest of `centres` [k, d]."""
    return nearest(as_points(features), as_points(centres, "centres"))


@index("Atkinson", higher="more segregated", axis="index, 0 to 1")
def atkinson(areas: np.ndarray, minority: np.ndarray, b: float) -> float:
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

    The member themselves is counted. Beyond PAIRS pairs of members and people, only a random sample of the members is
    looked at, and the others are masked.
    """
    # Not by a tree: it compares squares, so it may differ at the radius, which is itself the distance of two people.
    features, minority = _population(features, minority)
    members, others = features[minority], features[~minority]
    if len(members) * len(features) <= pairwise.PAIRS:
        return count_within(members, radius) > count_within(members, radius, others)
    size = max(1, pairwise.PAIRS // len(features))
    sample = numpy_generator(0, "metrics", "centralization").choice(len(members), size, replace=False)
    own = np.ma.masked_all(len(members), dtype=bool)
    own[sample] = count_within(members[sample], radius, members) > count_within(members[sample], radius, others)
    return own


@index("Centralization", higher="more segregated", axis="share of the minority\nwith a local majority")
def centralization(features: np.ndarray, minority: np.ndarray, radius: float, own: np.ndarray | None = None) -> float:
    """Share of the minority's members around whom the minority is in the majority.

    A member counts if the closed ball of `radius` around them holds more members of the minority, themselves
    included, than of the majority. From 0 to 1, higher = more segregated. `own`: what `among_their_own` returns.

    The paper's index by the paper's name: a local majority, that is an isolation with a threshold. Massey and Denton's
    centralization is something else: it says how near a group lives to the centre of a city, and needs one.
    """
    return _share(among_their_own(features, minority, radius) if own is None else own)


@index("Centralization\nas released", higher="more segregated", axis="share of the minority\nwith a local majority")
def centralization_released(
    features: np.ndarray, minority: np.ndarray, radius: float, own: np.ndarray | None = None
) -> float:
    """`centralization` as the paper's code computes it, only for comparison with the published numbers.

    Its loop over the n_1 members of the minority pairs the j-th member with row j of the population, and
    counts the member only if that row belongs to the minority. So it depends on the order of the rows, and is
    at most `centralization`. `own`: what `among_their_own` returns.
    """
    own = among_their_own(features, minority, radius) if own is None else own
    return _share(own & minority[: len(own)])


def proximity_sums(features: np.ndarray, minority: np.ndarray) -> ProximitySums:
    """The sums that `average_proximity` and `spatial_proximity` share."""
    features, minority = _population(features, minority)
    x, y = features[minority], features[~minority]
    if len(features) ** 2 <= pairwise.PAIRS:
        return ProximitySums(kernel_sum(x), kernel_sum(x, y), kernel_sum(y))
    means, covariance = pairwise.kernel_means(x, y)
    pairs = np.array([len(x) * (len(x) - 1), len(x) * len(y), len(y) * (len(y) - 1)], dtype=np.float64)
    sums = EstimatedSums(*(pairs * means + [len(x), 0, len(y)]).tolist())
    sums.covariance = covariance * np.outer(pairs, pairs)
    return sums


@index("Average proximity", higher="less segregated", axis="mean of exp(-distance)")
def average_proximity(features: np.ndarray, minority: np.ndarray, sums: ProximitySums | None = None) -> float:
    """Mean of exp(-d) over all minority-majority pairs: P_xy of Massey and Denton (1988, clustering).

    Above 0, up to 1 (all at one point). Higher = *less* segregated. `sums`: those of the same population.
    """
    features, minority = _population(features, minority)
    sums = proximity_sums(features, minority) if sums is None else sums
    size = int(minority.sum())
    pairs = size * (len(minority) - size)
    return _with_error(sums.xy / pairs, [0, 1 / pairs, 0], sums)


@index("Spatial proximity", higher="more segregated", axis="index, 1 = unclustered", digits=5)
def spatial_proximity(features: np.ndarray, minority: np.ndarray, sums: ProximitySums | None = None) -> float:
    """Spatial proximity (Massey and Denton 1988, clustering): (X P_xx + Y P_yy) / (T P_tt).

    X, Y and T = X + Y are the sizes of the minority, the majority and the population, and P is the mean of
    exp(-d) over the pairs within each, self pairs included. `sums`: those of the same population.

    Higher = more segregated, from 1 (the groups are distributed alike) to less than T / min(X, Y). It is not
    below 1, because exp(-d) is a positive definite kernel: SP - 1 is the groups' squared maximum mean
    discrepancy under that kernel, times XY / (T^2 P_tt).
    """
    features, minority = _population(features, minority)
    sums = proximity_sums(features, minority) if sums is None else sums
    xx, xy, yy = sums
    total, size = len(minority), int(minority.sum())
    all_pairs = xx + 2 * xy + yy
    value = (xx / size + yy / (total - size)) * total / all_pairs
    slopes = total / (size * all_pairs), 0, total / ((total - size) * all_pairs)
    return _with_error(value, np.subtract(slopes, value / all_pairs * np.array([1, 2, 1])), sums)


def _with_error(value: float, gradient: Sequence[float], sums: ProximitySums) -> float:
    """A function of the sums; if they are estimated, with the error to first order in them."""
    if not isinstance(sums, EstimatedSums):
        return value
    error = np.sqrt(np.maximum(0, np.dot(gradient, sums.covariance @ gradient)))
    return Estimate(value, error, f"{pairwise.DRAWS:,} random pairs of each kind")


def _share(mask: np.ndarray) -> float:
    """The share of the true; if some are masked, an estimate from those who are not.

    The standard error is Agresti and Coull's (two more of each kind, so that it is not 0 where all are alike), with
    the correction for a sample without replacement.
    """
    looked_at = int(np.ma.count(mask))
    if looked_at == len(mask):
        return float(mask.mean())
    share = (int(mask.sum()) + 2) / (looked_at + 4)
    error = np.sqrt(share * (1 - share) / (looked_at + 4) * (1 - looked_at / len(mask)))
    return Estimate(mask.mean(), error, f"{looked_at:,} of {len(mask):,} members")


def _population(features: np.ndarray, minority: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features = as_points(features)
    return features, as_groups(minority, len(features))
