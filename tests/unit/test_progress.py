"""What is said of work that is under way, and of work that failed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from conftest import QUICK
from recourse_segregation import classifiers, progress
from recourse_segregation import job as job_module
from recourse_segregation.errors import DataError
from recourse_segregation.job import job
from recourse_segregation.seeds import torch_generator

ABOUT = "recourse, population law-sex, method face, seeds 0-4"


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
    with progress.watched((5.0, lines.append)):
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
    def leaves_early():
        for _ in progress.steps(range(3), "rounds"):
            for _ in progress.steps(range(3), "steps"):
                return

    leaves_early()
    with pytest.raises(ValueError, match="wrong") as caught, progress.working_on(population="a", seed=1):
        raise ValueError("wrong")
    assert caught.value.__notes__ == ["population a, seed 1"]
    for people in (2000, 1500, 30):
        clock.now += 4
        progress.left(people, 2000, "searching")
    assert lines == ["searching: 1,500 of 2,000 people left"]


def test_each_listener_hears_in_its_own_time_and_one_that_is_gone_stops_nothing(clock):
    def closed(line: str) -> None:
        raise BrokenPipeError

    often, seldom = [], []
    with progress.watched((1.0, closed), (5.0, often.append), (10.0, seldom.append)):
        for _ in progress.steps(range(5), "epochs"):
            clock.now += 5
    assert len(often) == 4
    assert seldom == [often[1], often[3]]


def test_short_work_is_silent_and_unwatched_work_is_not_counted(clock):
    items, lines = range(1000), []
    with progress.watched((5.0, lines.append)):
        for _ in progress.steps(items, "epochs"):
            clock.now += 0.004
    assert lines == []
    assert progress.steps(items, "epochs") is items


def test_being_watched_changes_no_number(people):
    def weights() -> list:
        generator = torch_generator(0, "train", "linear")
        return classifiers.train(
            people["levels"], generator, **QUICK | {"hidden": (), "epochs": 3}
        ).parameters.values.tolist()

    lines, alone = [], weights()
    with progress.watched((0.0, lines.append)):
        assert weights() == alone
    assert [line.split(" (")[0] for line in lines] == [f"training the classifier: {done} of 3" for done in range(3)]


def fails_at_seed_3(error: BaseException, log: str) -> None:
    with job(log, ABOUT):
        print("working")
        for seed in progress.steps(range(5), "seeds"):
            with progress.working_on(scenario="drop"), progress.working_on(seed=seed):
                if seed == 3:
                    raise error


@pytest.mark.parametrize(
    ("error", "kind", "text", "traced"),
    [
        (DataError("a hole"), "error", "a hole", False),
        (KeyError("a hole"), "unexpected error", "KeyError: 'a hole' (traceback in log)", True),
        (KeyboardInterrupt(), "interrupted", None, False),
    ],
)
def test_a_job_that_fails_names_the_very_seed_and_one_that_is_interrupted_itself(
    error, kind, text, traced, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        fails_at_seed_3(error, "log")
    said = capsys.readouterr().err.strip()
    assert said == (f"{kind} in {ABOUT}, scenario drop, seed 3: {text}" if text else f"{kind}: {ABOUT}")
    first, *middle, last = (tmp_path / "log").read_text().splitlines()
    assert (first, last) == ("working", said), "the log ends with what the terminal said"
    assert ("Traceback (most recent call last):" in middle) == traced


def test_a_job_tells_its_progress_in_its_log_and_in_its_name_on_the_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(job_module, "LOG_EVERY", 0)
    monkeypatch.setattr(job_module, "TERMINAL_EVERY", 0)
    log = tmp_path / "log"
    with job(str(log), ABOUT):
        for done in progress.steps(range(2), "epochs"):
            written = log.read_text().splitlines()
            assert len(written) == done + 1, "a line is in the log at once, for whoever follows it"
    assert written == ["epochs: 0 of 2 (0 %), ? left", "epochs: 1 of 2 (50 %), 00:00 left"]
    assert capsys.readouterr().err.splitlines() == [f"{ABOUT}: {line}" for line in written]
    assert log.read_text().splitlines()[2].startswith("done in ")
