"""The comparison with the published numbers: one hand-made case for each verdict and each rule."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import recourse_segregation.comparison
from made_up_measures import index, measures, quality, rows
from recourse_segregation.comparison import candidates, judge, predict, read_published
from recourse_segregation.errors import DataError
from recourse_segregation.statistics import prediction_interval

HEADER = "exhibit,population,method,phase,metric,value,source"
BEFORE = "real,law-sex,none,before,atkinson,0.032,source"
AFTER = "real,law-sex,ebr,after,atkinson,0.036,source"
WACHTER, EBR = (
    f"real,law-sex,{method},after,diversity,{value},source" for method, value in (("wachter", 0.6), ("ebr", 0.7))
)
SYNTHETIC = {"population": "synthetic", "classifier": "linear"}


@pytest.fixture
def compare(tmp_path):
    """Rows of measures and lines of published numbers -> the rows of the comparison."""

    def compared(ours, *lines, tolerance=0.003):
        path = tmp_path / "published.csv"
        path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
        published = read_published(path)
        table = recourse_segregation.comparison.compare(measures(*ours), published, tolerance, quality_tolerance=0.1)
        return table.to_dict("records")

    return compared


def before(*values, **where):
    return rows(values, phase="before", **where)


@pytest.mark.parametrize(
    ("ours", "printed", "tolerance", "verdict"),
    [
        (before(0.0355), "0.032", 0.003, "matches"),  # 0.003 + 0.0005
        (before(0.0355), "0.032", 0.002, "differs"),
        (before(0.0356), "0.032", 0.003, "differs"),
        (before(0.0354), "0.032000", 0.003, "differs"),  # more printed digits leave less room
        # that of cost is relative: 0.04 + 0.005
        (quality([0.444]), "0.40", 0.003, "matches"),
        (quality([0.446]), "0.40", 0.003, "differs"),
        (quality([0.444], "diversity"), "0.40", 0.003, "differs"),
    ],
)
def test_matches_up_to_the_tolerance_and_half_the_last_digit(compare, ours, printed, tolerance, verdict):
    where = "{population},{method},{phase},{metric}".format_map(ours[0])
    [row] = compare([ours], f"real,{where},{printed},source", tolerance=tolerance)
    assert row["by_tolerance"] == verdict


@pytest.mark.parametrize(
    ("start", "end", "printed", "verdict", "direction", "said"),
    [
        (0.132, 0.150, "0.036", "same direction", "same", "+0.0180 ours, +0.0040 published"),
        (0.132, 0.120, "0.036", "differs", "other", "-0.0120 ours, +0.0040 published"),
        (0.0375, 0.035, "0.036", "matches", "other", None),  # a match in the other direction says so
        (0.5, 0.5004, "0.032", "same direction", "same", "none ours, none published"),  # no change and none printed
        (0.5, 0.5006, "0.032", "differs", "other", "+0.0006 ours, none published"),  # a change, none printed
        (0.5, 0.5004, "0.033", "differs", "other", "none ours, +0.0010 published"),  # no change, one printed
        (0.5, 0.5006, "0.033", "same direction", "same", "+0.0006 ours, +0.0010 published"),
    ],
)
def test_the_direction_is_that_of_the_change_from_before(compare, start, end, printed, verdict, direction, said):
    first, row = compare([index([start], [end])], BEFORE, AFTER.replace("0.036", printed))
    assert (first["phase"], first["change_from"], first["direction"]) == ("before", "", "")
    assert np.isnan(first["change_published"])
    assert (row["phase"], row["published"], row["source"]) == ("after", float(printed), "source")
    assert (row["by_tolerance"], row["direction"], row["change_from"]) == (verdict, direction, "before")
    assert np.isnan([row["ours_se"], row["change_se"]]).all()  # one seed has no error
    assert row["change_published"] == pytest.approx(float(printed) - 0.032)
    assert row["change_ours"] == pytest.approx(end - start)
    assert row["rule"].partition("; ")[2] == (f"change from before: {said}" if said else "")


def test_real_rows_are_the_mean_over_seeds_with_its_error(compare):
    ours = [index([0.02, 0.04, 0.03], [0.03, 0.05, 0.04]), quality([1.0, 0.5, 0.9], "found")]
    first, row = compare(ours, BEFORE, AFTER)
    assert row["ours"] == row["ours_mean"] == pytest.approx(0.04)
    assert row["ours_se"] == pytest.approx(0.01 / np.sqrt(3), abs=1e-6)
    assert row["seeds"] == 3
    assert row["found"] == pytest.approx(0.8)
    assert np.isnan(first["found"])
    assert row["change_se"] == pytest.approx(0.0)  # paired: every seed changes by 0.01


def test_synthetic_rows_are_seed_0_with_the_mean_beside(compare):
    line = "synthetic,synthetic,{},average_proximity,{},source"
    ours = index([0.6626, 0.5], [0.7, 0.6], metric="average_proximity", **SYNTHETIC)
    found = quality([0.9, 0.7], "found", **SYNTHETIC)
    first, row = compare([ours, found], line.format("none,before", "0.662624"), line.format("ebr,after", "0.7"))
    assert (first["by_tolerance"], first["ours"], row["ours"]) == ("matches", 0.6626, 0.7)
    assert (first["ours_mean"], row["found"]) == pytest.approx((0.5813, 0.9))
    assert row["change_ours"] == pytest.approx(0.0374)
    [row] = compare([[r | {"seed": r["seed"] + 1} for r in ours]], line.format("ebr,after", "0.7"))
    assert (row["by_tolerance"], row["rule"]) == ("not run", "seed 0 was not run")


def test_synthetic_atkinson_is_compared_as_it_was_computed(compare):
    ours = [before(0.1, **SYNTHETIC), before(0.8, metric="atkinson_released", **SYNTHETIC)]
    [row] = compare(ours, "synthetic,synthetic,none,before,atkinson,0.8,source")
    assert (row["ours"], row["our_metric"], row["metric"]) == (0.8, "atkinson_released", "atkinson")


@pytest.mark.parametrize(("ebr", "verdict"), [([0.3, 0.5], "same direction"), ([0.1, 0.3], "differs")])
def test_quality_changes_are_from_wachter_within_a_seed(compare, ebr, verdict):
    ours = [quality([0.2, 0.4], "diversity", method="wachter"), quality(ebr, "diversity")]
    wachter, row = compare(ours, WACHTER, EBR)
    assert (row["by_tolerance"], row["change_from"]) == (verdict, "wachter")
    assert row["change_published"] == pytest.approx(0.1)
    assert (row["change_ours"], row["change_se"]) == pytest.approx((ebr[0] - 0.2, 0.0))
    assert (wachter["by_tolerance"], wachter["change_from"]) == ("differs", "")  # has nothing to change from
    wachter, row = compare(ours[1:], WACHTER, EBR)  # without Wachter a number can only match
    assert (wachter["by_tolerance"], row["by_tolerance"], row["direction"]) == ("not run", "differs", "")


@pytest.mark.parametrize(
    ("values", "verdict", "seeds", "said"),
    [([np.nan], "undefined", 0, "nobody"), ([0.036, np.nan], "matches", 1, "; over 1 of 2 seeds (nobody)")],
)
def test_a_seed_without_a_value_is_left_out_and_said(compare, values, verdict, seeds, said):
    _, row = compare([index([0.03] * len(values), values, note="nobody")], BEFORE, AFTER)
    assert (row["by_tolerance"], row["seeds"]) == (verdict, seeds)
    assert row["ours"] == pytest.approx(values[0], nan_ok=True)
    assert row["rule"].endswith(said)


@pytest.mark.parametrize("other", [{"population": "gmc-age"}, {"classifier": "linear"}, {"scope": "accepted"}])
def test_not_run(compare, other):
    first, row = compare([index([0.03], [0.04], **other)], BEFORE, AFTER)
    assert (first["by_tolerance"], first["seeds"], row["change_from"]) == ("not run", 0, "")
    assert first["rule"] == "this run has no law-sex with the mlp classifier"
    assert row["rule"] == "this run has no ebr on law-sex with the mlp classifier"


def test_ynn_is_compared_as_it_was_computed(compare):
    line = "synthetic,synthetic,ebr,after,ynn,0.7,source"
    ours = [quality([0.2], "ynn", **SYNTHETIC), quality([0.7], "ynn_released", **SYNTHETIC)]
    [row] = compare(ours, line)
    assert (row["ours"], row["our_metric"], row["metric"]) == (0.7, "ynn_released", "ynn")
    [row] = compare(ours[:1], line)
    assert (row["by_tolerance"], row["rule"]) == ("not run", "not measured: ynn_released")


# --- re-runs ----------------------------------------------------------------------------------------

REAL, DRAWS = {"population": "law-sex-reruns"}, {"law-sex": {"population": "law-sex-reruns", "draws": 2}}
ONE = {"synthetic": {"population": "synthetic-reruns", "draws": 1}}
#: two draws of people before recourse, and four re-runs of them: their means are .029, .0295, .0305, .031
PEOPLE, AGAIN = [0.03, 0.04] * 4, [0.02, 0.038, 0.022, 0.037, 0.024, 0.037, 0.023, 0.039]
#: one that does as good as nothing
IDLE = [0.02, 0.05, 0.03, 0.04, 0.04, 0.032, 0.03, 0.04]


def judged(compare_rows, ours, reruns, least=2):
    """Rows of `compare`, and measures of re-runs -> candidates, and the rows with their verdicts."""
    compared = pd.DataFrame(compare_rows)
    found = candidates(compared, predict(measures(*ours), reruns))
    return found, judge(compared, found, {"synthetic": least, "real": least}).to_dict("records")


@pytest.mark.parametrize(
    ("printed", "again", "verdict", "said"),
    [
        ("0.030", AGAIN, "consistent", "level 0.0300 is inside [0.0263, 0.0337]; change -0.0050 is inside"),
        ("0.038", AGAIN, "inconsistent", "level 0.0380 is outside [0.0263, 0.0337]; change 0.0030 is outside"),
        ("0.036", IDLE, "cannot tell", "change 0.0010 is inside"),
        ("0.030", IDLE, "inconsistent", "change -0.0050 is outside"),
        ("0.030", AGAIN[:2], "undecided", "1 re-runs have this number; it takes 2"),
        ("0.030", [*AGAIN[:3], np.nan], "undecided", "1 re-runs"),  # a mean over all draws of people, or none
        ("0.030", AGAIN[:3], "undecided", "1 re-runs"),
    ],
)
def test_a_published_mean_is_one_more_re_run(compare, printed, again, verdict, said):
    """Over the same two draws of people: the level, and the change from 0.035 before."""
    before, after = BEFORE.replace("0.032", "0.035"), AFTER.replace("0.036", printed)
    rows = compare([index([0.03, 0.04], [0.03, 0.03])], before, after)
    ours = index(PEOPLE[: len(again)], again, **REAL)
    _, [first, row] = judged(rows, [ours], DRAWS)
    assert (row["verdict"], row["reason"].startswith(said) or said in row["reason"]) == (verdict, True), row["reason"]
    # before recourse all re-runs are the same: this is about people, split and index
    assert first["verdict"] == ("consistent" if len(again) > 3 else "undecided")
    _, [_, row] = judged(rows, [ours], {})  # the study of re-runs is not run
    assert (row["verdict"], row["reason"]) == ("undecided", "0 re-runs have this number; it takes 2")


@pytest.mark.parametrize(
    ("metric", "printed", "verdict"),
    [
        ("average_proximity", "0.700000", "consistent"),
        ("average_proximity", "0.600000", "inconsistent"),
        ("average_proximity", "0.500000", "cannot tell"),  # where everyone was before
        ("cost", "0.500000", "consistent"),  # without recourse there is no cost
        ("cost", "0.900000", "inconsistent"),
        ("invalidation", "0.500000", "cannot tell"),  # nor is anything invalid
    ],
)
def test_a_published_draw_is_one_more_re_run(compare, metric, printed, verdict):
    kind = SYNTHETIC | {"metric": metric}
    again = SYNTHETIC | {"population": "synthetic-reruns", "metric": metric}
    values = [0.69, 0.7, 0.71] if metric == "average_proximity" and verdict != "cannot tell" else [0.45, 0.5, 0.55]
    values = [0.0, 0.5, 0.6] if metric == "invalidation" else values
    qualities = metric != "average_proximity"

    def cell(values, **where):
        return quality(values, **where) if qualities else index([0.5] * len(values), values, **where)

    lines = [f"synthetic,synthetic,ebr,after,{metric},{printed},source"]
    lines += [] if qualities else [f"synthetic,synthetic,none,before,{metric},0.500000,source"]
    rows = compare([cell(values[:1], **kind)], *lines)
    _, [row, *_] = judged(rows, [cell(values, **again)], ONE)
    assert row["verdict"] == verdict


def test_a_wrong_method_and_nobody_are_found_out(compare):
    """The published number is the right method's: the re-runs of the other miss it, and so would no recourse."""
    before, after = BEFORE.replace("0.032", "0.035"), AFTER.replace("0.036", "0.030")
    rows = compare([index([0.03, 0.04], [0.03, 0.03])], before, after)
    ours = [index(PEOPLE, AGAIN, **REAL), index(PEOPLE, np.add(AGAIN, 0.02), method="ibr", **REAL)]
    found, _ = judged(rows, ours, DRAWS)
    found = found[found["phase"] == "after"].set_index("candidate")
    assert found["inside"].to_dict() == {"ebr": True, "ibr": False, "nobody": False}
    assert found["within_tolerance"].to_dict() == {"ebr": True, "ibr": False, "nobody": False}
    _, [_, row] = judged(rows, [index(PEOPLE, np.add(AGAIN, 0.02), **REAL)], DRAWS)
    assert row["verdict"] == "inconsistent"


def test_the_prediction_interval_holds_one_more_draw_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(size=(4000, 6))
    held = [low <= new <= high for *old, new in draws for low, high in [prediction_interval(old)]]
    assert stats.binomtest(sum(held), len(held), 0.95).pvalue > 0.001
    assert prediction_interval([0.5, 0.5]) == (0.5, 0.5)
    assert np.isnan(prediction_interval([0.5])).all()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["exhibit,population", "real,law-sex"], "expected the columns"),
        (
            [HEADER, AFTER.replace("atkinson", "atkinsn")],
            "line 2: metric is not one of .*law-sex,ebr,after,atkinsn,",
        ),
        ([HEADER, AFTER.replace("after", "during")], "line 2: phase is not one of before, after: .*during"),
        ([HEADER, AFTER.replace("real", "other")], "line 2: exhibit is not one of synthetic, real: other"),
        ([HEADER, BEFORE, AFTER.replace("0.036", "a lot")], "line 3: value is not a number: .*a lot"),
        ([HEADER, BEFORE, AFTER, BEFORE], "line 4: the same number"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(lines, message, tmp_path):
    (tmp_path / "published.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"published.csv.*{message}"):
        read_published(tmp_path / "published.csv")
