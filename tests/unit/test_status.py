"""What `make status` says of a made-up folder, and what Snakemake's terminal says of made-up jobs."""

import io
import logging
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.logging import ColorizingTextHandler, DefaultFormatter, LogEvent, logger

from recourse_segregation import terminal

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "workflow" / "scripts" / "status.py"
NEVER = float("inf")
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
    reason: Forced execution
[Tue Nov 24 08:42:29 2026]
rule train:
    log: logs/train/b.log
localrule collect:
    log: logs/collect.log
rule all:
    input: results/measures.parquet, results/page.html
    jobid: 0
"""


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What is said, also as rows by stage, where `train` of a is done and took 90 s, and that of b has this log."""
    said = SimpleNamespace(returncode=0, stdout=PLAN)
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: said)
    status = SimpleNamespace(**runpy.run_path(SCRIPT))

    def tell(log: str | None, since: float = NEVER, done: tuple[str, ...] = ("logs/train/a.log",)) -> tuple[str, dict]:
        logs = tmp_path / "logs" / "train"
        logs.mkdir(parents=True)
        (logs / "a.log").write_text("epochs: 1 of 4 (25 %), 00:18 left\ndone in 90.0 s\n")
        if log is not None:
            (logs / "b.log").write_text(log)
        every = status.plan(tmp_path)
        todo = {name: job for name, job in every.items() if name not in done}
        text = status.describe(tmp_path, every, todo, since)
        return text, {row.split()[0]: row.split()[1:] for row in text.splitlines() if row.strip()}

    return tell


TABLE = [
    # the log, when the run at work began, the row of the table, what is said below it
    (None, NEVER, "1 0 0 0 1 90.0 01:30", None),
    ("done in 30.0 s\n", NEVER, "1 0 0 0 1 60.0 01:00", None),
    ("epochs: 1 of 4\n", NEVER, "1 0 1 0 0 90.0 01:30", "interrupted\n  logs/train/b.log\n    epochs: 1 of 4"),
    ("epochs: 1 of 4\n", 4e9, "1 0 1 0 0 90.0 01:30", "interrupted\n"),
    ("a\nepochs: 1 of 4\n", 0, "1 1 0 0 0 90.0 00:00", "running\n  logs/train/b.log\n    epochs: 1 of 4"),
    ("", 0, "1 1 0 0 0 90.0 00:00", "running\n"),
    ("interrupted: train\n", NEVER, "1 0 1 0 0 90.0 01:30", "interrupted\n"),
    ("a\nerror in train: hole\n", 0, "1 0 0 1 0 90.0 01:30", "failed\n  logs/train/b.log\n    error in train: hole"),
    ("a\nunexpected error in train: two\nlines\n", 0, "1 0 0 1 0 90.0 01:30", "unexpected error in train: two\nlines"),
]


@pytest.mark.parametrize(("log", "since", "row", "said"), TABLE)
def test_the_state_of_a_job_is_read_from_its_log(log, since, row, said, told):
    text, rows = told(log, since)
    assert rows["train"] == row.split()
    assert rows["collect"] == ["0", "0", "0", "0", "1", "–", "–"]
    assert rows["all"][:5] == [str(int(a) + int(b)) for a, b in zip(row.split(), "00001", strict=False)]
    assert said in text if said else text.endswith("results/page.html")


def test_what_is_done_is_told_as_such_and_what_is_missing_is_named(told, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "measures.parquet").touch()
    text, rows = told(None, done=("logs/train/a.log", "logs/train/b.log", "logs/collect.log"))
    assert rows["all"][:5] == ["3", "0", "0", "0", "0"]
    assert text.endswith("missing: 1 of 2 results\n  results/page.html")


def test_a_folder_without_a_run_is_said_to_be_none(tmp_path):
    process = subprocess.run([sys.executable, SCRIPT, tmp_path / "quick"], capture_output=True, text=True)
    assert process.returncode != 0
    assert "quick: no such folder" in process.stderr


def test_make_lists_its_words_and_installs_nothing(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    said = [subprocess.run(["make", *word], cwd=tmp_path, capture_output=True, text=True) for word in ([], ["help"])]
    assert said[0].stdout == said[1].stdout
    words = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert sorted(line.split()[0] for line in said[0].stdout.splitlines()[1:-1]) == sorted(words)
    assert [file.name for file in tmp_path.iterdir()] == ["Makefile"]


def test_the_terminal_has_one_line_for_each_job_and_errors_in_full(tmp_path, monkeypatch):
    handler = ColorizingTextHandler(stream=io.StringIO(), formatter=DefaultFormatter(show_failed_logs=True))
    handler.name = "DefaultStreamHandler"
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(terminal, "monotonic", iter([0.0, 6.0]).__next__)
    terminal.one_line_a_job()

    def say(event: LogEvent | None, text: str = "x", level: int = logging.INFO, **fields: object) -> None:
        logger.log(level, text, extra={"event": event, **fields})

    (tmp_path / "log").write_text("error in train: a hole\n")
    job = {"jobid": 7, "rule_name": "train", "rule_msg": "", "input": ["many"], "output": ["b"]}
    say(LogEvent.WORKFLOW_STARTED)
    say(LogEvent.RUN_INFO, stats={"train": 3, "total": 3})
    say(None, "Select jobs to execute...")
    say(LogEvent.JOB_INFO, **job, wildcards={"population": "a", "seeds": "0-4"})
    say(LogEvent.JOB_FINISHED, job_id=7)
    say(LogEvent.PROGRESS, done=1, total=3)
    say(None, "Nothing to be done")
    log = [str(tmp_path / "log")]
    say(LogEvent.JOB_ERROR, level=logging.ERROR, **job, log=log, conda_env=None, shellcmd=None, aux={})
    said = handler.stream.getvalue()
    assert said.startswith("3 jobs: 3 train\n1 of 3 jobs done, about 00:12 left: train a 0-4\nNothing to be done\n[")
    assert "Error in rule train:\n    jobid: 7\n    log: " in said
    assert "\nerror in train: a hole\n" in said
