"""What is said of work that is under way, and of work that failed."""

from types import SimpleNamespace

import pytest

from conftest import QUICK
from recourse_segregation import classifiers, progress
from recourse_segregation import job as job_module
from recourse_segregation.errors import DataError
from recourse_segregation.job import job
from recourse_segregation.seeds import torch_generator

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

    def closed(line: str) -> None:
        raise BrokenPipeError

    with progress.watched(closed, 0.0):
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
