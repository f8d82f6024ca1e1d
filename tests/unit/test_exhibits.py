"""The exhibits, from a small made-up run: two seeds, two methods, one of which finds no recourse."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from made_up_run import LABELS, METHODS, cell, measures, study, write_run
from recourse_segregation import exhibits, names, notebooks
from recourse_segregation.errors import DataError
from recourse_segregation.exhibits import _tables, comparison, controls, populations, robustness, segregation, synthetic
from recourse_segregation.exhibits import recourse_quality as quality

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module", params=[{}])
def run(request, tmp_path_factory):
    """A run of these measures."""
    folder = tmp_path_factory.mktemp("results")
    write_run(folder, measures(**request.param))
    return exhibits.load(folder)


one_seed = pytest.mark.parametrize("run", [{"seeds": (0,)}], indirect=True)
not_synthetic = pytest.mark.parametrize("run", [{"population": "law-sex", "classifier": "mlp"}], indirect=True)


# --- a run and its tables


def test_a_study_has_its_own_rows_in_its_own_order(tmp_path):
    table = measures()
    small = study(table, methods=["face", "wachter"], scenarios=["placebo"], seeds=1)
    both = pd.concat([table, table.assign(scenario="placebo")])
    write_run(tmp_path, both, main=study(table), small=small)
    run = exhibits.load(tmp_path)
    assert set(run.measures["scenario"]) == {"default"}
    chosen = run.study("small")
    assert chosen.measures["method"].unique().tolist() == ["none", "face", "wachter"]
    changes = segregation.table(segregation.seeds(chosen, "everyone"))
    assert changes["method"].unique().tolist() == ["face", "wachter"]  # still so in what is made of them
    assert set(chosen.measures["scenario"]) == {"placebo"}
    assert set(chosen.diagnostics["seed"]) == set(chosen.classifiers["seed"]) == {0}
    for last in (0, 9):  # seeds-0-9 is left over from a larger run
        (tmp_path / "synthetic" / f"seeds-0-{last}").mkdir()
    assert chosen.first_block("synthetic").name == "seeds-0-1"  # that of the largest study
    with pytest.raises(DataError, match="no seeds-0-"):
        chosen.first_block("law-sex")
    with pytest.raises(DataError, match="'other' was not run, only main, small"):
        run.study("other")


def test_a_missing_table_is_named_with_its_rule_when_it_is_asked_for(tmp_path):
    with pytest.raises(DataError, match=r"run\.json"):
        exhibits.load(tmp_path)
    write_run(tmp_path, measures(seeds=(0,)))
    tables = {
        "collect": ["measures.parquet", "diagnostics.parquet"],
        "compare": ["comparison.csv", "comparison_candidates.csv"],
    }
    for rule, files in (tables | {"claims": ["claims.csv", "claims_evidence.csv"]}).items():
        for file in files:
            (tmp_path / file).unlink()
            with pytest.raises(DataError, match=rf"{file}.*run the rule {rule}"):
                getattr(exhibits.load(tmp_path), file.partition(".")[0])
    assert len(exhibits.load(tmp_path).classifiers)


def test_the_labels_are_those_of_the_run(run):
    names.use(LABELS)
    assert [names.method("face"), names.population("law-sex")] == ["FACE", "Law school by sex"]
    assert [names.scenario("drop"), names.classifier("mlp")] == ["Unresolved dropped", "MLP classifier"]
    for name in (names.method, names.population, names.scenario, names.classifier, lambda n: names.metric(n).label):
        assert name("unknown") == "unknown"


def test_every_configured_name_has_a_label_of_its_own():
    config = yaml.safe_load((NOTEBOOKS[0].parents[1] / "config.yaml").read_text(encoding="utf-8"))
    for kind in ("populations", "classifiers", "methods", "scenarios"):
        labels = [entry["label"] for entry in config[kind].values()]
        assert len(set(labels)) == len(labels), kind
        assert not set(labels) & set(config[kind]), kind


def test_importing_one_exhibit_imports_no_other():
    code = f"import sys; sys.path[:0] = {sys.path}; from recourse_segregation.exhibits import load, populations"
    command = [sys.executable, "-c", f"{code}; print(*sys.modules)"]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {f"{exhibits.__name__}.{name}" for name in ("segregation", "variants")} & set(process.stdout.split())


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_what_it_reads(notebook):
    inputs = set(notebooks.reads(notebook))
    files = {f"{table}.parquet" for table in ("measures", "diagnostics", "classifiers", "population", "after")}
    files |= {"comparison.csv", "comparison_candidates.csv", "claims.csv", "claims_evidence.csv", "run.json"}
    files |= {"published_logs.csv", "overlap.csv", "specifications.parquet"}
    assert not inputs if notebook.stem == "theory" else {"run.json"} <= inputs <= files


@pytest.mark.parametrize("name", ["populations", "synthetic", "comparison", "recourse_quality", "robustness", "study"])
def test_a_notebook_reads_what_it_says_and_no_more(run, tmp_path, name):
    notebook = NOTEBOOKS[0].with_stem(name)
    for file in notebooks.reads(notebook):
        for path in run.folder.rglob(file):
            (tmp_path / path.relative_to(run.folder)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / path.relative_to(run.folder))
    known = {}
    for one in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if one["cell_type"] == "code":
            exec("".join(one["source"]), known)
            if "parameters" in one["metadata"].get("tags", []):
                known |= {"results": tmp_path, "exhibits": tmp_path / "exhibits"}
    assert list((tmp_path / "exhibits").glob("*.csv"))


# --- what each exhibit says


def test_people_and_classifiers(run):
    people = populations.people(run)
    assert people[["individuals", "favourable"]].values.tolist() == [[4.0, 0.5]] * 4
    assert populations.rejected(run)["share"].tolist() == [0.25] * 4  # two groups, two seeds
    accuracy = populations.accuracy(run)
    assert accuracy[["accuracy", "seeds"]].values.tolist() == [[0.75, 2]] * 2


def test_changes_are_paired_within_a_seed_and_in_order(run):
    changes = segregation.table(segregation.seeds(run, "everyone"))
    row = changes.query("method == 'face' and metric == 'atkinson'").iloc[0]
    numbers = row[["before", "after", "change", "change_se", "seeds", "more_segregated"]]
    assert numbers.tolist() == pytest.approx([0.5, 0.65, 0.15, 0.05, 2, 2])
    # average proximity rises when segregation falls
    assert changes.query("metric == 'average_proximity'")["more_segregated"].tolist() == [0, 0]
    assert changes["method"].unique().tolist() == list(METHODS)
    assert changes["metric"].unique().tolist() == list(names.INDICES)


@one_seed
def test_one_seed_has_no_error_and_no_votes(run):
    changes = segregation.table(segregation.seeds(run, "everyone"))
    assert changes["change_se"].isna().all()
    shown = segregation.show(changes).data
    assert "0.500 → 0.600<br><b>+0.100</b></td>" in shown
    assert not re.search("nan|±", shown.lower())
    for name, figure in figures(run).items():
        figure.draw_without_rendering()
        assert name == "overview" or not re.search("interval|error", " ".join(labels(figure))), name


def test_a_value_missing_for_some_seeds_says_so(run):
    seeds = quality.seeds(run)
    one = (seeds["metric"] == "cost") & (seeds["method"] == "wachter") & (seeds["seed"] == 1)
    seeds.loc[one, ["value", "note"]] = [np.nan, "nobody"]
    row = quality.table(seeds).query("metric == 'cost' and method == 'wachter'").iloc[0]
    assert row[["mean", "seeds", "note"]].tolist() == [1.0, 1, "mean over 1 of 2 seeds; others: nobody"]


def test_effort_and_outcomes(run):
    effort, outcomes = quality.effort(run), quality.outcomes(run)
    assert dict(zip(effort["quantity"], effort["mean"], strict=True)) == {"fit_seconds": 1.5, "search_seconds": 0.25}
    assert effort["seeds"].tolist() == [2] * 4
    assert outcomes["outcome"].unique().tolist() == ["rejected", "found"]  # no reason occurs
    assert outcomes["individuals"].tolist() == [4] * 4


def test_the_synthetic_population(run):
    people = synthetic.people(run)
    assert people["panel"].unique().tolist() == ["Before: 2 rejected", "Wachter: 1 moved", "FACE: 1 moved"]
    assert people[:4]["role"].tolist() == ["to move", "to move", "accepted", "accepted"]
    assert people[people["panel"] == "FACE: 1 moved"]["x2"].tolist() == [0.7, 0.2, 0.8, 0.9]
    table = synthetic.table(run)
    before = table.query("method == 'none' and metric == 'atkinson_released'").iloc[0]
    assert (before["ours"], before["published"]) == (0.5, 0.5)


@not_synthetic
def test_no_synthetic_population_is_said(run, tmp_path):
    people, table = synthetic.people(run), synthetic.table(run)
    shown = exhibits.save(synthetic.figure(people), table, tmp_path, "synthetic")
    assert "nothing to show" in shown.data
    assert synthetic.show(table) is None
    assert (tmp_path / "synthetic.csv").read_text() == "method,metric,ours,published,note\n"


def test_published_numbers_and_their_verdicts(run):
    table = run.comparison
    counts = comparison.verdicts(table).set_index(["population", "verdict"])
    # before; after, where the re-runs are far apart; what nobody has; and what was not run
    found = {
        ("synthetic", "consistent"): (1, 1),
        ("synthetic", "cannot tell"): (1, 1),
        ("synthetic", "undecided"): (1, 0),
    }
    found |= {("law-sex", "undecided"): (1, 0)}
    assert counts[counts["rows"] > 0].apply(tuple, axis=1).to_dict() == found
    assert comparison.figure(table, "real") is None


@not_synthetic
def test_whom_faces_bridges_serve_is_said_if_it_was_run(run, tmp_path):
    assert segregation.on_bridges(run).data == ""
    parts = [cell("face", found=0.9), cell("face-no-bridges", found=0.096)]
    parts += [cell(method, population="law-sex") for method in ("face", "face-no-bridges")]
    table = pd.concat(parts, ignore_index=True).drop_duplicates()
    write_run(tmp_path, table, main=study(table), choices=study(table))
    said = segregation.on_bridges(exhibits.load(tmp_path)).data
    assert "On Synthetic, FACE finds recourse for 90.0 % of the rejected, and for 9.6 % without" in said
    assert "Law" not in said


def test_what_a_density_model_ended_with(run):
    """One quantity of each method's, and the published logs, whose numbers are counted per person."""
    assert quality.show_models(quality.models(run)).data == ""  # no method of the run has one
    rows = run.diagnostics[run.diagnostics["quantity"] == "fit_seconds"]
    kept = {"kl": 2e-5, "adversary_cross_entropy": 0.7, "group_entropy": 0.69, "fit_seconds": 1.0}
    run.diagnostics = pd.concat([rows.assign(quantity=name, value=value) for name, value in kept.items()])
    models = quality.models(run)
    assert set(models["quantity"]) == kept.keys() - {"fit_seconds"}
    assert ">&lt; 0.001<" in quality.show_models(models).data
    logs = comparison.training_logs(run)
    per_person = [43.18 * 25 / 800, 200 * 0.0059241756 - 199 * 0.0059318423, 84.90 * 13 / 800]
    assert logs["published"].tolist() == pytest.approx(per_person, abs=2e-6)
    assert "1.3796" in comparison.show_training_logs(logs).data


def test_pages_show_their_tables(run):
    people, seeds, verdicts = populations.people(run), quality.seeds(run), comparison.verdicts(run.comparison)
    shown = [  # how many rows there are with those of headers, and some of the texts
        (populations.show_people(people, populations.features(run)), 3, ["x1, x2", "male\u00a0(minority)"]),
        (populations.show_rejected(populations.rejected(run)), 3, ["linear classifier"]),
        (populations.show_accuracy(populations.accuracy(run)), 2, ["0.750"]),
        (quality.show(quality.table(seeds)), 3, ["–<sup>a</sup>", "<sup>a</sup> nobody &lt;found&gt;"]),
        (quality.show_effort(quality.effort(run), quality.outcomes(run)), 3, []),
        (synthetic.show(synthetic.table(run)), 4, ["0.500 (0.500)", "–<sup>a</sup> (0.300)"]),
        (comparison.show_verdicts(verdicts), 3, ["●\u00a0consistent", "1 (1)"]),
        (comparison.show_rules(comparison.rules(run.comparison_candidates)), 3, ["within the re-runs"]),
        (comparison.show_confusion(comparison.confusion(run.comparison_candidates)), 4, ["<b>1 of 1</b>"]),
        (comparison.show_agreement(comparison.agreement(run.comparison)), 2, ["1 of 1"]),
        (comparison.show(run.comparison), 4 + 2, []),
        (comparison.show_claims(run.claims), 4, ["<b>●\u00a0supported</b><br>if seeds share people: ○", "On indices"]),
        (comparison.show_claims_by_population(run.claims), 2, ["undecided<br>1/1", "the paper&#x27;s indices"]),
        (comparison.show_evidence(run.claims_evidence), 3, ["[−0.2000, −0.0500]", "0.300"]),
        (robustness.show(robustness.by_choice(run.specifications)), 10, ["50%", "Atkinson alone", "5 seeds"]),
    ]
    for page, rows, texts in shown:
        assert [text for text in texts if text not in page.data] == []
        assert page.data.count("<tr") == rows, page.data
        assert page.data.count("<table") == page.data.count('<div class="wide"><')  # a wide table scrolls by itself
        assert "nan" not in page.data.lower()


# --- marks, votes and controls, from hand-made changes


def changes_of(*changes, metric="atkinson"):
    """Seeds of one cell as `segregation.seeds` returns them, from 0.5 on."""
    cell = {"population": "law-sex", "classifier": "mlp", "method": "face", "scenario": "default", "scope": "everyone"}
    rows = [cell | {"metric": metric, "seed": i, "before": 0.5 + 0.001 * i, "change": c} for i, c in enumerate(changes)]
    return pd.DataFrame(rows).assign(after=lambda t: t["before"] + t["change"], note="")


def test_a_mark_is_for_what_is_hardly_chance():
    def mark(*changes, metric="atkinson"):
        return segregation.mark(segregation.table(changes_of(*changes, metric=metric)).iloc[0])

    up = [0.1 + 0.01 * (i % 3) for i in range(8)]
    assert mark(*up) == "▲"
    assert mark(*[-c for c in up]) == "▼"
    assert mark(*up, metric="average_proximity") == "▼"  # higher is less segregated
    assert mark(*up[:5]) == "△"  # five seeds have an interval, but cannot be significant
    assert mark(*[-c for c in up[:5]]) == "▽"
    assert mark(0.1, -0.1, 0.2, -0.2, 0.05) == ""
    assert mark(0.1) == ""


@pytest.mark.parametrize(
    ("seeds", "said", "shown"),
    [
        (5, "5 seeds cannot decide: the smallest p of an exact permutation test is 0.0625", "△"),
        (1, "One seed has no interval and no test", "–"),
        (20, "20 seeds: permutation tests", "&lt; 0.001"),
    ],
)
def test_what_so_many_seeds_can_decide_is_said(seeds, said, shown):
    table = segregation.table(changes_of(*[0.1, 0.2] * 10)[:seeds])
    assert said in segregation.decided(table).data
    assert shown in segregation.show_effects(table).data


def test_seeds_that_share_people_make_p_larger():
    table = segregation.table(changes_of(*[0.1, 0.2] * 10))
    for share, shown in ((0.0, "&lt; 0.001"), (0.75, "0.110")):
        overlap = pd.DataFrame({"population": ["law-sex"], "overlap": [share]})
        found = segregation.with_overlap(table, overlap)
        assert (found["p_overlap"] >= found["p_holm"]).all()
        assert shown in segregation.show_effects(found).data


def test_no_specification_is_said(run, tmp_path):
    shares, choices = (make(run.specifications[:0]) for make in (robustness.shares, robustness.by_choice))
    assert "nothing to show" in exhibits.save(robustness.figure(shares), shares, tmp_path, "shares").data
    assert robustness.curves(run.specifications[:0]) == {}
    assert robustness.show(choices).data == robustness.answer(shares).data == ""


def test_votes_count_directions_and_leave_out_what_is_missing():
    votes = segregation.votes(changes_of(0.1, 0.2, -0.1, 0.0, np.nan))
    assert votes[["seeds", "raised", "lowered", "unchanged"]].values.tolist() == [[4, 2, 1, 1]]
    assert "2 ↑ 1 ↓ (1 unchanged)" in segregation.show_votes(votes).data


@pytest.fixture
def controlled():
    """Seeds of a method that falls by 0.2 with the real groups and by 0.05 with shuffled ones, and of two controls."""
    own = changes_of(-0.2, -0.2, -0.2)
    placebo = changes_of(-0.04, -0.05, -0.06).assign(scenario="placebo")
    collapse, swap_in = (changes_of(*[c] * 3).assign(method=m) for m, c in (("collapse", -0.3), ("swap_in", -0.25)))
    return pd.concat([own, placebo, collapse, swap_in], ignore_index=True)


def test_calibration_sets_the_methods_beside_the_controls(controlled):
    calibration = controls.calibration(segregation.table(controlled))
    row = calibration.iloc[0]
    numbers = row[["collapse", "swap_in", "lowest", "highest", "own", "shuffled", "share"]]
    assert numbers.tolist() == pytest.approx([-0.3, -0.25, -0.2, -0.2, 0.2, 0.05, 0.25])
    assert np.isnan(row["nobody"])  # not run
    assert "−0.2000 to −0.2000" in controls.show_calibration(calibration).data
    places = ("Everybody at one point", "Everybody in the other group's places")
    assert controls.blind_spots(calibration)["finding"].tolist() == [
        *(f"{place}: less segregated in 1 of 1 populations, more in 0." for place in places),
        "One point is no worse than the other group's places in 1 of 1 populations.",
        "With shuffled groups a change is 25% as large in the mean as with the real ones.",
    ]


def test_what_is_due_to_the_groups_is_paired_within_a_seed(controlled):
    table = controls.against_placebo(controlled)
    row = table.query("method == 'face'").iloc[0]
    assert row[["after", "before", "change", "seeds"]].tolist() == pytest.approx([-0.2, -0.05, -0.15, 3])
    assert "−0.2000, shuffled −0.0500<br><b>−0.1500</b>" in controls.show_against_placebo(table).data


# --- tables and figures


def test_a_table_is_text_with_few_marks():
    texts = pd.DataFrame({"A <b>": ["x\ny", "x\ny", "**b** & c"], "B": ["1", "−2" + _tables.note("w <y>"), ""]})
    shown = _tables.tables(texts, blank=["A <b>"]).data
    for text in ("A &lt;b&gt;</th>", ">x<br>y</td>", "<b>b</b> &amp; c</td>", "−2<sup>a</sup></td>"):
        assert text in shown
    assert shown.endswith('<p class="notes"><sup>a</sup> w &lt;y&gt;</p>')
    assert shown.count('class="joined"') == 2  # the row whose first cell is blank
    assert shown.count("text-align: left") == 4  # the first column; numbers stand right


def figures(run):
    """One figure of each kind."""
    changes = segregation.table(segregation.seeds(run, "everyone", ["atkinson"]))
    return {
        "everyone": segregation.figures(changes)["synthetic"],
        "overview": segregation.overview(changes)["atkinson"],
        "quality": quality.figures(quality.table(quality.seeds(run)))["synthetic"],
        "controls": controls.figures(pd.concat([changes, changes.assign(scenario="placebo")]))["synthetic"],
        "people": synthetic.figure(synthetic.people(run)),
        "shares": robustness.figure(robustness.shares(run.specifications)),
        "curve": robustness.curves(run.specifications)["lowers"],
        "published": comparison.figure(run.comparison, "synthetic"),
    }


def labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_legend_has_what_is_drawn(run):
    drawn = figures(run)
    hollow, shade = "not significant after Holm", "more segregated"
    assert labels(drawn["everyone"]) == ["95 % interval of the mean over seeds", f"mean, {hollow}", shade]
    assert {f"real groups, {hollow}", f"shuffled groups, {hollow}"} < set(labels(drawn["controls"]))
    assert labels(drawn["quality"]) == ["± standard error", "mean over seeds"]
    missing = [text.get_text() for axis in drawn["quality"].axes for text in axis.texts]
    assert missing == ["not defined"] * 6  # face finds nobody: all but the share that is found
    assert "where one more re-run falls (95 %)" in labels(drawn["published"])


def test_figures_are_saved_with_the_same_bytes(run, tmp_path):
    for folder in ("one", "two"):
        for name, figure in figures(run).items():
            picture = exhibits.save(figure, run.comparison, tmp_path / folder, name, "about")
            assert picture.data.startswith(b"\x89PNG")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name
    assert len(list((tmp_path / "one").iterdir())) == 3 * len(figures(run))


def test_an_overview_has_a_row_for_each_classifier_of_a_population(run):
    changes = segregation.table(segregation.seeds(run, "everyone", ["atkinson"]))
    both = segregation.overview(pd.concat([changes, changes.assign(classifier="forest")]))["atkinson"]
    rows = [label.get_text() for label in both.axes[0].get_yticklabels()]
    assert rows == ["Synthetic\nforest", "Synthetic\nlinear classifier"]


@not_synthetic
def test_a_data_set_has_a_figure_of_its_own(run, tmp_path):
    changes = segregation.table(segregation.seeds(run, "everyone", ["atkinson"])).astype({"population": "str"})
    both = pd.concat([changes, changes.assign(population="law-race")])
    drawn = segregation.figures(both)
    assert list(drawn) == ["law"]
    assert exhibits.save(drawn, both, tmp_path, "everyone") is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["everyone-law.png", "everyone-law.svg", "everyone.csv"]
