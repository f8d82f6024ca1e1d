"""The claims: what a YAML file may hold, and hand-made measures for each verdict."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from made_up_measures import index, measures, quality, rows
from recourse_segregation import claims, contracts, names
from recourse_segregation.claims import evaluate, read, verdict
from recourse_segregation.errors import ConfigError

RESOURCES = Path(__file__).parents[2] / "workflow" / "resources"
THRESHOLDS = {"decided": 0.5, "contradicted": 0.5, "supported": 0.75, "tolerated": 0.1, "partly": 0.25}

LOWERS = """
  - id: lowers
    part: 2
    statement: It lowers segregation.
    scope: everyone
    methods: [ebr]
    metrics: {atkinson: less segregated}
"""
CHEAP = """
  - id: cheap
    part: 3
    statement: It costs hardly more.
    scope: recipients
    methods: [ebr]
    references: [face]
    margin: 0.1
    metrics: {cost: lower}
    why: ours
"""
FINDS = """
  - id: finds
    part: 3
    statement: It finds recourse.
    scope: recipients
    methods: [ebr]
    bound: 0.95
    metrics: {found: higher}
    why: ours
"""


@pytest.fixture
def stated(tmp_path):
    """Claims as text -> as they are read; `head` takes the place of the top of the file."""

    def from_text(*parts, head=f"alpha: 0.05\nverdict: {THRESHOLDS}\nwhy: ours\nclaims:"):
        path = tmp_path / "claims.yaml"
        path.write_text(head + "".join(parts), encoding="utf-8")
        return read(path)

    return from_text


def changed(by, seeds=8, **where):
    """An index that changes by `by` in the mean, by hardly the same in each seed."""
    before = np.linspace(0.3, 0.6, seeds)
    return index(before, before + by * np.linspace(0.9, 1.1, seeds), **where)


def unchanged(seeds=8, **where):
    before = np.linspace(0.3, 0.6, seeds)
    return index(before, before + 0.01 * (-1.0) ** np.arange(seeds), **where)


@pytest.fixture
def tested(stated):
    """Rows of measures and claims as text -> the verdicts and the tests."""
    return lambda parts, *texts: evaluate(measures(*parts), stated(*texts))


# --- each verdict -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "holds", "expected"),
    [
        (changed(-0.1), "yes", "supported"),
        (unchanged(), "no", "not supported"),
        (changed(+0.1), "opposite", "contradicted"),
        (changed(-0.1, seeds=5), "undecided", "undecided"),
    ],
)
def test_a_verdict_on_one_test(tested, part, holds, expected):
    verdicts, tests = tested([part], LOWERS)
    assert tests["holds"].tolist() == [holds]
    assert verdicts["verdict"].tolist() == [expected] * 2  # of all populations, and of the one
    counts = {"yes": "in_favour", "opposite": "against", "undecided": "undecided"}
    row = verdicts.iloc[0]
    assert {c: row[c] for c in ("tests", *counts.values())} == {
        "tests": 1,
        **{column: int(answer == holds) for answer, column in counts.items()},
    }


def test_partly_supported(tested):
    populations = {"a": -0.1, "b": -0.1, "c": 0.1}
    parts = [changed(by, seeds=10, population=p) for p, by in populations.items()] + [unchanged(10, population="d")]
    verdicts, _ = tested(parts, LOWERS)
    assert verdicts.set_index("population")["verdict"].to_dict() == {
        "all": "partly supported",
        "a": "supported",
        "b": "supported",
        "c": "contradicted",
        "d": "not supported",
    }


@pytest.mark.parametrize(
    ("yes", "no", "opposite", "undecided", "expected"),
    [
        (3, 1, 0, 0, "supported"),
        (9, 0, 1, 0, "supported"),  # one in ten is tolerated
        (8, 0, 1, 0, "partly supported"),
        (2, 2, 0, 0, "partly supported"),
        (1, 3, 0, 0, "partly supported"),
        (1, 4, 0, 0, "not supported"),
        (3, 4, 3, 0, "not supported"),  # as many the other way
        (1, 0, 1, 0, "contradicted"),
        (0, 1, 1, 0, "contradicted"),
        (3, 1, 0, 4, "supported"),  # shares are of the decided
        (3, 1, 0, 5, "undecided"),
        (0, 0, 0, 3, "undecided"),
        (0, 0, 0, 0, "undecided"),
    ],
)
def test_the_rules_of_the_verdicts(yes, no, opposite, undecided, expected):
    holds = ["yes"] * yes + ["no"] * no + ["opposite"] * opposite + ["undecided"] * undecided
    assert verdict(holds, **THRESHOLDS) == expected


@given(st.lists(st.sampled_from(claims.HOLDS), max_size=12), st.randoms())
def test_verdicts_do_not_depend_on_order_and_turn_with_the_claim(holds, random):
    found = verdict(holds, **THRESHOLDS)
    assert found in claims.VERDICTS
    assert verdict(random.sample(holds, len(holds)), **THRESHOLDS) == found
    turned = [{"yes": "opposite", "opposite": "yes"}.get(h, h) for h in holds]
    if found == "supported":
        assert verdict(turned, **THRESHOLDS) == "contradicted"
    assert (verdict(turned, **THRESHOLDS) == "undecided") == (found == "undecided")


# --- what is tested ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "by"), [("atkinson", -0.1), ("centralization", -0.1), ("average_proximity", +0.1)])
def test_less_segregated_is_higher_average_proximity(tested, metric, by):
    less = LOWERS.replace("atkinson", metric)
    more = less.replace("less segregated", "more segregated")
    for text, change, holds in ((less, by, "yes"), (less, -by, "opposite"), (more, by, "opposite")):
        _, tests = tested([changed(change, metric=metric)], text)
        assert tests["holds"].item() == holds
    assert tests["expected"].item() == f"more segregated: {'>' if by < 0 else '<'} before"


def test_less_than_a_reference_within_a_seed(tested):
    spread = np.linspace(0.1, 0.9, 8)  # the changes differ far more between seeds than between methods
    face = spread + np.linspace(-0.3, 0.3, 8)
    ebr = face - np.linspace(0.01, 0.02, 8)
    verdicts, tests = tested(
        [index(spread, ebr), index(spread, face, method="face")], LOWERS + "    references: [face]\n"
    )
    row = tests.iloc[0]
    assert (row["reference"], row["holds"]) == ("face", "yes")
    assert row["expected"] == "less segregated: < change of face"
    assert (row["mean"], row["value"] - row["bar"]) == pytest.approx((-0.015, -0.015))
    assert verdicts["verdict"][0] == "supported"


@pytest.mark.parametrize(
    ("metric", "factor", "holds", "expected"),
    [
        ("cost: lower", 0.9, "yes", "lower: < 1.1 × face"),
        ("cost: lower", 1.05, "yes", "lower: < 1.1 × face"),
        ("cost: lower", 1.15, "opposite", "lower: < 1.1 × face"),
        ("ynn: higher", 0.95, "yes", "higher: > 0.9 × face"),
        ("ynn: higher", 0.85, "opposite", "higher: > 0.9 × face"),
    ],
)
def test_a_margin_is_a_share_of_the_reference(tested, metric, factor, holds, expected):
    face, name = np.linspace(0.4, 0.5, 8), metric.partition(":")[0]
    parts = [quality(factor * face, name), quality(face, name, method="face")]
    _, tests = tested(parts, CHEAP.replace("cost: lower", metric))
    assert (tests["holds"].item(), tests["expected"].item()) == (holds, expected)
    assert tests["bar"].item() == pytest.approx((1.1 if name == "cost" else 0.9) * face.mean())


@pytest.mark.parametrize(("found", "holds"), [([1.0] * 6, "yes"), ([0.9] * 6, "opposite"), ([0.9, 1.0] * 3, "no")])
def test_a_bound(tested, found, holds):
    verdicts, tests = tested([quality(found, "found")], FINDS)
    row = tests.iloc[0]
    assert (row["holds"], row["expected"]) == (holds, "higher: > 0.95")
    assert (row["bar"], row["value"]) == pytest.approx((0.95, np.mean(found)))
    assert f"mean found {np.mean(found):.3g} to {np.mean(found):.3g}." in verdicts["evidence"][0]


def test_holm_is_over_the_whole_claim(tested):
    parts = [changed(-0.1, seeds=6, population=p) for p in ("a", "b")]
    verdicts, tests = tested(parts, LOWERS, CHEAP.replace("cheap", "other"))
    lowers = tests[tests["claim"] == "lowers"]
    assert lowers["p"].tolist() == [2 / 64] * 2
    assert lowers["p_holm"].tolist() == [4 / 64] * 2
    assert verdicts["verdict"].tolist()[:3] == ["undecided"] * 3
    assert tested(parts[:1], LOWERS)[0]["verdict"].tolist() == ["supported"] * 2


def test_other_scenarios_scopes_and_methods_do_not_count(tested):
    own = changed(-0.1)
    others = [rows(np.ones(8), method="face"), changed(0.1, scope="accepted"), changed(0.1, scenario="placebo")]
    for ours, theirs in zip(tested([own, *others], LOWERS), tested([own], LOWERS), strict=True):
        pd.testing.assert_frame_equal(ours, theirs)
    verdicts, _ = tested([own, *others], LOWERS + "    scenario: placebo\n")
    assert verdicts["verdict"].tolist() == ["contradicted"] * 2


def test_a_study_has_the_same_verdicts_in_its_own_order(stated):
    table = measures(
        *[changed(by, population=p, method=m) for p, by in (("a", -0.1), ("b", 0.1)) for m in ("ebr", "face")]
    )
    study = {"populations": ["b", "a"], "methods": ["face", "ebr"], "scenarios": ["default"], "seeds": 8}
    found = evaluate(contracts.of_study(table, study), stated(LOWERS))
    turned = table.sort_values("population", ascending=False, kind="stable")
    for ours, theirs in zip(found, evaluate(turned, stated(LOWERS)), strict=True):
        pd.testing.assert_frame_equal(ours, theirs)
    assert found[0]["population"].tolist() == ["all", "b", "a"]


# --- what was not run -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "text", "note"),
    [
        (changed(-0.1, method="face"), LOWERS, "this run has no ebr on law-sex"),
        (quality([0.1] * 8), CHEAP, "face was not run for this seed; 0 seeds: no interval and no test"),
        (changed(-0.1, metric="centralization"), LOWERS, "atkinson of everyone was not measured"),
        (
            quality([np.nan] * 8, "found", note="nobody was rejected"),
            FINDS,
            "nobody was rejected; 0 seeds: no interval and no test",
        ),
        (changed(-0.1), LOWERS + "    populations: [gmc-age]\n", "this run has no gmc-age"),
        (
            changed(-0.1),
            LOWERS + "    populations: [gmc-age]\n    classifiers: [mlp]\n",
            "this run has no gmc-age with the mlp classifier",
        ),
    ],
)
def test_what_was_not_run_is_undecided_and_says_so(tested, part, text, note):
    verdicts, tests = tested([part], text)
    row = tests.iloc[0]
    assert (row["holds"], row["seeds"], row["note"]) == ("undecided", 0, note)
    assert verdicts["verdict"].tolist() == ["undecided"] * 2
    assert verdicts["evidence"][0] == f"1 of 1 tests were not run or are not defined ({note})."


def test_what_was_not_run_is_no_test_of_the_family(tested):
    parts = [quality([0.1] * 8), quality([0.2] * 8, method="face")]
    _, tests = tested(parts, CHEAP.replace("[face]", "[face, cruds]"))
    assert tests.set_index("reference")["holds"].to_dict() == {"face": "yes", "cruds": "undecided"}
    assert tests["p_holm"][0] == tests["p"][0]
    _, tests = tested([changed(-0.1)], LOWERS + "    populations: [law-sex, gmc-age]\n")
    assert tests.set_index("population")["holds"].to_dict() == {"law-sex": "yes", "gmc-age": "undecided"}


def test_nothing_run_at_all(tested):
    verdicts, tests = tested([], LOWERS, FINDS)
    assert tests.empty
    assert verdicts["verdict"].tolist() == ["undecided"] * 2
    assert verdicts["evidence"][0].startswith("This run has nothing to test it on")


def test_too_few_seeds_says_how_many_would_do(tested):
    verdicts, _ = tested([changed(-0.1, seeds=5)], LOWERS)
    assert verdicts["evidence"][0] == (
        "1 of 1 tests have too few seeds (5) to be significant at 0.05 after Holm over 1 tests: 6 would do; "
        "mean change of atkinson -0.1 to -0.1."
    )


def test_the_sentence_has_the_numbers(tested):
    parts = [changed(-0.1, population="a"), changed(+0.05, population="b"), unchanged(population="c")]
    row = tested(parts, LOWERS)[0].iloc[0]
    assert row["evidence"] == (
        "1 of 3 decided tests are significant as claimed and 1 the other way (0.05 after Holm over 3 tests); "
        "mean change of atkinson -0.1 to +0.05."
    )
    assert (row["tests"], row["in_favour"], row["against"], row["undecided"], row["seeds"]) == (3, 1, 1, 0, 8)


# --- the file ---------------------------------------------------------------------------------------


def test_the_claims_of_the_paper_are_readable_and_complete():
    stated = read(RESOURCES / "claims.yaml")
    known = yaml.safe_load((RESOURCES.parents[1] / "config.yaml").read_text(encoding="utf-8"))["methods"]
    assert {c.part for c in stated} == {1, 2, 3}
    baselines = {"wachter", "growing_spheres", "face", "cchvae", "cruds"}
    for claim in stated:
        assert set(claim.methods) in (baselines, {"ebr"}, {"ibr"})
        assert not claim.references or set(claim.references) == baselines
        assert {*claim.methods, *claim.references} <= set(known)
        assert set(claim.metrics) <= {*names.INDICES, *names.QUALITY}
    for method in ("ebr", "ibr"):
        assert [c.part for c in stated if c.methods == [method]] == [2, 2, 3, 3, 3]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metrics:", "metrcs:", r"line 10: claims\.0: unknown key 'metrcs'; allowed: bound, .*did you mean 'metrics'"),
        ("part: 2", "part: two", r"line 6: claims\.0\.part: 'two' is not allowed; expected a whole number"),
        ("    scope: everyone\n", "", r"line 5: claims\.0: the key 'scope' is missing"),
        ("everyone", "nobody", r"line 8: claims\.0\.scope: 'nobody' is not allowed; expected one of everyone"),
        (
            "less segregated}",
            "fewer}",
            r"line 10: claims\.0\.metrics\.atkinson: 'fewer' is not allowed; expected one of more",
        ),
        ("atkinson:", "atkinsn:", r"line 10: claims\.0\.metrics\.atkinsn: not a metric; there are: centralization"),
        ("part: 2", "part: 2\n    part: 3", r"line 7: claims\.0\.part stands in line 6 already"),
        ("atkinson:", "cost:", r"line 10: claims\.0\.metrics\.cost: 'less segregated' is for segregation indices"),
        ("atkinson: less segregated", "cost: lower", r"metrics\.cost: is measured only after recourse"),
        ("    methods", "    bound: 1\n    methods", r"claims\.0: 'why' is a dependency of 'bound'"),
        (
            "    methods",
            "    why: x\n    bound: 1\n    references: [face]\n    methods",
            r"line 10: claims\.0\.bound: a claim compares with `references` or with a `bound`; leave one out",
        ),
        ("    methods", "    references: [ebr]\n    methods", r"line 9: claims\.0\.references: 'ebr' is among"),
        (
            "    methods",
            "    why: x\n    margin: 0.1\n    references: [face]\n    methods",
            r"line 10: claims\.0\.margin: changes of an index such as atkinson may have any sign",
        ),
        (
            "    methods",
            "    why: x\n    verdict: {partly: 0.9}\n    methods",
            r"line 10: claims\.0\.verdict\.partly: is above `supported`",
        ),
        ("[ebr]", "[ebr", r"line 10: not YAML: expected ',' or ']'"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(stated, old, new, message):
    assert old in LOWERS
    with pytest.raises(ConfigError, match=r"claims\.yaml") as raised:
        stated(LOWERS.replace(old, new, 1))
    raised.match(message)


def test_ids_differ(stated):
    with pytest.raises(ConfigError, match=r"line 11: claims\.1\.id: 'lowers' is the id of another claim"):
        stated(LOWERS, LOWERS.lstrip("\n"))


def test_every_mistake_is_told_at_once(stated):
    with pytest.raises(ConfigError) as raised:
        stated(LOWERS.replace("part: 2", "part: two").replace("everyone", "nobody"), head="claims:")
    for mistake in ("the key 'alpha', 'verdict', 'why' is missing", "'two'", "'nobody'"):
        raised.match(mistake)


@pytest.mark.parametrize("text", ["", "[]", "7", None])
def test_a_file_of_something_else(tmp_path, text):
    path = tmp_path / "claims.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    expected = "No such file" if text is None else r"line 1: the top level: .* is not allowed; expected a mapping"
    with pytest.raises(ConfigError, match=rf"claims\.yaml.*{expected}"):
        read(path)
