"""Local environments, MMD and separability: against plain loops, networkx, PySAL and scikit-learn, and at the null."""

import networkx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist
from scipy.special import xlogy

from recourse_segregation import names
from recourse_segregation.metrics import Undefined, environments
from recourse_segregation.metrics.indices import INDICES, excess
from recourse_segregation.metrics.two_samples import mmd, separability

#: the indices of a population [features, groups], each with 24 neighbours where it has some
K = 24


def of_shares(function):
    return lambda x, g, k=K: function(environments.shares(environments.nearest(x, k), g), g)


FAMILY = {
    "isolation": of_shares(environments.isolation),
    "exposure": of_shares(environments.exposure),
    "information": of_shares(environments.information),
    "dissimilarity": of_shares(environments.dissimilarity),
    "assortativity": lambda x, g, k=K: environments.assortativity(environments.nearest(x, k), g),
    "mmd": lambda x, g: mmd(x, g == 1, 0.3),
    "separability": separability,
}


@st.composite
def populations(draw, groups=2):
    """People of several groups on a coarse lattice, where many tie or live at one place, or anywhere."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, levels = draw(st.integers(6, 40)), draw(st.sampled_from([2, 4, 10**6]))
    features = rng.integers(0, levels, (n, draw(st.integers(1, 3)))) / levels
    return features, np.concatenate([np.arange(groups), rng.integers(0, groups, n - groups)])


def plain_shares(features, groups, k):
    """A loop over people: whoever ties for the last neighbours shares the places that are left."""
    found = []
    for i, own in enumerate(features):
        distances = np.delete(np.linalg.norm(features - own, axis=1).round(12), i)
        others = np.eye(groups.max() + 1)[np.delete(groups, i)]
        reach = np.sort(distances)[k - 1]
        inside, edge = distances < reach, distances == reach
        found.append((others[inside].sum(0) + (k - inside.sum()) * others[edge].mean(0)) / k)
    return np.array(found)


@given(populations(groups=3), st.integers(1, 5))
def test_shares_equal_a_plain_loop(population, k):
    features, groups = population
    found = environments.shares(environments.nearest(features, k), groups)
    np.testing.assert_allclose(found, plain_shares(features, groups, k), atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_many_who_tie_are_all_found(monkeypatch):
    """600 people on a circle are equally far from the one in the middle, who has 15 neighbours; in blocks of few."""
    monkeypatch.setattr(environments, "BLOCK_PAIRS", 100)
    angle = np.arange(600) * np.pi / 300
    features = np.vstack([[0, 0], np.column_stack([np.cos(angle), np.sin(angle)])])
    neighbours = environments.nearest(features, 15)
    middle = neighbours.place[0]
    weights = np.delete(neighbours.weights[[middle], :].toarray()[0], middle)
    np.testing.assert_allclose(weights, 15 / 600)
    groups = (np.arange(601) % 2).astype(int)
    found = environments.shares(neighbours, groups)
    np.testing.assert_allclose(found[0], [0.5, 0.5])


@pytest.mark.parametrize("k", [0, 3])
def test_a_person_has_one_to_all_others_as_neighbours(k):
    with pytest.raises(ValueError, match="k: expected a value from 1 to the 2 others"):
        environments.nearest(np.zeros((3, 1)), k)


@pytest.mark.parametrize("groups", [2, 3])
def test_assortativity_equals_networkx(groups):
    rng = np.random.default_rng(groups)
    features, group = rng.random((80, 3)), rng.integers(0, groups, 80)
    features[group == 0, 0] += 0.6
    near = cdist(features, features).argsort(axis=1)[:, 1:8]
    graph = networkx.Graph([(i, j) for i in range(80) for j in near[i].tolist()])
    networkx.set_node_attributes(graph, dict(enumerate(group.tolist())), "group")
    oracle = networkx.attribute_assortativity_coefficient(graph, "group")
    assert FAMILY["assortativity"](features, group, 7) == pytest.approx(oracle, abs=1e-12)
    assert oracle > 0.05


@pytest.mark.parametrize(
    ("index", "oracle"), [("dissimilarity", "Dissim"), ("isolation", "Isolation"), ("information", "Entropy")]
)
def test_over_areas_the_indices_are_those_of_pysal(index, oracle):
    """Where the environment of a person is an area, and they are part of it."""
    import segregation.singlegroup as pysal

    rng = np.random.default_rng(0)
    areas = rng.integers(0, 12, 400)
    groups = (rng.random(400) < rng.random(12)[areas]).astype(int)
    table = pd.DataFrame({"minority": groups}).groupby(areas)["minority"].agg(["sum", "size"])
    local = (table["sum"] / table["size"]).to_numpy()[areas]
    expected = getattr(pysal, oracle)(table, group_pop_var="sum", total_pop_var="size").statistic
    found = INDICES[index].function(np.column_stack([1 - local, local]), groups)
    assert found == pytest.approx(expected, abs=1e-9)


def test_cliques_are_areas_without_the_person_themselves():
    """Six people at each of 20 places, far apart: the environment is the place."""
    rng = np.random.default_rng(0)
    places, groups = np.repeat(np.arange(20), 6), rng.integers(0, 2, 120)
    features = places[:, None] * 10.0 + rng.random((120, 1))
    found = environments.shares(environments.nearest(features, 5), groups)
    expected = (np.bincount(places, weights=groups)[places] - groups) / 5
    np.testing.assert_allclose(found[:, 1], expected)


@given(populations(groups=3))
def test_of_several_groups_the_formulas_are_those_of_reardon_and_o_sullivan(population):
    features, groups = population
    local, overall = plain_shares(features, groups, 3), np.bincount(groups) / len(groups)
    interaction = sum(p * (1 - p) for p in overall)
    dissimilarity = sum(abs(local[:, m] - overall[m]).sum() for m in range(3)) / (2 * len(groups) * interaction)
    information = 1 - xlogy(local, local).sum() / (len(groups) * xlogy(overall, overall).sum())
    assert FAMILY["dissimilarity"](features, groups, 3) == pytest.approx(dissimilarity, abs=1e-9)
    assert FAMILY["information"](features, groups, 3) == pytest.approx(information, abs=1e-9)


def test_mmd_equals_a_plain_loop():
    rng = np.random.default_rng(0)
    features, minority = rng.integers(0, 5, (60, 3)) / 5, rng.random(60) < 0.4
    kernel = np.exp(-(cdist(features, features) ** 2) / (2 * 0.3**2)) * (1 - np.eye(60))
    x, y = minority.sum(), (~minority).sum()
    within = kernel[np.ix_(minority, minority)].sum() / (x * (x - 1)) + kernel[np.ix_(~minority, ~minority)].sum() / (
        y * (y - 1)
    )
    assert mmd(features, minority, 0.3) == pytest.approx(
        within - 2 * kernel[np.ix_(minority, ~minority)].mean(), abs=1e-12
    )


def test_separability_is_the_area_that_scikit_learn_finds_and_sees_a_ring():
    """One group around the other has no line between them, and a logistic regression does not tell them apart."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    rng = np.random.default_rng(0)
    groups = rng.integers(0, 2, 400)
    angle, radius = 2 * np.pi * rng.random(400), 0.2 + 0.2 * groups + 0.1 * rng.random(400)
    features = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    assert separability(features, groups) > 0.95
    assert cross_val_score(LogisticRegression(), features, groups, scoring="roc_auc").mean() < 0.6
    three = groups + (angle > np.pi) * groups
    assert separability(features, three) > 0.9, "each against the rest"


# --- what every index must do

SIDE = 20
LATTICE = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), -1).reshape(-1, 2) / SIDE
HALVES = (LATTICE[:, 0] >= 0.5).astype(int)
RANDOM = np.random.default_rng(0).permutation(HALVES)
CHECKERBOARD = (LATTICE * SIDE).sum(axis=1).round().astype(int) % 2
SIGNS = {name: getattr(INDICES.get(name), "segregation", 1) for name in FAMILY}


@pytest.mark.parametrize("name", FAMILY)
def test_halves_are_more_segregated_than_chance_and_a_checkerboard_less(name):
    halves, random, checkerboard = (SIGNS[name] * FAMILY[name](LATTICE, g) for g in (HALVES, RANDOM, CHECKERBOARD))
    assert halves > random > checkerboard


@pytest.mark.parametrize("name", [name for name in FAMILY if name != "mmd"])
def test_groups_that_live_far_apart_are_completely_segregated(name):
    apart = LATTICE + 100 * HALVES[:, None]
    complete = 1 if name == "separability" else INDICES[name].complete
    assert FAMILY[name](apart, HALVES) == pytest.approx(complete)
    if name != "separability":
        assert excess(FAMILY[name](apart, HALVES), 0.3, complete) == pytest.approx(1)


@given(populations(), st.integers(0, 1000))
def test_neither_the_order_of_rows_nor_the_names_of_the_groups_matter(population, seed):
    features, groups = population
    order = np.random.default_rng(seed).permutation(len(groups))
    for name in FAMILY.keys() - {"separability"}:
        if name == "mmd" and np.bincount(groups).min() < 2:
            continue
        k = {} if name == "mmd" else {"k": 3}
        value = FAMILY[name](features, groups, **k)
        assert FAMILY[name](features[order], groups[order], **k) == pytest.approx(value, abs=1e-12)
        if name not in ("isolation", "exposure"):
            assert FAMILY[name](features, 1 - groups, **k) == pytest.approx(value, abs=1e-12)


def test_no_order_of_rows_matters_to_separability():
    order = np.random.default_rng(1).permutation(400)
    features = LATTICE.round(1)  # four people at one place
    assert separability(features, RANDOM) == separability(features[order], RANDOM[order])


def at_null(name, draws=300):
    """The mean of an index over shuffled groups, and its standard error."""
    rng = np.random.default_rng(0)
    groups = (np.arange(150) < 50).astype(int)
    features = np.vstack([rng.random((120, 2)), rng.integers(0, 3, (30, 2)) / 3])
    values = [
        FAMILY[name](features, rng.permutation(groups), **({} if name == "mmd" else {"k": 6})) for _ in range(draws)
    ]
    return np.mean(values), stats.sem(values), groups


@pytest.mark.parametrize("name", [name for name in names.FAMILY if INDICES[name].null])
def test_a_known_null_is_the_mean_over_permutations(name):
    mean, error, groups = at_null(name)
    assert abs(mean - INDICES[name].null(groups)) < 4 * error
    low, high = INDICES[name].span
    assert low <= mean <= high


def test_without_ties_the_shuffled_neighbours_are_hypergeometric():
    rng = np.random.default_rng(0)
    n, minority, k = 150, 50, 6
    features, groups = rng.random((n, 2)), (np.arange(n) < minority).astype(int)
    shares, p = np.arange(k + 1) / k, minority / n
    entropy = -xlogy(shares, shares) - xlogy(1 - shares, 1 - shares)
    # a member of the minority has one fewer of their own among the others
    chance = p * stats.hypergeom.pmf(np.arange(k + 1), n - 1, minority - 1, k)
    chance += (1 - p) * stats.hypergeom.pmf(np.arange(k + 1), n - 1, minority, k)
    expected = {
        "information": 1 + chance @ entropy / (xlogy(p, p) + xlogy(1 - p, 1 - p)),
        "dissimilarity": chance @ abs(shares - p) / (2 * p * (1 - p)),
    }
    for name, null in expected.items():
        values = [FAMILY[name](features, rng.permutation(groups), k) for _ in range(300)]
        assert abs(np.mean(values) - null) < 4 * stats.sem(values)
        assert null > 0.05


@pytest.mark.parametrize(
    ("index", "says"),
    [
        (lambda: mmd(np.zeros((3, 1)), np.array([True, False, False]), 1.0), "two people or more of each group"),
        (lambda: mmd(np.zeros((4, 1)), np.array([True, False] * 2), 0.0), "median distance before recourse is 0"),
        (lambda: separability(np.zeros((9, 1)), np.array([1] * 4 + [0] * 5)), "5 people or more .* the smallest has 4"),
    ],
)
def test_what_is_not_defined_says_why(index, says):
    with pytest.raises(Undefined, match=says):
        index()
