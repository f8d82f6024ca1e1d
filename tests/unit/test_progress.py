"""What is said of work that is under way, and of work that failed."""

from __future__ import annotations

import pytest

from recourse_segregation import classifiers, progress
from recourse_segregation import job as job_module
from recourse_segregation.errors import DataError
from recourse_segregation.job import job
from recourse_segregation.seeds import torch_generator


class Clock:
    """A clock that goes on by hand; each look at it is counted."""

    def __init__(self):
        self.now, self.looks = 100.0, 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now


@pytest.fixture
def watching():
    """A fake clock, and the lines that are told every five seconds at most."""
    clock, lines = Clock(), []
    with progress.watched((5.0, lines.append), clock=clock):
        yield clock, lines


def test_steps_tell_their_share_and_the_time_left(watching):
    clock, lines = watching
    for _ in progress.steps(range(8), "epochs"):
        clock.now += 3
    assert lines == [
        "epochs: 2 of 8 (25 %), 18 s left",
        "epochs: 4 of 8 (50 %), 12 s left",
        "epochs: 6 of 8 (75 %), 6 s left",
    ]


def test_the_steps_are_the_items(watching):
    assert list(progress.steps({"a": 1, "b": 2}.items(), "letters")) == [("a", 1), ("b", 2)]
    assert list(progress.steps([], "nothing")) == []


def test_a_line_has_all_that_is_under_way(watching):
    clock, lines = watching
    for seed in progress.steps(range(2), "seeds"):
        with progress.about(seed=seed):
            for _ in progress.steps(range(2), "epochs"):
                clock.now += 6
    assert lines == [
        "seeds: 0 of 2 (0 %); seed 0; epochs: 1 of 2 (50 %), 6 s left",
        "seeds: 1 of 2 (50 %), 12 s left",
        "seeds: 1 of 2 (50 %), 6 s left; seed 1; epochs: 1 of 2 (50 %), 6 s left",
    ]


def test_a_search_tells_how_many_people_are_left(watching):
    clock, lines = watching
    for people in (2000, 1500, 30):
        clock.now += 4
        progress.left(people, 2000, "searching")
    assert lines == ["searching: 1,500 of 2,000 people left"]


def test_what_is_left_early_is_under_way_no_more(watching):
    clock, lines = watching

    def leaves_early():
        for _ in progress.steps(range(3), "rounds"):
            for _ in progress.steps(range(3), "steps"):
                return

    leaves_early()
    with pytest.raises(ValueError, match="wrong"), progress.about(seed=1):
        raise ValueError("wrong")
    clock.now += 10
    progress.left(1, 2, "searching")
    assert lines == ["searching: 1 of 2 people left"]


def test_each_listener_hears_in_its_own_time():
    clock, often, seldom = Clock(), [], []
    with progress.watched((5.0, often.append), (10.0, seldom.append), clock=clock):
        for _ in progress.steps(range(5), "epochs"):
            clock.now += 5
    assert len(often) == 4
    assert seldom == [often[1], often[3]]


def test_short_work_is_silent_and_unwatched_work_costs_nothing():
    clock, lines = Clock(), []
    with progress.watched((5.0, lines.append), clock=clock):
        for _ in progress.steps(range(1000), "epochs"):
            clock.now += 0.004
    assert lines == []
    looks, items = clock.looks, range(3)
    assert progress.steps(items, "epochs") is items
    progress.left(1, 2, "searching")
    assert clock.looks == looks


def test_a_terminal_that_is_closed_stops_nothing():
    def closed(line: str) -> None:
        raise BrokenPipeError

    clock = Clock()
    with progress.watched((1.0, closed), clock=clock):
        for _ in progress.steps(range(3), "epochs"):
            clock.now += 2


def test_being_watched_changes_no_number(people):
    def weights() -> list:
        return classifiers.train(
            people["levels"], torch_generator(0, "train", "linear"), epochs=3
        ).parameters.values.tolist()

    lines = []
    alone = weights()
    with progress.watched((0.0, lines.append)):
        assert weights() == alone
    assert [line.split(" (")[0] for line in lines] == [f"training the classifier: {done} of 3" for done in range(3)]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (-3, "1 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (4800, "1 h 20 min")]
)
def test_a_duration_is_read_at_a_glance(seconds, text):
    assert progress.duration(seconds) == text


def fails(error: Exception, log: str) -> None:
    with job(log, "recourse, population law-sex, method face, seeds 0-4"):
        for seed in progress.steps(range(5), "seeds"):
            with progress.about(seed=seed):
                if seed == 3:
                    raise error


@pytest.mark.parametrize("error", [DataError("a hole"), KeyError("a hole")])
def test_a_job_names_the_very_seed_that_failed(error, tmp_path, capsys):
    with pytest.raises(SystemExit):
        fails(error, str(tmp_path / "log"))
    place = "error in recourse, population law-sex, method face, seeds 0-4, seed 3: "
    said = capsys.readouterr().err.strip()
    assert place in said
    assert (tmp_path / "log").read_text().splitlines()[-1] == said, "the log ends with what the terminal said"
    assert (f"traceback in {tmp_path / 'log'}" in said) == isinstance(error, KeyError)


def test_places_nest_from_the_outside_in():
    with pytest.raises(ValueError, match="wrong") as caught, progress.about(population="a"), progress.about(seed=1):
        raise ValueError("wrong")
    assert caught.value.place == ("population a", "seed 1")


def test_a_job_tells_its_progress_in_its_log_and_in_its_name_on_the_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(job_module, "LOG_EVERY", 0)
    monkeypatch.setattr(job_module, "TERMINAL_EVERY", 0)
    log = tmp_path / "log"
    with job(str(log), "train, population a"):
        for done in progress.steps(range(2), "epochs"):
            written = log.read_text().splitlines()
            assert len(written) == done + 1, "a line is in the log at once, for whoever follows it"
    told = ["epochs: 0 of 2 (0 %)", "epochs: 1 of 2 (50 %), 1 s left"]
    assert written == told
    assert capsys.readouterr().err.splitlines() == [f"train, population a: {line}" for line in told]


def test_an_interrupted_job_says_so_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit), job(str(tmp_path / "log"), "train, population a"):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "interrupted: train, population a\n"
    assert (tmp_path / "log").read_text() == "interrupted: train, population a\n"
