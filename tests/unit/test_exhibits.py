"""The exhibits, from a small made-up run: two seeds, two methods, one of which finds no recourse."""

import numpy as np
import pandas as pd
import pytest

from recourse_segregation import comparison, contracts, exhibits, plots
from recourse_segregation.errors import DataError
from recourse_segregation.population import Encoded, Schema

SCHEMA = Schema(
    "synthetic",
    (
        Encoded("sex", "binary", ("sex",), ("female", "male"), True),
        Encoded("x1", "continuous", ("x1",), (), False),
        Encoded("x2", "continuous", ("x2",), (), False),
    ),
    "sex",
    ("female", "male"),
    "male",
)
PUBLISHED = """exhibit,population,method,phase,metric,value,source
synthetic,synthetic,none,before,atkinson,0.500000,source
synthetic,synthetic,wachter,after,atkinson,0.600000,source
synthetic,synthetic,face,after,cost,0.300000,source
real,law-sex,none,before,atkinson,0.032,source
"""
METHODS = ("wachter", "face")


def measures(seeds=(0, 1), population="synthetic", classifier="linear"):
    """Every index rises by 0.1 × (seed + 1) after recourse; face finds nobody: its cost is not defined."""
    rows = []
    for seed in seeds:
        for method in METHODS:
            for metric in (*plots.INDICES, "atkinson_released"):
                for scope in ("everyone", "recipients", "accepted"):
                    if metric == "atkinson_released" and scope != "everyone":
                        continue
                    rows.append((seed, method, "before", scope, metric, 0.5, ""))
                    rows.append((seed, method, "after", scope, metric, 0.5 + 0.1 * (seed + 1), ""))
            for metric in plots.QUALITY:
                lost = method == "face" and metric != "found"
                value = np.nan if lost else 0.25
                rows.append((seed, method, "after", "recipients", metric, value, "nobody <found>" if lost else ""))
    columns = ["seed", "method", "phase", "scope", "metric", "value", "note"]
    table = pd.DataFrame(rows, columns=columns).assign(population=population, classifier=classifier, n=4)
    return table[list(contracts.CONTRACTS["measures"])]


def write_run(folder, table):
    """A results folder with the tables that the notebooks read."""
    contracts.write(table, folder / "measures.parquet", "measures")
    cells = table[["population", "seed", "classifier", "method"]].drop_duplicates()
    quantities = {"fit_seconds": 1.5, "search_seconds": 0.25, "rejected": 2, "found": 2, "nothing found": 0}
    diagnostics = [cells.assign(quantity=quantity, value=float(value)) for quantity, value in quantities.items()]
    contracts.write(pd.concat(diagnostics), folder / "diagnostics.parquet", "diagnostics")
    groups = table[["population", "seed", "classifier"]].drop_duplicates()
    counts = [
        groups.assign(
            split=split,
            group=group,
            minority=group == "male",
            individuals=4,
            favourable=2,
            accepted=3,
            correct=3,
        )
        for split in ("test", "train")
        for group in ("male", "female")
    ]
    contracts.write(pd.concat(counts), folder / "classifiers.parquet", "classifiers")
    path = folder / "published.csv"
    path.write_text(PUBLISHED, encoding="utf-8")
    contracts.write_csv(comparison.compare(table, comparison.read_published(path)), folder / "comparison.csv")
    seeds = sorted(set(table["seed"]))
    for population in set(table["population"]):
        block = folder / population / f"seeds-0-{seeds[-1]}"
        write_people(block, seeds)


def write_people(block, seeds):
    """Four people of train and one of test a seed; two are rejected, one of them moves."""
    people = pd.DataFrame({"individual": range(5), "group": ["female", "male", "female", "male", "male"]})
    people = people.assign(sex=(people["group"] == "male").astype(float), x1=0.2, x2=[0.1, 0.2, 0.8, 0.9, 0.5])
    before = people.assign(split=["train"] * 4 + ["test"], label=[0, 0, 1, 1, 1], population="synthetic")
    tables = [before.assign(seed=s) for s in seeds]
    order = [*contracts.CONTRACTS["population"], *SCHEMA.columns]
    contracts.write(pd.concat(tables)[order], block / "population.parquet", "population", SCHEMA)
    after = people[:4].assign(population="synthetic", accepted=[True, False, True, True])
    after = after.assign(status=["moved", "unresolved", "accepted", "accepted"], x2=[0.7, 0.2, 0.8, 0.9])
    order = [*contracts.CONTRACTS["after"], *SCHEMA.columns]
    for method in METHODS:
        table = pd.concat([after.assign(seed=s) for s in seeds])[order]
        contracts.write(table, block / "linear" / method / "after.parquet", "after", SCHEMA)


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
    people = exhibits.people(run)
    assert people["individuals"].tolist() == [4.0] * 4
    assert people["favourable"].tolist() == [0.5] * 4
    assert exhibits.rejected(run)["share"].tolist() == [0.25] * 4  # two groups, two seeds
    accuracy = exhibits.accuracy(run)
    assert accuracy["accuracy"].tolist() == [0.75, 0.75]
    assert accuracy["seeds"].tolist() == [2, 2]
    shown = exhibits.show_people(people, exhibits.features(run)).data
    assert "x1, x2" in shown
    assert "male\u00a0(minority)" in shown
    assert "linear classifier" in exhibits.show_rejected(exhibits.rejected(run)).data
    assert "0.750" in exhibits.show_accuracy(accuracy).data


def test_changes_are_paired_within_a_seed(run):
    changes = exhibits.changes(exhibits.seed_changes(run, "everyone"))
    row = changes.query("method == 'face' and metric == 'atkinson'").iloc[0]
    assert (row["before"], row["after"]) == pytest.approx((0.5, 0.65))
    assert (row["change"], row["change_se"]) == pytest.approx((0.15, 0.05))
    assert (row["seeds"], row["more_segregated"]) == (2, 2)


def test_average_proximity_rises_when_segregation_falls(run):
    changes = exhibits.changes(exhibits.seed_changes(run, "everyone"))
    assert changes.query("metric == 'average_proximity'")["more_segregated"].tolist() == [0, 0]


def test_methods_and_metrics_keep_their_order(run):
    changes = exhibits.changes(exhibits.seed_changes(run, "everyone"))
    assert list(dict.fromkeys(changes["method"])) == list(METHODS)
    assert list(dict.fromkeys(changes["metric"])) == list(plots.INDICES)


def test_one_seed_has_no_error_and_no_votes(quick):
    changes = exhibits.changes(exhibits.seed_changes(quick, "everyone"))
    assert changes["change_se"].isna().all()
    shown = exhibits.show_changes(changes).data
    assert "0.500 → 0.600<br><b>+0.100</b></td>" in shown
    assert "nan" not in shown.lower()
    assert "±" not in shown


def test_a_missing_value_is_a_dash_with_its_reason(run):
    summary = exhibits.qualities(exhibits.seed_qualities(run))
    shown = exhibits.show_qualities(summary).data
    assert "–<sup>a</sup>" in shown
    assert "<sup>a</sup> nobody &lt;found&gt;" in shown
    assert "nan" not in shown.lower()


def test_a_value_missing_for_some_seeds_says_so(run):
    seeds = exhibits.seed_qualities(run)
    one = (seeds["metric"] == "cost") & (seeds["method"] == "wachter") & (seeds["seed"] == 1)
    seeds.loc[one, ["value", "note"]] = [np.nan, "nobody"]
    row = exhibits.qualities(seeds).query("metric == 'cost' and method == 'wachter'").iloc[0]
    assert (row["mean"], row["seeds"]) == (0.25, 1)
    assert row["note"] == "mean over 1 of 2 seeds; others: nobody"


def test_effort_and_outcomes(run):
    effort, outcomes = exhibits.effort(run), exhibits.outcomes(run)
    assert dict(zip(effort["quantity"], effort["mean"], strict=True)) == {
        "fit_seconds": 1.5,
        "search_seconds": 0.25,
    }
    assert effort["seeds"].tolist() == [2] * 4
    assert outcomes["outcome"].unique().tolist() == ["rejected", "found"]  # no reason occurs
    assert outcomes["individuals"].tolist() == [4] * 4
    assert exhibits.show_effort(effort, outcomes).data.count("<tr") == 3


def test_reasons_are_those_of_recourse():
    from recourse_segregation.recourse import REASONS

    assert contracts.REASONS == REASONS


def test_synthetic_people(run):
    people = exhibits.synthetic_people(run)
    assert list(dict.fromkeys(people["panel"])) == ["Before: 2 rejected", "Wachter: 1 moved", "FACE: 1 moved"]
    before = people[people["panel"] == "Before: 2 rejected"]
    assert before["role"].tolist() == ["to move", "to move", "accepted", "accepted"]
    assert people[people["panel"] == "FACE: 1 moved"]["x2"].tolist() == [0.7, 0.2, 0.8, 0.9]


def test_synthetic_table_has_the_published_numbers_beside(run):
    table = exhibits.synthetic(run)
    before = table.query("method == 'none' and metric == 'atkinson_released'").iloc[0]
    assert (before["ours"], before["published"]) == (0.5, 0.5)
    shown = exhibits.show_synthetic(table).data
    assert "0.500 (0.500)" in shown
    assert "–<sup>a</sup> (0.300)" in shown


def test_no_synthetic_population_is_said(law, tmp_path):
    people, table = exhibits.synthetic_people(law), exhibits.synthetic(law)
    shown = exhibits.save(exhibits.synthetic_figure(people), table, tmp_path, "synthetic")
    assert "nothing to show" in shown.data
    assert exhibits.show_synthetic(table) is None
    assert (tmp_path / "synthetic.csv").read_text() == "method,metric,ours,published,note\n"


def test_verdicts_are_counted(run):
    counts = exhibits.verdicts(run.comparison).set_index(["population", "verdict"])["rows"]
    assert counts["synthetic", "matches"] == 2  # before, and after: seed 0 rises by 0.1
    assert counts["synthetic", "undefined"] == 1
    assert counts["law-sex", "not run"] == 1
    assert counts.sum() == len(run.comparison)


def test_comparison_shows_every_row(run):
    shown = exhibits.show_comparison(run.comparison).data
    assert shown.count("<tr") == len(run.comparison) + 2  # a header for each population
    assert "nan" not in shown.lower()
    assert exhibits.comparison_figure(run.comparison, "real") is None


@pytest.mark.parametrize("which", ["run", "quick"])
def test_figures_are_saved_with_the_same_bytes(which, request, tmp_path):
    run = request.getfixturevalue(which)
    everyone, qualities = exhibits.seed_changes(run, "everyone"), exhibits.seed_qualities(run)

    def figures():
        return {
            "rejected": plots.rejected(exhibits.rejected(run)),
            "changes": plots.changes(everyone),
            "qualities": plots.qualities(qualities),
            "people": exhibits.synthetic_figure(exhibits.synthetic_people(run)),
            "published": exhibits.comparison_figure(run.comparison, "synthetic"),
        }

    for folder in ("one", "two"):
        for name, figure in figures().items():
            picture = exhibits.save(figure, everyone, tmp_path / folder, name, "about")
            assert picture.data.startswith(b"\x89PNG")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name
    assert len(list((tmp_path / "one").iterdir())) == 15


def test_names():
    assert plots.method_name("cchvae") == "C-CHVAE"
    assert plots.method_name("ebr-q90") == "ebr-q90"
    assert plots.population_name("gmc-age") == "Give Me Some Credit by age"
    assert plots.population_name("other-age") == "other-age"
    assert plots.classifier_name("tree") == "tree"
    assert plots.metric("unknown").label == "unknown"


def test_the_block_of_this_run_is_taken(run, tmp_path):
    (tmp_path / "synthetic" / "seeds-0-0").mkdir(parents=True)
    (tmp_path / "synthetic" / "seeds-0-1").mkdir()
    (tmp_path / "synthetic" / "seeds-0-9").mkdir()  # left over from a larger run
    here = exhibits.Run(tmp_path, run.measures, run.diagnostics, run.classifiers, run.comparison)
    assert here.first_block("synthetic").name == "seeds-0-1"
    with pytest.raises(DataError, match="no seeds-0-"):
        here.first_block("law-sex")


def test_a_run_without_comparison_is_named(tmp_path):
    write_run(tmp_path, measures(seeds=(0,)))
    (tmp_path / "comparison.csv").unlink()
    with pytest.raises(DataError, match=r"comparison\.csv"):
        exhibits.load(tmp_path)
