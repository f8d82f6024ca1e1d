"""Raw files from their publishers: one source after another, and only the bytes with the published sha256."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import requests
from pooch import HTTPDownloader, file_hash
from pooch.core import stream_download

from .data.dataset import RawFile
from .errors import SourceError

TRIES = 3  # per address: pooch waits a second or two and tries again
TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds of silence
LIMIT = 1800.0  # seconds for one try, however much a slow server still sends
LARGEST = 1 << 30  # bytes of a file, packed or not: no server and no archive fills the disk


def fetch(
    dataset: str, raw_file: RawFile, destination: Path, mirror: str | None = None, own: Path | None = None
) -> Path:
    """Bring `raw_file` of the data set called `dataset` to the path `destination`; returns that path.

    Sources in order: `mirror` (a folder or a base URL laid out as `<dataset>/<file>`), then `raw_file.urls`.
    A file that is already there is kept if its sha256 is right and replaced if not. Other bytes than the
    published ones are never put in place. A file of the user's `own` is copied, in place of all these sources.

    Raises SourceError, with every source and its failure, if none gives the published bytes.
    """
    failures = []
    try:
        if destination.is_file() and file_hash(str(destination)) == raw_file.sha256:
            return destination
        destination.parent.mkdir(parents=True, exist_ok=True)
        for source, is_mirror in [(own, False)] if own else _sources(dataset, raw_file, mirror):
            # A folder beside the destination: the same file system, so that os.replace is one step.
            with tempfile.TemporaryDirectory(prefix=".download-", dir=destination.parent) as scratch:
                try:
                    found = _get(source, is_mirror, raw_file, Path(scratch))
                except (OSError, ValueError) as error:
                    failures.append(f"{source}: {_reason(error)}".replace(str(source), _shown(source)))
                    _say(failures[-1])
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
    tried = "".join(f"\n  {failure}" for failure in failures) or "\n  none: it has no address, and no mirror is set"
    unused = "\nThe file that is there now has another sha256 and was not used." if destination.exists() else ""
    raise SourceError(
        f"could not get {raw_file.name} of {dataset}; sources tried:{tried}\n"
        f"Put the file by hand at {destination}\n"
        f"  (its sha256 must be {raw_file.sha256}),\n"
        f"or set RECOURSE_DATA_MIRROR to a folder (or base URL) laid out as <dataset>/<file>,\n"
        f"  here {dataset}/{raw_file.name}.{unused}"
    )


def _sources(dataset: str, raw_file: RawFile, mirror: str | None) -> Iterator[tuple[str | Path, bool]]:
    """Paths and addresses in the order in which they are tried, and whether each is the user's mirror."""
    if mirror and "://" in mirror:
        yield f"{mirror.rstrip('/')}/{quote(dataset)}/{quote(raw_file.name)}", True
    elif mirror:
        folder = Path(mirror).expanduser()
        # Folders of a mirror may have other names (`gmc`): the checksum says whether it is the right file.
        places = [folder / dataset / raw_file.name, *sorted(folder.glob(f"*/{raw_file.name}"))]
        yield next((place for place in places if place.is_file()), places[0]), True
    for url in raw_file.urls:
        yield url, False


def _get(source: str | Path, is_mirror: bool, raw_file: RawFile, scratch: Path) -> Path:
    """Copy or download one source into `scratch`, unpacked; ValueError or OSError if it has not the right bytes."""
    found = scratch / "file"
    _say(f"{_shown(source)}: fetching")
    if isinstance(source, Path):
        shutil.copy(source, found)  # with its permissions: a private file stays private
    else:
        _download(source, is_mirror, found)
        if urlsplit(source).path.endswith(".zip"):
            found = _extract(found, raw_file.name, scratch / "member")
    got = file_hash(str(found))
    if got != raw_file.sha256:
        size = found.stat().st_size
        raise ValueError(f"sha256 differs: got {got} ({size:,} bytes), expected {raw_file.sha256}")
    return found


def _download(url: str, is_mirror: bool, target: Path) -> None:
    """Write what the address gives to `target`; OSError, without another try, for what we refuse ourselves."""
    _refuse_insecure(url, is_mirror)

    def follow(response: requests.Response, **_: object) -> None:
        if response.is_redirect:
            _refuse_insecure(urljoin(response.url, response.headers["location"]), is_mirror)

    def once(url: str, file: str, _: object) -> None:
        # Not packed on the way, so that the length that is announced is the file's.
        options = {"timeout": TIMEOUT, "headers": {"Accept-Encoding": "identity"}, "hooks": {"response": follow}}
        download = HTTPDownloader(progressbar=_Meter(Path(file)), chunk_size=1 << 16, **options)
        _within_limit(lambda: download(url, file, None))

    stream_download(url, target, None, once, retry_if_failed=TRIES - 1)


def _within_limit(work: Callable[[], None]) -> None:
    """One try; OSError if it takes longer than LIMIT.

    In a thread, because no timeout of the connection ends a server that sends a byte now and then.
    """
    outcome: Future[None] = Future()

    def attempt() -> None:
        try:
            outcome.set_result(work())
        except Exception as error:
            outcome.set_exception(error)

    threading.Thread(target=attempt, daemon=True).start()
    if not wait([outcome], LIMIT).done:
        raise OSError(f"not finished after {LIMIT:g} seconds")
    outcome.result()


class _Meter:
    """Ends a download that is too large. What pooch asks of a progress bar; sizes are in bytes."""

    def __init__(self, target: Path) -> None:
        self.target, self.total = target, 0

    def update(self, _: int) -> None:
        size = self.target.stat().st_size  # after LIMIT the file is gone, which ends the thread
        if max(size, self.total) > LARGEST:
            raise OSError(f"more than {LARGEST:,} bytes")

    def reset(self) -> None:
        pass

    close = reset


def _refuse_insecure(url: str, is_mirror: bool) -> None:
    parts = urlsplit(url)
    on_this_machine = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (is_mirror and on_this_machine):
        raise OSError(f"only https addresses are used, not {_shown(url)}")


def _extract(archive: Path, member: str, target: Path) -> Path:
    """Write the one named member to `target`; names inside the archive never become paths."""
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as packed, target.open("wb") as file:
            size = opened.getinfo(member).file_size  # what it says: zipfile unpacks no more than that
            if size > LARGEST:
                raise ValueError(f"{member!r} unpacks to {size:,} bytes, more than {LARGEST:,}")
            shutil.copyfileobj(packed, file)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(f"{member!r} cannot be taken from the archive ({error})") from error
    return target


def _reason(error: Exception) -> str:
    """Why a source failed, in a few words."""
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.exceptions.ProxyError):
        return "no connection through the proxy that the environment names (HTTPS_PROXY)"
    root: BaseException = error
    while isinstance(error, requests.RequestException) and (cause := root.__cause__ or root.__context__):
        root = cause  # requests wraps urllib3, which wraps the socket's own
    return getattr(root, "strerror", None) or str(root) or type(root).__name__


def _shown(source: str | Path) -> str:
    """An address as messages and logs may show it: without a user's name and password."""
    parts = urlsplit(str(source))
    return str(source).replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1) if "@" in parts.netloc else str(source)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
