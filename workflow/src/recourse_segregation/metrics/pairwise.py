"""Sums, means, counts and quantiles over all pairs of points, in bounded memory and time.

All pairs are looked at while there are at most `PAIRS` of them; beyond, a mean or a quantile is estimated from
`DRAWS` random draws, the same ones at every call, and comes with its standard error (`Estimate`).
Distances are L2, from coordinate differences in float64: the faster expansion |x|^2 - 2xy + |y|^2 loses half
of the digits of a small distance, and its matrix product may differ with the number of BLAS threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import fsum, isqrt

import numpy as np
from scipy.spatial.distance import cdist

from ..seeds import numpy_generator
from . import Estimate, Undefined

# The most pairs that are all looked at: those of 32,768 points with one another, which take less than a minute.
PAIRS = 2**30
# Random draws of an estimate: a share of a half gets the standard error 0.00024.
DRAWS = 2**22
# Coordinates drawn at once (8 MiB).
DRAWN_AT_ONCE = 2**20
# Pairs whose distances are held at once. Blocks of 512 x 512 stay in cache.
BLOCK_PAIRS = 2**18
# What weighs a pair by its distance; elementwise.
Kernel = Callable[[np.ndarray], np.ndarray]
# The bits of a float64 without its sign are read as three digits of 21 bits.
DIGIT_BITS = 21


def as_points(values: np.ndarray, name: str = "features") -> np.ndarray:
    """`values` as a float64 array [n, d]; ValueError if the shape is another or a value is not finite."""
    points = np.ascontiguousarray(values, dtype=np.float64)
    if points.ndim != 2:
        raise ValueError(f"{name}: expected an array [n, d], got shape {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError(f"{name}: every value must be finite")
    return points


def as_mask(values: np.ndarray, name: str, size: int | None = None) -> np.ndarray:
    """`values` as a bool array [n]; ValueError for another shape or type (numbers would act as positions)."""
    mask = np.asarray(values)
    if mask.dtype != bool or mask.ndim != 1:
        raise ValueError(f"{name}: expected a bool array [n], got {mask.dtype} of shape {mask.shape}")
    if size is not None and len(mask) != size:
        raise ValueError(f"{name}: expected {size} values, got {len(mask)}")
    return mask


def as_groups(minority: np.ndarray, size: int) -> np.ndarray:
    """`minority` as a bool array [size]; Undefined, naming the group, if one of the two has no members."""
    minority = as_mask(minority, "minority", size)
    for name, present in (("minority", minority.any()), ("majority", not minority.all())):
        if not present:
            raise Undefined(f"the {name} is empty: among {size} individuals none belongs to it")
    return minority


def blocks(x: np.ndarray, y: np.ndarray | None = None) -> Iterator[tuple[slice, slice, int, np.ndarray]]:
    """Distances between x [n, d] and y [m, d] block by block: rows, columns, weight, distances.

    Without y, the pairs of x with itself (every ordered pair, self pairs included): a block above the
    diagonal has weight 2, for it stands for its mirror image too.
    """
    side = isqrt(BLOCK_PAIRS)
    others = x if y is None else y
    for i in range(0, len(x), side):
        rows = slice(i, i + side)
        for j in range(i if y is None else 0, len(others), side):
            columns = slice(j, j + side)
            yield rows, columns, 2 if y is None and j > i else 1, cdist(x[rows], others[columns])


def distance_sum(x: np.ndarray, y: np.ndarray | None = None) -> float:
    """Sum of d over all pairs of x and y, or of x with itself."""
    return fsum(weight * distances.sum() for *_, weight, distances in blocks(x, y))


def proximity(distances: np.ndarray) -> np.ndarray:
    """exp(-d), the kernel of the indices of proximity."""
    return np.exp(-distances)


def kernel_sum(x: np.ndarray, y: np.ndarray | None = None, kernel: Kernel = proximity) -> float:
    """Sum of a kernel of d over all pairs of x and y, or of x with itself (then every self pair adds kernel(0))."""
    return fsum(weight * kernel(distances).sum() for *_, weight, distances in blocks(x, y))


def count_within(x: np.ndarray, radius: float, y: np.ndarray | None = None) -> np.ndarray:
    """For each row of x, how many rows of y (or of x, itself included) are at distance <= radius: int [n]."""
    counts = np.zeros(len(x), dtype=np.int64)
    for rows, columns, weight, distances in blocks(x, y):
        near = distances <= radius
        counts[rows] += np.count_nonzero(near, axis=1)
        if weight == 2:
            counts[columns] += np.count_nonzero(near, axis=0)
    return counts


def row_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The distance between each row of x [n, d] and the same row of y [n, d]: float64 [n]."""
    difference = x - y
    return np.sqrt(np.einsum("nd,nd->n", difference, difference))


def two_rows(n: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two different random rows of n, `size` times; of a single row, that row twice."""
    first = rng.integers(n, size=size)
    return first, (first + 1 + rng.integers(max(1, n - 1), size=size)) % n


def _parts(d: int) -> Iterator[tuple[slice, int]]:
    """The draws, and how many they are: as many at once as keep rows of d coordinates within DRAWN_AT_ONCE."""
    step = max(1, DRAWN_AT_ONCE // max(1, d))
    for start in range(0, DRAWS, step):
        yield slice(start, start + step), min(step, DRAWS - start)


def _drawn_distances(x: np.ndarray, y: np.ndarray | None, stream: str) -> np.ndarray:
    """d of random pairs of x and y, or of two different rows of x: [DRAWS]."""
    rng = numpy_generator(0, "metrics", stream)
    distances = np.empty(DRAWS)
    for part, size in _parts(x.shape[1]):
        i, j = two_rows(len(x), size, rng) if y is None else (rng.integers(len(z), size=size) for z in (x, y))
        distances[part] = row_distances(x[i], (x if y is None else y)[j])
    return distances


def mean_distance(x: np.ndarray, y: np.ndarray | None = None) -> float:
    """Mean of d over all pairs of x and y, or of two different rows of x; an `Estimate` beyond PAIRS pairs."""
    if len(x) * len(x if y is None else y) <= PAIRS:
        return distance_sum(x, y) / (len(x) * (len(x) - 1) if y is None else len(x) * len(y))
    distances = _drawn_distances(x, y, "distance")
    return Estimate(distances.mean(), distances.std(ddof=1) / np.sqrt(DRAWS), f"{DRAWS:,} random pairs")


def kernel_means(x: np.ndarray, y: np.ndarray, kernel: Kernel = proximity) -> tuple[np.ndarray, np.ndarray]:
    """Means of a kernel of d, estimated: pairs of two different rows of x, of x and y, and of two different rows of y.

    Every draw takes two rows of x and two of y: xx' for the first mean, xy and x'y' for the second, yy' for the
    third. So where the groups are alike the three vary together, and their difference hardly. A single row
    is paired with itself. Returns the means [3] and their covariance [3, 3].
    """
    rng = numpy_generator(0, "metrics", "proximity")
    values = np.empty((3, DRAWS))
    for part, size in _parts(x.shape[1]):
        (a, b), (c, d) = two_rows(len(x), size, rng), two_rows(len(y), size, rng)
        a, b, c, d = x[a], x[b], y[c], y[d]
        xx, xy, also_xy, yy = (kernel(row_distances(*pair)) for pair in ((a, b), (a, c), (b, d), (c, d)))
        values[:, part] = xx, (xy + also_xy) / 2, yy
    return values.mean(axis=1), np.cov(values) / DRAWS


def nearest(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each row of x, the position of the nearest row of y, the first one of equals: int [n]."""
    step = max(1, BLOCK_PAIRS // max(1, len(y)))
    starts = range(0, max(1, len(x)), step)
    return np.concatenate([cdist(x[i : i + step], y).argmin(axis=1) for i in starts])


def distance_quantile(x: np.ndarray, q: float) -> float:
    """The q-quantile of the full distance matrix of x, its diagonal included.

    Equals np.quantile(matrix, q), that is linear interpolation between order statistics. Beyond PAIRS entries it is
    an `Estimate`: the quantile of DRAWS entries drawn at random. Its standard error is half the width that the share of
    smaller entries, q ± its own error, has as distances.

    Woodruff, R. S. (1952). Confidence intervals for medians and other position measures. JASA 47(260).
    """
    if not 0 <= q <= 1:
        raise ValueError(f"q: expected a value from 0 to 1, got {q}")
    n = len(x)
    if n == 0:
        raise Undefined("no points: the quantile of their distances is not defined")
    if n * n > PAIRS:
        error = np.sqrt(q * (1 - q) / DRAWS)
        shares = np.clip([q - error, q, q + error], 0, 1)
        low, value, high = np.quantile(_drawn_distances(x, x, "quantile"), shares)
        return Estimate(value, (high - low) / 2, f"{DRAWS:,} random pairs")
    position = (n * n - 1) * q
    low = int(position)
    return float(np.quantile(_order_statistics(x, [low, min(low + 1, n * n - 1)]), position - low))


def _order_statistics(x: np.ndarray, ranks: list[int]) -> np.ndarray:
    """The values of these ranks (from 0) in the sorted distance matrix, in constant memory: a radix selection, with a
    pass over the pairs for each of three digits.

    Floats that are not negative sort as their bits do. So the counts of the leading digit tell which of its
    values holds the wanted rank, and the next pass looks only at the distances that begin with it. The result
    is exact, however many distances are equal.
    """
    found = np.zeros(len(ranks), dtype=np.int64)
    for shift in (2 * DIGIT_BITS, DIGIT_BITS, 0):
        counts = {int(prefix): np.zeros(2**DIGIT_BITS, dtype=np.int64) for prefix in found}
        for *_, weight, distances in blocks(x):
            keys = distances.ravel().view(np.int64) >> shift
            prefixes = keys >> DIGIT_BITS
            for prefix, count in counts.items():
                np.add.at(count, keys[prefixes == prefix] - (prefix << DIGIT_BITS), weight)
        for i, rank in enumerate(ranks):
            cumulative = counts[int(found[i])].cumsum()
            digit = int(np.searchsorted(cumulative, rank, side="right"))
            ranks[i] = rank - (int(cumulative[digit - 1]) if digit else 0)
            found[i] = found[i] << DIGIT_BITS | digit
    return found.view(np.float64)
