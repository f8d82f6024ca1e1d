"""What every job needs around its work: a log, progress for whoever watches, and errors for people."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator

from . import progress
from .errors import RecourseError

#: seconds between two lines of progress; the terminal, which all jobs share, hears of long work only
LOG_EVERY, TERMINAL_EVERY = 5.0, 10.0


@contextlib.contextmanager
def job(log: str, about: str) -> Iterator[None]:
    """Run the body with stdout and stderr in the file `log`; its progress is told there and on the terminal.

    about: what the job works on (population, classifier, method, seeds), for messages; the body says more with
    `progress.about`. An error on purpose ends the process with its text, on the terminal and in the log; any
    other also leaves its traceback in the log.
    """
    terminal = sys.stderr
    with (
        open(log, "w", encoding="utf-8", buffering=1) as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
        progress.watched(
            (LOG_EVERY, lambda line: print(line, file=stream)),
            (TERMINAL_EVERY, lambda line: print(f"{about}: {line}", file=terminal, flush=True)),
        ),
    ):
        try:
            yield
            return
        except RecourseError as error:
            text = f"error in {_place(about, error)}: {error}"
        except KeyboardInterrupt:
            text = f"interrupted: {about}"
        except Exception as error:
            traceback.print_exc()
            text = f"unexpected error in {_place(about, error)}: {type(error).__name__}: {error} (traceback in {log})"
        print(text)
    print(text, file=terminal)
    sys.exit(1)


def _place(about: str, error: Exception) -> str:
    return ", ".join([about, *getattr(error, "place", ())])
