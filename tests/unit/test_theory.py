"""The formulas of minimum-cost recourse against simulation, quadrature and their limits; contraction as a property."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.spatial.distance import cdist
from scipy.stats import kstest, norm

from recourse_segregation import theory
from recourse_segregation.exhibits import theory as exhibit
from recourse_segregation.metrics.segregation import average_proximity, centralization
from recourse_segregation.seeds import numpy_generator
from recourse_segregation.theory import Groups

numbers = st.floats(-5, 5, allow_subnormal=False)
depths = st.floats(-6, 6)
spreads = st.floats(0.05, 3)
worlds = st.builds(Groups, st.tuples(depths, depths), st.floats(0, 6), spreads, st.integers(2, 6))
few = settings(max_examples=30, deadline=None)


@st.composite
def crowds(draw):
    """Points [n, d] and a direction [d] of any length."""
    points = draw(hnp.arrays(float, st.tuples(st.integers(2, 12), st.integers(1, 4)), elements=numbers))
    normal = draw(hnp.arrays(float, points.shape[1], elements=st.floats(0.1, 3))) * draw(st.sampled_from([1, -1]))
    return points, normal


@given(crowds(), numbers)
def test_projection_moves_the_rejected_to_the_nearest_accepted_point(crowd, threshold):
    points, normal = crowd
    moved = theory.project(points, normal, threshold)
    rejected = points @ normal < threshold
    assert np.array_equal(moved[~rejected], points[~rejected])
    assert (moved @ normal >= threshold - 1e-9).all()
    cost = np.linalg.norm(moved - points, axis=1)
    assert (cost[:, None] <= cdist(points, points[~rejected]) + 1e-9).all()
    assert cost == pytest.approx(np.maximum(threshold - points @ normal, 0) / np.linalg.norm(normal), abs=1e-9)


@given(crowds(), numbers, st.just(0.0) | numbers)
def test_pairs_move_apart_by_at_most_the_distance_of_their_boundaries(crowd, threshold, more):
    points, normal = crowd
    minority = np.arange(len(points)) % 2 == 0
    moved = theory.project(points, normal, threshold + more * minority)
    apart = abs(more) / np.linalg.norm(normal)
    assert (cdist(moved, moved) <= cdist(points, points) + apart + 1e-9).all()
    assert average_proximity(moved, minority) >= np.exp(-apart) * average_proximity(points, minority) - 1e-12
    pair = np.array([[-1.0, 0.0], [-1.0, 0.1]])  # if only one of them takes recourse, they can move apart
    assert np.linalg.norm(theory.recourse(pair)[0] - pair[1]) > np.linalg.norm(pair[0] - pair[1])


@few
@given(depths, spreads)
def test_moments_are_the_integrals(depth, spread):
    low, high = (max(0, depth + sign * 10 * spread) for sign in (-1, 1))
    points = [depth] if low < depth < high else None
    for power, value in zip((1, 2), theory.moments_after(depth, spread), strict=True):
        integral = quad(lambda u, power=power: u**power * norm.pdf(u, depth, spread), low, high, points=points)[0]
        assert value == pytest.approx(integral, abs=1e-8)


@given(depths, spreads)
def test_the_gap_in_depth_shrinks_and_small_standardized_gaps_never_rise(depth, spread):
    """Its slope is below 1, and the smaller the stricter the classifier: Φ(depth / spread)."""
    (lower, _), (mean, square), (upper, _) = (theory.moments_after(depth + d, spread) for d in (-1e-4, 0, 1e-4))
    slope = (upper - lower) / 2e-4
    assert slope == pytest.approx(norm.cdf(depth / spread), abs=1e-5)
    assert slope <= np.sqrt(max(square - mean**2, 0)) / spread + 1e-5


@pytest.mark.parametrize("depth", [-3.0, -1.0])
def test_the_standardized_gap_rises_beyond_a_depth_of_the_upper_group(depth):
    mean, square = theory.moments_after(depth)
    ratio = np.sqrt((1 + square - mean**2) / 2)
    limit = (mean - ratio * depth) / (1 - ratio)
    assert limit > 3
    for factor, sign in ((0.98, -1), (1.02, 1)):
        assert np.sign(theory.formulas(Groups((depth, factor * limit))).loc["separation", "change"]) == sign


@given(st.floats(0, 8), spreads)
def test_before_on_a_line_there_is_a_closed_form(gap, spread):
    wide = np.sqrt(2) * spread
    closed = sum(np.exp(spread**2 - h + norm.logcdf(h / wide - wide)) for h in (gap, -gap))
    assert theory.proximity(Groups((-1.0, gap - 1.0), 0.0, spread, 1)) == pytest.approx(closed, rel=1e-8)


def difference_density(t, a, b, spread):
    """The density of the difference of the depths after recourse, at t != 0."""
    none = norm.pdf(t, b - a, np.sqrt(2) * spread) * norm.cdf((a + b - abs(t)) / (np.sqrt(2) * spread))
    upper, lower = (b, a) if t > 0 else (a, b)
    return none + norm.cdf(-lower / spread) * norm.pdf(abs(t), upper, spread)


@pytest.mark.parametrize(
    ("a", "b", "spread"), [(-1, 1, 1), (0.3, 0.1, 0.2), (-4, -5, 1), (2, -0.5, 0.8), (0, 0, 1), (0, -1, 1)]
)
def test_after_on_a_line_it_is_the_integral_over_the_difference(a, b, spread):
    def integrand(t):
        return np.exp(-t) * (difference_density(t, a, b, spread) + difference_density(-t, a, b, spread))

    both = norm.cdf(-a / spread) * norm.cdf(-b / spread)
    after = theory.proximity(Groups((a, b), 0.0, spread, 1), after=True)
    assert after == pytest.approx(both + quad(integrand, 0, 12, limit=200)[0], abs=1e-7)


@few
@given(worlds, st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(0, 0.1))
def test_proximity_rises_and_is_symmetric_and_continuous(world, first, second, side):
    (a, b), before, after = world.depths, theory.proximity(world), theory.proximity(world, after=True)
    assert before - 1e-9 <= after <= 1 + 1e-9
    assert theory.proximity(replace(world, depths=(b, a)), after=True) == pytest.approx(after, abs=1e-9)
    # exp(-d) changes by no more than d does, and d by no more than the two individuals move
    near = replace(world, depths=(a + first, b + second), side=world.side + side)
    moved = abs(first) + abs(second) + side
    assert abs(theory.proximity(near) - before) <= moved + 1e-9
    assert abs(theory.proximity(near, after=True) - after) <= moved + 1e-9


@few
@given(worlds)
def test_nobody_rejected_nothing_changes_and_all_rejected_only_the_boundary_is_left(world):
    low, high = (replace(world, depths=tuple(d + s * (6 + 8 * world.spread) for d in world.depths)) for s in (-1, 1))
    assert theory.proximity(high, after=True) == pytest.approx(theory.proximity(high), abs=1e-9)
    assert theory.formulas(high)["change"].abs().max() < 1e-8
    along = Groups((0.0, world.side), 0.0, world.spread, world.dimensions - 1)
    assert theory.proximity(low, after=True) == pytest.approx(theory.proximity(along), abs=1e-9)
    assert theory.moments_after(low.depths[0], low.spread)[0] == pytest.approx(0, abs=1e-9)
    deep = replace(world, depths=(-8 * world.spread, -9 * world.spread), side=0.0)
    assert theory.formulas(deep).loc["spatial_proximity", "after"] == pytest.approx(1, abs=1e-9), "they become one"
    line = replace(low, side=0.0, dimensions=1)
    assert theory.proximity(line, after=True) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("depth", [0.43, 0.0, -1.0, -4.0])
def test_beside_each_other_spatial_proximity_rises_if_a_third_is_rejected(depth):
    for spread, side in product((0.1, 1.0, 3.0), (0.1, 1.0, 4.0)):
        world = Groups((depth * spread,) * 2, side * spread, spread)
        one = replace(world, side=0.0)
        assert theory.formulas(world).loc["spatial_proximity", "change"] > 0
        # between / within, which is the same in both groups: so it rises for groups of any shares
        before, after = (theory.proximity(world, phase) / theory.proximity(one, phase) for phase in (False, True))
        assert after < before


def test_the_condition_of_that_proof_holds_up_to_a_rejected_share_of_27_percent():
    # the density of the difference in depth after / before falls everywhere while z (1 - Φ(z)) / φ(z) <= 1/2
    highest = brentq(lambda z: z * norm.sf(z) / norm.pdf(z) - 0.5, 0, 2)
    assert (highest, norm.sf(highest)) == pytest.approx((0.61, 0.27), abs=0.005)
    t = np.linspace(1e-3, 6, 400)
    for depth, falls in ((highest - 0.01, True), (highest + 0.02, False)):
        after = np.array([difference_density(x, depth, depth, 1) for x in t])
        assert (np.diff(after / norm.pdf(t, 0, np.sqrt(2))) <= 0).all() == falls
    change = theory.formulas(Groups((2.5, 2.5), side=3.0)).loc["spatial_proximity", "change"]
    assert -1e-4 < change < -1e-5  # so it can fall if few are rejected


@pytest.mark.parametrize("radius", [0.2, 0.65, 2.0])
def test_the_bounds_of_centralization_hold_for_any_radius(radius):
    generator = numpy_generator(0, "test", "centralization")
    minority = np.repeat([True, False], 2000)
    for world in (*theory.CASES.values(), Groups((0.3, 0.3), side=2.0)):
        people = np.vstack([theory.draw(world, group, 2000, generator) for group in (0, 1)])
        after = centralization(theory.recourse(people), minority, radius)
        _, lowest, highest = theory.centralization_bounds(world)
        assert lowest - 0.06 <= after <= highest + 0.06


def test_what_is_not_covered_is_refused():
    with pytest.raises(ValueError, match="only"):
        theory.centralization_bounds(Groups((0.0, 1.0), side=1.0))
    for wrong in ({"spread": 0.0}, {"dimensions": 0}, {"side": 1.0, "dimensions": 1}):
        with pytest.raises(ValueError, match="must be"):
            Groups((0.0, 1.0), **wrong)


def test_formulas_agree_with_simulations():
    tests, check = theory.check(size=500)
    assert (tests["runs"] >= 20).all()
    assert tests["p_holm"].min() > 0.01
    assert check["z"].abs().max() < 4.5


WRONG = {
    "moments_after": lambda depth, spread: (np.maximum(depth, 0.0), depth**2 + spread**2),
    "_both_positive": lambda a, b, spread: norm.cdf(a / spread) * norm.cdf(b / spread),
    "proximity": lambda groups, after=False, right=theory.proximity: 1.01 * right(groups, after),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_formula_is_noticed_and_shown(name, monkeypatch):
    monkeypatch.setattr(theory, name, WRONG[name])
    tests, check = theory.check(theory.WORLDS[:1], size=5_000)
    assert tests["p_holm"].max() < 1e-4
    shown = exhibit.show_check(tests, check).data
    assert "−1 and 1" in shown
    assert "&lt; 0.001" in shown


@pytest.mark.parametrize("world", [theory.WORLDS[0], theory.WORLDS[3]], ids=str)
def test_p_of_right_formulas_is_uniform_although_moments_move_together(world):
    expected = theory.moments(world)
    runs = [theory.simulated(world, 100, numpy_generator(i, "test", "agreement")) for i in range(60)]
    assert kstest([theory.agreement(run, expected)[2] for run in runs], "uniform").pvalue > 0.01
    assert abs(np.corrcoef(runs[0][:, 0, 0], runs[0][:, 1, 0])[0, 1]) > 0.3


def test_where_groups_almost_coincide_a_distance_of_means_is_too_long_by_more_than_its_error():
    world, people = theory.WORLDS[2], 2 * theory.RUNS * 10_000
    after = dict(zip(theory.MOMENTS, theory.moments(world)[1], strict=True))
    distance = after["mean_1"] - after["mean_0"]
    error = np.sqrt((after["square_0"] - after["mean_0"] ** 2 + after["square_1"] - after["mean_1"] ** 2) / people)
    variance_across = 2 * world.spread**2 / people
    assert 1 < variance_across / (2 * distance) / error < 1.5


def test_curves_begin_where_the_groups_are_one_and_each_is_drawn():
    curves = theory.curves()
    start = curves[curves["separation"] == 0].pivot(index="direction", columns="statistic", values="change")
    assert np.allclose(start[["distance", "separation", "spatial_proximity"]], 0, atol=1e-9)
    assert np.ptp(start["average_proximity"]) < 1e-9
    titles = [axis.get_title() for axis in exhibit.figure(curves).axes]
    assert titles[:3] == [f"The second group {direction} the first" for direction in theory.DIRECTIONS]
    assert len(titles) == 3 + curves["statistic"].nunique()


def test_indices_measured_on_people_are_those_of_the_formulas():
    indices = theory.indices(size=1500)
    proximities = indices[indices["formula_after"].notna()]
    assert len(proximities) == 2 * len(theory.CASES)
    for phase in ("before", "after"):
        assert np.allclose(proximities[phase], proximities[f"formula_{phase}"], rtol=0.05)
    counted = indices[indices["formula_after"].isna()]
    assert np.allclose(counted["before"], counted["formula_before"], atol=0.04)
    assert counted["after"].between(counted["formula_lowest"] - 0.04, counted["formula_highest"] + 0.04).all()
    assert "≥ 0.977" in exhibit.show_indices(indices).data


def test_the_synthetic_population_is_two_groups_beside_each_other():
    table = exhibit.synthetic()
    same, by_sex = (table[table["sex"] == known].set_index("index") for known in (False, True))
    assert same["side_gap"].iloc[0] > 5 * same["depth_gap"].iloc[0]
    assert same["offset"].iloc[0] == 0
    assert by_sex["offset"].iloc[0] > 0
    rises = (table["after"] > table["before"])[table["index"] != "centralization"]
    assert len(rises) == 4
    assert rises.all()
    assert "→" in exhibit.show_synthetic(table).data
