"""How far the work is: the share done and the time left, for whoever watches.

    for epoch in progress.steps(range(epochs), "training the VAE"): ...
    progress.left(len(active), len(x), "searching in shells")   # where the end is not known
    with progress.about(seed=3): ...

Nothing is said unless somebody watches (see `job`), and then a line every few seconds at most. A step costs 0.15 µs:
count epochs, shells and seeds, not batches. The clock decides what is said, never what is computed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

#: what is under way, from the outside in: what each level says of itself, given the time
_under_way: list[Callable[[float], str]] = []
_watch: _Watch | None = None


def steps(items: Collection[T], what: str) -> Iterable[T]:
    """The items, one after the other, while it is told how many of them are done."""
    return items if _watch is None else _counted(items, what, _watch)


def left(people: int, of: int, what: str) -> None:
    """Tell for how many of the people a search goes on."""
    if _watch is not None and _watch.due():
        _watch.tell(f"{what}: {people:,} of {of:,} people left")


@contextlib.contextmanager
def about(**names: object) -> Iterator[None]:
    """Say what the body works on (`seed=3`), while it runs and when it fails: the error's `place` then holds it.

    Contexts nest: `place` is a tuple of texts, from the outside in.
    """
    text = ", ".join(f"{name} {value}" for name, value in names.items())
    try:
        with _level(lambda _: text):
            yield
    except Exception as error:
        error.place = (text, *getattr(error, "place", ()))
        raise


@contextlib.contextmanager
def watched(
    *listeners: tuple[float, Callable[[str], None]], clock: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Tell each listener (seconds between its lines, and what takes a line) how far the body is.

    The first line comes when so many seconds are over: short work is silent.
    """
    global _watch
    before, _watch = _watch, _Watch(listeners, clock)
    try:
        yield
    finally:
        _watch = before


class _Watch:
    def __init__(self, listeners: tuple[tuple[float, Callable[[str], None]], ...], clock: Callable[[], float]):
        self.listeners, self.clock = listeners, clock
        self.now = clock()
        self._next = [self.now + every for every, _ in listeners]
        self._soonest = min(self._next)

    def due(self) -> bool:
        """Look at the clock: is it time for a line?"""
        self.now = self.clock()
        return self.now >= self._soonest

    def tell(self, last: str = "") -> None:
        line = "; ".join(filter(None, [*(level(self.now) for level in _under_way), last]))
        for i, (every, listener) in enumerate(self.listeners):
            if self.now >= self._next[i]:
                self._next[i] = self.now + every
                with contextlib.suppress(OSError):  # a closed terminal or a full disk is no reason to stop here
                    listener(line)
        self._soonest = min(self._next)


class _Steps:
    """So many of so many are done, and when the last of them was."""

    def __init__(self, what: str, total: int, now: float):
        self.what, self.total, self.done = what, total, 0
        self.started = self.last = now

    def __call__(self, now: float) -> str:
        text = f"{self.what}: {self.done:,} of {self.total:,} ({100 * self.done // self.total} %)"
        if not self.done:
            return text
        each = (self.last - self.started) / self.done
        return f"{text}, {duration(each * (self.total - self.done) - (now - self.last))} left"


def _counted(items: Collection[T], what: str, watch: _Watch) -> Iterator[T]:
    here = _Steps(what, len(items), watch.clock())
    with _level(here):
        for done, item in enumerate(items):
            due = watch.due()
            here.done, here.last = done, watch.now
            if due:
                watch.tell()
            yield item


@contextlib.contextmanager
def _level(says: Callable[[float], str]) -> Iterator[None]:
    depth = len(_under_way)
    _under_way.append(says)
    try:
        yield
    finally:
        del _under_way[depth:]


def duration(seconds: float) -> str:
    """`8 s`, `2 min 5 s`, `1 h 20 min`; none is less than a second"""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
