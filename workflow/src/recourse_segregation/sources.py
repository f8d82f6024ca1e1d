"""Raw files from their publishers: one source after another, and only the bytes with the published sha256."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import IncompleteRead
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import requests
from pooch import HTTPDownloader, file_hash

from .data.dataset import RawFile
from .errors import SourceError

TRIES = 3  # per address, for errors that may pass
BACK_OFF = 1.0  # seconds before the second try, doubled before each further one
PATIENCE = 60.0  # seconds that a server may ask to wait before the next try
TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds of silence
LIMIT = 1800.0  # seconds for one try, however much a slow server still sends
LARGEST = 1 << 30  # bytes of a file, packed or not: no server and no archive fills the disk
STALE = 86_400.0  # seconds after which a folder of unfinished files belongs to a run that was killed


def fetch(
    dataset: str,
    raw_file: RawFile,
    destination: Path,
    mirror: str | None = None,
    progress: bool = True,
    own: Path | None = None,
) -> Path:
    """Bring `raw_file` of the data set called `dataset` to the path `destination`; returns that path.

    Sources in order: `mirror` (a folder or a base URL laid out as `<dataset>/<file>`), then `raw_file.urls`.
    A file that is already there is kept if its sha256 is right and replaced if not. Other bytes than the
    published ones are never put in place. `progress` reports to standard error. A file of the user's `own` is
    copied, in place of all these sources.

    Raises SourceError, with every source and its failure, if none gives the published bytes.
    """
    destination = Path(destination)
    failures = []
    try:
        if destination.is_file() and file_hash(str(destination)) == raw_file.sha256:
            return destination
        destination.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(destination.parent)
        # A folder beside the destination: the same file system, so that os.replace is one step.
        with tempfile.TemporaryDirectory(prefix=".download-", dir=destination.parent) as scratch:
            for source, is_mirror in [(own, False)] if own else _sources(dataset, raw_file, mirror):
                try:
                    found = _get(source, raw_file, Path(scratch), is_mirror, progress)
                    _verify(found, raw_file.sha256)
                except (OSError, ValueError) as error:
                    failures.append(f"{_shown(source)}: {_reason(error)}")
                    _tell(progress, f"{failures[-1]}; going on to the next source")
                else:
                    os.replace(found, destination)
                    return destination
    except OSError as error:
        raise SourceError(f"cannot write {destination}: {_reason(error)}") from error
    if own:
        raise SourceError(
            f"{dataset} could not be copied: {failures[0]}. If the file was edited during the run, run again; "
            f"else correct `file` or `sha256` in the description of {dataset}"
        )
    raise SourceError(_all_failed(dataset, raw_file, destination, failures))


@dataclass(frozen=True)
class Checked:
    """A folder of downloaded files, or one of them, that is read like a path: only bytes with their sha256.

    `digests` holds the sha256 of each file by its name; `called` is what messages call it. The bytes that are
    returned are those that were checked, whatever happens to the file meanwhile.
    """

    path: Path
    digests: Mapping[str, str]
    called: str = ""

    def __truediv__(self, name: str) -> Checked:
        return Checked(self.path / name, self.digests)

    def __str__(self) -> str:
        return self.called or str(self.path)

    def read_bytes(self) -> bytes:
        """The content of the file.

        Raises SourceError if it is gone or has other bytes than were downloaded.
        """
        again = f"delete {self.path.parent} and run again"
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise SourceError(f"{self.path} is gone, or cannot be read ({error.strerror}); {again}") from error
        if self.path.name not in self.digests:
            raise SourceError(f"{self.path}: the receipt does not name it; {again}")
        got, expected = hashlib.sha256(content).hexdigest(), self.digests[self.path.name]
        if got != expected:
            changed = f"changed since its download (sha256 {got}, expected {expected})"
            raise SourceError(f"{self.path} {changed}; {again}")
        return content


def _sources(dataset: str, raw_file: RawFile, mirror: str | None) -> Iterator[tuple[str | Path, bool]]:
    """Paths and addresses in the order in which they are tried, and whether each is the user's mirror."""
    if mirror and "://" in str(mirror):
        yield f"{str(mirror).rstrip('/')}/{quote(dataset)}/{quote(raw_file.name)}", True
    elif mirror:
        folder = Path(mirror).expanduser()
        # Folders of a mirror may have other names (`gmc`): the checksum says whether it is the right file.
        places = [folder / dataset / raw_file.name, *sorted(folder.glob(f"*/{raw_file.name}"))]
        yield next((place for place in places if place.is_file()), places[0]), True
    for url in raw_file.urls:
        yield url, False


def _get(source: str | Path, raw_file: RawFile, scratch: Path, is_mirror: bool, progress: bool) -> Path:
    """Copy or download one source into `scratch`, unpacked; ValueError or OSError if it cannot be had."""
    target = scratch / "file"
    if isinstance(source, Path):
        if not source.parent.parent.is_dir():
            raise ValueError(f"{source.parent.parent} is not a folder")
        _tell(progress, f"copying {source}")
        shutil.copy(source, target)  # with its permissions: a private file stays private
        return target
    with contextlib.suppress(FileNotFoundError):  # an earlier try that ran out of time may still write to its file
        target.unlink()
    _download(source, target, is_mirror, progress)
    if not urlsplit(source).path.endswith(".zip"):
        return target
    return _extract(target, raw_file.member or raw_file.name, scratch / "member")


def _download(url: str, target: Path, is_mirror: bool, progress: bool) -> None:
    _refuse_insecure(url, is_mirror)

    def refuse_insecure_redirect(response: requests.Response, **_: object) -> None:
        if response.is_redirect:
            _refuse_insecure(urljoin(response.url, response.headers["location"]), is_mirror)

    for attempt in range(1, TRIES + 1):
        meter = _Progress(_shown(url), target, progress)
        download = HTTPDownloader(
            progressbar=meter,
            chunk_size=1 << 16,
            timeout=TIMEOUT,
            headers={"Accept-Encoding": "identity"},  # so that the announced length is the file's
            hooks={"response": refuse_insecure_redirect},
        )
        try:
            return _within_limit(download, url, target, meter)
        except requests.RequestException as error:
            if not _may_pass(error):
                raise
            if attempt == TRIES:
                raise ValueError(f"{_reason(error)} ({TRIES} tries)") from error
            _tell(progress, f"{_shown(url)}: {_reason(error)}; trying again")
            time.sleep(max(BACK_OFF * 2 ** (attempt - 1), _asked_to_wait(error)))


def _within_limit(download: HTTPDownloader, url: str, target: Path, meter: _Progress) -> None:
    """One try; ValueError if it takes longer than LIMIT. What it brings does not depend on that: the digest decides.

    In a thread, because no timeout of the connection ends a server that sends a byte now and then.
    """
    problems: list[Exception] = []

    def attempt() -> None:
        try:
            download(url, target, None)
        except Exception as error:
            problems.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(LIMIT)
    if thread.is_alive():
        meter.stop = True
        raise ValueError(f"not finished after {LIMIT:g} seconds")
    if problems:
        raise problems[0]


def _asked_to_wait(error: requests.RequestException) -> float:
    """Seconds that the server asks to wait (429 and 503 may), at most PATIENCE; 0 if it does not say."""
    asked = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    return min(float(asked), PATIENCE) if asked.isdecimal() else 0.0


def _refuse_insecure(url: str, is_mirror: bool) -> None:
    parts = urlsplit(url)
    loopback = is_mirror and parts.scheme == "http" and _is_loopback(parts.hostname or "")
    if parts.scheme != "https" and not loopback:
        raise ValueError(f"only https addresses are used, not {_shown(url)}")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _extract(archive: Path, member: str, target: Path) -> Path:
    """Write the one named member to `target`; names inside the archive never become paths."""
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as packed, target.open("wb") as file:
            size = opened.getinfo(member).file_size  # what it says: zipfile unpacks no more than that
            if size > LARGEST:
                raise ValueError(f"{member!r} unpacks to {size:,} bytes, more than {LARGEST:,}")
            shutil.copyfileobj(packed, file)
    except KeyError:
        raise ValueError(f"the archive has no member {member!r}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(f"not a readable zip archive ({error})") from error
    return target


def _verify(path: Path, sha256: str) -> None:
    got = file_hash(str(path))
    if got != sha256:
        raise ValueError(f"sha256 differs: got {got} ({path.stat().st_size:,} bytes), expected {sha256}")


def _may_pass(error: requests.RequestException) -> bool:
    """Whether another try may help: a time-out, a connection cut short, too many requests, a fault of the server."""
    if isinstance(error, requests.HTTPError):
        return error.response.status_code == 429 or error.response.status_code >= 500
    return isinstance(error, requests.Timeout) or isinstance(
        _root(error), TimeoutError | ConnectionResetError | ConnectionAbortedError | IncompleteRead
    )


def _root(error: BaseException) -> BaseException:
    """The error at the bottom: requests wraps urllib3, which wraps the socket's own."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.exceptions.ProxyError):
        return "no connection through the proxy that the environment names (HTTPS_PROXY)"
    root = _root(error) if isinstance(error, requests.RequestException) else error
    if isinstance(root, ConnectionRefusedError):
        return "connection refused"
    if isinstance(root, socket.gaierror):
        return "host not found"
    return getattr(root, "strerror", None) or str(root) or type(root).__name__


def _shown(source: str | Path) -> str:
    """An address as messages and logs may show it: without a user's name and password."""
    parts = urlsplit(str(source))
    return str(source).replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1) if "@" in parts.netloc else str(source)


def _remove_stale(folder: Path) -> None:
    for left in folder.glob(".download-*"):
        with contextlib.suppress(OSError):  # another download may remove it at the same time
            if time.time() - left.stat().st_mtime > STALE:
                shutil.rmtree(left)


def _all_failed(dataset: str, raw_file: RawFile, destination: Path, failures: list[str]) -> str:
    lines = [f"could not get {raw_file.name} of {dataset}; sources tried:"]
    lines += [f"  {failure}" for failure in failures] or ["  none: it has no address, and no mirror is set"]
    lines += [
        f"Put the file by hand at {destination}",
        f"  (its sha256 must be {raw_file.sha256}),",
        "or set RECOURSE_DATA_MIRROR to a folder (or base URL) laid out as <dataset>/<file>,",
        f"  here {dataset}/{raw_file.name}.",
    ]
    if destination.exists():
        lines.append("The file that is there now has another sha256 and was not used.")
    return "\n".join(lines)


def _tell(progress: bool, message: str) -> None:
    if progress:
        print(message, file=sys.stderr, flush=True)


class _Progress:
    """A line to standard error at each quarter: readable on a terminal and in a log file. Ends a download too large.

    `total`, `update`, `reset` and `close` are what pooch asks of a progress bar; sizes are in bytes.
    """

    def __init__(self, title: str, target: Path, speaks: bool) -> None:
        self.title, self.target, self.speaks = title, target, speaks
        self.total, self.quarter, self.stop = 0, 0, False
        _tell(speaks, f"{title}: downloading")

    def update(self, _: int) -> None:
        done = self.target.stat().st_size
        if self.stop or max(done, self.total) > LARGEST:
            raise ValueError(f"more than {LARGEST:,} bytes")
        quarter = min(4, 4 * done // self.total) if self.total else 0
        if quarter > self.quarter:
            self.quarter = quarter
            _tell(self.speaks, f"{self.title}: {25 * quarter} % of {self.total / 1e6:.1f} MB")

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass
