"""Files that are there in full or not at all, and one run at a time in a folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from .errors import RecourseError

#: held by the run that is at work in the folder
LOCK = ".lock"
_PART = ".part"


def write(path: Path | str, content: bytes | str) -> None:
    """Write a file, all of it or nothing; text as UTF-8. Folders are made where they are missing.

    The bytes go to a name of their own beside it and reach the disk before they are renamed, so that a process or a
    machine may die at any moment, and two processes may write the same file.

    Raises RecourseError when it cannot be written: the disk is full, or may not be written to.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{uuid4().hex}{_PART}")
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def claim(folder: Path | str, note: str = "") -> None:
    """Make this process the only run in a folder until it ends, however it ends; remove what a dead one left half-done.

    The note stays there. Raises RecourseError when another run is at work in the folder, or when it cannot be written
    to or has no locks.
    """
    lock = Path(folder) / LOCK
    with _told(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)  # never closed: the lock ends with the process
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RecourseError(
                f"another run is at work in {lock.parent.resolve()}; wait for it, or run elsewhere with --directory "
                f"({error.strerror}; where a file system has no locks, --no-hooks starts without)"
            ) from None
        os.truncate(file, 0)
        os.write(file, f"{note}\n".encode())  # its time says when the run began
    for part in lock.parent.rglob(f".*{_PART}"):
        part.unlink(missing_ok=True)


def claimed(folder: Path | str) -> bool:
    """Whether a run is at work in a folder, on this machine or (on a shared file system) another."""
    try:
        with (Path(folder) / LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecourseError(
            f"cannot write {path}: {error.strerror or error}. Nothing half-written is left. Make room, or make the "
            "folder writable (or choose another with --directory), then run the same command again: it goes on from "
            "here"
        ) from error
