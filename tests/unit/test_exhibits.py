"""The exhibits, from a small made-up run: two seeds, two methods, one of which finds no recourse."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from made_up_run import METHODS, measures, study, write_run
from recourse_segregation import contracts, exhibits, names
from recourse_segregation.errors import DataError
from recourse_segregation.exhibits import _figures, _run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    write_run(folder, measures())
    return exhibits.load(folder)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """One seed."""
    folder = tmp_path_factory.mktemp("quick")
    write_run(folder, measures(seeds=(0,)))
    return exhibits.load(folder)


@pytest.fixture(scope="module")
def law(tmp_path_factory):
    """A run without the synthetic population."""
    folder = tmp_path_factory.mktemp("law")
    write_run(folder, measures(population="law-sex", classifier="mlp"))
    return exhibits.load(folder)


def test_people_and_classifiers(run):
    people = exhibits.populations.people(run)
    assert people["individuals"].tolist() == [4.0] * 4
    assert people["favourable"].tolist() == [0.5] * 4
    assert exhibits.populations.rejected(run)["share"].tolist() == [0.25] * 4  # two groups, two seeds
    accuracy = exhibits.populations.accuracy(run)
    assert accuracy["accuracy"].tolist() == [0.75, 0.75]
    assert accuracy["seeds"].tolist() == [2, 2]
    shown = exhibits.populations.show_people(people, exhibits.populations.features(run)).data
    assert "x1, x2" in shown
    assert "male\u00a0(minority)" in shown
    assert "linear classifier" in exhibits.populations.show_rejected(exhibits.populations.rejected(run)).data
    assert "0.750" in exhibits.populations.show_accuracy(accuracy).data


def test_changes_are_paired_within_a_seed(run):
    changes = exhibits.segregation.table(exhibits.segregation.seeds(run, "everyone"))
    row = changes.query("method == 'face' and metric == 'atkinson'").iloc[0]
    assert (row["before"], row["after"]) == pytest.approx((0.5, 0.65))
    assert (row["change"], row["change_se"]) == pytest.approx((0.15, 0.05))
    assert (row["seeds"], row["more_segregated"]) == (2, 2)


def test_average_proximity_rises_when_segregation_falls(run):
    changes = exhibits.segregation.table(exhibits.segregation.seeds(run, "everyone"))
    assert changes.query("metric == 'average_proximity'")["more_segregated"].tolist() == [0, 0]


def test_methods_and_metrics_keep_their_order(run):
    changes = exhibits.segregation.table(exhibits.segregation.seeds(run, "everyone"))
    assert list(dict.fromkeys(changes["method"])) == list(METHODS)
    assert list(dict.fromkeys(changes["metric"])) == list(names.INDICES)


def test_one_seed_has_no_error_and_no_votes(quick):
    changes = exhibits.segregation.table(exhibits.segregation.seeds(quick, "everyone"))
    assert changes["change_se"].isna().all()
    shown = exhibits.segregation.show(changes).data
    assert "0.500 → 0.600<br><b>+0.100</b></td>" in shown
    assert "nan" not in shown.lower()
    assert "±" not in shown


def test_a_missing_value_is_a_dash_with_its_reason(run):
    summary = exhibits.recourse_quality.table(exhibits.recourse_quality.seeds(run))
    shown = exhibits.recourse_quality.show(summary).data
    assert "–<sup>a</sup>" in shown
    assert "<sup>a</sup> nobody &lt;found&gt;" in shown
    assert "nan" not in shown.lower()


def test_a_value_missing_for_some_seeds_says_so(run):
    seeds = exhibits.recourse_quality.seeds(run)
    one = (seeds["metric"] == "cost") & (seeds["method"] == "wachter") & (seeds["seed"] == 1)
    seeds.loc[one, ["value", "note"]] = [np.nan, "nobody"]
    row = exhibits.recourse_quality.table(seeds).query("metric == 'cost' and method == 'wachter'").iloc[0]
    assert (row["mean"], row["seeds"]) == (0.25, 1)
    assert row["note"] == "mean over 1 of 2 seeds; others: nobody"


def test_effort_and_outcomes(run):
    effort, outcomes = exhibits.recourse_quality.effort(run), exhibits.recourse_quality.outcomes(run)
    assert dict(zip(effort["quantity"], effort["mean"], strict=True)) == {
        "fit_seconds": 1.5,
        "search_seconds": 0.25,
    }
    assert effort["seeds"].tolist() == [2] * 4
    assert outcomes["outcome"].unique().tolist() == ["rejected", "found"]  # no reason occurs
    assert outcomes["individuals"].tolist() == [4] * 4
    assert exhibits.recourse_quality.show_effort(effort, outcomes).data.count("<tr") == 3


def test_reasons_are_those_of_recourse():
    from recourse_segregation.recourse import REASONS

    assert contracts.REASONS == REASONS


def test_synthetic_people(run):
    people = exhibits.synthetic.people(run)
    assert list(dict.fromkeys(people["panel"])) == ["Before: 2 rejected", "Wachter: 1 moved", "FACE: 1 moved"]
    before = people[people["panel"] == "Before: 2 rejected"]
    assert before["role"].tolist() == ["to move", "to move", "accepted", "accepted"]
    assert people[people["panel"] == "FACE: 1 moved"]["x2"].tolist() == [0.7, 0.2, 0.8, 0.9]


def test_synthetic_table_has_the_published_numbers_beside(run):
    table = exhibits.synthetic.table(run)
    before = table.query("method == 'none' and metric == 'atkinson_released'").iloc[0]
    assert (before["ours"], before["published"]) == (0.5, 0.5)
    shown = exhibits.synthetic.show(table).data
    assert "0.500 (0.500)" in shown
    assert "–<sup>a</sup> (0.300)" in shown


def test_no_synthetic_population_is_said(law, tmp_path):
    people, table = exhibits.synthetic.people(law), exhibits.synthetic.table(law)
    shown = exhibits.save(exhibits.synthetic.figure(people), table, tmp_path, "synthetic")
    assert "nothing to show" in shown.data
    assert exhibits.synthetic.show(table) is None
    assert (tmp_path / "synthetic.csv").read_text() == "method,metric,ours,published,note\n"


def test_verdicts_are_counted(run):
    counts = exhibits.comparison.verdicts(run.comparison).set_index(["population", "verdict"])["rows"]
    assert counts["synthetic", "matches"] == 2  # before, and after: seed 0 rises by 0.1
    assert counts["synthetic", "undefined"] == 1
    assert counts["law-sex", "not run"] == 1
    assert counts.sum() == len(run.comparison)


def test_comparison_shows_every_row(run):
    shown = exhibits.comparison.show(run.comparison).data
    assert shown.count("<tr") == len(run.comparison) + 2  # a header for each population
    assert "nan" not in shown.lower()
    assert exhibits.comparison.figure(run.comparison, "real") is None


def figures(run):
    """One figure of each kind."""
    everyone, qualities = exhibits.segregation.seeds(run, "everyone"), exhibits.recourse_quality.seeds(run)
    everyone = everyone[everyone["metric"] == "atkinson"]  # a panel of each is enough
    qualities = qualities[qualities["metric"].isin(["found", "cost"])]
    changes = exhibits.segregation.table(everyone)
    both = pd.concat([changes, changes.assign(scenario="placebo")])
    return {
        "rejected": exhibits.populations.rejected_figure(exhibits.populations.rejected(run)),
        "everyone": exhibits.segregation.figures(everyone)["synthetic"],
        "overview": exhibits.segregation.overview(changes)["atkinson"],
        "quality": exhibits.recourse_quality.figures(qualities)["synthetic"],
        "effects": exhibits.twenty_seeds.figures(changes)["synthetic"],
        "votes": exhibits.twenty_seeds.votes_figures(exhibits.twenty_seeds.votes(everyone))["synthetic"],
        "controls": exhibits.controls.figures(both)["synthetic"],
        "people": exhibits.synthetic.figure(exhibits.synthetic.people(run)),
        "published": exhibits.comparison.figure(run.comparison, "synthetic"),
    }


def test_figures_are_saved_with_the_same_bytes(run, tmp_path):
    table, kinds = exhibits.recourse_quality.seeds(run), ("overview", "votes", "people")
    for folder in ("one", "two"):
        drawn = figures(run)
        for name in kinds:
            picture = exhibits.save(drawn[name], table, tmp_path / folder, name, "about")
            assert picture.data.startswith(b"\x89PNG")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name
    assert len(list((tmp_path / "one").iterdir())) == 3 * len(kinds)


@pytest.mark.parametrize("which", ["run", "quick"])
def test_every_figure_can_be_drawn(which, request):
    for figure in figures(request.getfixturevalue(which)).values():
        figure.draw_without_rendering()


def test_an_overview_has_a_row_for_each_classifier_of_a_population(run):
    changes = exhibits.segregation.table(exhibits.segregation.seeds(run, "everyone", ["atkinson"]))

    def rows(table):
        axis = exhibits.segregation.overview(table)["atkinson"].axes[0]
        return [label.get_text() for label in axis.get_yticklabels()]

    assert rows(changes) == ["Synthetic"]
    assert rows(pd.concat([changes, changes.assign(classifier="forest")])) == [
        "Synthetic\nlinear classifier",
        "Synthetic\nforest",
    ]


def test_a_wide_table_scrolls_by_itself(run):
    assert exhibits.comparison.show(run.comparison).data.count('<div class="wide"><table') == 2


def test_a_data_set_has_a_figure_of_its_own(law, tmp_path):
    other = law.measures.assign(population="law-race")
    both = dataclasses.replace(law, measures=pd.concat([law.measures, other]))
    everyone = exhibits.segregation.seeds(both, "everyone", ["atkinson"])
    drawn = exhibits.segregation.figures(everyone)
    assert list(drawn) == ["law"]
    assert exhibits.save_all(drawn, everyone, tmp_path, "everyone") is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["everyone-law.png", "everyone-law.svg", "everyone.csv"]


def test_a_drawing_is_written_short_and_says_what_it_said():
    drawing = """<svg viewBox="0 0 10.12345 20">
     <path d="M 115.68175 49.300372
L -0.126001 1e-3 3.5" style="opacity: 0.85"/>
     <text x="1.23456">0.0025  more</text>
    </svg>
    """
    path = '<path d="M 115.68 49.30 L -0.13 1e-3 3.5" style="opacity: 0.85"/>'
    short = f'<svg viewBox="0 0 10.12 20">{path}<text x="1.23">0.0025  more</text></svg>'
    assert _run._short(drawing).strip() == short


def changes_of(*changes, metric="atkinson"):
    """Seeds of one cell as `segregation.seeds` returns them, from 0.5 on."""
    cell = {"population": "law-sex", "classifier": "mlp", "method": "face", "scenario": "default", "scope": "everyone"}
    rows = [cell | {"metric": metric, "seed": i, "before": 0.5 + 0.001 * i, "change": c} for i, c in enumerate(changes)]
    return pd.DataFrame(rows).assign(after=lambda t: t["before"] + t["change"], note="")


def test_a_mark_is_for_what_is_hardly_chance():
    def mark(*changes, metric="atkinson"):
        return exhibits.segregation.mark(exhibits.segregation.table(changes_of(*changes, metric=metric)).iloc[0])

    up = [0.1 + 0.01 * (i % 3) for i in range(8)]
    assert mark(*up) == "▲"
    assert mark(*[-c for c in up]) == "▼"
    assert mark(*up, metric="average_proximity") == "▼"  # higher is less segregated
    assert mark(*up[:5]) == "△"  # five seeds have an interval, but cannot be significant
    assert mark(*[-c for c in up[:5]]) == "▽"
    assert mark(0.1, -0.1, 0.2, -0.2, 0.05) == ""
    assert mark(0.1) == ""


def test_what_few_seeds_cannot_decide_is_said():
    def said(seeds):
        return exhibits.segregation.decided(exhibits.segregation.table(changes_of(*[0.1, 0.2] * 10)[:seeds])).data

    assert "5 seeds cannot decide" in said(5)
    assert "0.0625" in said(5)
    assert "One seed has no interval and no test" in said(1)
    assert "20 seeds: permutation tests" in said(20)


def test_effects_are_shown_with_their_test():
    shown = exhibits.twenty_seeds.show(exhibits.segregation.table(changes_of(*[0.1, 0.2] * 10))).data
    assert "+0.1500" in shown
    assert "&lt; 0.001" in shown
    assert "▲" in shown


def test_votes_count_directions_and_leave_out_what_is_missing():
    votes = exhibits.twenty_seeds.votes(changes_of(0.1, 0.2, -0.1, 0.0, np.nan)).iloc[0]
    assert (votes["seeds"], votes["raised"], votes["lowered"], votes["unchanged"]) == (4, 2, 1, 1)
    shown = exhibits.twenty_seeds.show_votes(exhibits.twenty_seeds.votes(changes_of(0.1, 0.2, -0.1, 0.0))).data
    assert "2 ↑ 1 ↓ (1 unchanged)" in shown


@pytest.fixture
def controlled():
    """Seeds of a method that falls by 0.2 with the real groups and by 0.05 with shuffled ones, and of two controls."""
    own = changes_of(-0.2, -0.2, -0.2)
    placebo = changes_of(-0.04, -0.05, -0.06).assign(scenario="placebo")
    collapse, swap_in = (changes_of(*[c] * 3).assign(method=m) for m, c in (("collapse", -0.3), ("swap_in", -0.25)))
    return pd.concat([own, placebo, collapse, swap_in], ignore_index=True)


def test_calibration_sets_the_methods_beside_the_controls(controlled):
    row = exhibits.controls.calibration(exhibits.segregation.table(controlled)).iloc[0]
    assert (row["collapse"], row["swap_in"]) == pytest.approx((-0.3, -0.25))
    assert (row["lowest"], row["highest"]) == pytest.approx((-0.2, -0.2))
    assert (row["own"], row["shuffled"], row["share"]) == pytest.approx((0.2, 0.05, 0.25))
    assert np.isnan(row["nobody"])  # not run


def test_what_is_due_to_the_groups_is_paired_within_a_seed(controlled):
    table = exhibits.controls.against_placebo(controlled)
    row = table.query("method == 'face'").iloc[0]
    assert (row["after"], row["before"], row["change"]) == pytest.approx((-0.2, -0.05, -0.15))
    assert row["seeds"] == 3
    assert "−0.2000, shuffled −0.0500<br><b>−0.1500</b>" in exhibits.controls.show_against_placebo(table).data


def test_blind_spots_are_counted(controlled):
    findings = exhibits.controls.blind_spots(exhibits.controls.calibration(exhibits.segregation.table(controlled)))
    text = " ".join(findings["finding"])
    assert "Nobody moves" not in text  # not run
    assert "Everybody at one point: less segregated in 1 of 1 populations, more in 0." in text
    assert "One point is no worse than the other group's places in 1 of 1 populations." in text
    assert "With shuffled groups a change is 25% as large in the mean as with the real ones." in text


def test_claims_are_shown_with_their_evidence(run):
    claims = exhibits.comparison.show_claims(run.claims).data
    assert "●\u00a0supported" in claims
    assert "It leaves the groups &lt; segregated." in claims
    assert claims.count("<tr") == 2  # population `all` only
    assert "undecided<br>1/1" in exhibits.comparison.show_claims_by_population(run.claims).data
    tests = exhibits.comparison.show_evidence(run.claims_evidence).data
    assert "[−0.2000, −0.0500]" in tests
    assert "nan" not in tests.lower()


@pytest.mark.parametrize(
    ("name", "shown"),
    {
        "cchvae": "C-CHVAE",
        "ebr-q70": "EBR, β = 0.70",
        "ebr-q00": "EBR, β = 0.00",
        "ibr-g100": "IBR, γ = 100",
        "face-k20": "FACE, k = 20",
        "ebr-own-group": "EBR without the other group",
        "wachter-compatible": "Wachter as CARLA",
        "nobody": "No recourse",
        "mine-q70": "mine-q70",
        "ebr-other": "ebr-other",
    }.items(),
)
def test_names_of_methods(name, shown):
    assert names.method(name) == shown


def test_every_configured_name_is_known():
    config = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8"))
    for key, name in {"methods": names.method, "scenarios": names.scenario, "populations": names.population}.items():
        shown = [name(n) for n in config[key]]
        assert not set(shown) & set(config[key]), key
        assert len(set(shown)) == len(shown), key


def test_names():
    assert names.population("gmc-age") == "Give Me Some Credit by age"
    assert names.population("other-age") == "other-age"
    assert names.classifier("tree") == "tree"
    assert names.metric("unknown").label == "unknown"
    assert names.scenario("radius-0.1") == "Radius: quantile 0.1"
    assert names.scenario("other") == "other"


def test_the_block_of_this_run_is_taken(run, tmp_path):
    (tmp_path / "synthetic" / "seeds-0-0").mkdir(parents=True)
    (tmp_path / "synthetic" / "seeds-0-1").mkdir()
    (tmp_path / "synthetic" / "seeds-0-9").mkdir()  # left over from a larger run
    here = dataclasses.replace(run, folder=tmp_path)
    assert here.first_block("synthetic").name == "seeds-0-1"
    with pytest.raises(DataError, match="no seeds-0-"):
        here.first_block("law-sex")


def test_a_study_has_its_own_rows_in_its_own_order(tmp_path):
    table = measures()
    placebo = table.assign(scenario="placebo")
    everything = study(table)
    small = {"populations": ["synthetic"], "methods": ["face", "wachter"], "scenarios": ["placebo"], "seeds": 1}
    write_run(tmp_path, pd.concat([table, placebo]), main=everything, small=small)
    run = exhibits.load(tmp_path)
    assert len(run.measures) == 2 * len(table)
    assert set(run.study("main").measures["scenario"]) == {"default"}
    chosen = run.study("small")
    assert list(dict.fromkeys(chosen.measures["method"])) == ["face", "wachter"]
    assert set(chosen.measures["scenario"]) == {"placebo"}
    assert set(chosen.diagnostics["seed"]) == set(chosen.classifiers["seed"]) == {0}
    assert chosen.first_block("synthetic").name == "seeds-0-1"  # blocks are those of the largest study
    with pytest.raises(DataError, match="'other' was not run, only main, small"):
        run.study("other")


@pytest.mark.parametrize(
    ("file", "rule"), [("comparison.csv", "compare"), ("claims.csv", "claims"), ("claims_evidence.csv", "claims")]
)
def test_a_missing_table_is_named_with_its_rule(tmp_path, file, rule):
    write_run(tmp_path, measures(seeds=(0,)))
    (tmp_path / file).unlink()
    with pytest.raises(DataError, match=rf"{file}.*run the rule {rule}"):
        exhibits.load(tmp_path)


@pytest.mark.parametrize(
    ("value", "nice"),
    [(0.0007, 0.0006), (0.3, 0.3), (0.0999, 0.08), (0.16, 0.15), (1, 1), (0.1, 0.1), (1999, 1500), (1e-4, 1e-4)],
)
def test_a_tick_is_round_and_not_far_below_the_end_of_an_axis(value, nice):
    assert _figures.nice_below(value) == pytest.approx(nice)
