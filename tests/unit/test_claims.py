"""The claims: hand-made measures for each verdict, and what a YAML file may hold."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from made_up_measures import index, measures, quality, rows
from made_up_run import LABELS, study
from recourse_segregation import claims, contracts, names
from recourse_segregation.claims import Claim, evaluate, read, verdict
from recourse_segregation.errors import ConfigError
from recourse_segregation.specifications import specify

RESOURCES = Path(__file__).parents[2] / "workflow" / "resources"
THRESHOLDS = {"decided": 0.5, "contradicted": 0.5, "supported": 0.75, "tolerated": 0.1, "partly": 0.25}
LOWERS = {"id": "lowers", "metrics": {"atkinson": "less segregated"}}
CHEAP = {"scope": "recipients", "references": ["face"], "margin": 0.1, "metrics": {"cost": "lower"}}
FINDS = {"scope": "recipients", "bound": 0.95, "metrics": {"found": "higher"}}


def judged(parts, *stated, **settings):
    """Rows or a table of measures, and what claims on EBR say -> the verdicts and the tests."""
    about = {"part": 2, "statement": "It works.", "scope": "everyone", "methods": ["ebr"], "alpha": 0.05}
    about |= {"id": "other", "verdict": THRESHOLDS}
    table = measures(*parts) if isinstance(parts, list) else parts
    settings = {"overlap": {}, "smallest": np.nan} | settings
    return evaluate(table, [Claim(**about | claim) for claim in stated], **settings)


@pytest.fixture(autouse=True)
def labels():
    names.use(LABELS | {"method": LABELS["method"] | {"ebr": "EBR"}})
    yield
    names.use({})


def changed(by, seeds=8, **where):
    """An index that changes by `by` in the mean, by hardly the same in each seed."""
    before = np.linspace(0.3, 0.6, seeds)
    return index(before, before + by * np.linspace(0.9, 1.1, seeds), **where)


def unchanged(seeds=8, **where):
    before = np.linspace(0.3, 0.6, seeds)
    return index(before, before + 0.01 * (-1.0) ** np.arange(seeds), **where)


def test_verdicts_are_on_all_populations_and_on_each_in_the_order_of_the_study():
    populations = {"a": -0.1, "b": -0.1, "c": 0.1}
    parts = [changed(by, seeds=10, population=p) for p, by in populations.items()] + [unchanged(10, population="d")]
    table = measures(*parts)
    table = contracts.of_study(table, study(table, populations=[*"dcba"]))
    for ours, theirs in zip(judged(table, LOWERS), judged(parts[::-1], LOWERS), strict=True):
        pd.testing.assert_frame_equal(ours, theirs)
    verdicts, _ = judged(table, LOWERS)
    assert verdicts["population"].tolist() == ["all", "d", "c", "b", "a"]
    expected = ["partly supported", "not supported", "contradicted", "supported", "supported"]
    assert verdicts["verdict"].tolist() == expected
    counts = verdicts[["tests", "in_favour", "against", "undecided"]].to_numpy().tolist()
    assert counts == [[4, 2, 1, 0], [1, 0, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0], [1, 1, 0, 0]]


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


@given(st.lists(st.sampled_from(["yes", "no", "opposite", "undecided"]), max_size=12), st.randoms())
def test_verdicts_do_not_depend_on_order_and_turn_with_the_claim(holds, random):
    found = verdict(holds, **THRESHOLDS)
    assert found in claims.VERDICTS
    assert verdict(random.sample(holds, len(holds)), **THRESHOLDS) == found
    turned = verdict([{"yes": "opposite", "opposite": "yes"}.get(h, h) for h in holds], **THRESHOLDS)
    assert found != "supported" or turned == "contradicted"
    assert (turned == "undecided") == (found == "undecided")


@pytest.mark.parametrize(("metric", "less"), [("atkinson", "<"), ("centralization", "<"), ("average_proximity", ">")])
def test_less_segregated_is_higher_average_proximity(metric, less):
    for kind, sign in (("less", less), ("more", "<>".replace(less, ""))):
        for by, moved in ((-0.1, "<"), (+0.1, ">")):
            _, tests = judged([changed(by, metric=metric)], {"metrics": {metric: f"{kind} segregated"}})
            assert tests["holds"].item() == ("yes" if moved == sign else "opposite")
            assert tests["expected"].item() == f"{kind} segregated: {sign} before"


def test_less_than_a_reference_within_a_seed():
    spread = np.linspace(0.1, 0.9, 8)  # the changes differ far more between seeds than between methods
    face = spread + np.linspace(-0.3, 0.3, 8)
    parts = [index(spread, face - np.linspace(0.01, 0.02, 8)), rows(face, method="face")]
    verdicts, tests = judged(parts, LOWERS | {"references": ["face"]})
    row = tests.iloc[0]
    assert (row["reference"], row["holds"]) == ("face", "yes")
    assert row["expected"] == "less segregated: < change of FACE"
    assert (row["mean"], row["value"] - row["bar"]) == pytest.approx((-0.015, -0.015))
    assert verdicts["verdict"][0] == "supported"


@pytest.mark.parametrize(
    ("metric", "direction", "bar", "factors"),
    [
        ("cost", "lower: <", 1.1, {0.9: "yes", 1.05: "yes", 1.15: "opposite"}),
        ("ynn", "higher: >", 0.9, {0.95: "yes", 0.85: "opposite"}),
    ],
)
def test_a_margin_is_a_share_of_the_reference(metric, direction, bar, factors):
    face = np.linspace(0.4, 0.5, 8)
    for factor, holds in factors.items():
        parts = [quality(factor * face, metric), quality(face, metric, method="face")]
        _, tests = judged(parts, CHEAP | {"metrics": {metric: direction.split(":")[0]}})
        assert (tests["holds"].item(), tests["expected"].item()) == (holds, f"{direction} {bar} × FACE")
        assert tests["bar"].item() == pytest.approx(bar * face.mean())


@pytest.mark.parametrize(("found", "holds"), [([1.0] * 6, "yes"), ([0.9] * 6, "opposite"), ([0.9, 1.0] * 3, "no")])
def test_a_bound(found, holds):
    verdicts, tests = judged([quality(found, "found")], FINDS)
    row = tests.iloc[0]
    assert (row["holds"], row["expected"]) == (holds, "higher: > 0.95")
    assert (row["bar"], row["value"]) == pytest.approx((0.95, np.mean(found)))
    assert verdicts["evidence"][0].endswith(f"; mean: Found {np.mean(found):.3f}.")


def test_holm_is_over_the_whole_claim():
    parts = [changed(-0.1, seeds=6, population=p) for p in ("a", "b")]
    verdicts, tests = judged(parts, LOWERS, CHEAP)
    lowers = tests[tests["claim"] == "lowers"]
    assert lowers["p"].tolist() == [2 / 64] * 2
    assert lowers["p_holm"].tolist() == [4 / 64] * 2
    assert verdicts["verdict"].tolist()[:3] == ["undecided"] * 3
    assert judged(parts[:1], LOWERS)[0]["verdict"].tolist() == ["supported"] * 2


def test_other_scenarios_scopes_and_methods_do_not_count():
    own = changed(-0.1)
    others = [rows(np.ones(8), method="face"), changed(0.1, scope="accepted"), changed(0.1, scenario="placebo")]
    for ours, theirs in zip(judged([own, *others], LOWERS), judged([own], LOWERS), strict=True):
        pd.testing.assert_frame_equal(ours, theirs)


@pytest.mark.parametrize(
    ("part", "claim", "note"),
    [
        (changed(-0.1, method="face"), LOWERS, "this run has no EBR on Law school by sex"),
        (quality([0.1] * 8), CHEAP, "face was not run for this seed; 0 seeds: no interval and no test"),
        (changed(-0.1, metric="centralization"), LOWERS, "Atkinson of everyone was not measured"),
        (quality([np.nan] * 8, "found", note="none"), FINDS, "none; 0 seeds: no interval and no test"),
    ],
)
def test_what_was_not_run_is_undecided_and_says_so(part, claim, note):
    verdicts, tests = judged([part], claim)
    row = tests.iloc[0]
    assert (row["holds"], row["seeds"], row["note"]) == ("undecided", 0, note)
    assert verdicts["verdict"].tolist() == ["undecided"] * 2
    assert verdicts["evidence"][0] == f"1 of 1 tests were not run or are not defined ({note})."


def test_what_was_not_run_is_no_test_of_the_family():
    parts = [quality([0.1] * 8), quality([0.2] * 8, method="face")]
    _, tests = judged(parts, CHEAP | {"references": ["face", "cruds"]})
    assert tests["holds"].tolist() == ["yes", "undecided"]
    assert tests["p_holm"][0] == tests["p"][0]
    verdicts, tests = judged([], LOWERS, FINDS)  # nothing run at all
    assert tests.empty
    assert verdicts["verdict"].tolist() == ["undecided"] * 2
    assert verdicts["evidence"][0].startswith("This run has nothing to test it on")


def test_the_evidence_has_the_numbers():
    parts = [changed(-0.1, population="a"), changed(+0.05, population="b"), unchanged(population="c")]
    row = judged(parts, LOWERS)[0].iloc[0]
    assert row[["tests", "in_favour", "against", "undecided", "seeds"]].tolist() == [3, 1, 1, 0, 8]
    assert row["evidence"] == (
        "1 of 3 tests show it and 1 the opposite (0.05 after Holm over 3 tests); "
        "mean change: Atkinson −0.100 to +0.050."
    )
    few = judged([changed(-0.1, seeds=5)], LOWERS)[0].iloc[0]
    assert few[["verdict", "tests", "in_favour", "against", "undecided"]].tolist() == ["undecided", 1, 0, 0, 1]
    assert few["evidence"] == (
        "1 of 1 tests have too few seeds (5) to be significant at 0.05 after Holm over 1 tests: 6 would do; "
        "mean change: Atkinson −0.100."
    )


# --- two kinds of indices, seeds that share people, small effects


def both(by, shuffled, **where):
    """An index that changes by `by` with the real groups, and by `shuffled` with shuffled ones."""
    return changed(by, **where) + changed(shuffled, scenario="placebo", **where)


@pytest.mark.parametrize(
    ("by", "shuffled", "paper", "groups"),
    [
        (-0.1, -0.1, "supported", "not supported"),  # blind: it sees that people move
        (-0.1, -0.2, "supported", "contradicted"),
        (-0.1, 0.0, "supported", "supported"),
        (0.0, 0.1, "not supported", "supported"),
    ],
)
def test_groups_are_judged_by_what_is_left_beyond_shuffled_ones(by, shuffled, paper, groups):
    kinds = [LOWERS | {"indices": kind} for kind in ("paper", "groups")]
    verdicts, tests = judged([both(by, shuffled)], *kinds)
    assert verdicts["verdict"].tolist() == [paper, paper, groups, groups]
    assert verdicts["indices"].tolist() == ["paper"] * 2 + ["groups"] * 2
    assert tests["mean"].tolist() == pytest.approx([by, by - shuffled])
    alone, _ = judged([changed(by)], *kinds)
    assert alone["verdict"].tolist() == [paper, paper, "undecided"]
    assert "with real and with shuffled groups" in alone["evidence"].iloc[-1]


def test_an_index_of_a_kind_that_is_not_measured_is_no_test():
    both_metrics = {"atkinson": "less segregated", "centralization": "less segregated"}
    _, tests = judged([changed(-0.1)], LOWERS | {"indices": "paper", "metrics": both_metrics})
    assert tests["metric"].tolist() == ["atkinson"]


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        ({"a": ["yes", "no"], "b": ["opposite", "opposite"]}, "supported"),
        ({"a": ["yes", "opposite"], "b": ["no", "no"]}, "partly supported"),
        ({"a": ["no", "no"], "b": ["no", "opposite"]}, "not supported"),
        ({"a": ["no", "no"], "b": ["opposite", "opposite"]}, "contradicted"),
        ({"a": ["yes", "undecided"], "b": ["undecided", "undecided"]}, "supported"),
        ({"a": ["no", "undecided"], "b": ["undecided", "undecided"]}, "undecided"),
    ],
)
def test_one_case_is_enough_for_an_existential_claim(holds, expected):
    about = {"id": "can", "part": 1, "statement": "It can.", "scope": "everyone", "methods": [], "metrics": {}}
    claim = Claim(**about, alpha=0.05, verdict=THRESHOLDS, existential=True)
    cases, answers = zip(*((case, one) for case, found in holds.items() for one in found), strict=True)
    assert claims.judge(claim, answers, cases) == expected


def test_the_evidence_of_an_existential_claim_says_how_many_and_which():
    parts = [changed(0.1, population="a"), changed(-0.2, population="b"), unchanged(population="c")]
    claim = {"metrics": {"atkinson": "more segregated"}, "existential": True}
    row = judged(parts, claim)[0].iloc[0]
    assert row["verdict"] == "supported"
    assert row["evidence"].startswith(
        "1 of 3 pairs of method and population show it; most of all EBR on a (Atkinson +0.100); "
        "1 of 3 tests show it and 1 the opposite ("
    )


def test_seeds_that_share_people_count_for_less():
    before = np.linspace(0.3, 0.6, 8)
    parts = [index(before, before - 0.1 * np.linspace(0.5, 1.5, 8))]
    verdicts, tests = judged(parts, LOWERS, overlap={"law-sex": 0.75})
    row = tests.iloc[0]
    assert (row["overlap"], row["holds"], row["holds_overlap"]) == (0.75, "yes", "no")
    assert row["p"] < 0.05 < row["p_overlap"] == row["p_overlap_holm"]
    assert verdicts[["verdict", "verdict_overlap"]].iloc[0].tolist() == ["supported", "not supported"]
    assert "if seeds count for less since they share people, 0 show it and 0 the opposite" in verdicts["evidence"][0]
    _, apart = judged(parts, LOWERS)
    assert apart["p_overlap"].item() == row["p"], "never below the p of the experiment"


@pytest.mark.parametrize(("by", "relevant"), [(-0.1, "supported"), (-0.005, "not supported")])
def test_a_significant_effect_may_be_small(by, relevant):
    verdicts, tests = judged([changed(by)], LOWERS, smallest=0.01)
    assert verdicts[["verdict", "verdict_relevant"]].iloc[0].tolist() == ["supported", relevant]
    assert (tests["p_small"].item() < 0.05) == (relevant == "not supported")
    said = "1 of the 1 effects that show it are smaller than 0.01"
    assert (said in verdicts["evidence"][0]) == (relevant == "not supported")
    _, tests = judged([quality([1.0] * 8, "found")], FINDS, smallest=1.0)
    assert tests["p_small"].isna().all(), "the smallest effect is one on an index"


def test_a_claim_about_segregation_is_there_for_each_kind_of_indices(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(HEAD + ENTRY + END, encoding="utf-8")
    found = [(claim.id, claim.indices, dict(claim.metrics)) for claim in read(path)]
    less = "less segregated"
    assert found == [
        ("lowers", "paper", {"atkinson": less}),
        ("lowers", "groups", {"atkinson": less, "centralization": less}),
    ]


# --- the file

HEAD = f"alpha: 0.05\nverdict: {THRESHOLDS}\nwhy: ours\nclaims:\n"
ENTRY = """
  - id: lowers
    part: 2
    statement: It lowers segregation.
    scope: everyone
    methods: [ebr]
    segregation: less
"""
END = """
indices: {paper: [atkinson], groups: [atkinson, centralization]}
specifications: {scopes: [everyone], scenarios: [default], populations: [a]}
"""
MORE = "    why: x\n    {}\n    methods"  # keys before the methods


def test_the_claims_of_the_paper_are_readable_and_complete():
    stated = read(RESOURCES / "claims.yaml")
    config = yaml.safe_load((RESOURCES.parents[1] / "config.yaml").read_text(encoding="utf-8"))
    known = config["methods"]
    assert {c.part for c in stated} == {1, 2, 3}
    baselines = {"wachter", "growing_spheres", "face", "cchvae", "cruds"}
    for claim in stated:
        assert set(claim.methods) in (baselines, {"ebr"}, {"ibr"})
        assert not claim.references or set(claim.references) == baselines
        assert {*claim.methods, *claim.references} <= set(known)
        assert claim.indices == claims.GROUPS or set(claim.metrics) <= {*names.INDICES, *names.QUALITY}
        assert bool(claim.indices) == (claim.part < 3)
    for method in ("ebr", "ibr"):
        assert [c.part for c in stated if c.methods == [method]] == [2, 2, 2, 2, 3, 3, 3]
    assert [c.id for c in stated if c.existential] == ["baselines-segregate"] * 2
    assert set(claims.choices(RESOURCES / "claims.yaml")["populations"]) <= config["populations"].keys()


def test_a_claim_has_the_thresholds_of_the_file_but_for_its_own(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(HEAD + ENTRY + "    verdict: {supported: 0.9}\n    why: x\n" + END, encoding="utf-8")
    claim, _ = read(path)
    assert (claim.alpha, claim.verdict) == (0.05, THRESHOLDS | {"supported": 0.9})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("segregation:", "segregtion:", r"line 11: claims\.0: unknown key 'segregtion'.*did you mean 'segregation'"),
        ("    scope: everyone\n", "", r"line 6: claims\.0: the key 'scope' is missing"),
        ("everyone", "nobody", r"line 9: claims\.0\.scope: 'nobody' is not allowed; expected one of everyone"),
        ("segregation: less", "segregation: fewer", r"line 11: claims\.0\.segregation: 'fewer' is not allowed"),
        (
            "segregation: less",
            "metrics: {atkinsn: lower}",
            r"line 11: .*metrics\.atkinsn: not a metric; there are",
        ),
        (
            "segregation: less",
            "metrics: {cost: less segregated}",
            r"metrics\.cost: .* is for segregation",
        ),
        (
            "segregation: less",
            "metrics: {atkinson: lower}\n    margin: 0.1\n    references: [face]\n    why: x",
            r"claims\.0\.margin: .*any sign",
        ),
        ("segregation: less", "metrics: {cost: less}", r"claims\.0\.metrics\.cost: 'less' is not allowed"),
        ("segregation: less", "metrics: {cost: lower}", r"metrics\.cost: is measured only after recourse"),
        ("    methods", "    bound: 1\n    methods", r"claims\.0: 'why' is a dependency of 'bound'"),
        ("    methods", MORE.format("bound: 1\n    references: [face]"), r"line 11: claims\.0\.bound: .*leave one out"),
        ("    methods", "    references: [ebr]\n    methods", r"line 10: claims\.0\.references: 'ebr' is among"),
        ("    methods", MORE.format("margin: 0.1\n    references: [face]"), r"claims\.0\.segregation: .*any sign"),
        ("    methods", MORE.format("bound: 1"), r"may have any sign"),
        ("    methods", MORE.format("verdict: {partly: 0.9}"), r"line 11: claims\.0\.verdict\.partly: is above `supp"),
        ("'partly': 0.25", "'partly': 0.9", r"line 2: verdict\.partly: is above `supported`"),
        ("    segregation", "    metrics: {cost: lower}\n    segregation", r"line 6: claims\.0: "),
        ("less\n", "less\n" + ENTRY, r"line 13: claims\.1\.id: 'lowers' is the id of another claim"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(tmp_path, old, new, message):
    """What is said of any file is in test_checking."""
    path = tmp_path / "claims.yaml"
    assert old in HEAD + ENTRY
    path.write_text((HEAD + ENTRY).replace(old, new, 1) + END, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"claims\.yaml, .*{message}"):
        read(path)


def test_a_run_without_the_methods_of_a_claim_decides_nothing():
    file = Path(__file__).parents[2] / "workflow" / "resources" / "claims.yaml"
    ours = measures(index([0.1, 0.2], [0.2, 0.4], method="wachter"), quality([0.5, 0.6], method="wachter"))
    verdicts, _ = evaluate(ours, read(file), {}, 0.005)
    about = verdicts[verdicts["claim"].str.startswith("ebr-")]
    assert set(about["verdict"]) == {"undecided"}
    table = specify(ours, read(file), claims.choices(file), [2], {}, 0.005)
    assert set(table.loc[table["claim"].str.startswith("ebr-"), "verdict"]) <= {"undecided"}
