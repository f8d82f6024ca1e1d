"""Intervals, tests and effect sizes against known answers: by hand where it can be, else by simulation."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from made_up_measures import index, measures, quality, rows
from made_up_run import study
from recourse_segregation import contracts, statistics
from recourse_segregation.contracts import CELL
from recourse_segregation.errors import DataError
from recourse_segregation.seeds import numpy_generator
from recourse_segregation.statistics import (
    changes,
    differences,
    equivalence,
    holm,
    interval,
    p_value,
    summarise,
    t_test,
)

SIMULATIONS = 2000
BEFORE = [0.30, 0.40, 0.50, 0.60, 0.70]
AFTER = [0.31, 0.42, 0.53, 0.64, 0.75]


def effects(*parts, **options):
    """The change of every index."""
    return summarise(changes(measures(*parts)), [*CELL, "scope", "metric"], **options)


def contrasts(parts, methods, references, scope="everyone", **options):
    """What a method does beyond another."""
    seeds = differences(measures(*parts), methods, references, scope, **options)
    return summarise(seeds, [*CELL, "reference", "scope", "metric"])


def one(table):
    assert len(table) == 1
    return table.iloc[0]


def effect(*parts, **options):
    return one(effects(*parts, **options))


@pytest.mark.parametrize(
    ("n", "simulations", "low", "high"),
    # BCa lacks the t quantile and the n - 1: at n = 20 it covers two percentage points too few, and we say so
    [(5, SIMULATIONS, 0.95, 0.95), pytest.param(20, 1000, 0.92, 0.94, marks=pytest.mark.slow)],
)
def test_an_interval_covers_the_truth(n, simulations, low, high):
    generator = numpy_generator(0, "test", "coverage")
    found = [interval(generator.normal(0.3, 1, n), 499) for _ in range(simulations)]
    error = 3.3 * np.sqrt(0.95 * 0.05 / simulations)
    assert low - error < np.mean([i.low <= 0.3 <= i.high for i in found]) < high + error


@pytest.mark.parametrize(
    ("values", "reach", "note"),
    [
        # mean 3, standard deviation sqrt(2.5), t quantile 2.776445 with 4 degrees of freedom
        ([1, 2, 3, 4, 5], 2.776445 * np.sqrt(0.5), ""),
        ([], np.nan, "0 seeds: no interval and no test"),
        ([0.1], np.nan, "1 seed: no interval and no test"),
        # equal up to rounding
        *[((np.arange(n) + 1.01) - (np.arange(n) + 1), 0, "the same change in every seed") for n in (2, 5, 9, 10, 30)],
    ],
)
def test_an_interval_by_hand(values, reach, note):
    found, mean = interval(values), np.mean(values) if len(values) else np.nan
    assert (found.low, found.high) == pytest.approx((mean - reach, mean + reach), nan_ok=True)
    assert reach != 0 or found.low == found.high
    assert found.note == note
    assert found.kind == ("" if len(values) < 2 else "t" if len(values) < 10 else "BCa")


def test_bca_reaches_further_on_the_skewed_side_and_where_it_fails_it_is_t_and_says_so(monkeypatch):
    skewed = numpy_generator(0, "test", "exponential").exponential(size=10)
    found = interval(skewed)
    assert found.high - skewed.mean() > skewed.mean() - found.low
    values = np.arange(12.0)
    failed = SimpleNamespace(confidence_interval=(np.nan, 1.0))
    monkeypatch.setattr(statistics.stats, "bootstrap", lambda *_, **__: failed)
    expected = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    assert interval(values)[:2] == pytest.approx(expected)
    assert interval(values)[2:] == ("t", "BCa is not defined for these changes")


@given(hnp.arrays("float64", st.integers(10, 14), elements=st.sampled_from([0.0, 0.0, 0.0, 1e-9, 0.1, 1.0])))
@settings(max_examples=50, deadline=None)
def test_an_interval_is_never_missing_and_holds_the_mean(values):
    found = interval(values, 199)
    assert found.low <= values.mean() + 1e-12
    assert found.high >= values.mean() - 1e-12
    assert found == interval(values[::-1], 199)


@pytest.mark.parametrize("function", [interval, p_value])
def test_a_missing_change_is_an_error(function):
    with pytest.raises(ValueError, match="a change is missing"):
        function([0.1, np.nan, 0.2])


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=7), st.randoms())
def test_exact_p_is_the_share_of_all_patterns(values, random):
    sums = [abs(np.dot(signs, values)) for signs in itertools.product([-1, 1], repeat=len(values))]
    expected = np.mean([s >= abs(sum(values)) for s in sums])
    decimals = np.array(values) * 0.1  # not exact in binary: ties must still be ties
    assert p_value(decimals) == expected
    assert p_value(-decimals) == expected
    assert p_value(random.sample(list(decimals), len(values))) == expected


@pytest.mark.parametrize("n", [13, 20])
def test_drawn_p_agrees_with_scipy(n):
    generator = numpy_generator(0, "test", "scipy")
    values = generator.normal(0.3, 1, n)
    test = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=49_999, rng=generator)
    error = 4 * np.sqrt(test.pvalue * (1 - test.pvalue) * (1 / 99_999 + 1 / 49_999))  # of the difference of two draws
    assert abs(p_value(values) - test.pvalue) <= error
    assert p_value(values) == p_value(values[::-1]) == p_value(-values)  # depends on neither order nor direction


@pytest.mark.parametrize(("seeds", "smallest"), [(2, 0.5), (5, 0.0625), (6, 0.03125), (12, 2 / 4096), (40, 1e-5)])
def test_the_smallest_p_and_how_many_seeds_are_enough(seeds, smallest):
    assert statistics.smallest_p(seeds) == p_value(np.linspace(1, 2, seeds)) == smallest
    # 2 / 2^6 = 0.03, 10 · 2 / 2^9 = 0.039, and 100,000 · 1e-5 = 1
    assert [statistics.seeds_needed(tests) for tests in (1, 10, 100_000)] == [6, 9, None]


@given(hnp.arrays("float64", st.integers(0, 12), elements=st.just(np.nan) | st.floats(0, 1)))
def test_holm_is_the_largest_of_the_steps_up_to_a_p(p):
    """A missing one is no test. By hand, 0.005 0.01 0.03 0.04 times 4 3 2 1 is 0.02 0.03 0.06 0.04, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    tested = p[np.isfinite(p)]
    steps = [[q * (tested >= q).sum() for q in tested if q <= own] for own in p]
    assert holm(p) == pytest.approx([np.minimum(max(s, default=np.nan), 1) for s in steps], nan_ok=True)


def test_every_method_changes_what_was_there_before_any():
    parts = [index([0.3, 0.5], [0.4, 0.45]), rows([0.7, 0.7], method="face"), index([0.1], [0.2], scenario="drop")]
    found = changes(measures(*parts))
    assert found["method"].tolist() == ["ebr", "ebr", "face", "face", "ebr"]
    assert found["seed"].tolist() == [0, 1, 0, 1, 0]
    assert found["before"].tolist() == [0.3, 0.5, 0.3, 0.5, 0.1]
    assert found["change"].tolist() == pytest.approx([0.1, -0.05, 0.4, 0.2, 0.1])


def test_changes_are_of_one_scope_and_those_of_recipients_are_from_the_same_method():
    where = {"scope": "recipients", "metric": "average_proximity"}
    own = [index([0.3], [0.4], **where), rows([0.9], method="face", **where), quality([0.7])]
    table = measures(index([0.25], [0.5]), index([0.5], [0.25], scope="accepted"), *own)
    assert changes(table)["change"].tolist() == [0.25]
    assert changes(table, "accepted")["change"].tolist() == [-0.25]
    found = changes(table, "recipients")  # not of the cost, which is not measured before
    assert found["change"].tolist() == pytest.approx([0.1, np.nan], nan_ok=True)
    assert found["note"].tolist() == ["", "not measured before recourse"]


def test_a_change_that_is_missing_says_why():
    table = measures(index([0.3, np.nan, np.nan], [np.nan, 0.4, np.nan], note="nobody"), rows([0.2] * 4, method="face"))
    table["note"] = table["note"].replace("", "estimated")  # what is there says something too
    found = changes(table).set_index(["method", "seed"])["note"]
    assert found["ebr"].tolist() == ["nobody"] * 3
    assert found["face"].tolist() == ["estimated", "nobody", "nobody", "not measured before recourse"]


@pytest.mark.parametrize(("phase", "method"), [("before", "ebr"), ("before", "none"), ("after", "ebr")])
def test_a_number_that_is_there_twice_is_an_error(phase, method):
    again = pd.DataFrame(rows([0.7, 0.8], phase=phase)[1:]).assign(method=method)
    table = pd.concat([measures(index([0.3, 0.4], [0.5, 0.6])), again])
    with pytest.raises(DataError, match=rf"{phase} recourse is there twice for population law-sex, .* seed 1"):
        changes(table)


def test_the_order_of_a_study_is_kept():
    parts = [index([0.3, 0.4], [0.5, b], method=m, population=p) for m, b in (("a", 0.6), ("b", 0.7)) for p in "xy"]
    table = measures(*parts)
    table = contracts.of_study(table, study(table, populations=["y", "x"], methods=["b", "a"]))
    against = differences(table, ["b", "a"], ["a", "b"])
    found = summarise(changes(table), [*CELL, "scope", "metric"])
    for summary in (found, summarise(against, [*CELL, "reference", "scope", "metric"])):
        assert [*zip(summary["population"], summary["method"], strict=True)] == [*itertools.product("yx", "ba")]
        assert summary.sort_values(["population", "method"]).index.tolist() == [0, 1, 2, 3]
    plain = effects(*parts).sort_values(["population", "method"], ascending=False, ignore_index=True)
    pd.testing.assert_frame_equal(found.astype(plain.dtypes), plain)


def test_an_effect_by_hand():
    row = effect(index(BEFORE, AFTER))
    assert (row["seeds"], row["interval"], row["p"]) == (5, "t", 2 / 32)
    assert (row["before"], row["after"], row["change"]) == pytest.approx((0.5, 0.53, 0.03))
    assert row["change_se"] == pytest.approx(stats.sem([0.01, 0.02, 0.03, 0.04, 0.05]))  # paired within a seed
    assert row["before_se"] == pytest.approx(stats.sem(BEFORE))
    assert row["effect"] == pytest.approx(0.03 / np.std(BEFORE, ddof=1))
    assert (row["low"], row["high"]) == pytest.approx((0.03 - 0.0196, 0.03 + 0.0196), abs=1e-4)
    assert not row[["decidable", "significant"]].any()
    assert row["note"] == "5 seeds: p cannot be below 0.0625, so nothing can be significant at 0.05; 6 seeds would do"
    assert effect(index(BEFORE, AFTER), alpha=0.0625)["significant"]


def test_six_seeds_can_alone_but_not_in_a_family():
    six = index([*BEFORE, 0.8], [*AFTER, 0.86])
    assert effect(six)[["decidable", "significant", "note"]].tolist() == [True, True, ""]
    both = effects(six, rows([*AFTER, 0.7], method="ibr"))
    assert both["p_holm"].tolist() == pytest.approx([2 * 2 / 64, both["p"][1]])
    assert not both["decidable"].any()
    assert both["note"][0] == (
        "6 seeds: p cannot be below 0.0312 (0.0625 after Holm over 2 tests), so nothing can be significant at 0.05; "
        "7 seeds would do"
    )


@pytest.mark.parametrize(("options", "p"), [({}, 0.0625), ({"family": ()}, 0.25)])
def test_holm_is_within_a_population_and_index(options, p):
    parts = [index(BEFORE, AFTER, metric=m, population=p) for m in ("atkinson", "centralization") for p in ("a", "b")]
    found = effects(*parts, **options)
    assert found["p_holm"].tolist() == [p] * 4
    pd.testing.assert_index_equal(effects(**options).columns, found.columns)  # also where nothing was run
    assert contrasts([], ["ebr"], ["face"]).empty


NO_TEST = ["change_se", "low", "high", "p", "p_holm", "effect"]


@pytest.mark.parametrize(
    ("before", "after", "seeds", "change", "note", "missing"),
    [
        ([0.3, 0.4], [np.nan] * 2, 0, np.nan, "nobody; 0 seeds: no interval and no test", [*NO_TEST, "change"]),
        ([0.3], [0.4], 1, 0.1, "1 seed: no interval and no test", NO_TEST),
        ([0.3, 0.9, 0.4], [0.4, np.nan, 0.6], 2, 0.15, "mean over 2 of 3 seeds; others: nobody; 2 seeds: p cannot", []),
        ([0.3] * 6, [0.4, 0.1, 0.4, 0.5, 0.4, 0.5], 6, 0.5 / 6, "no effect size: the level is the same", ["effect"]),
        (BEFORE * 2, BEFORE * 2, 10, 0, "the same change in every seed", []),
    ],
)
def test_what_cannot_be_said_is_missing_and_says_why(before, after, seeds, change, note, missing):
    row = effect(index(before, after, note="nobody"))
    assert row["seeds"] == seeds
    assert row["note"].startswith(note)
    assert (row["change"], row["after"] - row["before"]) == pytest.approx((change, change), nan_ok=True)
    assert row[missing].isna().all()
    assert (row["interval"] == "") == (seeds < 2)
    assert not row["significant"]
    if change == 0:
        assert (row["low"], row["high"], row["p"]) == (0, 0, 1)


def test_a_result_depends_on_its_own_seeds_only():
    generator = numpy_generator(0, "test", "independence")
    parts = [
        index(*generator.normal(0.5, 0.1, (2, n)), population=p, metric=m)
        for p, n in (("a", 14), ("b", 11), ("c", 5))
        for m in ("atkinson", "centralization")
    ]
    together = effects(*parts, family=())
    apart = pd.concat([effects(part) for part in parts], ignore_index=True)
    own = [c for c in together.columns if c not in ("p_holm", "decidable", "significant", "note")]
    pd.testing.assert_frame_equal(together[own], apart[own])
    shuffled = effects(measures(*parts).sample(frac=1, random_state=3).to_dict("records"), family=())
    pd.testing.assert_frame_equal(shuffled.sort_values(["population", "metric"], ignore_index=True), together)


def test_a_contrast_of_an_index_is_of_the_changes_within_a_seed():
    parts = [index(BEFORE, AFTER), rows([b + 0.1 for b in BEFORE], method="face")]
    row = one(contrasts(parts, ["ebr"], ["face"]))
    assert (row["method"], row["reference"], row["seeds"], row["p"]) == ("ebr", "face", 5, 2 / 32)
    assert (row["before"], row["after"], row["change"]) == pytest.approx((0.1, 0.03, -0.07))
    assert row["effect"] == pytest.approx(-0.07 / np.std(BEFORE, ddof=1))


def test_a_contrast_of_a_quality_is_of_the_values():
    parts = [quality([0.5, 0.7]), quality([0.4, 0.5], method="face"), index([0.1, 0.1], [0.2, 0.3])]
    row = one(contrasts(parts, ["ebr"], ["face"], "recipients"))
    assert (row["before"], row["after"], row["change"]) == pytest.approx((0.45, 0.6, 0.15))
    assert row["effect"] == pytest.approx(0.15 / np.std([0.4, 0.5], ddof=1))
    assert row["note"].startswith("2 seeds: p cannot be below 0.5")
    assert contrasts(parts, ["ebr"], ["face"], "recipients", metrics=["ynn"]).empty
    scaled = differences(measures(*parts), ["ebr"], ["face"], "recipients", metrics=["cost"], factor=1.1)
    assert scaled["before"].tolist() == pytest.approx([0.44, 0.55])
    assert scaled["change"].tolist() == pytest.approx([0.06, 0.15])


def test_every_method_against_every_reference_but_itself_and_there_as_back():
    before, *after = numpy_generator(0, "test", "turn").normal(0.5, 0.1, (4, 7))
    parts = [index(before, values, method=m) for m, values in zip(("ebr", "ibr", "face"), after, strict=True)]
    found = contrasts(parts, ["ebr", "ibr", "face"], ["face", "ibr"]).set_index(["method", "reference"])
    assert sorted(found.index) == [("ebr", "face"), ("ebr", "ibr"), ("face", "ibr"), ("ibr", "face")]
    there, back = found.loc[("face", "ibr")], found.loc[("ibr", "face")]
    assert (there["change"], there["low"]) == pytest.approx((-back["change"], -back["high"]))
    assert there["p"] == back["p"]


@pytest.mark.parametrize(("seeds", "note"), [(3, "mean over 3 of 5 seeds; others: "), (0, "")])
def test_a_seed_that_only_one_method_has_is_left_out_and_said(seeds, note):
    row = one(contrasts([index(BEFORE, AFTER), rows(AFTER[:seeds], method="face")], ["ebr"], ["face"]))
    assert row["seeds"] == seeds
    assert row["note"].startswith(f"{note}face was not run for this seed; ")


# --- seeds that share people, and effects too small to matter


def described(values):
    """What the t-tests take: mean, standard error and number of the values along the last axis."""
    return np.mean(values, axis=-1), stats.sem(values, axis=-1), np.shape(values)[-1]


def test_tests_of_a_mean_by_scipy():
    values = numpy_generator(0, "test", "t").normal(0.4, 1, (5, 9))
    expected = stats.ttest_1samp(values, 0, axis=1).pvalue
    assert t_test(*described(values)) == pytest.approx(expected)
    above = stats.ttest_1samp(values, -0.9, axis=1, alternative="greater").pvalue
    below = stats.ttest_1samp(values, 0.9, axis=1, alternative="less").pvalue
    assert equivalence(*described(values), 0.9) == pytest.approx(np.maximum(above, below))


def test_overlap_widens_by_nadeau_and_bengio():
    mean, error, seeds = described(AFTER)
    for overlap, factor in ((0, 1 / 5), (0.5, 1 / 5 + 1), (0.75, 1 / 5 + 3)):
        t = mean / (np.std(AFTER, ddof=1) * np.sqrt(factor))
        assert t_test(mean, error, seeds, overlap) == pytest.approx(2 * stats.t.sf(t, 4))


@pytest.mark.parametrize(
    ("mean", "error", "seeds", "p", "equivalent"),
    [
        (0.0, 0.0, 5, 1, 0),  # nobody moved
        (0.2, 0.0, 5, 0, 1),
        (0.1, 0.0, 5, 0, 1),  # as large as the bound is not smaller
        (0.1, 0.0, 1, np.nan, np.nan),
        (np.nan, np.nan, 0, np.nan, np.nan),
    ],
)
def test_without_spread_or_seeds(mean, error, seeds, p, equivalent):
    found = t_test(mean, error, seeds, 0.5), equivalence(mean, error, seeds, 0.1, 0.5)
    assert found == pytest.approx((p, equivalent), nan_ok=True)


def test_levels_where_seeds_share_people():
    """Means of samples that take a share f of one data set: the usual test is about the data set, not its people."""
    generator, simulations, people, share = numpy_generator(0, "test", "overlap"), 400, 60, 0.5
    data = generator.normal(size=(simulations, people))
    drawn = [[generator.choice(one, int(share * people), replace=False).mean() for _ in range(10)] for one in data]
    usual, corrected = (np.mean(t_test(*described(drawn), overlap) <= 0.05) for overlap in (0, share))
    assert usual > 0.2
    assert corrected < 0.05 + 3 * np.sqrt(0.05 * 0.95 / simulations)


@pytest.mark.parametrize(("mean", "low", "high"), [(1.0, 0.03, 0.07), (0.0, 0.9, 1.0), (2.0, 0, 0.001)])
def test_equivalence_has_its_level_at_the_bound_and_power_inside(mean, low, high):
    drawn = numpy_generator(0, "test", "equivalence").normal(mean, 1, (1000, 20))
    assert low <= np.mean(equivalence(*described(drawn), 1.0) <= 0.05) <= high
