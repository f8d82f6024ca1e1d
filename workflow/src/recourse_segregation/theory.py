"""Minimum-cost recourse in the simplest world: two Gaussian groups, one linear classifier, everybody takes it up.

Our own derivation, not the paper's; the proofs are in `notebooks/theory.ipynb`. The classifier accepts x if w·x > b,
with |w| = 1, and the cheapest recourse (L2) moves a rejected individual to the nearest point of the boundary. Seen
from there an individual has a `depth`, w·x - b, of either sign, and d - 1 coordinates along the boundary. Recourse
replaces the depth by max(depth, 0) and leaves the rest, so all that it does happens in one dimension.

Points are arrays [n, d] with the depth in column 0, unless said otherwise. Lengths are in units of the features, so
that proximities are those of `metrics.segregation`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy.special import log_ndtr, ndtr

from .data.synthetic import DATASET
from .exhibits._figures import DARK, MIDDLE, WARM, WIDTH, marker, new_figure, theme
from .exhibits._layout import Layout, number, tables
from .metrics.pairwise import distance_quantile
from .metrics.segregation import average_proximity, centralization, spatial_proximity
from .population import prepare
from .seeds import numpy_generator

# --- the world ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Groups:
    """Two groups N(mean, spread² I), as the boundary sees them.

    depths: the signed distance of each group's mean to the boundary, positive where accepted. side: the distance of
    the means along the boundary. dimensions: d, at least 1; on a line there is no side.
    """

    depths: tuple[float, float]
    side: float = 0.0
    spread: float = 1.0
    dimensions: int = 2

    def __post_init__(self):
        if self.spread <= 0 or self.dimensions < 1:
            raise ValueError(f"spread {self.spread} must be positive, dimensions {self.dimensions} at least 1")
        if self.side and self.dimensions == 1:
            raise ValueError(f"side {self.side}: on a line the boundary is a point, so the side must be 0")

    def within(self, group: int) -> Groups:
        """Two copies of one group (0 or 1): pairs between them are pairs within the group."""
        return Groups((self.depths[group],) * 2, 0.0, self.spread, self.dimensions)


def project(points: np.ndarray, normal: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Minimum-cost recourse of points [n, d] in any coordinates: the rejected move to the boundary.

    Accepted where points @ normal > threshold; `threshold` is a number, or one an individual [n].
    """
    length = np.linalg.norm(normal)
    depth = (points @ normal - threshold) / length
    return points - np.outer(np.minimum(depth, 0), normal / length)


def recourse(points: np.ndarray) -> np.ndarray:
    """`project` for points whose column 0 is the depth."""
    return np.column_stack([np.maximum(points[:, 0], 0), points[:, 1:]])


def draw(groups: Groups, group: int, size: int, generator: np.random.Generator) -> np.ndarray:
    """Individuals of group 0 or 1: [size, d]."""
    mean = np.zeros(groups.dimensions)
    mean[0] = groups.depths[group]
    if groups.dimensions > 1:
        mean[1] = group * groups.side
    return mean + groups.spread * generator.standard_normal((size, groups.dimensions))


# --- the formulas ---------------------------------------------------------------------------------


def mean_after(depth: float, spread: float = 1.0) -> float:
    """E max(U, 0) for U ~ N(depth, spread²): a Φ(a/σ) + σ φ(a/σ)."""
    standard = depth / spread
    return depth * ndtr(standard) + spread * _density(standard)


def variance_after(depth: float, spread: float = 1.0) -> float:
    """Var max(U, 0) for U ~ N(depth, spread²): (a² + σ²) Φ(a/σ) + a σ φ(a/σ) - (E max(U, 0))²."""
    standard = depth / spread
    square = (depth**2 + spread**2) * ndtr(standard) + depth * spread * _density(standard)
    return square - mean_after(depth, spread) ** 2


def rising_depth(depth: float, spread: float = 1.0) -> float:
    """How high above the boundary a second group must lie for recourse to raise the standardized gap.

    depth: of the lower group. Holds where practically all of the upper group are accepted (result >= 3 spreads).
    """
    ratio = np.sqrt((1 + variance_after(depth, spread) / spread**2) / 2)
    return (mean_after(depth, spread) - ratio * depth) / (1 - ratio)


def proximity_on_a_line(gap: float, spread: float = 1.0) -> float:
    """E exp(-|D|) for D ~ N(gap, 2 spread²), the average proximity before recourse in one dimension."""
    s = np.sqrt(2) * spread
    return sum(np.exp(s**2 / 2 - h + log_ndtr(h / s - s)) for h in (gap, -gap))


def proximity(groups: Groups) -> float:
    """Average proximity E exp(-‖X - Y‖) between the groups before recourse.

    exp(-r) is the mean over Z ~ N(0, 1) of exp(-r²/(2 Z²)), and for a Gaussian vector the mean of the latter is
    elementary: an integral over Z is left, in any dimension.
    """
    depth = _normal_kernel(groups.depths[1] - groups.depths[0], np.sqrt(2) * groups.spread)
    return float(_WEIGHTS @ (depth * _side_kernel(groups)))


def proximity_after(groups: Groups) -> float:
    """`proximity` after recourse; the depths are censored at 0, so that two, one or none stand on the boundary."""
    (a, b), s = groups.depths, groups.spread
    rejected = ndtr(-a / s), ndtr(-b / s)
    both = rejected[0] * rejected[1]
    one = rejected[0] * _positive_kernel(b, s) + rejected[1] * _positive_kernel(a, s)
    return float(_WEIGHTS @ ((both + one + _both_positive_kernel(a, b, s)) * _side_kernel(groups)))


# The scale |Z| on a logarithmic grid: there the trapezoid rule converges exponentially for all that follows.
_LOG_SCALES = np.linspace(-32, 2.3, 360)
_SCALES = np.exp(_LOG_SCALES)
_WEIGHTS = np.sqrt(2 / np.pi) * np.exp(-(_SCALES**2) / 2) * _SCALES * (_LOG_SCALES[1] - _LOG_SCALES[0])
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(60)
_REACH = 9.0  # standard deviations that an integral over a normal variable covers


def _density(x: np.ndarray | float) -> np.ndarray | float:
    return np.exp(-np.square(x) / 2) / np.sqrt(2 * np.pi)


def _normal_kernel(mean: float, spread: float) -> np.ndarray:
    """E exp(-T²/(2 z²)) for T ~ N(mean, spread²), for every scale z."""
    total = _SCALES**2 + spread**2
    return _SCALES / np.sqrt(total) * np.exp(-(mean**2) / (2 * total))


def _positive_kernel(mean: float, spread: float) -> np.ndarray:
    """E exp(-T²/(2 z²)) 1[T > 0] for T ~ N(mean, spread²)."""
    return _normal_kernel(mean, spread) * ndtr(mean / spread * _SCALES / np.hypot(_SCALES, spread))


def _side_kernel(groups: Groups) -> np.ndarray:
    """E exp(-R²/(2 z²)), R the distance along the boundary; recourse does not change it."""
    if groups.dimensions == 1:
        return np.ones_like(_SCALES)
    spread = np.sqrt(2) * groups.spread
    return _normal_kernel(groups.side, spread) * _normal_kernel(0, spread) ** (groups.dimensions - 2)


def _both_positive_kernel(a: float, b: float, spread: float) -> np.ndarray:
    """E exp(-(U - V)²/(2 z²)) 1[U > 0, V > 0] for U ~ N(a, spread²), V ~ N(b, spread²).

    T = V - U and S = U + V are independent, both are positive if S > |T|, and the kernel turns T into another normal
    variable. Its integral is split at T = 0, where |T| has a kink.
    """
    s = np.sqrt(2) * spread
    wide = np.hypot(_SCALES, s)
    mean, deviation = (b - a) * (_SCALES / wide) ** 2, s * _SCALES / wide
    kink = np.clip(-mean / deviation, -_REACH, _REACH)
    total = np.zeros_like(_SCALES)
    for low, high in ((np.full_like(kink, -_REACH), kink), (kink, np.full_like(kink, _REACH))):
        half = (high - low)[:, None] / 2
        x = (high + low)[:, None] / 2 + half * _NODES
        apart = np.abs(mean[:, None] + deviation[:, None] * x)
        total += (half * _density(x) * ndtr((a + b - apart) / s)) @ _NODE_WEIGHTS
    return _normal_kernel(b - a, s) * total


# --- the formulas against simulation --------------------------------------------------------------

#: what is compared: name -> how it is called
STATISTICS = {
    "mean_0": "Mean depth,\nfirst group",
    "mean_1": "Mean depth,\nsecond group",
    "variance_0": "Variance of depth,\nfirst group",
    "variance_1": "Variance of depth,\nsecond group",
    "distance": "Distance\nof the means",
    "separation": "Standardized\nseparation",
    "average_proximity": "Average\nproximity",
    "spatial_proximity": "Spatial\nproximity",
}


def statistics(moments: np.ndarray, spread: float, share: float = 0.5) -> np.ndarray:
    """The `STATISTICS` of moments [8]: E U, E V, E U², E V², side, and E exp(-d) within 0, within 1 and between.

    U and V are the depths of the groups, share is that of group 0. Separation: the Mahalanobis distance of the
    means. Spatial proximity: the limit of the index for many individuals.
    """
    mean_0, mean_1, square_0, square_1, side, within_0, within_1, between = moments
    variance_0, variance_1 = square_0 - mean_0**2, square_1 - mean_1**2
    gap, other = mean_1 - mean_0, 1 - share
    separation = np.hypot(gap / np.sqrt((variance_0 + variance_1) / 2), side / spread)
    all_pairs = share**2 * within_0 + 2 * share * other * between + other**2 * within_1
    clustering = (share * within_0 + other * within_1) / all_pairs
    return np.array([mean_0, mean_1, variance_0, variance_1, np.hypot(gap, side), separation, between, clustering])


def formulas(groups: Groups, share: float = 0.5) -> pd.DataFrame:
    """The `STATISTICS` by formula: columns before, after, change; index the name."""
    phases = {}
    for phase, near in (("before", proximity), ("after", proximity_after)):
        s = groups.spread
        means = [mean_after(a, s) if phase == "after" else a for a in groups.depths]
        variances = [variance_after(a, s) if phase == "after" else s**2 for a in groups.depths]
        squares = [v + m**2 for v, m in zip(variances, means, strict=True)]
        proximities = [near(groups.within(0)), near(groups.within(1)), near(groups)]
        phases[phase] = statistics(np.array([*means, *squares, groups.side, *proximities]), s, share)
    table = pd.DataFrame(phases, index=list(STATISTICS))
    return table.assign(change=table["after"] - table["before"])


def simulated(groups: Groups, size: int, generator: np.random.Generator, share: float = 0.5) -> pd.DataFrame:
    """The `STATISTICS` by simulation, of two individuals of each group in each of `size` draws.

    Columns before, after, change and the standard error of each (`before_error`, ...); the change is paired.
    """
    people = [draw(groups, group, size, generator) for group in (0, 0, 1, 1)]
    draws = np.hstack([_moments(*people), _moments(*map(recourse, people))])

    def phases(means: np.ndarray) -> np.ndarray:
        before, after = (statistics(part, groups.spread, share) for part in np.split(means, 2))
        return np.concatenate([before, after, after - before])

    values, errors = _estimate(draws, phases)
    columns = ["before", "after", "change", "before_error", "after_error", "change_error"]
    return pd.DataFrame(dict(zip(columns, np.split(np.append(values, errors), 6), strict=True)), index=list(STATISTICS))


def _moments(x: np.ndarray, x2: np.ndarray, y: np.ndarray, y2: np.ndarray) -> np.ndarray:
    """[n, 8]: what the moments of `statistics` are means of; each row uses every pair of its four individuals."""
    depths = [(p[:, 0] ** power + q[:, 0] ** power) / 2 for power in (1, 2) for p, q in ((x, x2), (y, y2))]
    side = (y[:, 1] + y2[:, 1] - x[:, 1] - x2[:, 1]) / 2 if x.shape[1] > 1 else np.zeros(len(x))
    between = np.mean([_near(p, q) for p in (x, x2) for q in (y, y2)], axis=0)
    return np.column_stack([*depths, side, _near(x, x2), _near(y, y2), between])


def _near(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.exp(-np.linalg.norm(x - y, axis=1))


def _estimate(draws: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """A function of the means of `draws` [n, k] and its standard error, by the delta method."""
    means, step = draws.mean(axis=0), 1e-5
    slopes = [(function(means + e) - function(means - e)) / (2 * step) for e in step * np.eye(len(means))]
    return function(means), (draws @ np.array(slopes)).std(axis=0, ddof=1) / np.sqrt(len(draws))


_WORLD = ["depth_0", "depth_1", "side", "spread", "dimensions"]
#: worlds in which formula and simulation are compared
WORLDS = (
    Groups((-1.0, 1.0), dimensions=1),
    Groups((0.0, 0.0), side=2.0),
    Groups((-3.0, -2.0)),
    Groups((0.0, 4.0), side=1.0),
    Groups((-0.05, 0.10), side=0.2, spread=0.15),
    Groups((0.5, -1.0), side=1.5, spread=0.7, dimensions=5),
)


def check(worlds: Sequence[Groups] = WORLDS, size: int = 200_000, seed: int = 0) -> pd.DataFrame:
    """Every statistic of every world, by formula and by simulation.

    Columns: depth_0, depth_1, side, spread, dimensions, statistic, phase (before, after), formula, simulation, error,
    z = (simulation - formula) / error.
    """
    rows = []
    for i, groups in enumerate(worlds):
        known, found = formulas(groups), simulated(groups, size, numpy_generator(seed, "theory", "check", str(i)))
        world = (*groups.depths, groups.side, groups.spread, groups.dimensions)
        for name in STATISTICS:
            for phase in ("before", "after"):
                numbers = known.loc[name, phase], *found.loc[name, [phase, f"{phase}_error"]]
                rows.append((*world, name, phase, *numbers))
    table = pd.DataFrame(rows, columns=[*_WORLD, "statistic", "phase", "formula", "simulation", "error"])
    return table.assign(z=(table["simulation"] - table["formula"]) / table["error"])


def show_check(table: pd.DataFrame) -> Any:
    """`check`, a row a world: the formula after recourse, and z of the simulation below it."""
    rows = []
    for world, part in table.groupby(_WORLD, sort=False):
        after = part[part["phase"] == "after"].set_index("statistic")
        depth_0, depth_1, side, spread, dimensions = world
        row = {"Depths": f"{depth_0:g} and {depth_1:g}".replace("-", "−")}
        row |= {"Side": f"{side:g}", "Spread": f"{spread:g}", "Dimensions": f"{dimensions}"}
        for name, label in STATISTICS.items():
            row[label] = f"{number(after.loc[name, 'formula'])}\nz {number(after.loc[name, 'z'], digits=1, sign=True)}"
        rows.append(row | {"Largest |z|,\nbefore too": number(part["z"].abs().max(), digits=1)})
    return tables([Layout(rows)])


# --- how far recourse moves the indices -----------------------------------------------------------

#: where the second group stands, when half of the first is rejected: name -> its depth and side per unit of separation
DIRECTIONS = {"beside": (0.0, 1.0), "above": (1.0, 0.0), "below": (-1.0, 0.0)}
_CURVES = {
    "distance": "Distance of the means",
    "separation": "Standardized separation",
    "average_proximity": "Average proximity",
    "spatial_proximity": "Spatial proximity",
}


_GROUPS = (("o", WARM), ("D", DARK))
_LOOKS = {
    direction: {"color": colour, "linestyle": line, "marker": shape, "markerfacecolor": "white", "linewidth": 2}
    for direction, (colour, line, shape) in zip(
        DIRECTIONS, ((DARK, "-", "s"), (WARM, "--", "^"), (MIDDLE, ":", "v")), strict=True
    )
}
#: the panels in which the curve that falls furthest would hide the others
_LIMITS = {"separation": (-1.5, 0.8), "spatial_proximity": (-0.08, 0.04)}


def stand(direction: str, separation: float) -> Groups:
    """The first group at depth 0, the second at a distance of `separation` in one of the `DIRECTIONS`."""
    depth, side = DIRECTIONS[direction]
    return Groups((0.0, depth * separation), side * separation)


def curves(size: int = 50_000, seed: int = 0) -> pd.DataFrame:
    """The change by recourse of distance, separation and proximities, against the separation of the groups.

    Columns: direction, separation, statistic, formula, simulation, error; the latter two only at some separations.
    """
    parts = []
    for direction in DIRECTIONS:
        for separation in np.linspace(0, 5, 41):
            groups = stand(direction, separation)
            part = pd.DataFrame({"formula": formulas(groups)["change"]}).loc[list(_CURVES)]
            if separation in (1, 2, 3, 4, 5):
                generator = numpy_generator(seed, "theory", "curves", direction, f"{separation:g}")
                found = simulated(groups, size, generator)
                part = part.assign(simulation=found["change"], error=found["change_error"])
            parts.append(part.rename_axis("statistic").reset_index().assign(direction=direction, separation=separation))
    table = pd.concat(parts, ignore_index=True)
    return table[["direction", "separation", "statistic", "formula", "simulation", "error"]]


def figure(table: pd.DataFrame, seed: int = 0) -> Figure:
    """A sketch of each of the `DIRECTIONS`, and `curves` below them."""
    with theme():
        figure = new_figure(WIDTH, 8.2)
        above, below = figure.subfigures(2, 1, height_ratios=(1.05, 1))
        for axis, direction in zip(above.subplots(1, 3, sharex=True, sharey=True), DIRECTIONS, strict=True):
            _sketch(axis, direction, numpy_generator(seed, "theory", "sketch", direction))
        handles = [
            marker(shape, f"{group} group, {when}", colour if when == "after" else "none", colour)
            for group, (shape, colour) in zip(("first", "second"), _GROUPS, strict=True)
            for when in ("rejected", "after")
        ]
        line = Line2D([], [], color="black", label="boundary: accepted above, rejected below")
        above.legend(handles=[*handles, line], loc="outside lower center", ncols=5, frameon=False)
        for axis, name in zip(below.subplots(1, 4), _CURVES, strict=True):
            _curve(axis, table[table["statistic"] == name], name)
        below.supylabel("change by recourse", fontsize=10)
        handles = [
            Line2D([], [], label=f"second group {direction} the first", **look) for direction, look in _LOOKS.items()
        ]
        title = "lines: formula; markers: simulation ± 2 standard errors"
        below.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, title=title)
    return figure


def _curve(axis: Axes, rows: pd.DataFrame, name: str) -> None:
    """The change of one statistic against the separation, a line a direction."""
    axis.axhline(0, color="black", linewidth=1, zorder=1)
    for direction, part in rows.groupby("direction", sort=False):
        look = _LOOKS[direction]
        axis.plot(part["separation"], part["formula"], **(look | {"marker": ""}))
        points = part.dropna()
        error = 2 * points["error"]
        axis.errorbar(
            points["separation"], points["simulation"], error, **(look | {"linestyle": "none"}), capsize=2, zorder=3
        )
    axis.set_title(_CURVES[name], fontsize=11)
    axis.set_xlabel("distance of the means before")
    axis.yaxis.set_major_locator(MaxNLocator(5))
    if name in _LIMITS:
        axis.set_ylim(*_LIMITS[name])
        lowest = f"falls to {number(rows['formula'].min(), digits=2)}"
        axis.text(0.97, 0.04, lowest, transform=axis.transAxes, ha="right", color=MIDDLE, backgroundcolor="white")


def _sketch(axis: Axes, direction: str, generator: np.random.Generator) -> None:
    """Both groups, 3 apart, after recourse, and where the rejected came from; the depth is upwards."""
    groups = stand(direction, 3.0)
    for group, (shape, colour) in enumerate(_GROUPS):
        before = draw(groups, group, 70, generator)
        after = recourse(before)
        rejected = before[before[:, 0] < 0]
        axis.vlines(rejected[:, 1], rejected[:, 0], 0, color=colour, linewidth=0.6, alpha=0.5)
        for points, face in ((rejected, "none"), (after, colour)):
            axis.scatter(
                points[:, 1], points[:, 0], s=18, marker=shape, facecolor=face, edgecolor=colour, linewidth=0.7
            )
    axis.axhline(0, color="black", linewidth=1.2, zorder=1)
    axis.set_title(f"The second group {direction} the first", fontsize=11)
    axis.set_xlabel("along the boundary")
    if axis.get_subplotspec().is_first_col():
        axis.set_ylabel("depth: distance to the boundary")


# --- what each index says of it -------------------------------------------------------------------

#: worlds of two groups of the same size, the first of them the minority
CASES = {
    "Beside each other, half of both rejected": Groups((0.0, 0.0), side=2.0),
    "Most rejected, the minority lower": Groups((-2.0, -0.5)),
    "Most rejected, the minority higher": Groups((-0.5, -2.0)),
    "On either side of the boundary, the minority lower": Groups((-1.0, 1.0)),
}
_INDICES = {
    "average_proximity": "Average proximity",
    "spatial_proximity": "Spatial proximity",
    "centralization": "Centralization",
}


def centralization_bounds(groups: Groups) -> tuple[float, float, float]:
    """Centralization before recourse, and the least and the most that it can be after it, for any radius.

    For many individuals, two groups of one size, the first the minority, that differ in depth or in side only.
    """
    (a, b), s = groups.depths, groups.spread
    if a != b and groups.side:
        raise ValueError("the groups must differ in depth or in side only, not in both")
    before = float(ndtr(np.hypot(b - a, groups.side) / (2 * s)))
    if a == b:
        return before, before, before
    return (before, float(ndtr(-a / s)), 1.0) if a < b else (before, 0.0, float(ndtr(a / s)))


def indices(size: int = 1500, seed: int = 0) -> pd.DataFrame:
    """The indices of `metrics.segregation` for the `CASES`, measured on `size` people a group, and by formula.

    Columns: case, index, before, after, formula_before, formula_after and, for centralization, its bounds
    formula_lowest and formula_highest.
    """
    rows = []
    for i, (case, groups) in enumerate(CASES.items()):
        generator = numpy_generator(seed, "theory", "indices", str(i))
        people = np.vstack([draw(groups, group, size, generator) for group in (0, 1)])
        minority = np.repeat([True, False], size)
        known = formulas(groups)
        for name, (before, after) in _measured(people, recourse(people), minority).items():
            row = {"case": case, "index": name, "before": before, "after": after}
            if name in known.index:
                expected = known.loc[name]
                row |= {"formula_before": expected["before"], "formula_after": expected["after"]}
            else:
                bounds = centralization_bounds(groups)
                row |= dict(zip(("formula_before", "formula_lowest", "formula_highest"), bounds, strict=True))
            rows.append(row)
    return pd.DataFrame(rows)


def show_indices(table: pd.DataFrame) -> Any:
    """`indices`, a row a case: measured before → after, and the formulas below in brackets."""

    def expected(row: pd.Series) -> str:
        after, low, high = row["formula_after"], row["formula_lowest"], row["formula_highest"]
        if np.isnan(after):
            after = number(low) if low == high else f"≥ {number(low)}" if high == 1 else f"≤ {number(high)}"
        else:
            after = number(after)
        return f"[{number(row['formula_before'])} → {after}]"

    rows = []
    for case, part in table.groupby("case", sort=False):
        cells = {_INDICES[row["index"]]: f"{_change(row)}\n{expected(row)}" for _, row in part.iterrows()}
        rows.append({"World": case} | cells)
    return tables([Layout(rows)])


def _measured(before: np.ndarray, after: np.ndarray, minority: np.ndarray) -> dict[str, tuple[float, float]]:
    """index -> its value before and after; the radius is fixed before, as in the experiment."""
    radius = distance_quantile(before[minority], 0.1)
    return {
        "average_proximity": tuple(average_proximity(x, minority) for x in (before, after)),
        "spatial_proximity": tuple(spatial_proximity(x, minority) for x in (before, after)),
        "centralization": tuple(centralization(x, minority, radius) for x in (before, after)),
    }


# --- the synthetic population of the experiment ---------------------------------------------------


def synthetic(seed: int = 0) -> pd.DataFrame:
    """Minimum-cost recourse for the training part of the synthetic population, over Fisher's linear discriminant.

    It is taken without and with the sex among the features; with it the boundaries of the sexes are parallel, and
    `offset` apart. Columns: sex (is it among the features), rejected, depth_gap and side_gap (between the means of the
    rejected men and women before recourse), offset, index, before, after.
    """
    people = prepare("synthetic", DATASET, "sex", seed, rows=10_000).training_part()
    places = people.table[list(people.encoding.mutable_columns)].to_numpy()
    rows = []
    for known in (False, True):
        features = np.column_stack([places, people.minority]) if known else places
        slopes, threshold = _fisher(features, people.labels == 1)
        normal, thresholds = slopes[:2], threshold - features[:, 2:] @ slopes[2:]
        after = project(places, normal, thresholds)
        rejected = places @ normal < thresholds
        length = np.linalg.norm(normal)
        means = [places[rejected & group].mean(axis=0) for group in (people.minority, ~people.minority)]
        gap = np.subtract(*means)
        depth = abs(gap @ normal) / length
        row = {"sex": known, "rejected": int(rejected.sum()), "depth_gap": depth}
        row |= {"side_gap": np.sqrt(gap @ gap - depth**2), "offset": np.ptp(thresholds) / length}
        for name, (old, new) in _measured(places, after, people.minority).items():
            rows.append(row | {"index": name, "before": old, "after": new})
    return pd.DataFrame(rows)


def show_synthetic(table: pd.DataFrame) -> Any:
    """`synthetic`, a row a boundary."""
    rows = []
    for known, part in table.groupby("sex", sort=False):
        one = part.iloc[0]
        row = {
            "The boundary": "differs by sex" if known else "is the same for both sexes",
            "Rejected": f"{one['rejected']}",
            "Their gap in depth": number(one["depth_gap"]),
            "and along the boundary": number(one["side_gap"]),
            "Boundaries apart": number(one["offset"]),
        }
        cells = part.set_index("index")
        rows.append(row | {label: _change(cells.loc[name]) for name, label in _INDICES.items()})
    return tables([Layout(rows)])


def _change(row: pd.Series) -> str:
    return f"{number(row['before'])} → {number(row['after'])}"


def _fisher(features: np.ndarray, favourable: np.ndarray) -> tuple[np.ndarray, float]:
    """Fisher's linear discriminant of features [n, d]: favourable where features @ slopes > threshold."""
    groups = features[favourable], features[~favourable]
    within = sum(np.cov(group, rowvar=False) * (len(group) - 1) for group in groups)
    slopes = np.linalg.solve(within, groups[0].mean(axis=0) - groups[1].mean(axis=0))
    return slopes, float(slopes @ (groups[0].mean(axis=0) + groups[1].mean(axis=0)) / 2)
