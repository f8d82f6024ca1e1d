"""docs/adding_a_dataset.md, walked through in a copy of the project: its blocks are the files, its commands are run."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from recourse_segregation import tracking
from workflow_tools import TINY, as_a_reader, copied, jobs, shown

pytestmark = pytest.mark.slow

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
    [("loans_config.yaml", {"loans-sex", "loans-age"}), ("working_age_config.yaml", {"working-age-sex"})],
)
def test_both_ways_are_measured(project, config, populations):
    measures = pd.read_parquet(project / f"{config}.parquet")
    assert set(measures["population"]) == populations
    after = measures.query("method == 'wachter' and metric == 'found' and scope == 'everyone'")
    assert (after.groupby("population")["value"].mean() > 0).all()


def test_names_stay_in_the_copied_file(project):
    results = project / "mine"
    holding = {
        f.relative_to(results).as_posix() for f in results.rglob("*") if f.is_file() and b"Person 7" in f.read_bytes()
    }
    assert holding == {"results/raw/loans/loans.csv", "results/raw/working_age_loans/loans.csv"}
    for file in (results / "results").glob("loans-*/**/*.parquet"):
        assert not {"name", "id"} & set(pd.read_parquet(file).columns)


@pytest.mark.parametrize(
    ("file", "old", "new", "reruns"),
    [
        ("datasets/loans.csv", "Person 7,", "Person 7,", {}),  # another time, the same content
        ("datasets/loans.yaml", "Loans, made up", "Loans", {}),
        ("datasets/loans.yaml", "{above: median}", "{above: 40}", {"prepare": 1, "recourse": 1}),
        ("datasets/loans.yaml", "immutable: [sex, age]", "immutable: [sex]", {"prepare": 2, "recourse": 2}),
        ("datasets/loans.csv", "Person 7,female", "Person 7,male", {"download": 1, "prepare": 2, "recourse": 2}),
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
