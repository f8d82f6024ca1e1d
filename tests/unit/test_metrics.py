"""The metrics against values worked out by hand, plain loops (`tests/loops.py`), oracles and symmetries."""

from contextlib import ExitStack
from math import log
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

import loops
from recourse_segregation.metrics import Estimate, pairwise, recourse, segregation
from recourse_segregation.metrics.recourse import closeness, cost, cost_gap, diversity, found_rate, invalidation, ynn
from recourse_segregation.metrics.segregation import (
    among_their_own,
    assign,
    atkinson,
    average_proximity,
    centralization,
    centralization_released,
    neighbourhoods,
    proximity_sums,
    spatial_proximity,
)
from recourse_segregation.metrics.two_samples import mmd


def column(*values):
    return np.array(values, dtype=float)[:, None]


def mask(values):
    return np.array(values, dtype=bool)


# Coordinates on a coarse grid, so that ties and coincident points are common.
coordinates = st.one_of(st.integers(0, 4).map(lambda v: v / 4), st.floats(0, 1, width=32))


@st.composite
def points(draw, smallest=1, largest=14):
    shape = draw(st.tuples(st.integers(smallest, largest), st.integers(1, 3)))
    return draw(hnp.arrays(np.float64, shape, elements=coordinates))


@st.composite
def populations(draw):
    features = draw(points(smallest=2))
    minority = draw(hnp.arrays(bool, len(features)))
    minority[0], minority[1] = True, False
    order = np.random.default_rng(draw(st.integers(0, 1000))).permutation(len(features))
    return features[order], minority[order]


radii = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 2))
block_sizes = st.sampled_from([1, 4, 9, 50])


# Members at 0, 1 and 10, others at 0.5, 11 and 20. Within 1, more members than others are around 0 and 1 only.
LINE, MEMBERS = column(0, 0.5, 1, 10, 11, 20), mask([1, 0, 1, 1, 0, 0])
FIRST = np.argsort(~MEMBERS, kind="stable")
# Members at 0 and log 2, one other at 2 log 2: exp(-d) is 1/2 between the members, 1/4 and 1/2 to the other.
THREE = column(0, log(2), 2 * log(2)), mask([1, 1, 0])
# Moves of length 5 (3-4-5), 0, 1 and 13 (5-12-13).
FACTUAL = np.array([[0, 0], [1, 1], [2, 2], [0, 0]], dtype=float)
COUNTERFACTUAL = np.array([[3, 4], [1, 1], [2, 3], [5, 12]], dtype=float)


@pytest.mark.parametrize(
    ("value", "metric", "people"),
    [
        # Two areas of 4 with p = 3/4 and 1/4, P = 1/2, T = 8: the sum over P T is 0.898896, to the power 4/3 it is
        # 0.867519, and P / (1 - P) = 1; so 0.132481.
        (
            1 - (0.25**0.75 * 0.75**0.25 + 0.75**0.75 * 0.25**0.25) ** (4 / 3),
            atkinson,
            (np.repeat([0, 1], 4), mask([1, 1, 1, 0, 1, 0, 0, 0]), 0.25),
        ),
        # The first three rows are member, other, member; of the three members the first two count. Only the first
        # is paired with a row of the minority. Members first: nobody is lost; members last: everybody is.
        (1 / 3, centralization_released, (LINE, MEMBERS, 1)),
        (2 / 3, centralization_released, (LINE[FIRST], MEMBERS[FIRST], 1)),
        (0, centralization_released, (LINE[FIRST[::-1]], MEMBERS[FIRST[::-1]], 1)),
        (3 / 8, average_proximity, THREE),
        # Self pairs add 1 each: X P_xx = 3/2, Y P_yy = 1, T P_tt = (3 + 2 * 3/4 + 1) / 3.
        (15 / 11, spatial_proximity, THREE),
        # Two points too far apart to feel each other: T^2 / (X^2 + Y^2).
        (25 / 13, spatial_proximity, (column(0, 0, 900, 900, 900), mask([1, 1, 0, 0, 0]))),
        (19 / 4, cost, (FACTUAL, COUNTERFACTUAL)),
        # The minority pays (5 + 0) / 2, the majority (1 + 13) / 2; the gap has no sign.
        *((4.5, cost_gap, (FACTUAL, COUNTERFACTUAL, mask(group))) for group in ([1, 1, 0, 0], [0, 0, 1, 1])),
        # Distances 1, 3 and 4 among 0, 1 and 4; the zero distances of a recourse to itself are left out.
        (8 / 3, diversity, (column(0, 1, 4),)),
        (0, diversity, (np.ones((5, 3)),)),
        # From 0: 1 and 5; from 2: 1 and 3.
        (10 / 4, closeness, (column(0, 2), column(1, 5))),
        *((value, invalidation, (mask(accepted),)) for value, accepted in ((0.25, [1, 1, 1, 0]), (0, [1, 1]))),
        *((value, found_rate, (mask(found),)) for value, found in ((0.75, [1, 1, 1, 0]), (0, [0, 0]))),
    ],
)
@pytest.mark.parametrize("block_pairs", [4, pairwise.BLOCK_PAIRS])
def test_by_hand(value, metric, people, block_pairs):
    with mock.patch.object(pairwise, "BLOCK_PAIRS", block_pairs):
        assert metric(*people) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_atkinson_equals_pysal(seed):
    from segregation.singlegroup import Atkinson  # always at b = 0.5

    rng = np.random.default_rng(seed)
    areas = rng.integers(0, 12, 400)
    minority = (rng.random(400) < rng.random(12)[areas]) & (areas != 3)  # area 3 has no minority
    table = pd.DataFrame({"minority": minority}).groupby(areas)["minority"].agg(["sum", "size"])
    oracle = Atkinson(table, group_pop_var="sum", total_pop_var="size").statistic
    assert atkinson(areas, minority, 0.5) == pytest.approx(oracle, abs=1e-12)
    assert oracle > 0.01


@given(populations(), st.integers(1, 5), st.sampled_from([0.2, 0.5, 0.7]), st.integers(0, 1000))
def test_atkinson_equals_a_plain_loop_whatever_the_areas_are_called(population, k, b, seed):
    rng = np.random.default_rng(seed)
    features, minority = population
    centres, names = rng.random((k, features.shape[1])), rng.permutation(k) * 7
    value = atkinson(names[assign(centres, features)], minority, b)
    assert value == pytest.approx(loops.atkinson(centres, features, minority, b), abs=1e-12)
    assert -1e-12 <= value <= 1


def test_centres_are_those_of_kmeans_and_assign_is_its_predict():
    rng = np.random.default_rng(0)
    before, after = rng.random((600, 4)), rng.random((500, 4))
    kmeans = KMeans(30, n_init=10, random_state=0).fit(before)
    minority = rng.random(600) < 0.4
    found = neighbourhoods(before, minority, 30, 0.1)
    centres, members = found.centres, before[minority]
    assert found.radius == np.quantile(cdist(members, members), 0.1)
    np.testing.assert_allclose(centres, kmeans.cluster_centers_, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(assign(centres, before), kmeans.labels_)
    np.testing.assert_array_equal(assign(centres, after), kmeans.predict(after))


def test_no_more_centres_than_distinct_rows():
    features = np.repeat(column(0.1, 0.4, 0.9), 3, axis=0)
    minority = np.tile(mask([1, 0, 0]), 3)
    found, fewer = (neighbourhoods(features, minority, k, 0.1).centres for k in (30, 2))
    np.testing.assert_allclose(np.sort(found, axis=0), column(0.1, 0.4, 0.9))
    assert len(fewer) == 2


def test_areas_of_very_many_people_are_fitted_to_a_sample():
    features = np.repeat(np.arange(4.0), 100)[:, None] + np.random.default_rng(0).normal(0, 0.01, (400, 1))
    minority = np.arange(400) % 3 == 0
    with mock.patch.object(segregation, "MAPPED", 80):
        centres, again = (neighbourhoods(features, minority, 4, 0.1).centres for _ in range(2))
    np.testing.assert_array_equal(centres, again)
    np.testing.assert_allclose(np.sort(centres, axis=0)[:, 0], np.arange(4), atol=0.01)
    assert not np.array_equal(centres, neighbourhoods(features, minority, 4, 0.1).centres)


@given(populations(), radii)
def test_centralization_equals_a_plain_loop(population, radius):
    value = centralization(*population, radius)
    assert value == loops.surrounded(*population, radius).mean()
    assert 0 <= centralization_released(*population, radius) <= value <= 1


@given(populations(), block_sizes)
def test_proximity_equals_a_plain_loop(population, block_pairs):
    features, minority = population
    groups = features[minority], features[~minority]
    within = sum(len(people) * loops.proximity(people, people) for people in groups)
    massey_denton = within / (len(minority) * loops.proximity(features, features))
    with mock.patch.object(pairwise, "BLOCK_PAIRS", block_pairs):
        sums = proximity_sums(features, minority)
    for known in (None, sums):
        average, spatial = (p(features, minority, known) for p in (average_proximity, spatial_proximity))
        assert average == pytest.approx(loops.proximity(*groups), rel=1e-12)
        assert spatial == pytest.approx(massey_denton, rel=1e-12)
    assert 0 < average <= 1
    assert 1 - 1e-12 <= spatial < len(minority) / min(map(len, groups))


@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from([1, 20, 2**18]), st.sampled_from([3, 10**6]))
def test_ynn_equals_a_plain_loop(seed, k, block_pairs, coordinates):
    """With three coordinates almost everybody ties; there are twelve individuals, who may all count."""
    rng = np.random.default_rng(seed)
    counterfactual, individuals = (rng.integers(0, coordinates, (rows, 2)).astype(float) for rows in (6, 12))
    given = counterfactual, individuals, rng.random(12) < 0.5, k
    with mock.patch.object(recourse, "BLOCK_PAIRS", block_pairs):
        assert ynn(*given) == pytest.approx(loops.ynn(*given), abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "people", "message"),
    [
        (average_proximity, (column(0, 1), np.array([0, 1])), "bool"),
        (average_proximity, (column(0, 1), mask([1, 0, 1])), "expected 2 values, got 3"),
        (average_proximity, (np.array([0.0, 1.0]), mask([1, 0])), r"\[n, d\]"),
        (average_proximity, (column(0, np.nan), mask([1, 0])), "finite"),
        *[(atkinson, (np.array([0, 1]), mask([1, 0]), b), "b:") for b in (0, 1, -0.5, 2)],
        (pairwise.distance_quantile, (column(0, 1), 1.5), "q:"),
        (pairwise.distance_quantile, (np.empty((0, 2)), 0.5), "no points"),
        (cost, (np.empty((0, 2)), np.empty((0, 2))), "no rows"),
        (cost, (FACTUAL, COUNTERFACTUAL[:3]), r"expected shape \(4, 2\)"),
        (cost, (FACTUAL, COUNTERFACTUAL * np.nan), "finite"),
        *[
            (index, (column(*range(len(members))), mask(members), *more), f"the {empty} is empty")
            for members, empty in (([0, 0, 0], "minority"), ([1, 1, 1], "majority"), ([], "minority"))
            for index, *more in (
                *((index,) for index in (proximity_sums, average_proximity, spatial_proximity)),
                *((index, 1) for index in (centralization, centralization_released)),
                (neighbourhoods, 30, 0.1),
                (lambda features, minority: atkinson(features[:, 0], minority, 0.5),),
            )
        ],
        (cost_gap, (FACTUAL, COUNTERFACTUAL, mask([1, 1, 1, 1])), "the majority is empty"),
        (cost_gap, (FACTUAL, COUNTERFACTUAL, mask([0, 0, 0, 0])), "the minority is empty"),
        (cost_gap, (FACTUAL, COUNTERFACTUAL, np.array([1, 1, 0, 0])), "bool"),
        (ynn, (np.empty((0, 1)), column(0, 1), mask([1, 0]), 1), "counterfactual: no rows"),
        (ynn, (column(0), column(0, 1), np.array([1, 0]), 1), "bool"),
        (ynn, (column(0), column(0, 1), mask([1]), 1), "expected 2 values"),
        *[(ynn, (column(0), column(0, 1, 2), mask([1, 0, 1]), k), "k:") for k in (0, 4)],
        (diversity, (column(1),), "two recourses or more, got 1"),
        (closeness, (column(1), np.empty((0, 1))), "favourable: no rows"),
        (closeness, (np.empty((0, 1)), column(1)), "counterfactual: no rows"),
        (invalidation, (mask([]),), "accepted: no values"),
        (found_rate, (mask([]),), "found: no values"),
        (found_rate, (np.array([1, 0]),), "bool"),
    ],
)
def test_what_is_malformed_or_not_defined_is_refused(metric, people, message):
    with pytest.raises(ValueError, match=message):
        metric(*people)


@given(points(), points(), block_sizes, radii)
def test_blocks_equal_the_full_matrix(x, y, block_pairs, radius):
    y = np.resize(y, (len(y), x.shape[1]))
    within, between = cdist(x, x), cdist(x, y)
    with mock.patch.object(pairwise, "BLOCK_PAIRS", block_pairs):
        np.testing.assert_array_equal(pairwise.count_within(x, radius), (within <= radius).sum(axis=1))
        np.testing.assert_array_equal(pairwise.count_within(x, radius, y), (between <= radius).sum(axis=1))
        np.testing.assert_array_equal(pairwise.nearest(x, y), between.argmin(axis=1))
        assert pairwise.distance_sum(x) == pytest.approx(within.sum(), rel=1e-12)
        assert closeness(x, y) == pytest.approx(between.mean(), rel=1e-12)
        assert pairwise.kernel_sum(x) == pytest.approx(np.exp(-within).sum(), rel=1e-12)
        assert pairwise.kernel_sum(x, y) == pytest.approx(np.exp(-between).sum(), rel=1e-12)


def test_blocks_stay_within_the_bound():
    x, y = np.random.default_rng(0).random((2, 50, 2))
    with mock.patch.object(pairwise, "BLOCK_PAIRS", 64):
        held = [distances.size for *_, distances in pairwise.blocks(x, y)]
        mirrored = [distances.size for *_, distances in pairwise.blocks(x)]
    assert max(held + mirrored) == 64
    assert sum(held) == 2500
    assert sum(mirrored) < 1500


@pytest.mark.parametrize("q", [0, 0.1, 0.2, 1 / 3, 0.5, 0.999, 1])
def test_quantile_equals_numpy_on_the_full_matrix(q):
    rng = np.random.default_rng(0)
    clouds = [rng.random((700, 9)), rng.integers(0, 3, (90, 2)) / 2, rng.normal(size=(40, 2)) * 1e6]
    clouds += [np.zeros((5, 2)), column(3), column(0, 1e-150, 1e150)]
    for cloud in clouds:
        assert pairwise.distance_quantile(cloud, q) == np.quantile(cdist(cloud, cloud), q)


def sampled(pairs=0, draws=2000, rng=None):
    """Look at `pairs` pairs at most, and draw from `rng` if one is given."""
    stack = ExitStack()
    stack.enter_context(mock.patch.multiple(pairwise, PAIRS=pairs, DRAWS=draws))
    if rng is not None:
        for module in (pairwise, segregation, recourse):
            stack.enter_context(mock.patch.object(module, "numpy_generator", return_value=rng))
    return stack


CITY = np.random.default_rng(0).gamma(2, 0.1, (400, 3))
CITIZENS = np.random.default_rng(1).random(400) < 0.2 + 0.5 * (CITY[:, 0] > 0.2)
# 300 who live on a grid, where 213 tie, and 100 who do not.
GRID = np.vstack([np.random.default_rng(0).integers(0, 8, (300, 3)), 9 + CITY[:100]])
GRID_ACCEPTED = np.random.default_rng(1).random(400) < 0.1 * GRID[:, 0] + 0.05
# A metric of the city or the grid, how many pairs there are, and at how many it may look when it is estimated.
ESTIMATED = {
    "radius": (lambda: pairwise.distance_quantile(CITY[CITIZENS], 0.1), CITIZENS.sum() ** 2, 0),
    "centralization": (lambda: centralization(CITY, CITIZENS, 0.15), CITIZENS.sum() * 400, 60 * 400),
    "centralization_released": (lambda: centralization_released(CITY, CITIZENS, 0.15), CITIZENS.sum() * 400, 60 * 400),
    "average_proximity": (lambda: average_proximity(CITY, CITIZENS), 400**2, 0),
    "spatial_proximity": (lambda: spatial_proximity(CITY, CITIZENS), 400**2, 0),
    "mmd": (lambda: mmd(CITY, CITIZENS, 0.3), 400**2, 0),
    "diversity": (lambda: diversity(CITY), 400**2, 0),
    "closeness": (lambda: closeness(CITY[:90], CITY), 90 * 400, 0),
    "ynn": (lambda: ynn(GRID, GRID, GRID_ACCEPTED, 5), 213 * 400, 50 * 400),
}


@pytest.mark.parametrize("name", ESTIMATED)
def test_estimates_are_unbiased_and_their_standard_errors_calibrated(name):
    metric, _, pairs = ESTIMATED[name]
    exact = metric()
    assert not isinstance(exact, Estimate)
    estimates = []
    for seed in range(300):
        with sampled(pairs, rng=np.random.default_rng(seed)):
            estimates.append(metric())
    deviations = np.array([(e - exact) / e.error for e in estimates])
    # The mean and the spread of 300 standard normal numbers: 0 ± 0.058 and 1 ± 0.041.
    assert abs(deviations.mean()) < 0.25
    assert 0.82 < deviations.std() < 1.18
    assert 0.9 < np.mean(abs(deviations) < 1.96) < 0.99
    assert "standard error" in estimates[0].note


@pytest.mark.parametrize("name", ESTIMATED)
def test_estimates_begin_beyond_the_budget_and_repeat(name):
    metric, size, pairs = ESTIMATED[name]
    with sampled(size):
        assert not isinstance(metric(), Estimate)
    with sampled(size - 1):
        assert isinstance(metric(), Estimate)
    with sampled(pairs):
        first, again = metric(), metric()
    assert (first, first.note) == (again, again.note)
    if name in ("average_proximity", "spatial_proximity", "mmd", "diversity"):
        errors = []
        for draws in (8000, 128_000):
            with sampled(draws=draws):
                errors.append(metric().error)
        assert errors[1] == pytest.approx(errors[0] / 4, rel=0.25), "a larger sample is nearer"


@given(populations(), radii)
def test_estimates_of_small_populations(population, radius):
    features, minority = population
    with sampled(draws=500):
        sums = proximity_sums(features, minority)
        values = average_proximity(features, minority, sums), spatial_proximity(features, minority, sums)
        own = among_their_own(features, minority, radius)
    exact = average_proximity(features, minority), spatial_proximity(features, minority)
    for value, wanted in zip(values, exact, strict=True):
        assert abs(value - wanted) <= 6 * value.error + 1e-9 + 0.05 * (value.error > 0)
    # A group of one has only its self pair.
    if minority.sum() == 1:
        assert sums.xx == pytest.approx(1)
    if (~minority).sum() == 1:
        assert sums.yy == pytest.approx(1)
    looked_at = ~np.ma.getmaskarray(own)
    assert looked_at.sum() == 1
    np.testing.assert_array_equal(own[looked_at], among_their_own(features, minority, radius)[looked_at])


def test_a_change_is_measured_on_the_same_sample():
    moved = CITY + 0.01 * CITIZENS[:, None]
    with sampled(60 * 400):
        before, after = (among_their_own(x, CITIZENS, 0.15) for x in (CITY, moved))
        proximities = [average_proximity(x, CITIZENS) for x in (CITY, moved)]
    np.testing.assert_array_equal(before.mask, after.mask)
    change = average_proximity(moved, CITIZENS) - average_proximity(CITY, CITIZENS)
    assert abs(proximities[1] - proximities[0] - change) < 0.3 * proximities[0].error
