"""The formulas of minimum-cost recourse against simulation, quadrature and their limits; contraction as a property."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.spatial.distance import cdist
from scipy.stats import norm

from recourse_segregation import theory
from recourse_segregation.metrics.segregation import average_proximity, centralization
from recourse_segregation.seeds import numpy_generator
from recourse_segregation.theory import Groups

numbers = st.floats(-5, 5, allow_subnormal=False)
depths = st.floats(-6, 6)
spreads = st.floats(0.05, 3)
worlds = st.builds(
    lambda a, b, side, spread, more: Groups((a, b), side, spread, 2 + more),
    depths,
    depths,
    st.floats(0, 6),
    spreads,
    st.integers(0, 4),
)
few = settings(max_examples=30, deadline=None)


@st.composite
def crowds(draw):
    """Points [n, d] and a direction [d] of any length."""
    points = draw(hnp.arrays(float, st.tuples(st.integers(2, 12), st.integers(1, 4)), elements=numbers))
    normal = draw(hnp.arrays(float, points.shape[1], elements=st.floats(0.1, 3))) * draw(st.sampled_from([1, -1]))
    return points, normal


# --- recourse by projection


@given(crowds(), numbers)
def test_projection_moves_the_rejected_to_the_nearest_accepted_point(crowd, threshold):
    points, normal = crowd
    moved = theory.project(points, normal, threshold)
    rejected = points @ normal < threshold
    assert np.array_equal(moved[~rejected], points[~rejected])
    assert (moved @ normal >= threshold - 1e-9).all()
    cost = np.linalg.norm(moved - points, axis=1)
    accepted = points[~rejected]
    if len(accepted):
        assert (cost <= cdist(points, accepted).min(axis=1) + 1e-9).all()
    assert cost == pytest.approx(np.maximum(threshold - points @ normal, 0) / np.linalg.norm(normal), abs=1e-9)


@given(crowds(), numbers)
def test_no_pair_moves_apart(crowd, threshold):
    points, normal = crowd
    moved = theory.project(points, normal, threshold)
    assert (cdist(moved, moved) <= cdist(points, points) + 1e-9).all()


@given(crowds(), numbers, numbers)
def test_with_two_boundaries_a_pair_moves_apart_by_at_most_their_distance(crowd, one, other):
    points, normal = crowd
    thresholds = np.where(np.arange(len(points)) % 2, one, other)
    moved = theory.project(points, normal, thresholds)
    apart = abs(one - other) / np.linalg.norm(normal)
    assert (cdist(moved, moved) <= cdist(points, points) + apart + 1e-9).all()


@given(crowds(), numbers)
def test_average_proximity_cannot_fall(crowd, threshold):
    points, normal = crowd
    minority = np.arange(len(points)) % 2 == 0
    moved = theory.project(points, normal, threshold)
    assert average_proximity(moved, minority) >= average_proximity(points, minority) - 1e-12


def test_a_pair_of_which_only_one_takes_recourse_can_move_apart():
    points = np.array([[-1.0, 0.0], [-1.0, 0.1]])
    some = np.array([theory.recourse(points)[0], points[1]])
    assert np.linalg.norm(some[0] - some[1]) > np.linalg.norm(points[0] - points[1])


# --- means and variances


@few
@given(depths, spreads)
def test_mean_and_variance_are_the_integrals(depth, spread):
    edges = (max(0, depth - 10 * spread), max(0, depth + 10 * spread))
    points = [p for p in (depth,) if edges[0] < p < edges[1]]
    mean, square = (
        quad(lambda u, power=power: u**power * norm.pdf(u, depth, spread), *edges, points=points)[0] for power in (1, 2)
    )
    assert theory.mean_after(depth, spread) == pytest.approx(mean, abs=1e-8)
    assert theory.variance_after(depth, spread) == pytest.approx(square - mean**2, abs=1e-7)


@given(depths, st.floats(1e-3, 5), spreads, st.floats(0.01, 2))
def test_the_gap_in_depth_shrinks_and_the_more_the_stricter_the_classifier(depth, gap, spread, stricter):
    def after(lower):
        return theory.mean_after(lower + gap, spread) - theory.mean_after(lower, spread)

    assert -1e-12 <= after(depth) <= gap + 1e-12
    assert after(depth - stricter) <= after(depth) + 1e-12


@given(depths, spreads)
def test_small_standardized_gaps_never_rise(depth, spread):
    slope = (theory.mean_after(depth + 1e-4, spread) - theory.mean_after(depth - 1e-4, spread)) / 2e-4
    assert slope == pytest.approx(norm.cdf(depth / spread), abs=1e-5)
    assert slope <= np.sqrt(max(theory.variance_after(depth, spread), 0)) / spread + 1e-5


@pytest.mark.parametrize("depth", [-3.0, -1.0])
def test_the_standardized_gap_rises_beyond_a_depth(depth):
    limit = theory.rising_depth(depth)
    assert limit > 3
    for factor, sign in ((0.98, -1), (1.02, 1)):
        assert np.sign(theory.formulas(Groups((depth, factor * limit))).loc["separation", "change"]) == sign


# --- proximity


@given(st.floats(0, 8), spreads)
def test_before_on_a_line_there_is_a_closed_form(gap, spread):
    world = Groups((-1.0, gap - 1.0), spread=spread, dimensions=1)
    assert theory.proximity(world) == pytest.approx(theory.proximity_on_a_line(gap, spread), rel=1e-8)


def difference_density(t, a, b, spread):
    """The density of the difference of the depths after recourse, at t != 0."""
    none = norm.pdf(t, b - a, np.sqrt(2) * spread) * norm.cdf((a + b - abs(t)) / (np.sqrt(2) * spread))
    upper, lower = (b, a) if t > 0 else (a, b)
    return none + norm.cdf(-lower / spread) * norm.pdf(abs(t), upper, spread)


@pytest.mark.parametrize(("a", "b", "spread"), [(-1, 1, 1), (0.3, 0.1, 0.2), (-4, -5, 1), (2, -0.5, 0.8)])
def test_after_on_a_line_it_is_the_integral_over_the_difference(a, b, spread):
    both = norm.cdf(-a / spread) * norm.cdf(-b / spread)
    sides = [
        quad(lambda t, sign=sign: np.exp(-t) * difference_density(sign * t, a, b, spread), 0, 12, limit=200)[0]
        for sign in (1, -1)
    ]
    world = Groups((a, b), spread=spread, dimensions=1)
    assert theory.proximity_after(world) == pytest.approx(both + sum(sides), abs=1e-7)


@few
@given(worlds)
def test_proximity_rises_and_is_symmetric(world):
    after = theory.proximity_after(world)
    assert theory.proximity(world) <= after + 1e-9
    assert after <= 1 + 1e-9
    mirrored = Groups(world.depths[::-1], world.side, world.spread, world.dimensions)
    assert theory.proximity_after(mirrored) == pytest.approx(after, abs=1e-9)


@few
@given(worlds)
def test_nobody_rejected_nothing_changes(world):
    high = Groups(tuple(d + 6 + 8 * world.spread for d in world.depths), world.side, world.spread, world.dimensions)
    assert theory.proximity_after(high) == pytest.approx(theory.proximity(high), abs=1e-9)
    assert theory.formulas(high)["change"].abs().max() < 1e-8


@few
@given(worlds)
def test_all_rejected_only_the_boundary_is_left(world):
    low = Groups(tuple(d - 6 - 8 * world.spread for d in world.depths), world.side, world.spread, world.dimensions)
    flat = Groups((0.0, world.side), spread=world.spread, dimensions=world.dimensions - 1)
    assert theory.proximity_after(low) == pytest.approx(theory.proximity(flat), abs=1e-9)
    assert theory.mean_after(low.depths[0], low.spread) == pytest.approx(0, abs=1e-9)
    line = Groups(low.depths, spread=world.spread, dimensions=1)
    assert theory.proximity_after(line) == pytest.approx(1, abs=1e-9)


@few
@given(worlds, st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(0, 0.1))
def test_proximity_is_continuous(world, first, second, side):
    # exp(-d) changes by no more than d does, and d by no more than the two individuals move
    (a, b), moved = world.depths, abs(first) + abs(second) + side
    near = Groups((a + first, b + second), world.side + side, world.spread, world.dimensions)
    for value in (theory.proximity, theory.proximity_after):
        assert abs(value(near) - value(world)) <= moved + 1e-9


# --- spatial proximity and centralization


def test_beside_each_other_spatial_proximity_rises_if_a_third_is_rejected():
    for depth in (0.43, 0.0, -1.0, -4.0):
        for spread in (0.1, 1.0, 3.0):
            for side in (0.1, 1.0, 4.0):
                for share in (0.5, 0.2):
                    world = Groups((depth * spread,) * 2, side * spread, spread)
                    assert theory.formulas(world, share).loc["spatial_proximity", "change"] > 0


def test_the_condition_of_that_proof_holds_up_to_a_rejected_share_of_27_percent():
    # the density of the difference in depth after / before falls everywhere while z (1 - Φ(z)) / φ(z) <= 1/2
    highest = brentq(lambda z: z * norm.sf(z) / norm.pdf(z) - 0.5, 0, 2)
    assert highest == pytest.approx(0.61, abs=0.005)
    assert norm.sf(highest) == pytest.approx(0.27, abs=0.005)
    t = np.linspace(1e-3, 6, 400)
    for depth, falls in ((highest - 0.01, True), (highest + 0.02, False)):
        after = np.array([difference_density(x, depth, depth, 1) for x in t])
        assert (np.diff(after / norm.pdf(t, 0, np.sqrt(2))) <= 0).all() == falls


def test_spatial_proximity_can_fall_if_few_are_rejected():
    change = theory.formulas(Groups((2.5, 2.5), side=3.0)).loc["spatial_proximity", "change"]
    assert -1e-4 < change < -1e-5


@pytest.mark.parametrize("depths", [(-8.0, -9.0), (-12.0, -8.0)])
def test_groups_that_differ_in_depth_only_become_one(depths):
    assert theory.formulas(Groups(depths)).loc["spatial_proximity", "after"] == pytest.approx(1, abs=1e-9)


def test_indices_measured_on_people_are_those_of_the_formulas():
    table = theory.indices(size=1500).set_index(["case", "index"])
    proximities = table[table["formula_after"].notna()]
    assert len(proximities) == 2 * len(theory.CASES)
    for phase in ("before", "after"):
        assert np.allclose(proximities[phase], proximities[f"formula_{phase}"], rtol=0.05)
    counted = table[table["formula_after"].isna()]
    assert np.allclose(counted["before"], counted["formula_before"], atol=0.04)
    assert (counted["after"] >= counted["formula_lowest"] - 0.04).all()
    assert (counted["after"] <= counted["formula_highest"] + 0.04).all()


@pytest.mark.parametrize("radius", [0.2, 0.65, 2.0])
def test_the_bounds_of_centralization_hold_for_any_radius(radius):
    generator = numpy_generator(0, "test", "centralization")
    minority = np.repeat([True, False], 2000)
    for world in (Groups((-2.0, -0.5)), Groups((-0.5, -2.0)), Groups((-1.0, 1.0)), Groups((0.3, 0.3), side=2.0)):
        people = np.vstack([theory.draw(world, group, 2000, generator) for group in (0, 1)])
        after = centralization(theory.recourse(people), minority, radius)
        _, lowest, highest = theory.centralization_bounds(world)
        assert lowest - 0.06 <= after <= highest + 0.06


def test_centralization_has_no_bounds_for_groups_that_differ_in_both():
    with pytest.raises(ValueError, match="only"):
        theory.centralization_bounds(Groups((0.0, 1.0), side=1.0))


# --- formulas against simulation


@pytest.mark.parametrize("world", theory.WORLDS, ids=str)
@pytest.mark.parametrize("share", [0.5, 0.25])
def test_formulas_agree_with_simulation(world, share):
    known = theory.formulas(world, share)
    found = theory.simulated(world, 40_000, numpy_generator(0, "test", "theory"), share)
    for phase in ("before", "after", "change"):
        error = np.maximum(found[f"{phase}_error"], 1e-12)
        assert ((found[phase] - known[phase]).abs() / error).max() < 4.5, phase


def test_a_wrong_formula_is_noticed(monkeypatch):
    monkeypatch.setattr(theory, "mean_after", lambda depth, spread=1.0: max(depth, 0.0))
    assert theory.check(theory.WORLDS[:1], size=20_000)["z"].abs().max() > 10


def test_standard_errors_are_the_spread_of_repetitions():
    world = theory.WORLDS[5]
    runs = [theory.simulated(world, 500, numpy_generator(i, "test", "errors")) for i in range(100)]
    for phase in ("before", "after", "change"):
        spread = pd.DataFrame([run[phase] for run in runs]).std()
        claimed = pd.DataFrame([run[f"{phase}_error"] for run in runs]).mean()
        assert np.allclose(spread, claimed, rtol=0.25), phase


# --- exhibits


@pytest.fixture(scope="module")
def curves():
    return theory.curves(size=500)


def test_curves_begin_where_the_groups_are_one(curves):
    start = curves[curves["separation"] == 0].pivot(index="direction", columns="statistic", values="formula")
    assert np.allclose(start[["distance", "separation", "spatial_proximity"]], 0, atol=1e-9)
    assert np.ptp(start["average_proximity"]) < 1e-9
    assert curves.groupby("direction")["simulation"].count().eq(5 * 4).all()


def test_the_figure_has_a_panel_a_direction_and_one_a_statistic(curves):
    figure = theory.figure(curves)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:3] == [f"The second group {direction} the first" for direction in theory.DIRECTIONS]
    assert len(titles) == 3 + curves["statistic"].nunique()


def test_tables_are_laid_out():
    assert "≥ 0.977" in theory.show_indices(theory.indices(size=50)).data
    assert "−1 and 1" in theory.show_check(theory.check(theory.WORLDS[:1], size=100)).data


def test_the_synthetic_population_is_two_groups_beside_each_other():
    table = theory.synthetic()
    same, by_sex = (table[table["sex"] == known].set_index("index") for known in (False, True))
    assert same["side_gap"].iloc[0] > 5 * same["depth_gap"].iloc[0]
    assert same["offset"].iloc[0] == 0
    assert by_sex["offset"].iloc[0] > 0
    for part in (same, by_sex):
        assert part.loc["average_proximity", "after"] > part.loc["average_proximity", "before"]
        assert part.loc["spatial_proximity", "after"] > part.loc["spatial_proximity", "before"]
    assert "→" in theory.show_synthetic(table).data


@pytest.mark.parametrize("wrong", [{"spread": 0.0}, {"dimensions": 0}, {"side": 1.0, "dimensions": 1}])
def test_impossible_worlds_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Groups((0.0, 1.0), **wrong)
