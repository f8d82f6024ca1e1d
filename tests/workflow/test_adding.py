"""The pages docs/adding_*.md, walked through in a copy of the project."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from recourse_segregation import tracking
from workflow_tools import ROOT, TINY, as_a_reader, copied, jobs, shown

pytestmark = pytest.mark.slow
PACKAGE = Path("workflow", "src", "recourse_segregation")
CLAIMS = Path("workflow", "resources", "claims.yaml")


def test_a_method_and_an_index_of_one_s_own(tmp_path):
    copied(tmp_path)
    results = tmp_path / "mine" / "results"

    # A method
    page = "adding_a_method.md"
    (source,), (settings,), (command,) = (shown(page, kind) for kind in ("python", "yaml", "sh"))
    (tmp_path / PACKAGE / "methods" / "mine.py").write_text(source, encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(settings, encoding="utf-8")
    as_a_reader(tmp_path, command)
    before = pd.read_parquet(results / "measures.parquet")
    assert set(before["method"]) == {"none", "wachter", "mine"}
    found = before.query("method == 'mine' and metric == 'found' and scenario == 'default'")["value"]
    assert found.tolist() == [1.0]
    for page in ("segregation", "recourse_quality", "synthetic"):
        assert "mine" in (results / "notebooks" / f"{page}.html").read_text(encoding="utf-8")

    # An index, for the methods of that run
    page = "adding_an_index.md"
    (function,), (claim,), (command,) = (shown(page, kind) for kind in ("python", "yaml", "sh"))
    for file, addition in ((PACKAGE / "metrics" / "segregation.py", f"\n\n{function}"), (CLAIMS, f"\n{claim}")):
        with (tmp_path / file).open("a", encoding="utf-8") as stream:
            stream.write(addition)
    again = jobs(as_a_reader(tmp_path, f"{command.strip()} mine.yaml"))
    assert again["measure"] == 2
    assert not again.keys() & {"prepare", "train", "recourse", "simulate"}, "only measuring and what follows"
    after = pd.read_parquet(results / "measures.parquet")
    own = after["metric"] == "correlation_ratio"
    pd.testing.assert_frame_equal(after[~own].reset_index(drop=True), before, check_exact=True)
    assert set(zip(after[own]["phase"], after[own]["scope"], strict=True)) == {
        (phase, scope) for phase in ("before", "after") for scope in ("everyone", "recipients", "accepted")
    }
    assert after[own]["value"].between(0, 1).all()
    values = after[own].query("scope == 'everyone' and scenario == 'default'")["value"]
    assert values.nunique() == 3, "before, and after each method"

    table = pd.read_csv(results / "exhibits" / "segregation" / "everyone.csv")
    rows = table[table["metric"] == "correlation_ratio"]
    assert rows["method"].tolist() == ["wachter", "mine"]
    assert (rows["more_segregated"] == (rows["change"] > 0)).all()
    page = (results / "notebooks" / "segregation.html").read_text(encoding="utf-8")
    assert ">Correlation ratio</th>" in page
    tests = pd.read_csv(results / "claims_evidence.csv").query("claim == 'wachter-correlation-ratio'")
    assert tests["expected"].tolist() == ["less segregated: < before"]
    assert tests["mean"].round(6).tolist() == rows.query("method == 'wachter'")["change"].tolist()


def test_a_classifier_of_one_s_own(tmp_path):
    copied(tmp_path)
    page = (ROOT / "docs" / "adding_a_classifier.md").read_text(encoding="utf-8")
    files = re.findall(r"^`([\w/.]+)`(?:, [^\n]*)?:\n\n```\w+\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert [name.rpartition("/")[2] for name, _ in files] == ["dropout.py", "forest.py", "mine.yaml"]
    for name, text in files:
        (tmp_path / name).write_text(text, encoding="utf-8")
    (command,) = shown("adding_a_classifier.md", "sh")

    as_a_reader(tmp_path, command)
    counts = pd.read_parquet(tmp_path / "mine" / "results" / "classifiers.parquet").query("split == 'test'")
    right = counts.groupby("classifier")[["correct", "individuals"]].sum()
    assert set(right.index) == {"linear", "dropout", "forest"}
    assert (right["correct"] / right["individuals"]).gt(0.9).all()
    measures = pd.read_parquet(tmp_path / "mine" / "results" / "measures.parquet")
    found = measures.query("metric == 'found' and scope == 'recipients' and method == 'growing_spheres'")
    assert set(found["classifier"]) == {"dropout", "forest"}
    assert found["value"].gt(0.9).all()

    forest = tmp_path / PACKAGE / "models" / "forest.py"
    forest.write_text(forest.read_text(encoding="utf-8") + "EDITED = True\n", encoding="utf-8")
    again = as_a_reader(tmp_path, f"{command.strip()} --dry-run")
    trained_again = set(re.findall(r"rule train:.*?classifier=(\w+)", again, re.DOTALL))
    assert trained_again == {"forest"}, "editing a model trains it again, and no other"


COMMANDS = [text.strip() for text in shown("adding_a_dataset.md", "sh")]
FILES = [text for kind in ("python", "yaml") for text in shown("adding_a_dataset.md", kind)]


def measured(folder: Path, command: str, *more: str) -> str:
    """Run a command of the document in the copy of the project, at tiny size and as far as the measures."""
    tiny = command.replace("snakemake", f"snakemake measure_all {' '.join(more)}")
    return as_a_reader(folder, tiny.replace("--configfile", f"--configfile {TINY}"))


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project with the files that the document shows, run with its two commands."""
    folder = copied(tmp_path_factory.mktemp("own-data") / "project")
    (folder / "datasets").mkdir()
    for text in FILES:
        (folder / text.splitlines()[0].removeprefix("# ")).write_text(text, encoding="utf-8")
    as_a_reader(folder, "python make_up_loans.py")
    python_file = folder / "workflow" / "src" / "recourse_segregation" / "data" / "working_age_loans.py"
    digest = tracking.file_digest(folder / "datasets" / "loans.csv")
    python_file.write_text(python_file.read_text(encoding="utf-8").replace("SHA256", digest), encoding="utf-8")
    for command in COMMANDS:
        measured(folder, command)
        shutil.copy(folder / "mine/results/measures.parquet", folder / f"{command.split()[-1]}.parquet")
    return folder


@pytest.mark.parametrize(
    ("config", "populations"),
    [
        ("loans_config.yaml", {"loans-sex", "loans-age", "loans-education"}),
        ("working_age_config.yaml", {"working-age-sex"}),
    ],
)
def test_both_ways_are_measured(project, config, populations):
    measures = pd.read_parquet(project / f"{config}.parquet")
    assert set(measures["population"]) == populations
    after = measures.query("method == 'wachter' and metric == 'found' and scope == 'everyone'")
    assert (after.groupby("population")["value"].mean() > 0).all()


def test_groups_of_several_levels_are_those_of_the_population(project):
    (file,) = (project / "mine/results/loans-education").glob("*/population.parquet")
    education = pd.read_csv(project / "datasets/loans.csv")["education"]
    people = pd.read_parquet(file).query("seed == 0")
    assert set(people["group"]) == {"university", "school"}
    assert set(people["individual"]) <= set(education[education != "none"].index)


def test_names_stay_in_the_copied_file(project):
    results = project / "mine"
    files = [file for file in results.rglob("*") if file.is_file() and b"Person 7" in file.read_bytes()]
    holding = {file.relative_to(results).as_posix() for file in files}
    assert holding == {"results/raw/loans/loans.csv", "results/raw/working_age_loans/loans.csv"}
    for file in (results / "results").glob("loans-*/**/*.parquet"):
        assert not {"name", "id"} & set(pd.read_parquet(file).columns)


@pytest.mark.parametrize(
    ("file", "old", "new", "reruns"),
    [
        ("datasets/loans.csv", "Person 7,", "Person 7,", {}),  # another time, the same content
        ("datasets/loans.yaml", "Loans, made up", "Loans", {}),
        ("datasets/loans.yaml", "{above: median}", "{above: 40}", {"prepare": 1, "recourse": 1}),
        ("datasets/loans.yaml", "immutable: [sex, age]", "immutable: [sex]", {"prepare": 3, "recourse": 3}),
        ("datasets/loans.csv", "Person 7,female", "Person 7,male", {"download": 1, "prepare": 3, "recourse": 3}),
        ("loans_config.yaml", "majority: [school]", "majority: [school, none]", {"prepare": 1, "recourse": 1}),
    ],
)
def test_an_edit_reruns_what_depends_on_it(project, file, old, new, reruns):
    path = project / file
    text = path.read_text(encoding="utf-8")
    old, new = (old, new) if old in text else (old.replace("female", "male"), new.replace("male", "female"))
    assert old in text
    try:
        path.write_text(text.replace(old, new), encoding="utf-8")
        again = jobs(measured(project, COMMANDS[0], "--dry-run"))
    finally:
        path.write_text(text, encoding="utf-8")
    assert {rule: again[rule] for rule in ("download", "prepare", "recourse") if rule in again} == reruns
