"""What every job needs around its work: a log, and errors for people."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator

from .errors import RecourseError


@contextlib.contextmanager
def job(log: str, about: str) -> Iterator[None]:
    """Run the body with stdout and stderr in the file `log`.

    about: what the job works on (population, classifier, method, seeds), for messages. An error on purpose
    ends the process with its text, on the terminal and in the log; any other also leaves its traceback in
    the log.
    """
    terminal = sys.stderr
    with (
        open(log, "w", encoding="utf-8") as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        try:
            yield
            return
        except RecourseError as error:
            text = f"error in {about}: {error}"
            print(text)
        except Exception as error:
            traceback.print_exc()
            text = f"unexpected error in {about}: {type(error).__name__}: {error} (traceback in {log})"
    print(text, file=terminal)
    sys.exit(1)
