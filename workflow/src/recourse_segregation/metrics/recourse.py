"""What recourse costs, whether it works, and where it leads.

Points are rows of scaled mutable features, distances are L2. Every function raises Undefined (a
ValueError) if there is nothing to average.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from ..seeds import numpy_generator
from . import Estimate, Undefined, pairwise
from .pairwise import BLOCK_PAIRS, as_groups, as_mask, as_points, mean_distance


def cost(factual: np.ndarray, counterfactual: np.ndarray) -> float:
    """Mean distance between each individual [n, d] and their recourse [n, d]. From 0, lower = cheaper."""
    return float(_costs(factual, counterfactual).mean())


def cost_gap(factual: np.ndarray, counterfactual: np.ndarray, minority: np.ndarray) -> float:
    """Absolute difference of the groups' mean cost; `minority` is bool [n]. From 0, lower = more equal."""
    costs = _costs(factual, counterfactual)
    minority = as_groups(minority, len(costs))
    return float(abs(costs[minority].mean() - costs[~minority].mean()))


def ynn(counterfactual: np.ndarray, individuals: np.ndarray, accepted: np.ndarray, k: int) -> float:
    """Share of the accepted among the `k` individuals nearest to a recourse, averaged over recourses.

    `counterfactual` [n, d], `individuals` [m, d] with k <= m, `accepted` bool [m]. From 0 to 1, higher =
    recourse lands among the accepted. Individuals who tie for the last places share them, so that the order
    of the rows does not matter. Where looking at the ties takes more than `pairwise.PAIRS` pairs, a random sample of
    these recourses stands for all of them: an `Estimate`.

    Pawelczyk, M. et al. (2021). CARLA: a Python library to benchmark algorithmic recourse and counterfactual
    explanation algorithms. NeurIPS Datasets and Benchmarks.
    """
    counterfactual = _some(counterfactual, "counterfactual")
    individuals = as_points(individuals, "individuals")
    accepted = as_mask(accepted, "accepted", len(individuals))
    if not 1 <= k <= len(individuals):
        raise ValueError(f"k: expected a value from 1 to the {len(individuals)} individuals, got {k}")
    # One neighbour more (infinitely far if there is none) tells whether the k-th place is contested.
    distances, positions = cKDTree(individuals).query(counterfactual, k=[*range(1, k + 2)])
    share = accepted[positions[:, :k]].mean(axis=1)
    tied = np.flatnonzero(distances[:, k - 1] == distances[:, k])
    looked_at = tied
    if len(tied) * len(individuals) > pairwise.PAIRS:
        sample = min(len(tied), max(2, pairwise.PAIRS // len(individuals)))
        looked_at = numpy_generator(0, "metrics", "ynn").choice(tied, sample, replace=False)
    step = max(1, BLOCK_PAIRS // len(individuals))
    for i in range(0, len(looked_at), step):
        rows = looked_at[i : i + step]
        share[rows] = _tied_share(cdist(counterfactual[rows], individuals), accepted, k)
    if len(looked_at) == len(tied):
        return float(share.mean())
    known, drawn, size = np.delete(share, tied), share[looked_at], len(tied)
    error = drawn.std(ddof=1) * np.sqrt((1 - len(drawn) / size) / len(drawn)) * size / len(share)
    value = (known.sum() + size * drawn.mean()) / len(share)
    return Estimate(value, error, f"{len(drawn):,} of {size:,} recourses whose nearest tie")


def diversity(counterfactual: np.ndarray) -> float:
    """Mean distance between two different recourses of [n, d], n >= 2. From 0 (all are sent to one point).

    Beyond `pairwise.PAIRS` pairs it is an `Estimate`.
    """
    points = as_points(counterfactual, "counterfactual")
    if len(points) < 2:
        raise Undefined(f"diversity needs two recourses or more, got {len(points)}")
    return mean_distance(points)


def closeness(counterfactual: np.ndarray, favourable: np.ndarray) -> float:
    """Mean distance from recourses [n, d] to individuals with the favourable label [m, d]. Lower = closer.

    Beyond `pairwise.PAIRS` pairs it is an `Estimate`.
    """
    return mean_distance(_some(counterfactual, "counterfactual"), _some(favourable, "favourable"))


def invalidation(accepted: np.ndarray) -> float:
    """Share of the rejected whose result is not accepted; `accepted` is bool [n]. From 0 (all are) to 1."""
    return 1 - _share(accepted, "accepted")


def found_rate(found: np.ndarray) -> float:
    """Share of the rejected for whom a recourse was found; `found` is bool [n]. From 0 to 1 (all)."""
    return _share(found, "found")


def _costs(factual: np.ndarray, counterfactual: np.ndarray) -> np.ndarray:
    factual, counterfactual = _some(factual, "factual"), as_points(counterfactual, "counterfactual")
    if factual.shape != counterfactual.shape:
        raise ValueError(f"counterfactual: expected shape {factual.shape}, got {counterfactual.shape}")
    return np.linalg.norm(counterfactual - factual, axis=1)


def _some(values: np.ndarray, name: str) -> np.ndarray:
    points = as_points(values, name)
    if not len(points):
        raise Undefined(f"{name}: no rows, the mean over them is not defined")
    return points


def _share(values: np.ndarray, name: str) -> float:
    mask = as_mask(values, name)
    if not len(mask):
        raise Undefined(f"{name}: no values, their share is not defined")
    return float(mask.mean())


def _tied_share(distances: np.ndarray, accepted: np.ndarray, k: int) -> np.ndarray:
    """Share of the accepted among the k nearest of each row; all who tie for the last places share them."""
    reach = np.partition(distances, k - 1, axis=1)[:, k - 1 : k]
    inside, edge = distances < reach, distances == reach
    places = (k - inside.sum(axis=1)) / edge.sum(axis=1)
    return ((inside & accepted).sum(axis=1) + places * (edge & accepted).sum(axis=1)) / k
