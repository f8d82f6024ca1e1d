"""Poyiadzi et al. (2020), FACE: walk through dense regions to somebody who is accepted."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree
from torch import Tensor

from ..classifiers import tensor
from ..options import Count, Flag, Probability
from ..population import Population
from ._method import Method, not_found

_PAIRS = 1 << 22  # kernel evaluations at a time


class FACE(Method):
    """The end of the shortest path, over observed individuals, to an accepted individual in a dense region.

    One k-nearest-neighbour graph for each profile of immutables (nobody's path crosses one); parts of it that are not
    connected are bridged where they are closest (unless `bridges` is off). An edge costs its length over the density
    along it (Gaussian kernel, Scott's bandwidth, relative to the densest individual of the profile). Targets are the
    accepted whose density is at least the `density_quantile` of the accepted of their profile. Distances to the nearest
    target come from one multi-source Dijkstra a profile.
    """

    def __init__(self, *, neighbours: Count, density_quantile: Probability, bridges: Flag):
        self.neighbours, self.density_quantile, self.bridges = neighbours, density_quantile, bridges

    def prepare(self, population: Population, x: Tensor) -> None:
        accepted = self.classifier.accepts(x).cpu().numpy()
        features = population.features[:, population.encoding.mutable]
        self._immutables, member = self.profiles(x)
        options = self.neighbours, self.density_quantile, self.bridges
        of = [(member == p).cpu().numpy() for p in range(len(self._immutables))]
        self._graphs = [_Graph(features[rows], accepted[rows], *options) for rows in of]

    def search(self, x: Tensor) -> Tensor:
        result = not_found(x)
        immutables = x[:, ~self.mutable]
        for profile, graph in zip(self._immutables, self._graphs, strict=True):
            rows = (immutables == profile).all(1).nonzero().squeeze(1)
            if len(rows):
                ends = tensor(graph.ends(x[rows][:, self.mutable].double().cpu().numpy()), x.device)
                found = torch.isfinite(ends).all(1)
                result[rows[found]] = self.combine(x[rows[found]], ends[found])
        return result


class _Graph:
    """Individuals of one profile [n, m], the cost of the way from each to its nearest target, and which that is."""

    def __init__(self, points: np.ndarray, accepted: np.ndarray, neighbours: int, quantile: float, bridges: bool):
        self.points, self.tree = points, cKDTree(points)
        self.k = min(neighbours + 1, len(points))  # an individual is its own nearest neighbour
        self.log_density = _log_density(points)
        self.cost = np.full(len(points), np.inf)
        self.target = np.zeros(len(points), dtype=np.int64)
        if not accepted.any():
            return
        dense = accepted & (self.log_density >= np.quantile(self.log_density[accepted], quantile))
        distance, neighbour = self._nearest(points)
        source = np.repeat(np.arange(len(points)), distance.shape[1])
        weight = self._weight(distance.ravel(), self.log_density[source], neighbour.ravel())
        # Zero would mean "no edge" to a sparse graph; people with equal features are next to each other.
        edges = coo_array((np.maximum(weight, 1e-300), (source, neighbour.ravel())), (len(points),) * 2).tocsr()
        graph = edges.maximum(edges.T)
        if bridges:
            graph = self._connect(graph)
        self.cost, _, self.target = dijkstra(
            graph, indices=np.flatnonzero(dense), min_only=True, return_predecessors=True
        )

    def ends(self, x: np.ndarray) -> np.ndarray:
        """The target [n, m] that each individual x [n, m] reaches at the least cost; NaN where there is none."""
        distance, neighbour = self._nearest(x)
        # ASSUME: an individual outside the graph has the density of its nearest neighbour.
        own = self.log_density[neighbour[:, :1]]
        total = self._weight(distance, own, neighbour) + self.cost[neighbour]
        best = neighbour[np.arange(len(x)), total.argmin(1)]
        reached = np.isfinite(total.min(1))
        ends = np.full((len(x), self.points.shape[1]), np.nan)
        ends[reached] = self.points[self.target[best[reached]]]
        return ends

    def _connect(self, graph: csr_array) -> csr_array:
        """Link each part of the graph to the individual outside it who is closest, until it is one.

        ASSUME: with well separated clusters (synthetic) no neighbour graph connects the rejected to the
        accepted, and without bridges nobody would find recourse.
        """
        while True:
            count, part = connected_components(graph, directed=False)
            if count == 1:
                return graph
            sources, ends, weights = [], [], []
            for p in range(count):
                inside, outside = np.flatnonzero(part == p), np.flatnonzero(part != p)
                distance, nearest = cKDTree(self.points[outside]).query(self.points[inside])
                closest = distance.argmin()
                sources.append(inside[closest])
                ends.append(outside[nearest[closest]])
                weights.append(self._weight(distance[closest], self.log_density[sources[-1]], np.array(ends[-1])))
            bridges = coo_array((np.maximum(weights, 1e-300), (sources, ends)), graph.shape).tocsr()
            graph = graph.maximum(bridges.maximum(bridges.T))

    def _nearest(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances [n, k] of the nearest of the graph, and who they are."""
        distance, neighbour = self.tree.query(x, self.k)
        return distance.reshape(len(x), -1), neighbour.reshape(len(x), -1)

    def _weight(self, distance: np.ndarray, log_density: np.ndarray, neighbour: np.ndarray) -> np.ndarray:
        """Length over density; the density at the middle of an edge is the geometric mean of its ends'."""
        return distance * np.exp(-0.5 * (log_density + self.log_density[neighbour]))


def _log_density(points: np.ndarray) -> np.ndarray:
    """Gaussian kernel density at the points [n, m]: log, relative to the densest one, [n]."""
    n, m = points.shape
    scale = points.std(0)
    bandwidth = np.where(scale > 0, scale, 1.0) * n ** (-1 / (m + 4))
    scaled = torch.tensor(points / bandwidth, dtype=torch.float32)
    density = torch.cat(
        [torch.cdist(part, scaled).square_().mul_(-0.5).exp_().sum(1) for part in scaled.split(max(1, _PAIRS // n))]
    )
    log_density = density.double().log().numpy()
    return log_density - log_density.max()
