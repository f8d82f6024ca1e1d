"""How far the work is: the share done and the time left, for whoever watches.

    for epoch in progress.steps(range(epochs), "training the VAE"): ...
    progress.left(len(active), len(x), "searching in shells")   # where the end is not known
    with progress.working_on(seed=3): ...

Nothing is said unless somebody watches (see `job`), and then a line every few seconds at most. A step costs a
microsecond: count epochs, shells and seeds, not batches. The clock decides what is said, never what is computed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from time import monotonic
from typing import Any

from tqdm import tqdm

BAR = "{desc}: {n_fmt} of {total_fmt} ({percentage:.0f} %), {remaining} left"

#: what is under way, from the outside in: what each level says of itself
_under_way: list[Callable[[], str]] = []
#: what takes a line, where somebody watches; seconds between two lines; when the next is due
_listener: Callable[[str], None] | None = None
_every, _due = 0.0, 0.0


def steps(items: Collection[Any], what: str) -> Iterable[Any]:
    """The items, one after the other, while it is told how many of them are done."""
    return _counted(items, what) if _listener else items


def left(people: int, of: int, what: str) -> None:
    """Tell for how many of the people a search goes on."""
    with _level(lambda: f"{what}: {people:,} of {of:,} people left"):
        _tell()


@contextlib.contextmanager
def working_on(**names: object) -> Iterator[None]:
    """Say what the body works on (`seed=3`), while it runs and when it fails: as a note of the error."""
    text = ", ".join(f"{name} {value}" for name, value in names.items())
    try:
        with _level(lambda: text):
            yield
    except Exception as error:
        error.add_note(text)
        raise


@contextlib.contextmanager
def watched(listener: Callable[[str], None], every: float) -> Iterator[None]:
    """Tell the listener how far the body is, with `every` seconds before each line."""
    global _listener, _every, _due
    _listener, _every, _due = listener, every, monotonic() + every
    try:
        yield
    finally:
        _listener = None


def _counted(items: Collection[Any], what: str) -> Iterator[Any]:
    done, start = 0, monotonic()
    with _level(lambda: tqdm.format_meter(done, len(items), monotonic() - start, prefix=what, bar_format=BAR)):
        for done, item in enumerate(items):  # noqa: B007 (the level reads it)
            _tell()
            yield item


@contextlib.contextmanager
def _level(says: Callable[[], str]) -> Iterator[None]:
    depth = len(_under_way)
    _under_way.append(says)
    try:
        yield
    finally:
        del _under_way[depth:]


def _tell() -> None:
    global _due
    if _listener and (now := monotonic()) >= _due:
        _due = now + _every
        with contextlib.suppress(OSError):  # a closed terminal or a full disk is no reason to stop here
            _listener("; ".join(says() for says in _under_way))
