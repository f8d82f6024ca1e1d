"""Plain loops that only tests compare with: FACE, searches with a model of the library, and the metrics.

The others are in `benchmarks/references.py`.
"""

from collections.abc import Callable, Mapping

import networkx
import numpy as np
import references
import torch
from references import CSVAE, VAE, Case, plain
from torch import Tensor


def face(case: Case, individuals: np.ndarray, person: Tensor) -> Tensor:
    """The accepted individual in a dense region to whom the way from the person, who is one of them, is shortest."""
    mutable = case.mutable
    own = person[~mutable].numpy()
    if own.tobytes() not in case.known:
        case.known[own.tobytes()] = face_graph(case, individuals[(individuals[:, ~mutable] == own).all(1)])
    points, targets, ways = case.known[own.tobytes()]
    start = int(distances(person[None, mutable].numpy(), points).argmin())
    cost = networkx.single_source_dijkstra_path_length(ways, start)
    result = person.clone()
    result[mutable] = torch.tensor(points[min(np.flatnonzero(targets), key=cost.get)], dtype=torch.float32)
    return result


def face_graph(case: Case, members: np.ndarray) -> tuple[np.ndarray, np.ndarray, networkx.Graph]:
    """Of people with the same immutables: mutable features [n, m], who is accepted in a dense region [n], the roads."""
    points, targets = members[:, case.mutable], (case.margin(torch.tensor(members, dtype=torch.float32)) > 0).numpy()
    scale = points.std(0)
    # Gaussian kernels with Scott's bandwidth.
    bandwidth = np.where(scale > 0, scale, 1.0) * len(points) ** (-1 / (points.shape[1] + 4))
    kernels = [np.exp(-0.5 * (((points - point) / bandwidth) ** 2).sum(1)).sum() for point in points]
    density = np.log(np.array(kernels) / max(kernels))
    targets &= density >= np.quantile(density[targets], case.options["density_quantile"])
    return points, targets, roads(points, density, case.options["neighbours"])


def roads(points: np.ndarray, density: np.ndarray, neighbours: int) -> networkx.Graph:
    """Roads between nearest neighbours, which cost length over density.

    Then each part that is not connected is linked to whoever is closest outside it, until there is one part.
    """
    length, graph = distances(points, points), networkx.empty_graph(len(points))

    def build(a: int, b: int) -> None:
        graph.add_edge(a, b, weight=length[a, b] / np.exp(0.5 * (density[a] + density[b])))

    for point, lengths in enumerate(length):
        for other in lengths.argsort()[1 : neighbours + 1]:
            build(point, other)
    while len(parts := list(networkx.connected_components(graph))) > 1:
        for part in parts:
            inside = np.isin(np.arange(len(points)), list(part))
            gaps = np.where(inside[:, None] & ~inside, length, np.inf)
            build(*np.unravel_index(gaps.argmin(), gaps.shape))
    return graph


def search_of(method: str, fitted, options: Mapping, individuals: np.ndarray) -> Callable[[Tensor], Tensor]:
    """The search of people x [n, d], for a method that the library has fitted, with the model that it trained."""
    case = Case(plain(fitted.classifier.network), fitted.encoding, options, ~fitted.mutable, individuals)
    if method == "face":
        return lambda x: torch.stack([face(case, individuals, person) for person in x])
    if method in ("cchvae", "ibr"):
        case.density = VAE(plain(fitted.vae.encoder), plain(fitted.vae.decoder), fitted.vae.latent)
        case.seen = fitted.condition
    elif method == "cruds":
        model = fitted.model
        case.density = CSVAE(plain(model.encoder), plain(model.decoder), model.latent, plain(model.prior))
    elif method == "ebr":
        case.density = SameDraws(fitted.density)
    return lambda x: references.search(method, case, x)


class SameDraws:
    """The library's density, drawing from torch's global stream as plain loops do."""

    def __init__(self, density):
        self.log_density = density.log_density
        self.sample = lambda n, condition: density.sample(n, condition, torch.default_generator)


# --- metrics


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[n, m], [p, m] -> [n, p]: a loop over individuals."""
    return np.array([np.linalg.norm(y - person, axis=1) for person in x])


def surrounded(features: np.ndarray, minority: np.ndarray, radius: float) -> np.ndarray:
    """bool [minority members]: who has more members than others within the radius; centralization is their share."""
    near = distances(features[minority], features) <= radius
    return (near & minority).sum(1) > (near & ~minority).sum(1)


def atkinson(centres: np.ndarray, features: np.ndarray, minority: np.ndarray, b: float) -> float:
    """A loop over individuals to find their area, then one over areas."""
    area = distances(features, centres).argmin(1)
    share, total = minority.mean(), 0.0
    for i in np.unique(area):
        p = minority[area == i].mean()
        total += (1 - p) ** (1 - b) * p**b * (area == i).sum()
    return 1 - share / (1 - share) * (total / (share * len(minority))) ** (1 / (1 - b))


def proximity(x: np.ndarray, y: np.ndarray) -> float:
    """Mean of exp(-distance) over the pairs of x and y."""
    return np.exp(-distances(x, y)).mean()


def ynn(counterfactual: np.ndarray, individuals: np.ndarray, accepted: np.ndarray, k: int) -> float:
    """A loop over recourses; individuals who tie for the last places share them."""
    shares = []
    for person in counterfactual:
        distance = np.linalg.norm(individuals - person, axis=1)
        reach = np.sort(distance)[k - 1]
        inside, edge = distance < reach, distance == reach
        shares.append((accepted[inside].sum() + (k - inside.sum()) * accepted[edge].mean()) / k)
    return float(np.mean(shares))


def measures(cell, counterfactual: np.ndarray) -> dict[tuple[str, str], float]:
    """(scope, metric) -> value, after everyone who found recourse has taken it up.

    cell: a `common.Cell`. counterfactual: mutable features [n rejected, m], NaN where there is none.
    """
    population, rejected, areas = cell.train, ~cell.accepted, cell.neighbourhoods["everyone"]
    before, minority = population.features[:, population.encoding.mutable], population.minority
    found = np.isfinite(counterfactual).all(1)
    moved, after = rejected.copy(), before.copy()
    moved[rejected] = found
    after[moved] = counterfactual[found]
    values = {}
    for scope, who in (("everyone", np.ones_like(moved)), ("recipients", moved), ("accepted", ~rejected | moved)):
        x, m = after[who], minority[who]
        members, others, central = x[m], x[~m], surrounded(x, m, areas.radius)
        within = len(members) * proximity(members, members) + len(others) * proximity(others, others)
        values |= {
            (scope, "atkinson"): atkinson(areas.centres, x, m, cell.settings["atkinson_b"]),
            (scope, "centralization"): central.mean(),
            # As released: the j-th member counts only if row j is a member.
            (scope, "centralization_released"): (central & m[: len(central)]).mean(),
            (scope, "average_proximity"): proximity(members, others),
            (scope, "spatial_proximity"): within / (len(x) * proximity(x, x)),
        }
    target, group = after[moved], minority[moved]
    cost = np.linalg.norm(before[moved] - target, axis=1)
    return values | {
        ("recipients", "found"): found.mean(),
        ("recipients", "cost"): cost.mean(),
        ("recipients", "cost_gap"): abs(cost[group].mean() - cost[~group].mean()),
        ("recipients", "ynn"): ynn(target, before, ~rejected, cell.settings["ynn_k"]),
        ("recipients", "diversity"): distances(target, target).sum() / (len(target) * (len(target) - 1)),
        ("recipients", "closeness"): distances(target, before[population.labels == 1]).mean(),
    }
