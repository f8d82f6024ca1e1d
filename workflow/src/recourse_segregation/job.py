"""What every job needs around its work: a log, progress for whoever watches, and errors for people."""

from __future__ import annotations

import contextlib
import sys
import time
import traceback
from collections.abc import Iterator

import psutil

from . import progress
from .errors import RecourseError

#: seconds between two lines of progress: all jobs share the terminal
EVERY = 10.0


@contextlib.contextmanager
def job(log: str, stage: str, **names: str) -> Iterator[None]:
    """Run the body with stdout and stderr in the file `log`; progress is told there and on the terminal.

    Messages name the stage and what it works on (`names`); the body says more with `progress.working_on`. The last line
    of the log says how it ended (`status` reads it). An error on purpose ends the process with its text, on the
    terminal and in the log; any other also leaves its traceback in the log.
    """
    about = ", ".join([stage.replace("_", " "), *(f"{name} {value}" for name, value in names.items())])
    terminal = sys.stderr

    def say(line: str) -> None:
        print(line)
        print(f"{about}: {line}", file=terminal, flush=True)

    with (
        open(log, "w", encoding="utf-8", buffering=1) as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
        progress.watched(say, EVERY),
    ):
        try:
            yield
            print(f"done in {time.time() - psutil.Process().create_time():.1f} s")
            return
        except KeyboardInterrupt:
            text = f"interrupted: {about}"
        except Exception as error:
            place = ", ".join([about, *reversed(getattr(error, "__notes__", []))])  # the innermost was noted first
            text = f"error in {place}: {error}"
            if not isinstance(error, RecourseError):
                traceback.print_exc()
                text = f"unexpected error in {place}: {type(error).__name__}: {error} (traceback in {log})"
        print(text)
    print(text, file=terminal)
    sys.exit(1)
