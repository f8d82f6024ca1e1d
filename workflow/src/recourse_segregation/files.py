"""Files that are there in full or not at all, and one run at a time in a folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from uuid import uuid4

from .errors import RecourseError

_PART = ".part"


def write(path: Path | str, content: bytes | str) -> None:
    """Write a file, all of it or nothing; text as UTF-8. Folders are made where they are missing.

    The bytes go to a name of their own beside it and reach the disk before they are renamed, so that a process or a
    machine may die at any moment, and two processes may write the same file.

    Raises RecourseError when it cannot be written: the disk is full, or may not be written to.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{uuid4().hex}{_PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error) from error


def claim(folder: Path | str) -> None:
    """Make this process the only run in a folder until it ends, however it ends; remove what a dead one left half-done.

    Raises RecourseError when another run is at work there, or when the folder cannot be written to.
    """
    lock = Path(folder) / ".lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)  # never closed: the lock ends with the process
    except OSError as error:
        raise _unwritable(lock, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RecourseError(
            f"another run is at work in {lock.parent.resolve()}; wait for it, or run elsewhere with --directory"
        ) from None
    except OSError as error:
        raise RecourseError(
            f"{lock} cannot be locked ({error.strerror}): this file system has no locks. Mount it with flock, or see "
            "to it yourself that one run at a time is at work here, and start it with --no-hooks"
        ) from error
    for part in lock.parent.rglob(f".*{_PART}"):
        part.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> RecourseError:
    return RecourseError(
        f"cannot write {path}: {error.strerror or error}. Nothing half-written is left. Make room, or make the folder "
        "writable (or choose another with --directory), then run the same command again: it goes on from here"
    )
