"""The comparison with the published numbers: one hand-made case for each verdict and each rule."""

import numpy as np
import pandas as pd
import pytest

from recourse_segregation.comparison import compare, read_published
from recourse_segregation.errors import DataError

HEADER = "exhibit,population,method,phase,metric,value,source"


@pytest.fixture
def published(tmp_path):
    """Lines of text -> the table that is read from them."""

    def read(*lines):
        path = tmp_path / "published.csv"
        path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
        return read_published(path)

    return read


def measures(*rows, population="law-sex", classifier="mlp"):
    """Rows (seed, method, phase, scope, metric, value[, note]) as a table of measures."""
    columns = ["seed", "method", "phase", "scope", "metric", "value", "note"]
    table = pd.DataFrame([(*r, "")[:7] for r in rows], columns=columns)
    return table.assign(population=population, classifier=classifier, n=10)


def index(seed, phase, value, method="ebr", metric="atkinson", note=""):
    return (seed, method, phase, "everyone", metric, value, note)


def quality(seed, metric, value, method="ebr", note=""):
    return (seed, method, "after", "recipients", metric, value, note)


BEFORE = "real,law-sex,none,before,atkinson,0.032,source"
AFTER = "real,law-sex,ebr,after,atkinson,0.036,source"


def test_one_row_for_each_published_number_in_order(published):
    table = compare(measures(index(0, "before", 0.03), index(0, "after", 0.03)), published(BEFORE, AFTER))
    assert table["phase"].tolist() == ["before", "after"]
    assert table["published"].tolist() == [0.032, 0.036]
    assert table["source"].tolist() == ["source", "source"]


def test_matches_up_to_the_tolerance_and_half_the_last_digit(published):
    ours = measures(index(0, "before", 0.0355))
    assert compare(ours, published(BEFORE))["verdict"].item() == "matches"  # 0.003 + 0.0005
    assert compare(ours, published(BEFORE), tolerance=0.002)["verdict"].item() == "differs"
    assert compare(measures(index(0, "before", 0.0356)), published(BEFORE))["verdict"].item() == "differs"


def test_more_printed_digits_leave_less_room(published):
    precise = published("real,law-sex,none,before,atkinson,0.032000,source")
    assert compare(measures(index(0, "before", 0.0354)), precise)["verdict"].item() == "differs"


def test_same_direction(published):
    ours = measures(index(0, "before", 0.132), index(0, "after", 0.150))
    row = compare(ours, published(BEFORE, AFTER)).iloc[1]
    assert row["verdict"] == "same direction"
    assert row["direction"] == "same"
    assert row["change_from"] == "before"
    assert row["change_published"] == pytest.approx(0.004)
    assert row["change_ours"] == pytest.approx(0.018)
    assert "+0.0180 ours, +0.0040 published" in row["rule"]


def test_differs(published):
    ours = measures(index(0, "before", 0.132), index(0, "after", 0.120))
    row = compare(ours, published(BEFORE, AFTER)).iloc[1]
    assert (row["verdict"], row["direction"]) == ("differs", "other")


def test_a_match_in_the_other_direction_says_so(published):
    ours = measures(index(0, "before", 0.0375), index(0, "after", 0.035))
    row = compare(ours, published(BEFORE, AFTER)).iloc[1]
    assert (row["verdict"], row["direction"]) == ("matches", "other")


@pytest.mark.parametrize(
    ("printed", "change", "verdict"),
    [
        ("0.032", 0.0004, "same direction"),  # no change and none printed
        ("0.032", 0.0006, "differs"),  # a change, none printed
        ("0.033", 0.0004, "differs"),  # no change, one printed
        ("0.033", 0.0006, "same direction"),
    ],
)
def test_no_change_equals_only_no_change(published, printed, change, verdict):
    ours = measures(index(0, "before", 0.5), index(0, "after", 0.5 + change))
    row = compare(ours, published(BEFORE, AFTER.replace("0.036", printed))).iloc[1]
    assert row["verdict"] == verdict


def test_real_rows_are_the_mean_over_seeds_with_its_error(published):
    ours = measures(
        *[index(s, "before", v) for s, v in enumerate([0.02, 0.04, 0.03])],
        *[index(s, "after", v) for s, v in enumerate([0.03, 0.05, 0.04])],
        quality(0, "found", 1.0),
        quality(1, "found", 0.5),
        quality(2, "found", 0.9),
    )
    row = compare(ours, published(BEFORE, AFTER)).iloc[1]
    assert row["ours"] == row["ours_mean"] == pytest.approx(0.04)
    assert row["ours_se"] == pytest.approx(0.01 / np.sqrt(3), abs=1e-6)
    assert row["seeds"] == 3
    assert row["found"] == pytest.approx(0.8)
    assert row["change_se"] == pytest.approx(0.0)  # paired: every seed changes by 0.01


def test_one_seed_has_no_error(published):
    row = compare(measures(index(0, "before", 0.032)), published(BEFORE)).iloc[0]
    assert np.isnan(row["ours_se"])


def test_synthetic_rows_are_seed_0_with_the_mean_beside(published):
    rows = published("synthetic,synthetic,none,before,average_proximity,0.662624,source")
    ours = measures(
        index(0, "before", 0.6626, metric="average_proximity"),
        index(1, "before", 0.5, metric="average_proximity"),
        population="synthetic",
        classifier="linear",
    )
    row = compare(ours, rows).iloc[0]
    assert (row["verdict"], row["ours"]) == ("matches", 0.6626)
    assert row["ours_mean"] == pytest.approx(0.5813)


def test_synthetic_atkinson_is_compared_as_it_was_computed(published):
    rows = published("synthetic,synthetic,none,before,atkinson,0.8,source")
    ours = measures(
        index(0, "before", 0.1), index(0, "before", 0.8, metric="atkinson_released"),
        population="synthetic", classifier="linear",
    )  # fmt: skip
    row = compare(ours, rows).iloc[0]
    assert (row["ours"], row["our_metric"], row["metric"]) == (0.8, "atkinson_released", "atkinson")


def test_before_is_the_same_under_every_method(published):
    ours = measures(index(0, "before", 0.032, method="face"), index(0, "before", 0.032, method="ebr"))
    row = compare(ours, published(BEFORE)).iloc[0]
    assert (row["verdict"], row["seeds"]) == ("matches", 1)


def test_other_scopes_do_not_count(published):
    ours = measures((0, "ebr", "before", "accepted", "atkinson", 0.032))
    assert compare(ours, published(BEFORE))["verdict"].item() == "not run"


def test_cost_has_a_relative_tolerance(published):
    rows = published("real,law-sex,ebr,after,cost,0.40,source")
    assert compare(measures(quality(0, "cost", 0.444)), rows)["verdict"].item() == "matches"
    assert compare(measures(quality(0, "cost", 0.446)), rows)["verdict"].item() == "differs"
    assert compare(measures(quality(0, "ynn", 0.444)), published("real,law-sex,ebr,after,ynn,0.40,source"))[
        "verdict"
    ].item() == "differs"  # fmt: skip


def test_quality_changes_are_from_wachter(published):
    rows = published("real,law-sex,wachter,after,ynn,0.60,source", "real,law-sex,ebr,after,ynn,0.70,source")
    higher = measures(quality(0, "ynn", 0.2, method="wachter"), quality(0, "ynn", 0.3))
    wachter, ebr = compare(higher, rows).to_dict("records")
    assert (ebr["verdict"], ebr["change_from"]) == ("same direction", "wachter")
    assert (wachter["verdict"], wachter["change_from"]) == ("differs", "")  # has nothing to change from
    lower = measures(quality(0, "ynn", 0.2, method="wachter"), quality(0, "ynn", 0.1))
    assert compare(lower, rows)["verdict"].tolist() == ["differs", "differs"]


def test_quality_without_wachter_can_only_match(published):
    rows = published("real,law-sex,wachter,after,ynn,0.60,source", "real,law-sex,ebr,after,ynn,0.70,source")
    wachter, ebr = compare(measures(quality(0, "ynn", 0.9)), rows).to_dict("records")
    assert (wachter["verdict"], ebr["verdict"], ebr["direction"]) == ("not run", "differs", "")


def test_undefined_repeats_the_note(published):
    ours = measures(index(0, "before", 0.03), index(0, "after", np.nan, note="the minority is empty"))
    row = compare(ours, published(BEFORE, AFTER)).iloc[1]
    assert (row["verdict"], row["rule"], row["seeds"]) == ("undefined", "the minority is empty", 0)


def test_a_seed_without_a_value_is_left_out_and_said(published):
    ours = measures(index(0, "before", 0.032), index(1, "before", np.nan, note="nobody"))
    row = compare(ours, published(BEFORE)).iloc[0]
    assert (row["verdict"], row["ours"], row["seeds"]) == ("matches", 0.032, 1)
    assert "over 1 of 2 seeds (nobody)" in row["rule"]


@pytest.mark.parametrize(
    "other",
    [{"population": "gmc-age"}, {"classifier": "linear"}],
)
def test_not_run(published, other):
    row = compare(measures(index(0, "before", 0.03), **other), published(BEFORE)).iloc[0]
    assert (row["verdict"], row["seeds"]) == ("not run", 0)
    assert "law-sex with the mlp classifier" in row["rule"]


def test_synthetic_without_seed_0_is_not_run(published):
    rows = published("synthetic,synthetic,none,before,average_proximity,0.6,source")
    one = index(1, "before", 0.6, metric="average_proximity")
    row = compare(measures(one, population="synthetic", classifier="linear"), rows).iloc[0]
    assert (row["verdict"], row["rule"]) == ("not run", "seed 0 was not run")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exhibit,population\nreal,law-sex\n", "expected the columns"),
        (f"{HEADER}\nreal,law-sex,none,before,atkinsn,0.032,s\n", "line 2: metric 'atkinsn'"),
        (f"{HEADER}\nreal,law-sex,none,during,atkinson,0.032,s\n", "line 2: phase 'during'"),
        (f"{HEADER}\nother,law-sex,none,before,atkinson,0.032,s\n", "line 2: exhibit 'other'"),
        (f"{HEADER}\n{BEFORE}\n{AFTER.replace('0.036', 'a lot')}\n", "line 3: 'a lot' is not a number"),
        (f"{HEADER}\n{BEFORE}\n{AFTER}\n{BEFORE}\n", "line 4: the same number"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / "published.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_published(path)
