"""The quality of recourse against values worked out by hand, brute force and symmetries."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from recourse_segregation.metrics import Estimate, pairwise, recourse
from recourse_segregation.metrics.recourse import closeness, cost, cost_gap, diversity, found_rate, invalidation, ynn


def column(*values):
    return np.array(values, dtype=float)[:, None]


def mask(values):
    return np.array(values, dtype=bool)


# Moves of length 5 (3-4-5), 0, 1 and 13 (5-12-13).
FACTUAL = np.array([[0, 0], [1, 1], [2, 2], [0, 0]], dtype=float)
COUNTERFACTUAL = np.array([[3, 4], [1, 1], [2, 3], [5, 12]], dtype=float)


# Around 0: one at distance 0 (not accepted), then four at distance 1, of whom three are accepted.
TIES = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [7, 7]], dtype=float), mask([0, 1, 1, 1, 0, 1])
LINE = column(0, 1, 4, 9.5, 10), mask([0, 1, 0, 1, 1])


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (lambda: cost(FACTUAL, COUNTERFACTUAL), 19 / 4),
        # The minority pays (5 + 0) / 2, the majority (1 + 13) / 2; the gap has no sign.
        (lambda: cost_gap(FACTUAL, COUNTERFACTUAL, mask([1, 1, 0, 0])), 4.5),
        (lambda: cost_gap(FACTUAL, COUNTERFACTUAL, mask([0, 0, 1, 1])), 4.5),
        # Nearest two of 0.1 are 0 and 1 (one accepted), of 9 are 9.5 and 10 (both accepted).
        (lambda: ynn(column(0.1), *LINE, k=2), 0.5),
        (lambda: ynn(column(0.1, 9), *LINE, k=2), 0.75),
        (lambda: ynn(column(0.1, 9), *LINE, k=5), 0.6),  # all five
        # With k = 3 two places are left for the four who tie, who fill them with 2 * 3/4 accepted.
        (lambda: ynn(np.zeros((1, 2)), *TIES, k=3), 1.5 / 3),
        (lambda: ynn(np.zeros((1, 2)), *TIES, k=5), 3 / 5),
        # Distances 1, 3 and 4 among 0, 1 and 4; the zero distances of a recourse to itself are left out.
        (lambda: diversity(column(0, 1, 4)), 8 / 3),
        (lambda: diversity(np.ones((5, 3))), 0),
        # From 0: 1 and 5; from 2: 1 and 3.
        (lambda: closeness(column(0, 2), column(1, 5)), 10 / 4),
        (lambda: invalidation(mask([1, 1, 1, 0])), 0.25),
        (lambda: invalidation(mask([1, 1])), 0),
        (lambda: found_rate(mask([1, 1, 1, 0])), 0.75),
        (lambda: found_rate(mask([0, 0])), 0),
    ],
)
def test_by_hand(metric, value):
    assert metric() == pytest.approx(value)


def test_ynn_equals_brute_force():
    rng = np.random.default_rng(0)
    counterfactual, individuals, accepted = rng.random((40, 3)), rng.random((200, 3)), rng.random(200) < 0.6
    nearest = np.argsort(cdist(counterfactual, individuals), axis=1)[:, :5]
    assert ynn(counterfactual, individuals, accepted, 5) == pytest.approx(accepted[nearest].mean(), abs=1e-12)


@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([1, 20, 2**18]))
def test_ynn_does_not_depend_on_the_order_of_rows(seed, k, block_pairs):
    rng = np.random.default_rng(seed)
    counterfactual = rng.integers(0, 3, (6, 2)).astype(float)
    individuals, accepted = rng.integers(0, 3, (12, 2)).astype(float), rng.random(12) < 0.5
    value = ynn(counterfactual, individuals, accepted, k)
    assert 0 <= value <= 1
    order = rng.permutation(12)
    with mock.patch.object(recourse, "BLOCK_PAIRS", block_pairs):
        again = ynn(counterfactual[::-1], individuals[order], accepted[order], k)
    assert again == pytest.approx(value, abs=1e-12)
    rejected = ynn(counterfactual, individuals, ~accepted, k)
    assert value + rejected == pytest.approx(1, abs=1e-12)


@given(st.integers(0, 10_000), st.sampled_from([1, 4, 30]))
def test_means_over_pairs_do_not_depend_on_blocks_or_order(seed, block_pairs):
    rng = np.random.default_rng(seed)
    x, y = rng.random((9, 2)), rng.random((7, 2))
    different = cdist(x, x)[~np.eye(9, dtype=bool)]
    with mock.patch.object(pairwise, "BLOCK_PAIRS", block_pairs):
        assert diversity(x[::-1]) == pytest.approx(different.mean(), rel=1e-12)
        assert closeness(x[::-1], y[::-1]) == pytest.approx(cdist(x, y).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (lambda: cost(np.empty((0, 2)), np.empty((0, 2))), "no rows"),
        (lambda: cost(FACTUAL, COUNTERFACTUAL[:3]), r"expected shape \(4, 2\)"),
        (lambda: cost(FACTUAL, COUNTERFACTUAL * np.nan), "finite"),
        (lambda: cost_gap(FACTUAL, COUNTERFACTUAL, mask([1, 1, 1, 1])), "the majority is empty"),
        (lambda: cost_gap(FACTUAL, COUNTERFACTUAL, mask([0, 0, 0, 0])), "the minority is empty"),
        (lambda: cost_gap(FACTUAL, COUNTERFACTUAL, np.array([1, 1, 0, 0])), "bool"),
        (lambda: ynn(np.empty((0, 1)), column(0, 1), mask([1, 0]), 1), "counterfactual: no rows"),
        (lambda: ynn(column(0), column(0, 1), np.array([1, 0]), 1), "bool"),
        (lambda: ynn(column(0), column(0, 1), mask([1]), 1), "expected 2 values"),
        (lambda: ynn(column(0), column(0, 1, 2), mask([1, 0, 1]), 0), "k:"),
        (lambda: ynn(column(0), column(0, 1, 2), mask([1, 0, 1]), 4), "k:"),
        (lambda: diversity(column(1)), "two recourses or more, got 1"),
        (lambda: closeness(column(1), np.empty((0, 1))), "favourable: no rows"),
        (lambda: closeness(np.empty((0, 1)), column(1)), "counterfactual: no rows"),
        (lambda: invalidation(mask([])), "accepted: no values"),
        (lambda: found_rate(mask([])), "found: no values"),
        (lambda: found_rate(np.array([1, 0])), "bool"),
    ],
)
def test_what_is_not_defined_is_refused(metric, message):
    with pytest.raises(ValueError, match=message):
        metric()


@pytest.mark.parametrize("metric", ["diversity", "closeness"])
def test_means_over_pairs_are_estimated_beyond_the_budget(metric):
    rng = np.random.default_rng(0)
    x, y = rng.random((60, 2)), rng.random((40, 2))
    of, pairs = (lambda: diversity(x), 60 * 60) if metric == "diversity" else (lambda: closeness(x, y), 60 * 40)
    exact = of()
    with mock.patch.object(pairwise, "PAIRS", pairs):
        assert not isinstance(of(), Estimate)
    with mock.patch.multiple(pairwise, PAIRS=pairs - 1, DRAWS=20_000):
        estimate = of()
    assert 0 < abs(estimate - exact) < 4 * estimate.error < 0.01


def test_ynn_of_many_ties_is_estimated_with_a_calibrated_error():
    rng = np.random.default_rng(0)
    # 300 recourses on a grid, where everybody ties, and 100 off it.
    individuals = rng.integers(0, 8, (500, 2)).astype(float)
    accepted = rng.random(500) < 0.1 * individuals[:, 0] + 0.05
    counterfactual = np.concatenate([rng.integers(0, 8, (300, 2)), rng.uniform(0, 7, (100, 2))])
    exact = ynn(counterfactual, individuals, accepted, 5)
    assert not isinstance(exact, Estimate)
    deviations = []
    for seed in range(200):
        with (
            mock.patch.object(pairwise, "PAIRS", 50 * 500),
            mock.patch.object(recourse, "numpy_generator", return_value=np.random.default_rng(seed)),
        ):
            estimate = ynn(counterfactual, individuals, accepted, 5)
        deviations.append((estimate - exact) / estimate.error)
    assert abs(np.mean(deviations)) < 0.3
    assert 0.8 < np.std(deviations) < 1.2
    assert estimate.note.startswith("estimated from 50 of 3")
