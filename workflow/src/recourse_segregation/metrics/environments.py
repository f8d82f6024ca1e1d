"""Segregation as people meet it: who their nearest neighbours are, and so with whom they share a local environment.

The local environment of a person is their k nearest others in the scaled mutable features; they themselves do not
count. All indices here read one graph of nearest neighbours (`nearest`), or the shares of the groups in it (`shares`).
Groups are numbered from 0, the minority is 1; there may be more than two.

Ties are shared: of all who are equally far at the k-th place, each counts with the same fraction, so that a person has
k neighbours in all and no order of rows matters. So people at one place (lattices, levels) cost no more than one.

Reardon, S. F. and O'Sullivan, D. (2004). Measures of spatial segregation. Sociological Methodology 34.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.spatial import cKDTree
from scipy.special import entr

from .indices import index
from .pairwise import BLOCK_PAIRS, as_points

# Distances that agree to so many decimals tie: on a lattice equal distances differ in their last bits.
DECIMALS = 12


class Neighbours(NamedTuple):
    """The graph of nearest neighbours, between the `places` (distinct rows of features) where people are.

    place: of each person, int [n]. weights: how much a person at place i counts each *other* person at place j, 1 or,
    where these tie for the last neighbours, a fraction; float64 [places, places]. k: how many neighbours a person has.
    """

    place: np.ndarray
    weights: csr_array
    k: int


def nearest(features: np.ndarray, k: int) -> Neighbours:
    """The k nearest others of each person; features [n, d], 1 <= k < n. Memory grows with n (k + those who tie)."""
    features = as_points(features)
    if not 1 <= k < len(features):
        raise ValueError(f"k: expected a value from 1 to the {len(features) - 1} others, got {k}")
    places, place, people = np.unique(features, axis=0, return_inverse=True, return_counts=True)
    tree, step = cKDTree(places), max(1, BLOCK_PAIRS // (k + 2))
    blocks = np.split(np.arange(len(places)), range(step, len(places), step))
    parts = [part for rows in blocks for part in _look(tree, people, rows, k, k + 2)]
    weight, i, j = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Neighbours(place, coo_array((weight, (i, j)), shape=(len(places),) * 2).tocsr(), k)


def _look(tree: cKDTree, people: np.ndarray, rows: np.ndarray, k: int, width: int) -> list[tuple[np.ndarray, ...]]:
    """Weights, from where and to where, of the places `rows`, for which `width` places are looked at, or more.

    people: how many are at each place.
    """
    width = min(width, tree.n)
    distances, near = tree.query(tree.data[rows], k=range(1, width + 1))
    distances = distances.round(DECIMALS)
    others = people[near] - (near == rows[:, None])
    last = (others.cumsum(axis=1) >= k).argmax(axis=1)
    reach = np.take_along_axis(distances, last[:, None], axis=1)
    inside, edge = distances < reach, distances == reach
    left, tied = k - (others * inside).sum(axis=1), (others * edge).sum(axis=1)
    weights = inside + edge * (left / tied)[:, None]
    # Where the last place looked at ties as well, others may do so beyond it.
    done = ~edge[:, -1] | (width == tree.n)
    found = (weights > 0) & done[:, None]
    i, _ = found.nonzero()
    parts = [(weights[found], rows[i], near[found])]
    return parts if done.all() else parts + _look(tree, people, rows[~done], k, 4 * width)


def shares(neighbours: Neighbours, groups: np.ndarray) -> np.ndarray:
    """The share of each group in the local environment of each person: float64 [n, groups]; `groups` is int [n]."""
    place, weights, k = neighbours
    around = (weights @ _living(place, groups))[place]
    around[np.arange(len(place)), groups] -= weights.diagonal()[place]
    return np.clip(around / k, 0, 1)


def own_among_others(groups: np.ndarray) -> float:
    """The share of the minority among the others of one of its members: `isolation` under shuffled groups."""
    return (np.count_nonzero(groups == 1) - 1) / (len(groups) - 1)


@index(
    "Isolation",
    higher="more segregated",
    axis="share of neighbours",
    span=(0, 1),
    complete=1,
    null=own_among_others,
)
def isolation(shares: np.ndarray, groups: np.ndarray, group: int = 1) -> float:
    """Isolation: the share of their own group in the local environment of the minority's members, in the mean.

    From 0 (they meet nobody of their own) to 1 (nobody else); with shuffled groups (n_1 - 1) / (n - 1). Its excess is
    the correlation ratio (isolation - p) / (1 - p) with the person themselves left out of p.

    Massey and Denton (1988, exposure), over local environments as in Reardon and O'Sullivan (2004).
    """
    return float(shares[groups == group, group].mean())


@index(
    "Exposure",
    higher="less segregated",
    axis="share of neighbours",
    span=(0, 1),
    complete=0,
    null=lambda groups: 1 - own_among_others(groups),
)
def exposure(shares: np.ndarray, groups: np.ndarray, group: int = 1) -> float:
    """Exposure: the share of the others in the local environment of the minority's members, 1 - `isolation`.

    From 0 to 1, higher = *less* segregated. Massey and Denton (1988, exposure); Reardon and O'Sullivan (2004).
    """
    return 1 - isolation(shares, groups, group)


@index("Information", higher="more segregated", axis="index, 1 = apart", span=(-1, 1), complete=1)
def information(shares: np.ndarray, groups: np.ndarray) -> float:
    """Spatial information theory index (Reardon and O'Sullivan 2004): 1 - the mean of E(p_i) over people / E(p).

    E is the entropy of the shares of the groups, in the local environment of person i and among all. 1: nobody meets
    another group; 0: everybody meets the groups as they are among all. Slightly below 0 is possible, for people are
    no part of their own environment. With shuffled groups it is above 0, the more the fewer neighbours there are.
    """
    return float(1 - entr(shares).sum(axis=1).mean() / entr(_overall(groups)).sum())


@index("Dissimilarity", higher="more segregated", axis="index, 0 to 1", span=(0, 1), complete=1)
def dissimilarity(shares: np.ndarray, groups: np.ndarray) -> float:
    """Spatial dissimilarity index (Reardon and O'Sullivan 2004): how far the local shares are from those among all.

    The sum over groups and people of |p_im - p_m| / (2 n I), with I the sum over groups of p_m (1 - p_m); of two
    groups that is the sum over people of |p_i - p| / (2 n p (1 - p)). From 0 (every environment as the whole) to 1
    (nobody meets another group); with shuffled groups above 0, the more the fewer neighbours there are.
    """
    overall = _overall(groups)
    return float(np.abs(shares - overall).sum(axis=1).mean() / (2 * (overall * (1 - overall)).sum()))


@index(
    "Assortativity",
    higher="more segregated",
    axis="coefficient, −1 to 1",
    span=(-1, 1),
    complete=1,
    null=lambda groups: -1 / (len(groups) - 1),
)
def assortativity(neighbours: Neighbours, groups: np.ndarray) -> float:
    """Newman's assortativity coefficient of the groups on the graph of nearest neighbours without its directions.

    (sum of e_gg - sum of a_g^2) / (1 - sum of a_g^2), with e_gh the share of the edges that join g and h, and a_g that
    of the ends in g. Two people are joined if one is among the other's neighbours; of two weights the larger counts.
    From -1 to 1 (nobody is joined with another group); with shuffled groups -1 / (n - 1), if all have as many edges.

    Newman, M. E. J. (2003). Mixing patterns in networks. Physical Review E 67, 026126.
    """
    place, weights, _ = neighbours
    living, joined = _living(place, groups), weights.maximum(weights.T)
    mixing = living.T @ (joined @ living) - np.diag(living.T @ joined.diagonal())  # nobody is joined with themselves
    mixing /= mixing.sum()
    ends = mixing.sum(axis=0)
    return float((np.trace(mixing) - ends @ ends) / (1 - ends @ ends))


def _living(place: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """How many of each group live at each place: float64 [places, groups]."""
    sizes = place.max() + 1, groups.max() + 1
    return np.bincount(place * sizes[1] + groups, minlength=sizes[0] * sizes[1]).reshape(sizes).astype(np.float64)


def _overall(groups: np.ndarray) -> np.ndarray:
    """The share of each group among all."""
    return np.bincount(groups) / len(groups)
