"""Minimum-cost recourse in the simplest world: two Gaussian groups, one linear classifier, everybody takes it up.

Our own derivation, not the paper's; the proofs are in `notebooks/theory.ipynb`. The classifier accepts x if w·x > b,
with |w| = 1, and the cheapest recourse (L2) moves a rejected individual to the nearest point of the boundary. Seen
from there an individual has a `depth`, w·x - b, of either sign, and d - 1 coordinates along the boundary. Recourse
replaces the depth by max(depth, 0) and leaves the rest, so all that it does happens in one dimension.

Points are arrays [..., d] with the depth in column 0, unless said otherwise. Lengths are in units of the features, so
that proximities are those of `metrics.segregation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import owens_t
from scipy.stats import f, norm

from .metrics.pairwise import distance_quantile
from .metrics.segregation import average_proximity, centralization, spatial_proximity
from .seeds import numpy_generator
from .statistics import holm

#: independent simulations of a world
RUNS = 100
#: means of the depth of each group and of its square, the side, and exp(-distance) within each group and between them
MOMENTS = ("mean_0", "mean_1", "square_0", "square_1", "side", "within_0", "within_1", "between")


@dataclass(frozen=True)
class Groups:
    """Two groups N(mean, spread² I), as the boundary sees them.

    depths: the signed distance of each group's mean to the boundary, positive where accepted. side: the distance of
    the means along the boundary. dimensions: d, at least 1; on a line there is no side. Raises ValueError otherwise.
    """

    depths: tuple[float, float]
    side: float = 0.0
    spread: float = 1.0
    dimensions: int = 2

    def __post_init__(self):
        if self.spread <= 0 or self.dimensions < 1 or (self.side and self.dimensions == 1):
            raise ValueError(f"{self}: spread and dimensions must be positive, and on a line the side must be 0")


def project(points: np.ndarray, normal: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Minimum-cost recourse of points [..., d] in any coordinates: the rejected move to the boundary.

    Accepted where points @ normal > threshold; `threshold` is a number, or one an individual [...].
    """
    length = np.linalg.norm(normal)
    depth = (points @ normal - threshold) / length
    return points - np.minimum(depth, 0)[..., None] * normal / length


def recourse(points: np.ndarray) -> np.ndarray:
    """`project` for points whose column 0 is the depth."""
    return project(points, np.eye(points.shape[-1])[0], 0.0)


def draw(groups: Groups, group: int, size: int, generator: np.random.Generator) -> np.ndarray:
    """Individuals of group 0 or 1: [size, d]."""
    mean = np.array([groups.depths[group], group * groups.side, *np.zeros(groups.dimensions)])
    return mean[: groups.dimensions] + groups.spread * generator.standard_normal((size, groups.dimensions))


def moments_after(depth: np.ndarray | float, spread: float = 1.0) -> tuple[np.ndarray | float, np.ndarray | float]:
    """The means of max(U, 0) and of its square for U ~ N(depth, spread²)."""
    accepted, density = norm.cdf(depth / spread), spread * norm.pdf(depth / spread)
    return depth * accepted + density, (depth**2 + spread**2) * accepted + depth * density


def proximity(groups: Groups, after: bool = False) -> float:
    """Average proximity E exp(-‖X - Y‖) between the groups, before or after recourse: section 3 of the notebook."""
    (a, b), s, wide = groups.depths, groups.spread, np.sqrt(2) * groups.spread
    depth = _kernel(b - a, wide)
    if after:
        rejected = norm.cdf(-a / s), norm.cdf(-b / s)
        both = rejected[0] * rejected[1]
        one = rejected[0] * _positive_kernel(b, s) + rejected[1] * _positive_kernel(a, s)
        depth = both + one + depth * _both_positive(a, b, s)
    along = _kernel(groups.side, wide) * _kernel(0, wide) ** (groups.dimensions - 2)  # 1 on a line
    return float(_WEIGHTS @ (depth * along))


# The scale z = |Z| on a logarithmic grid: there the trapezoid rule converges exponentially for all that is needed.
_LOG_SCALES = np.linspace(-32, 2.3, 360)
_SCALES = np.exp(_LOG_SCALES)
_WEIGHTS = 2 * norm.pdf(_SCALES) * _SCALES * (_LOG_SCALES[1] - _LOG_SCALES[0])


def _kernel(mean: float, spread: float) -> np.ndarray:
    """E exp(-T²/(2 z²)) for T ~ N(mean, spread²), for every scale z."""
    total = _SCALES**2 + spread**2
    return _SCALES / np.sqrt(total) * np.exp(-(mean**2) / (2 * total))


def _positive_kernel(mean: float, spread: float) -> np.ndarray:
    """E exp(-T²/(2 z²)) 1[T > 0] for T ~ N(mean, spread²)."""
    return _kernel(mean, spread) * norm.cdf(mean / spread * _SCALES / np.hypot(_SCALES, spread))


def _both_positive(a: float, b: float, spread: float) -> np.ndarray:
    """Pr(U > 0, V > 0) for U ~ N(a, spread²), V ~ N(b, spread²), weighted by exp(-(U - V)²/(2 z²)), for every z.

    The weight leaves U + V as it is and makes V - U smaller, its mean and variance by the same factor. What is left
    is the probability of a quadrant for two correlated normal variables:
    Owen, D. B. (1956). Tables for computing bivariate normal probabilities. Annals of Mathematical Statistics 27(4).
    """
    a, b = (depth or np.finfo(float).tiny for depth in (a, b))  # if both are 0, the ratios below would be 0/0
    factor = _SCALES**2 / (_SCALES**2 + 2 * spread**2)
    u, v = (a + b - factor * (b - a)) / 2, (a + b + factor * (b - a)) / 2
    deviation = spread * np.sqrt((1 + factor) / 2)
    outside = owens_t(u / deviation, np.sqrt(factor) * b / u) + owens_t(v / deviation, np.sqrt(factor) * a / v)
    return (norm.cdf(u / deviation) + norm.cdf(v / deviation) - ((u < 0) != (v < 0))) / 2 - outside


def moments(groups: Groups) -> np.ndarray:
    """The `MOMENTS` by formula, before and after recourse: [2, 8]."""
    depths = np.array(groups.depths)
    # between two copies of a group: within it
    pairs = *(replace(groups, depths=(depth, depth), side=0.0) for depth in groups.depths), groups
    before = *depths, *(depths**2 + groups.spread**2), groups.side, *(proximity(p) for p in pairs)
    after = *np.ravel(moments_after(depths, groups.spread)), groups.side, *(proximity(p, after=True) for p in pairs)
    return np.array([before, after])


def simulated(groups: Groups, size: int, generator: np.random.Generator) -> np.ndarray:
    """The `MOMENTS` in `RUNS` independent simulations, of `size` times two individuals of each group: [RUNS, 2, 8]."""

    def sampled(x: np.ndarray, y: np.ndarray) -> list[float]:
        depths = [np.mean(people[..., 0] ** power) for power in (1, 2) for people in (x, y)]
        side = (y - x)[..., 1:2].sum(axis=-1).mean()  # 0 on a line
        pairs = x[0] - x[1], y[0] - y[1], x[:, None] - y
        return [*depths, side, *(np.exp(-np.linalg.norm(apart, axis=-1)).mean() for apart in pairs)]

    runs = []
    for _ in range(RUNS):
        people = [draw(groups, group, 2 * size, generator).reshape(2, size, -1) for group in (0, 1)]
        runs.append([sampled(*people), sampled(*map(recourse, people))])
    return np.array(runs)


def formulas(groups: Groups) -> pd.DataFrame:
    """What tells the groups apart, by formula.

    Columns before, after, change; rows distance (of the means), separation (their Mahalanobis distance),
    average_proximity, and spatial_proximity for many individuals, half in each group.
    """
    mean_0, mean_1, square_0, square_1, side, within_0, within_1, between = moments(groups).T
    gap, variance = mean_1 - mean_0, (square_0 - mean_0**2 + square_1 - mean_1**2) / 2
    within = (within_0 + within_1) / 2
    statistics = {
        "distance": np.hypot(gap, side),
        "separation": np.hypot(gap / np.sqrt(variance), side / groups.spread),
        "average_proximity": between,
        "spatial_proximity": 2 * within / (within + between),
    }
    table = pd.DataFrame.from_dict(statistics, orient="index", columns=["before", "after"])
    return table.assign(change=table["after"] - table["before"])


def agreement(runs: np.ndarray, expected: np.ndarray) -> tuple[int, float, float]:
    """Do the moments of independent runs [n, 2, 8] have these means [2, 8]? One test of all, that of Hotelling (1931).

    The covariance of the moments is estimated between the runs. Combinations of moments that hardly vary (a thousandth
    of the variance of one) are left out. Returns the number of those that are tested, k; F with k and n - k degrees of
    freedom; and p.
    """
    apart = (runs - expected).reshape(len(runs), -1)
    spread = apart.std(axis=0, ddof=1)
    scaled = apart[:, spread > 0] / spread[spread > 0]
    variances, directions = np.linalg.eigh(np.cov(scaled, rowvar=False))
    used = variances > 1e-3
    n, k = len(runs), int(used.sum())
    t_squared = n * ((scaled.mean(axis=0) @ directions[:, used]) ** 2 / variances[used]).sum()
    value = (n - k) / (k * (n - 1)) * t_squared
    return k, value, f.sf(value, k, n - k)


#: worlds in which formula and simulation are compared
WORLDS = (
    Groups((-1.0, 1.0), dimensions=1),
    Groups((0.0, 0.0), side=2.0),
    Groups((-3.0, -2.0)),
    Groups((0.0, 4.0), side=1.0),
    Groups((-0.05, 0.10), side=0.2, spread=0.15),
    Groups((0.5, -1.0), side=1.5, spread=0.7, dimensions=5),
)
#: what names a world in a table
WORLD = ("depth_0", "depth_1", "side", "spread", "dimensions")


def check(worlds: Sequence[Groups] = WORLDS, size: int = 10_000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Formulas against simulations of each world: one test of all moments (see `agreement`), and each moment.

    What else `formulas` has is arithmetic on moments, and is not tested by itself: the distance of sampled means is a
    hypotenuse, so it is too long on average, by the variance across it over twice its length. Errors by the delta
    method do not know of that bias, which exceeds them where the groups almost coincide.

    Columns: those of `WORLD`; of the first table runs, tested, f, p, p_holm (over the worlds); of the second phase
    (before, after), moment, formula, simulation (mean over the runs), error, z = (simulation - formula) / error.
    """
    tests, parts = [], {}
    for i, groups in enumerate(worlds):
        runs, expected = simulated(groups, size, numpy_generator(0, "theory", "check", str(i))), moments(groups)
        world = (*groups.depths, groups.side, groups.spread, groups.dimensions)
        tests.append((*world, RUNS, *agreement(runs, expected)))
        columns = {"formula": expected, "simulation": runs.mean(axis=0), "error": runs.std(axis=0, ddof=1) / RUNS**0.5}
        index = pd.MultiIndex.from_product([["before", "after"], MOMENTS], names=["phase", "moment"])
        parts[world] = pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index)
    test = pd.DataFrame(tests, columns=[*WORLD, "runs", "tested", "f", "p"])
    table = pd.concat(parts, names=WORLD).reset_index()
    z = (table["simulation"] - table["formula"]) / table["error"]
    return test.assign(p_holm=holm(test["p"])), table.assign(z=z)


#: where the second group stands, at a distance from the first, of which half is rejected
DIRECTIONS = {
    "beside": lambda distance: Groups((0.0, 0.0), side=distance),
    "above": lambda distance: Groups((0.0, distance)),
    "below": lambda distance: Groups((0.0, -distance)),
}


def curves() -> pd.DataFrame:
    """The change by recourse of distance, separation and proximities, against the separation of the groups.

    Columns: direction, separation, statistic, change.
    """
    parts = {
        (direction, separation): formulas(groups(separation))[["change"]]
        for direction, groups in DIRECTIONS.items()
        for separation in np.linspace(0, 5, 41)
    }
    return pd.concat(parts, names=["direction", "separation", "statistic"]).reset_index()


#: worlds of two groups of the same size, the first of them the minority
CASES = {
    "Beside each other, half of both rejected": Groups((0.0, 0.0), side=2.0),
    "Most rejected, the minority lower": Groups((-2.0, -0.5)),
    "Most rejected, the minority higher": Groups((-0.5, -2.0)),
    "On either side of the boundary, the minority lower": Groups((-1.0, 1.0)),
}


def centralization_bounds(groups: Groups) -> tuple[float, float, float]:
    """Centralization of many individuals before recourse, and the least and the most after it, for any radius.

    The groups have one size, the first is the minority. Raises ValueError if they differ in both depth and side.
    """
    (a, b), s = groups.depths, groups.spread
    if a != b and groups.side:
        raise ValueError("the groups must differ in depth or in side only, not in both")
    before = norm.cdf(np.hypot(b - a, groups.side) / (2 * s))
    if a == b:
        return before, before, before
    return (before, norm.cdf(-a / s), 1.0) if a < b else (before, 0.0, norm.cdf(a / s))


def indices(size: int = 1500) -> pd.DataFrame:
    """The indices of `metrics.segregation` for the `CASES`, measured on `size` people a group, and by formula.

    Columns: case, index, before, after, formula_before, formula_after and, for centralization, its bounds
    formula_lowest and formula_highest.
    """
    parts = {}
    for i, (case, groups) in enumerate(CASES.items()):
        generator = numpy_generator(0, "theory", "indices", str(i))
        people = np.vstack([draw(groups, group, size, generator) for group in (0, 1)])
        known = formulas(groups).drop(columns="change")
        known.loc["centralization", ["before", "lowest", "highest"]] = centralization_bounds(groups)
        found = measured(people, recourse(people), minority=np.repeat([True, False], size))
        parts[case] = found.join(known.add_prefix("formula_"))
    return pd.concat(parts, names=["case", "index"]).reset_index()


def measured(before: np.ndarray, after: np.ndarray, minority: np.ndarray) -> pd.DataFrame:
    """Columns before, after; a row an index of `metrics.segregation`. The radius is fixed before, as in a run."""
    measures = {
        "average_proximity": average_proximity,
        "spatial_proximity": spatial_proximity,
        "centralization": partial(centralization, radius=distance_quantile(before[minority], 0.1)),
    }
    values = {name: [measure(people, minority) for people in (before, after)] for name, measure in measures.items()}
    return pd.DataFrame.from_dict(values, orient="index", columns=["before", "after"])
