"""docs/adding_a_dataset.md, walked through in a copy of the project: its blocks are the files, its commands are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pandas as pd
import pytest

from recourse_segregation import contracts, tracking
from workflow_tools import ROOT, TINY

pytestmark = pytest.mark.slow

DOCUMENT = (ROOT / "docs" / "adding_a_dataset.md").read_text(encoding="utf-8")
BLOCKS = [(kind, dedent(text)) for kind, text in re.findall(r"^ *```(\w+)\n(.*?)^ *```$", DOCUMENT, re.M | re.S)]
COMMANDS = [text.strip() for kind, text in BLOCKS if kind == "sh"]


def shell(folder: Path, command: str, *targets: str) -> str:
    """Run a command of the document at tiny size in the copy of the project; returns its output."""
    small = command.replace("snakemake", f"snakemake {' '.join(targets)}").replace(
        "config.yaml ", f"config.yaml {TINY} ", 1
    )
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "RECOURSE_DATA_MIRROR")}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env["PATH"]])
    process = subprocess.run(small, shell=True, cwd=folder, env=env, capture_output=True, text=True, timeout=900)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout + process.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project with the files that the document shows, run with its two commands."""
    folder = tmp_path_factory.mktemp("own-data") / "project"
    shutil.copytree(ROOT / "workflow", folder / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("envs", "notebooks", "profiles"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / "datasets").mkdir()
    for kind, text in BLOCKS:
        if kind != "sh":
            place = folder / text.splitlines()[0].removeprefix("# ")
            place.write_text(text, encoding="utf-8")
    shell(folder, f"{sys.executable} make_up_loans.py")
    python_file = folder / "workflow" / "src" / "recourse_segregation" / "data" / "working_age_loans.py"
    digest = tracking.file_digest(folder / "datasets" / "loans.csv")
    python_file.write_text(python_file.read_text(encoding="utf-8").replace("SHA256", digest), encoding="utf-8")
    for command in COMMANDS:
        shell(folder, command, "measure_all")
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


def test_the_individuals_are_as_described(project):
    table = contracts.read(project / "mine/results/loans-age/seeds-0-1/population.parquet", "population")
    encoding = contracts.encoding_of(table)
    assert {f.name: (f.kind, f.immutable) for f in encoding.features} == {
        "sex": ("binary", True),
        "age": ("binary", True),
        "zip": ("categorical", False),
        "income": ("continuous", False),
        "owner": ("binary", False),
        "education": ("categorical", False),
    }
    assert encoding.groups == ("up to the median", "above the median")
    assert set(table["seed"]) == {0, 1}


def test_names_stay_in_the_copied_file(project):
    results = project / "mine"
    holding = {
        f.relative_to(results).as_posix() for f in results.rglob("*") if f.is_file() and b"Person 7" in f.read_bytes()
    }
    assert holding == {"results/raw/loans/loans.csv", "results/raw/working_age_loans/loans.csv"}
    for file in (results / "results").glob("loans-*/**/*.parquet"):
        assert not {"name", "id"} & set(pd.read_parquet(file).columns)


def dry_run(project: Path) -> dict[str, int]:
    output = shell(project, COMMANDS[0], "measure_all", "--dry-run")
    return {rule: int(jobs) for rule, jobs in re.findall(r"^(\w+) +(\d+)$", output, re.M)}


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
        jobs = dry_run(project)
    finally:
        path.write_text(text, encoding="utf-8")
    assert {rule: jobs[rule] for rule in ("download", "prepare", "recourse") if rule in jobs} == reruns
