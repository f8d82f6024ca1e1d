"""What `make status` says of made-up folders."""

from __future__ import annotations

import base64
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def status():
    spec = importlib.util.spec_from_file_location("status", ROOT / "workflow" / "scripts" / "status.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["status"] = module
    spec.loader.exec_module(module)
    return module


PLAN = """Building DAG of jobs...
Job stats:
job      count
-----  -------
train        2

[Tue Nov 24 08:42:29 2026]
rule train:
    input: results/a/population.parquet
    output: results/a/classifier.pt, results/a/summary.parquet
    log: logs/train/a.log
    jobid: 2
    benchmark: results/benchmarks/train/a.tsv
    reason: Forced execution
    wildcards: population=a
    resources: tmpdir=/tmp
[Tue Nov 24 08:42:29 2026]
rule train:
    output: results/b/classifier.pt
    log: logs/train/b.log
    jobid: 3
    benchmark: results/benchmarks/train/b.tsv
[Tue Nov 24 08:42:29 2026]
localrule collect:
    output: results/measures.parquet
    log: logs/collect.log
    jobid: 1
[Tue Nov 24 08:42:29 2026]
rule all:
    input: results/measures.parquet
    jobid: 0
    reason: Forced execution
"""
RUN = """
SNAKEMAKE
=========
  Config file(s): [PosixPath('{root}/config.yaml'), PosixPath('/elsewhere/mine.yaml')]
  Config MD5: 0

rule train:
    output: results/b/classifier.pt
[Tue Nov 24 08:33:50 2026]
Error in rule train:
    message: None
    jobid: 3
    input: results/b/population.parquet
    output: results/b/classifier.pt
    log: logs/train/b.log (check log file(s) for error details)
Logfile logs/train/b.log:
"""


@pytest.fixture
def folder(tmp_path):
    """`train` of a is done and took 90 s, that of b failed, `collect` was not tried."""
    for path, text in {
        "results/benchmarks/train/a.tsv": "s\th:m:s\n90.0\t0:01:30\n",
        "logs/train/b.log": "working\nerror in train, population b: too few people\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def begin(folder: Path, file: str, seconds: float) -> None:
    """What Snakemake leaves when it starts the job of a file."""
    name = base64.urlsafe_b64encode(file.encode()).decode()
    mark = folder / ".snakemake" / "incomplete" / f"@{name[:9]}" / name[9:]
    mark.parent.mkdir(parents=True)
    mark.write_text("{}", encoding="utf-8")
    os.utime(mark, (time.time() - seconds,) * 2)


def test_a_plan_is_read(status):
    jobs = status.jobs(PLAN)
    assert [(j.stage, j.name) for j in jobs] == [("train", "train/a"), ("train", "train/b"), ("collect", "collect")]
    assert jobs[0].outputs == ("results/a/classifier.pt", "results/a/summary.parquet")


def test_done_and_left_and_how_long_it_takes(status, folder):
    every = status.jobs(PLAN)
    lines = status.describe(folder, every, every[1:], "", working=False).splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["stage", "done", "running", "left", "seconds", "a", "job"],
        ["train", "1", "0", "1", "90.0"],
        ["collect", "0", "0", "1", "–"],
        ["all", "1", "0", "2"],
    ]
    assert lines[5] == "left, by the seconds of the jobs that are done: 1 min 30 s of work for one core"
    done = status.describe(folder, every, [], "", working=False)
    assert done.splitlines()[-1].split() == ["all", "3", "0", "0"]


def test_a_running_job_is_shown_with_what_it_last_said(status, folder):
    every = status.jobs(PLAN)
    begin(folder, "results/b/classifier.pt", 125.2)
    (folder / "logs/train/b.log").write_text("epochs: 1 of 4 (25 %), 18 s left\n", encoding="utf-8")
    said = status.describe(folder, every, every[1:], RUN, working=True)
    assert "running\n  train/b (2 min 5 s)\n    epochs: 1 of 4 (25 %), 18 s left" in said
    assert ["train", "1", "1", "0", "90.0"] in [line.split() for line in said.splitlines()]
    assert "failed" not in said, "it is tried again"


def test_without_snakemake_a_job_that_has_begun_was_interrupted(status, folder):
    every = status.jobs(PLAN)
    begin(folder, "results/b/classifier.pt", 125)
    said = status.describe(folder, every, every[1:], "", working=False)
    assert "interrupted" in said
    assert ["train", "1", "0", "1", "90.0"] in [line.split() for line in said.splitlines()]


def test_a_job_that_failed_says_why(status, folder):
    every = status.jobs(PLAN)
    said = status.describe(folder, every, every[1:], RUN, working=False)
    assert said.endswith(
        "failed in the last run\n  train/b (logs/train/b.log)\n    error in train, population b: too few people"
    )
    assert "failed" not in status.describe(folder, every, every[2:], RUN, working=False), "it was made since"


def test_what_was_made_before_and_is_out_of_date_is_told(status, folder):
    every = status.jobs(PLAN)
    (folder / "results/measures.parquet").touch()
    said = status.describe(folder, every, every[1:], "", working=False)
    assert "of those left, with results of an earlier run: 1" in said


def test_the_configuration_is_that_of_the_last_run(status, tmp_path):
    logs = tmp_path / ".snakemake" / "log"
    logs.mkdir(parents=True)
    (logs / "2026-11-24T08.snakemake.log").write_text(RUN.format(root=ROOT), encoding="utf-8")
    (logs / "2026-11-24T09.snakemake.log").write_text("Building DAG of jobs...\n", encoding="utf-8")  # a report
    assert status.configs(status.last_run(tmp_path)) == ["config.yaml", "/elsewhere/mine.yaml"]
    assert status.configs(status.last_run(tmp_path / "new")) == ["config.yaml"]


def test_only_a_snakemake_in_the_very_folder_is_at_work(status, tmp_path):
    assert not status.at_work(tmp_path)
    command = [sys.executable, "-c", "print('snakemake', flush=True); input()"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert status.at_work(tmp_path)
        assert not status.at_work(tmp_path.parent)
        process.communicate(b"\n")
    assert not status.at_work(tmp_path)


def test_a_folder_without_a_run_is_said_to_be_none(tmp_path):
    command = [sys.executable, ROOT / "workflow" / "scripts" / "status.py", tmp_path / "quick"]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode != 0
    assert "quick: no such folder" in process.stderr
