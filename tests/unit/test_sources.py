"""Downloads: the order of sources, and that no byte but the published ones is ever put in place."""

import gzip
import hashlib
import io
import re
import socket
import struct
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import pytest

from recourse_segregation import sources
from recourse_segregation.data.dataset import RawFile
from recourse_segregation.errors import SourceError
from recourse_segregation.sources import fetch

CONTENT = b"made,up\n" + b"1,2\n" * 50_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HOST = "https://publisher.invalid"  # stands for the loopback server, see `server`


class Server(ThreadingHTTPServer):
    """Answers each path with the next of the replies planned for it; 404 if there is none."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: dict[str, list] = {}
        self.requests: list[str] = []  # paths that arrived here
        self.over = threading.Event()  # the test is
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def plan(self, path: str, *replies) -> str:
        """Replies in turn, the last one for good: bytes, a status, (status, location), (bytes, headers), or a word:
        "drop" (no answer), "cut" (half a file), "reset" (half, and the connection is torn down), "chunks" (half, of
        unknown length, in chunks that do not end), "short" (half, and the length is not said), "drip" (a byte now and
        then), "silence" or "flood" (no end).
        """
        self.replies[path] = list(replies)
        return HOST + path


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        planned = self.server.replies.get(self.path, [404])
        reply = planned.pop(0) if len(planned) > 1 else planned[0]
        status, body, headers = 200, CONTENT, {}
        if reply == "silence":
            self.server.over.wait(5)
        if reply in ("drop", "silence"):
            return
        if isinstance(reply, int):
            status, body = reply, b""
        elif isinstance(reply, bytes):
            body = reply
        elif isinstance(reply, tuple) and isinstance(reply[0], int):
            status, body, headers = reply[0], b"", {"Location": reply[1]}
        elif isinstance(reply, tuple):
            body, headers = reply
        length = {"chunks": {"Transfer-Encoding": "chunked"}, "short": {}, "flood": {}}
        self.send_response(status)
        for name, value in (headers | length.get(str(reply), {"Content-Length": str(len(body))})).items():
            self.send_header(name, value)
        self.end_headers()
        if reply == "drip":
            while not self.server.over.wait(0.01):
                self.wfile.write(b"1")
        while reply == "flood":
            self.wfile.write(CONTENT)
        if reply == "chunks":
            self.wfile.write(b"%x\r\n" % 1000)
        self.wfile.write(body[:1000] if isinstance(reply, str) else body)
        if reply == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


Handler.log_message = Server.handle_error = lambda *_: None  # what a test makes go wrong is no news


@pytest.fixture
def server(monkeypatch):
    """A loopback server that stands in for HOST: the addresses under test are https and need no network."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(pooch.core.time, "sleep", lambda _: None)  # between tries
    server = Server()

    class Downloader(pooch.HTTPDownloader):
        def __call__(self, url, output_file, pooch):
            known = urlsplit(HOST).hostname, "127.0.0.1", None
            assert urlsplit(url).hostname in known, f"a test must not reach {url}"
            return super().__call__(url.replace(HOST, server.url), output_file, pooch)

    monkeypatch.setattr(sources, "HTTPDownloader", Downloader)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


def raw(*urls: str, **changes) -> RawFile:
    return RawFile(**{"name": "file.csv", "sha256": SHA256, "urls": urls, **changes})


def target(folder: Path) -> Path:
    return folder / "raw" / "made-up" / "file.csv"


def brings(folder: Path, *urls: str, mirror: str | None = None, own: Path | None = None, **changes) -> None:
    """The file arrives whole, and nothing else is left in its folder."""
    destination = target(folder)
    assert fetch("made-up", raw(*urls, **changes), destination, mirror, own) == destination
    assert destination.read_bytes() == CONTENT
    assert [path.name for path in destination.parent.iterdir()] == [destination.name]


def fails(folder: Path, *urls: str, mirror: str | None = None, own: Path | None = None) -> str:
    """No source gives the file, and nothing is left; returns what is said."""
    with pytest.raises(SourceError) as error:
        fetch("made-up", raw(*urls), target(folder), mirror, own)
    assert list(target(folder).parent.iterdir()) == []
    return str(error.value)


# --- one source after another -----------------------------------------------------------------------------


def test_the_next_source_is_tried_after_a_failure_only(server, tmp_path):
    planned = {"/gone": 404, "/other": b"other bytes", "/half": "short", "/good": CONTENT, "/unused": CONTENT}
    brings(tmp_path, *(server.plan(path, reply) for path, reply in planned.items()))
    assert server.requests == ["/gone"] * 3 + ["/other", "/half", "/good"], "wrong bytes are tried once"


@pytest.mark.parametrize("passing", [429, 500, 503, "cut", "drop", "reset", "chunks"])
def test_an_error_that_may_pass_is_tried_three_times(passing, server, tmp_path):
    assert "/never: " in fails(tmp_path, server.plan("/never", passing))
    brings(tmp_path, server.plan("/file", passing, passing, CONTENT))
    assert server.requests == ["/never"] * 3 + ["/file"] * 3


@pytest.mark.parametrize(
    ("endless", "limit", "value", "says", "tries"),
    [
        ("silence", "TIMEOUT", (1.0, 0.05), "timed out", 3),
        ("drip", "LIMIT", 0.2, "/file: not finished after 0.2 seconds", 1),
        *[(reply, "LARGEST", len(CONTENT) - 1, "/file: more than 200,007 bytes", 1) for reply in ("flood", CONTENT)],
    ],
)
def test_a_source_without_end_is_left_for_the_next(endless, limit, value, says, tries, server, tmp_path, monkeypatch):
    with monkeypatch.context() as low:
        low.setattr(sources, limit, value)
        assert says in fails(tmp_path, server.plan("/file", endless))
    brings(tmp_path, server.plan("/next", CONTENT))
    assert server.requests == ["/file"] * tries + ["/next"]


def test_redirects_in_a_circle_end(server, tmp_path):
    server.plan("/made-up/file.csv", (302, "/elsewhere"))
    server.plan("/elsewhere", (302, "/made-up/file.csv"))
    assert "file.csv: Exceeded 30 redirects" in fails(tmp_path, mirror=server.url)
    brings(tmp_path, server.plan("/file", CONTENT), mirror=server.url)


def test_what_a_server_packs_on_the_way_is_unpacked(server, tmp_path):
    """`identity` is asked for, but a server may send gzip all the same."""
    packed = {"Content-Encoding": "gzip"}
    assert "/not-gzip: " in fails(tmp_path, server.plan("/not-gzip", (CONTENT, packed)))
    brings(tmp_path, server.plan("/file", (gzip.compress(CONTENT), packed)))


def test_a_proxy_that_does_not_answer_is_named(server, tmp_path, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, but nobody listens
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        says = fails(tmp_path, server.plan("/file", CONTENT))
    assert "no connection through the proxy that the environment names" in says
    assert server.requests == []


def test_two_downloads_of_the_same_file_do_not_meet(server, tmp_path):
    url, both = server.plan("/file", CONTENT), threading.Barrier(2)

    def download(_: int) -> None:
        both.wait(10)
        fetch("made-up", raw(url), target(tmp_path))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(download, range(2), timeout=30))
    brings(tmp_path)


def test_a_file_that_is_there_is_left_alone_replaced_or_pointed_out(server, tmp_path):
    url = server.plan("/file", CONTENT)
    brings(tmp_path, url)
    before = target(tmp_path).stat()
    brings(tmp_path, url)
    after = target(tmp_path).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert server.requests == ["/file"]
    target(tmp_path).write_bytes(b"bad")
    with pytest.raises(SourceError, match="The file that is there now has another sha256"):
        fetch("made-up", raw(server.plan("/gone", 404)), target(tmp_path))
    brings(tmp_path, url)


# --- the user's mirror, and the user's own file -----------------------------------------------------------


@pytest.mark.parametrize("folder", ["made-up", "another-name"])
def test_a_mirror_folder_comes_first(folder, server, tmp_path):
    place = tmp_path / "mirror" / folder / "file.csv"
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    url, mirror = server.plan("/file", CONTENT), str(tmp_path / "mirror")
    brings(tmp_path, url, mirror=mirror)
    assert place.read_bytes() == CONTENT
    assert server.requests == []
    place.write_bytes(b"other")
    target(tmp_path).unlink()
    brings(tmp_path, url, mirror=mirror)
    assert server.requests == ["/file"], "a mirror with other bytes is passed over"


def test_a_mirror_address_comes_first_and_an_empty_one_is_none(server, tmp_path):
    server.plan("/base/made-up/file.csv", (302, "/moved"))
    server.plan("/moved", CONTENT)
    url = server.plan("/file", CONTENT)
    brings(tmp_path, url, mirror=f"{server.url}/base/")
    assert server.requests == ["/base/made-up/file.csv", "/moved"]
    target(tmp_path).unlink()
    brings(tmp_path, url, mirror="")
    assert server.requests[2:] == ["/file"]


@pytest.mark.parametrize("change", ["edited", "gone", "a folder", "below a file"])
def test_an_own_file_is_copied_whole_or_not_at_all(change, tmp_path):
    own = tmp_path / "mine"
    if change == "a folder":
        own.mkdir()
    elif change != "gone":
        own.write_bytes(CONTENT[:-1])
    if change == "below a file":
        own = own / "file.csv"
    assert re.search(rf"made-up could not be copied: {own}: .*correct `file` or `sha256`", fails(tmp_path, own=own))


def test_an_own_file_keeps_its_permissions_and_needs_no_source(tmp_path):
    own = tmp_path / "file.csv"
    own.write_bytes(CONTENT)
    own.chmod(0o600)
    brings(tmp_path, mirror=str(tmp_path / "no"), own=own)
    assert target(tmp_path).stat().st_mode & 0o777 == 0o600


# --- only https -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://publisher.invalid/file", "ftp://publisher.invalid/file", "file:///etc"])
def test_other_schemes_are_refused(url, server, tmp_path):
    assert "only https" in fails(tmp_path, url)
    assert "only https" in fails(tmp_path, mirror=url)
    assert server.requests == []


def test_plain_http_is_for_a_mirror_on_loopback_only_and_no_redirect_leads_there(server, tmp_path):
    server.plan("/file", CONTENT)
    assert "only https" in fails(tmp_path, f"{server.url}/file")
    url = server.plan("/moved", (302, f"{server.url}/file"))
    assert "/moved: only https addresses are used, not http://127.0.0.1" in fails(tmp_path, url)
    server.plan("/made-up/file.csv", (302, "http://publisher.invalid/file"))
    says = fails(tmp_path, mirror=server.url)
    assert "only https addresses are used, not http://publisher.invalid/file" in says
    assert server.requests == ["/moved", "/made-up/file.csv"]


@pytest.mark.parametrize("reply", [500, 404, "drop", (302, "http://me:secret@publisher.invalid/x"), b"other"])
def test_a_password_in_an_address_is_not_shown(reply, server, tmp_path, capsys):
    mirror = server.url.replace("//", "//me:secret@")
    server.plan("/made-up/file.csv", reply)
    urls = "http://me:secret@publisher.invalid/file", "https://me:secret@/no-host"
    says = fails(tmp_path, *urls, mirror=mirror)
    assert re.search(r"http://127\.0\.0\.1:\d+/made-up/file\.csv: ", says)
    assert "secret" not in says + "".join(capsys.readouterr())


# --- archives ---------------------------------------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def linked() -> bytes:
    """An archive whose member is a symbolic link, as Unix packs it."""
    entry, packed = zipfile.ZipInfo("file.csv"), io.BytesIO()
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return packed.getvalue()


ESCAPING = ("../../escaped.csv", "/etc/escaped.csv", "C:\\escaped.csv", "a/../../../escaped.csv", "in/side.csv")
BOMB = zipped(**{"file.csv": bytes(10_000_000)})  # small, and unpacks to much more
LIE = BOMB.replace(struct.pack("<I", 10_000_000), struct.pack("<I", 500))  # and says that it does not


@pytest.mark.parametrize("member", ["file.csv", *ESCAPING])
def test_the_named_member_is_taken_and_never_becomes_a_path(member, server, tmp_path):
    members = {"other.csv": b"no"} | dict.fromkeys(ESCAPING, b"evil") | {member: CONTENT}
    brings(tmp_path, server.plan("/all.zip", zipped(**members)), name=member)
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (zipped(**{"other.csv": CONTENT}), "'file.csv' cannot be taken from the archive (\"There is no item"),
        (zipped(**{"file.csv": b"other"}), "sha256 differs"),
        (zipped(**{"file.csv": CONTENT})[:-40], "cannot be taken from the archive (File is not a zip file"),
        (b"<html>sign in</html>", "cannot be taken from the archive (File is not a zip file"),
        (linked(), "(11 bytes), expected"),  # a link is text
        (BOMB, "'file.csv' unpacks to 10,000,000 bytes, more than 1,000,000"),
        (LIE, "cannot be taken from the archive"),
    ],
)
def test_a_bad_archive_is_a_failed_source_and_not_unpacked_further(archive, reason, server, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", 1_000_000)
    written = []
    monkeypatch.setattr(sources.shutil, "copyfileobj", lambda packed, file: written.append(file.write(packed.read())))
    assert len(archive) < 100_000
    assert reason in fails(tmp_path, server.plan("/all.zip", archive))
    assert sum(written) <= 500


# --- what is said -----------------------------------------------------------------------------------------


def test_the_message_lists_every_source_and_the_place_and_wrong_bytes_are_never_kept(server, tmp_path, capsys):
    wrong = [b"", CONTENT[:-1], CONTENT + b"\n", b"<html>sign in</html>"]
    urls = [server.plan(f"/{number}", reply) for number, reply in enumerate([404, *wrong, 503])]
    mirror = tmp_path / "no-such-folder"
    message = fails(tmp_path, *urls, mirror=str(mirror))
    for says in (
        f"{mirror}/made-up/file.csv: No such file",
        f"{urls[0]}: HTTP 404\n",
        f"{urls[5]}: HTTP 503",
        f"Put the file by hand at {target(tmp_path)}",
        f"its sha256 must be {SHA256}",
        "or set RECOURSE_DATA_MIRROR to a folder",
        "here made-up/file.csv",
    ):
        assert says in message
    for url, content in zip(urls[1:5], wrong, strict=True):
        got = f"got {hashlib.sha256(content).hexdigest()} ({len(content):,} bytes)"
        assert f"{url}: sha256 differs: {got}, expected {SHA256}" in message
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[2:5] == [f"{urls[0]}: fetching", f"{urls[0]}: HTTP 404", f"{urls[1]}: fetching"]
    assert "none: it has no address, and no mirror is set" in fails(tmp_path)


def test_a_refused_connection_is_named(server, tmp_path):
    server.shutdown()
    server.server_close()
    assert "/file: Connection refused\n" in fails(tmp_path, HOST + "/file")


def test_a_place_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "raw").write_text("a file where a folder must be")
    for destination in (target(tmp_path), tmp_path):
        with pytest.raises(SourceError, match=f"cannot write {destination}"):
            fetch("made-up", raw(server.plan("/file", CONTENT)), destination)
