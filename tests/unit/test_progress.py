"""What is said of work that is under way, done, or failed: by a job, by `make status`, on Snakemake's terminal."""

import io
import logging
import os
import re
import runpy
import shutil
import subprocess
import sys
from functools import partial
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from snakemake.logging import ColorizingTextHandler, DefaultFormatter, LogEvent, logger

from conftest import QUICK
from recourse_segregation import classifiers, progress, terminal
from recourse_segregation import job as job_module
from recourse_segregation.errors import DataError
from recourse_segregation.job import job
from recourse_segregation.seeds import torch_generator
from workflow_tools import ROOT

JOB = {"stage": "measure_before", "population": "law-sex", "seeds": "0-4"}
ABOUT = "measure before, population law-sex, seeds 0-4"


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by hand."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def lines(clock):
    """The lines that are told every five seconds at most."""
    lines = []
    with progress.watched(lines.append, 5.0):
        yield lines


def test_steps_are_the_items_and_tell_their_share_and_the_time_left(clock, lines):
    done = []
    for item in progress.steps(range(8), "epochs"):
        done.append(item)
        clock.now += 3
    assert done == list(range(8))
    assert lines == [f"epochs: {n} of 8 ({p} %), 00:{s} left" for n, p, s in ((2, 25, 18), (4, 50, 12), (6, 75, "06"))]
    assert list(progress.steps({"a": 1}.items(), "letters")) == [("a", 1)]
    assert list(progress.steps([], "nothing")) == []


def test_a_line_has_all_that_is_under_way(clock, lines):
    for seed in progress.steps(range(2), "seeds"):
        with progress.working_on(seed=seed):
            for _ in progress.steps(range(2), "epochs"):
                clock.now += 6
    assert lines == [
        "seeds: 0 of 2 (0 %), ? left; seed 0; epochs: 1 of 2 (50 %), 00:06 left",
        "seeds: 1 of 2 (50 %), 00:12 left",
        "seeds: 1 of 2 (50 %), 00:18 left; seed 1; epochs: 1 of 2 (50 %), 00:06 left",
    ]


def test_a_search_tells_how_many_are_left_and_what_was_left_early_is_under_way_no_more(clock, lines):
    for _ in progress.steps(range(3), "rounds"):
        for _ in progress.steps(range(3), "steps"):
            break
        break
    with pytest.raises(ValueError, match="wrong") as caught, progress.working_on(population="a", seed=1):
        raise ValueError("wrong")
    assert caught.value.__notes__ == ["population a, seed 1"]
    for people in (2000, 1500, 30):
        clock.now += 4
        progress.left(people, 2000, "searching")
    assert lines == ["searching: 1,500 of 2,000 people left"]


def test_short_work_is_silent_and_a_listener_that_is_gone_stops_nothing(clock, lines):
    for _ in progress.steps(range(1000), "epochs"):
        clock.now += 0.004
    assert lines == []
    with progress.watched(Mock(side_effect=BrokenPipeError), 0.0):
        assert list(progress.steps(range(3), "epochs")) == [0, 1, 2]


def test_being_watched_changes_no_number_and_unwatched_work_is_not_counted(people):
    def weights() -> list:
        generator, options = torch_generator(0, "train", "linear"), QUICK | {"hidden": (), "epochs": 3}
        return classifiers.train(people["levels"], generator, **options).parameters.values.tolist()

    lines, alone, items = [], weights(), range(3)
    assert progress.steps(items, "epochs") is items
    with progress.watched(lines.append, 0.0):
        assert weights() == alone
    assert [line.split(" (")[0] for line in lines] == [f"training the classifier: {done} of 3" for done in range(3)]


FAILURES = [
    (DataError("a hole"), f"error in {ABOUT}, scenario drop, seed 3: a hole"),
    (KeyError("a"), f"unexpected error in {ABOUT}, scenario drop, seed 3: KeyError: 'a' (traceback in {{log}})"),
    (KeyboardInterrupt(), f"interrupted: {ABOUT}"),
]


@pytest.mark.parametrize(("error", "text"), FAILURES)
def test_a_job_that_fails_names_the_very_seed_and_one_that_is_interrupted_itself(error, text, tmp_path, capsys):
    log = tmp_path / "log"

    def work() -> None:
        with job(log, **JOB):
            print("working")
            for seed in progress.steps(range(5), "seeds"):
                with progress.working_on(scenario="drop"), progress.working_on(seed=seed):
                    if seed == 3:
                        raise error

    with pytest.raises(SystemExit):
        work()
    said = capsys.readouterr().err.strip()
    assert said == text.format(log=log)
    first, *middle, last = log.read_text().splitlines()
    assert (first, last) == ("working", said), "the log ends with what the terminal said"
    assert ("Traceback (most recent call last):" in middle) == ("traceback in" in text)


def test_a_job_tells_its_progress_in_its_log_and_in_its_name_on_the_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(job_module, "EVERY", 0)
    log = tmp_path / "log"
    with job(log, **JOB):
        for done in progress.steps(range(2), "epochs"):
            written = log.read_text().splitlines()
            assert len(written) == done + 1, "a line is in the log at once, for whoever follows it"
    assert written == ["epochs: 0 of 2 (0 %), ? left", "epochs: 1 of 2 (50 %), 00:00 left"]
    assert capsys.readouterr().err.splitlines() == [f"{ABOUT}: {line}" for line in written]
    assert log.read_text().splitlines()[2].startswith("done in ")


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
    # what a make that started pytest says to the makes below it would change what they say
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    run = partial(subprocess.run, cwd=tmp_path, env=alone, capture_output=True, text=True)
    said = [run(["make", *word]) for word in ([], ["help"])]
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
