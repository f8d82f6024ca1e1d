"""The claims: what a YAML file may hold, and hand-made measures for each verdict."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from recourse_segregation import claims, names
from recourse_segregation.claims import Thresholds, evaluate, read, verdict
from recourse_segregation.errors import ConfigError

RESOURCES = Path(__file__).parents[2] / "workflow" / "resources"
COLUMNS = ["population", "seed", "classifier", "method", "scenario", "phase", "scope", "metric", "value", "n", "note"]
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


def rows(values, method="ebr", metric="atkinson", phase="after", population="law-sex", scope="everyone", note=""):
    return [
        (population, seed, "mlp", method, "default", phase, scope, metric, value, 10, note)
        for seed, value in enumerate(values)
    ]


def changed(by, seeds=8, **where):
    """An index that changes by `by` in the mean, by hardly the same in each seed."""
    before = np.linspace(0.3, 0.6, seeds)
    after = before + by * np.linspace(0.9, 1.1, seeds)
    return rows(before, phase="before", **where) + rows(after, **where)


def unchanged(seeds=8, **where):
    before = np.linspace(0.3, 0.6, seeds)
    return rows(before, phase="before", **where) + rows(before + 0.01 * (-1.0) ** np.arange(seeds), **where)


def quality(values, metric="cost", method="ebr", **where):
    return rows(values, metric=metric, method=method, scope="recipients", **where)


def measures(*parts):
    return pd.DataFrame([row for part in parts for row in part], columns=COLUMNS)


def overall(verdicts):
    return verdicts[verdicts["population"] == claims.ALL].set_index("claim")


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
def test_a_verdict_on_one_test(stated, part, holds, expected):
    verdicts, tests = evaluate(measures(part), stated(LOWERS))
    assert tests["holds"].tolist() == [holds]
    assert verdicts["verdict"].tolist() == [expected] * 2  # of all populations, and of the one
    row = verdicts.iloc[0]
    counts = {"yes": row["in_favour"], "opposite": row["against"], "undecided": row["undecided"]}
    assert (row["tests"], sum(counts.values()), counts.get(holds, 0)) == (1, holds != "no", holds != "no")


def test_partly_supported(stated):
    populations = {"a": -0.1, "b": -0.1, "c": 0.1}
    parts = [changed(by, seeds=10, population=p) for p, by in populations.items()] + [unchanged(10, population="d")]
    verdicts, _ = evaluate(measures(*parts), stated(LOWERS))
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
    assert verdict(holds, Thresholds(**THRESHOLDS)) == expected


@given(st.lists(st.sampled_from(claims.HOLDS), max_size=12), st.randoms())
def test_verdicts_do_not_depend_on_order_and_turn_with_the_claim(holds, random):
    thresholds = Thresholds(**THRESHOLDS)
    found = verdict(holds, thresholds)
    assert found in claims.VERDICTS
    assert verdict(random.sample(holds, len(holds)), thresholds) == found
    turned = [{"yes": "opposite", "opposite": "yes"}.get(h, h) for h in holds]
    if found == "supported":
        assert verdict(turned, thresholds) == "contradicted"
    assert (verdict(turned, thresholds) == "undecided") == (found == "undecided")


# --- what is tested ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "by"), [("atkinson", -0.1), ("centralization", -0.1), ("average_proximity", +0.1)])
def test_less_segregated_is_higher_average_proximity(stated, metric, by):
    text = LOWERS.replace("atkinson", metric)
    assert evaluate(measures(changed(by, metric=metric)), stated(text))[1]["holds"].item() == "yes"
    assert evaluate(measures(changed(-by, metric=metric)), stated(text))[1]["holds"].item() == "opposite"
    more = text.replace("less segregated", "more segregated")
    _, tests = evaluate(measures(changed(by, metric=metric)), stated(more))
    assert tests["holds"].item() == "opposite"
    assert tests["expected"].item() == f"more segregated: {'>' if by < 0 else '<'} before"


def test_less_than_a_reference_within_a_seed(stated):
    text = LOWERS + "    references: [face]\n"
    spread = np.linspace(0.1, 0.9, 8)  # the changes differ far more between seeds than between methods
    face, ebr = spread + np.linspace(-0.3, 0.3, 8), spread + np.linspace(-0.3, 0.3, 8) - np.linspace(0.01, 0.02, 8)
    table = measures(
        *[rows(spread, phase="before", method=m) for m in ("ebr", "face")], rows(ebr), rows(face, method="face")
    )
    verdicts, tests = evaluate(table, stated(text))
    row = tests.iloc[0]
    assert (row["reference"], row["holds"]) == ("face", "yes")
    assert row["expected"] == "less segregated: < change of face"
    assert (row["mean"], row["value"] - row["bar"]) == pytest.approx((-0.015, -0.015))
    assert overall(verdicts)["verdict"].item() == "supported"


@pytest.mark.parametrize(("factor", "holds"), [(0.9, "yes"), (1.05, "yes"), (1.15, "opposite")])
def test_a_margin_is_a_share_of_the_reference(stated, factor, holds):
    face = np.linspace(0.4, 0.5, 8)
    _, tests = evaluate(measures(quality(factor * face), quality(face, method="face")), stated(CHEAP))
    assert tests["holds"].item() == holds
    assert tests["bar"].item() == pytest.approx(1.1 * face.mean())
    assert tests["expected"].item() == "lower: < 1.1 × face"


@pytest.mark.parametrize(("factor", "holds"), [(0.95, "yes"), (0.85, "opposite")])
def test_a_margin_is_below_where_higher_is_expected(stated, factor, holds):
    text = CHEAP.replace("cost: lower", "ynn: higher")
    face = np.linspace(0.4, 0.5, 8)
    table = measures(quality(factor * face, "ynn"), quality(face, "ynn", "face"))
    _, tests = evaluate(table, stated(text))
    assert (tests["holds"].item(), tests["expected"].item()) == (holds, "higher: > 0.9 × face")


@pytest.mark.parametrize(("found", "holds"), [([1.0] * 6, "yes"), ([0.9] * 6, "opposite"), ([0.9, 1.0] * 3, "no")])
def test_a_bound(stated, found, holds):
    verdicts, tests = evaluate(measures(quality(found, "found")), stated(FINDS))
    row = tests.iloc[0]
    assert (row["holds"], row["expected"]) == (holds, "higher: > 0.95")
    assert (row["bar"], row["value"]) == pytest.approx((0.95, np.mean(found)))
    assert f"mean found {np.mean(found):.3g} to {np.mean(found):.3g}." in verdicts["evidence"][0]


def test_holm_is_over_the_whole_claim(stated):
    parts = [changed(-0.1, seeds=6, population=p) for p in ("a", "b")]
    verdicts, tests = evaluate(measures(*parts), stated(LOWERS, CHEAP.replace("cheap", "other")))
    lowers = tests[tests["claim"] == "lowers"]
    assert lowers["p"].tolist() == [2 / 64] * 2
    assert lowers["p_holm"].tolist() == [4 / 64] * 2
    assert verdicts["verdict"].tolist()[:3] == ["undecided"] * 3
    assert evaluate(measures(parts[0]), stated(LOWERS))[0]["verdict"].tolist() == ["supported"] * 2


def test_other_scenarios_scopes_and_methods_do_not_count(stated):
    expected = evaluate(measures(changed(-0.1)), stated(LOWERS))
    placebo = [("law-sex", s, "mlp", "ebr", "placebo", *rest) for _, s, _, _, _, *rest in changed(0.1)]
    more = measures(changed(-0.1), changed(0.1, method="face"), changed(0.1, scope="accepted"), placebo)
    for ours, theirs in zip(evaluate(more, stated(LOWERS)), expected, strict=True):
        pd.testing.assert_frame_equal(ours, theirs)
    turned = evaluate(more, stated(LOWERS + "    scenario: placebo\n"))
    assert turned[0]["verdict"].tolist() == ["contradicted"] * 2


# --- what was not run -------------------------------------------------------------------------------


def test_a_method_that_was_not_run_is_undecided_and_says_so(stated):
    verdicts, tests = evaluate(measures(changed(-0.1, method="face")), stated(LOWERS))
    row = tests.iloc[0]
    assert (row["holds"], row["seeds"], row["note"]) == ("undecided", 0, "this run has no ebr on law-sex")
    assert verdicts["verdict"].tolist() == ["undecided"] * 2
    assert verdicts["evidence"][0] == (
        "1 of 1 tests were not run or are not defined (this run has no ebr on law-sex)."
    )  # fmt: skip


def test_a_reference_that_was_not_run(stated):
    text = CHEAP.replace("[face]", "[face, cruds]")
    _, tests = evaluate(measures(quality([0.1] * 8), quality([0.2] * 8, method="face")), stated(text))
    assert tests.set_index("reference")["holds"].to_dict() == {"face": "yes", "cruds": "undecided"}
    assert "cruds" in tests["note"][1]
    assert tests["p_holm"][0] == tests["p"][0]  # what was not run is no test of the family


def test_a_metric_that_was_not_measured(stated):
    _, tests = evaluate(measures(changed(-0.1, metric="centralization")), stated(LOWERS))
    assert tests["note"].item() == "atkinson of everyone was not measured"


def test_a_metric_that_is_not_defined(stated):
    _, tests = evaluate(measures(quality([np.nan] * 8, "found", note="nobody was rejected")), stated(FINDS))
    assert tests["holds"].item() == "undecided"
    assert tests["note"].item().startswith("nobody was rejected")


def test_a_named_population_that_was_not_run(stated):
    _, tests = evaluate(measures(changed(-0.1)), stated(LOWERS + "    populations: [law-sex, gmc-age]\n"))
    assert tests["population"].tolist() == ["law-sex", "gmc-age"]
    assert tests["holds"].tolist() == ["yes", "undecided"]
    assert tests["note"][1] == "this run has no gmc-age"


def test_nothing_run_at_all(stated):
    verdicts, tests = evaluate(measures(), stated(LOWERS, FINDS))
    assert tests.empty
    assert verdicts["verdict"].tolist() == ["undecided"] * 2
    assert verdicts["evidence"][0].startswith("This run has nothing to test it on")


def test_too_few_seeds_says_how_many_would_do(stated):
    verdicts, _ = evaluate(measures(changed(-0.1, seeds=5)), stated(LOWERS))
    assert verdicts["evidence"][0] == (
        "1 of 1 tests have too few seeds (5) to be significant at 0.05 after Holm over 1 tests: 6 would do; "
        "mean change of atkinson -0.1 to -0.1."
    )


def test_the_sentence_has_the_numbers(stated):
    parts = [changed(-0.1, population="a"), changed(+0.05, population="b"), unchanged(population="c")]
    row = overall(evaluate(measures(*parts), stated(LOWERS))[0]).iloc[0]
    assert row["evidence"] == (
        "1 of 3 decided tests are significant as claimed and 1 the other way (0.05 after Holm over 3 tests); "
        "mean change of atkinson -0.1 to +0.05."
    )
    assert (row["tests"], row["in_favour"], row["against"], row["undecided"], row["seeds"]) == (3, 1, 1, 0, 8)


# --- the file ---------------------------------------------------------------------------------------


def test_the_claims_of_the_paper_are_readable_and_complete():
    stated = read(RESOURCES / "claims.yaml")
    assert {c.part for c in stated} == {1, 2, 3}
    baselines = {"wachter", "growing_spheres", "face", "cchvae", "cruds"}
    for claim in stated:
        assert set(claim.methods) in (baselines, {"ebr"}, {"ibr"})
        assert not claim.references or set(claim.references) == baselines
        assert set(claim.metrics) <= {*names.INDICES, *names.QUALITY}
    for method in ("ebr", "ibr"):
        assert [c.part for c in stated if c.methods == [method]] == [2, 2, 3, 3, 3]


def test_the_claims_of_the_paper_on_the_committed_schema_of_methods():
    known = yaml.safe_load((RESOURCES.parents[1] / "config.yaml").read_text(encoding="utf-8"))["methods"]
    for claim in read(RESOURCES / "claims.yaml"):
        assert {*claim.methods, *claim.references} <= set(known)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metrics:", "metrcs:", r"line 10: claims\.0\.metrcs: unknown key; allowed: id, part"),
        ("part: 2", "part: two", r"line 6: claims\.0\.part: 'two' is not of type 'integer'"),
        ("    scope: everyone\n", "", r"line 5: claims\.0: 'scope' is a required property"),
        ("everyone", "nobody", r"line 8: claims\.0\.scope: 'nobody' is not one of"),
        ("less segregated}", "fewer}", r"line 10: claims\.0\.metrics\.atkinson: 'fewer' is not one of"),
        ("atkinson:", "atkinsn:", r"line 10: claims\.0\.metrics\.atkinsn: not a metric; there are: centralization"),
        ("part: 2", "part: 2\n    part: 3", r"line 7: claims\.0\.part: is there twice, first in line 6"),
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
    raised.match("'alpha' is a required property")
    raised.match("'two'")
    raised.match("'nobody'")


@pytest.mark.parametrize("text", ["", "[]", "7"])
def test_a_file_of_something_else(tmp_path, text):
    path = tmp_path / "claims.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"claims\.yaml: the claims are wrong:\n  - line 1: top level: "):
        read(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing\.yaml: No such file"):
        read(tmp_path / "nothing.yaml")
