"""Downloads: the order of sources, and that no byte but the published ones is ever put in place."""

import gzip
import hashlib
import io
import os
import socket
import struct
import threading
import zipfile
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

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: dict[str, list] = {}
        self.requests: list[str] = []  # paths that arrived here
        self.tries: list[str] = []  # addresses that were tried, even if nobody listens
        self.over = threading.Event()  # the test is
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def plan(self, path: str, *replies) -> str:
        """Replies in turn, the last one for good: bytes, a status, (status, location), (bytes, headers), or a word:
        "drop" (no answer), "cut" (half a file), "reset" (half, and the connection is torn down), "chunks" (half, of
        unknown length, in chunks that do not end), "short" (half, and the length is not said), "drip" (a byte now and
        then) or "flood" (no end).
        """
        self.replies[path] = list(replies)
        return HOST + path

    def handle_error(self, request, client_address):
        pass


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        planned = self.server.replies.get(self.path, [404])
        reply = planned.pop(0) if len(planned) > 1 else planned[0]
        if reply == "drop":  # close without an answer
            return
        status, body, headers = 200, b"", {}
        if isinstance(reply, tuple):
            first, second = reply
            status, body = (first, b"") if isinstance(first, int) else (200, first)
            headers = second if isinstance(second, dict) else {"Location": second}
        elif isinstance(reply, int):
            status = reply
        elif isinstance(reply, bytes):
            body = reply
        else:
            body = CONTENT
        self.send_response(status)
        if reply == "chunks":
            headers["Transfer-Encoding"] = "chunked"
        elif reply not in ("short", "flood"):
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
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

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """A loopback server that stands in for HOST: the addresses under test are https and need no network."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(sources, "BACK_OFF", 0.0)
    server = Server()

    class Downloader(pooch.HTTPDownloader):
        def __call__(self, url, output_file, pooch):
            assert urlsplit(url).hostname in (urlsplit(HOST).hostname, "127.0.0.1"), f"a test must not reach {url}"
            server.tries.append(url)
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


def only_file(destination: Path) -> bool:
    """Whether nothing but the file itself is left in its folder."""
    return [path.name for path in destination.parent.iterdir()] == [destination.name]


def test_the_canonical_address_comes_first(server, tmp_path):
    urls = server.plan("/canonical", CONTENT), server.plan("/mirror", CONTENT)
    assert fetch("made-up", raw(*urls), target(tmp_path), progress=False) == target(tmp_path)
    assert target(tmp_path).read_bytes() == CONTENT
    assert only_file(target(tmp_path))
    assert server.requests == ["/canonical"]


def test_the_next_source_is_tried_after_a_failure(server, tmp_path):
    urls = [
        server.plan("/gone", 404),
        server.plan("/other", b"other bytes"),
        server.plan("/good", CONTENT),
        server.plan("/unused", CONTENT),
    ]
    fetch("made-up", raw(*urls), target(tmp_path), progress=False)
    assert target(tmp_path).read_bytes() == CONTENT
    assert server.requests == ["/gone", "/other", "/good"], "404 and wrong bytes are tried once"


@pytest.mark.parametrize("passing", [429, 500, 503, "cut", "drop", "reset", "chunks"])
def test_an_error_that_may_pass_is_tried_three_times(passing, server, tmp_path):
    url = server.plan("/file", passing, passing, CONTENT)
    fetch("made-up", raw(url), target(tmp_path), progress=False)
    assert target(tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 3
    url = server.plan("/never", passing)
    with pytest.raises(SourceError, match=r"/never: .*\(3 tries\)"):
        fetch("made-up", raw(url), tmp_path / "never.csv", progress=False)
    assert server.requests.count("/never") == 3
    assert not (tmp_path / "never.csv").exists()


def test_the_wait_between_tries_grows(server, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr(sources, "BACK_OFF", 1.0)
    monkeypatch.setattr(sources.time, "sleep", waits.append)
    fetch("made-up", raw(server.plan("/file", 502, 502, CONTENT)), target(tmp_path), progress=False)
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize(
    ("asked", "waits"), [("7", [7.0, 7.0]), ("1", [1.0, 2.0]), ("3600", [60.0, 60.0]), ("soon", [1.0, 2.0])]
)
def test_a_server_that_asks_to_wait_is_waited_for(asked, waits, server, tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(sources, "BACK_OFF", 1.0)
    monkeypatch.setattr(sources.time, "sleep", waited.append)
    busy = (429, {"Retry-After": asked}), (503, {"Retry-After": asked})
    fetch("made-up", raw(server.plan("/file", *busy, CONTENT)), target(tmp_path), progress=False)
    assert waited == waits


def test_a_server_that_drips_is_left_for_the_next_source(server, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LIMIT", 0.2)
    slow = server.plan("/slow", "drip")
    with pytest.raises(SourceError, match=r"/slow: not finished after 0\.2 seconds"):
        fetch("made-up", raw(slow), target(tmp_path), progress=False)
    assert list(target(tmp_path).parent.iterdir()) == []
    monkeypatch.setattr(sources, "LIMIT", 5.0)
    fetch("made-up", raw(server.plan("/file", CONTENT)), target(tmp_path), progress=False)
    assert target(tmp_path).read_bytes() == CONTENT
    assert server.requests == ["/slow", "/file"], "a slow source is tried once"


@pytest.mark.parametrize("endless", ["flood", CONTENT])
def test_a_file_without_end_does_not_fill_the_disk(endless, server, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", len(CONTENT) - 1)
    with pytest.raises(SourceError, match=f"/file: more than {len(CONTENT) - 1:,} bytes"):
        fetch("made-up", raw(server.plan("/file", endless)), target(tmp_path), progress=False)
    assert list(target(tmp_path).parent.iterdir()) == []
    assert len(server.requests) == 1


def test_a_half_that_does_not_say_so_is_wrong_bytes(server, tmp_path):
    """Without a length, a file that ends early looks whole: the digest says that it is not."""
    urls = server.plan("/half", "short"), server.plan("/whole", CONTENT)
    with pytest.raises(SourceError, match=r"/half: sha256 differs: got \w+ \(1,000 bytes\)"):
        fetch("made-up", raw(urls[0]), target(tmp_path), progress=False)
    fetch("made-up", raw(*urls), target(tmp_path), progress=False)
    assert target(tmp_path).read_bytes() == CONTENT


def test_redirects_in_a_circle_end(server, tmp_path):
    server.plan("/made-up/file.csv", (302, "/elsewhere"))
    server.plan("/elsewhere", (302, "/made-up/file.csv"))
    url = server.plan("/file", CONTENT)
    fetch("made-up", raw(url), target(tmp_path), mirror=server.url, progress=False)
    assert target(tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 32, "30 redirects, and the next source"
    with pytest.raises(SourceError, match=r"file\.csv: Exceeded 30 redirects"):
        fetch("made-up", raw(), tmp_path / "again.csv", mirror=server.url, progress=False)


def test_what_a_server_packs_on_the_way_is_unpacked(server, tmp_path):
    """`identity` is asked for, but a server may send gzip all the same."""
    url = server.plan("/file", (gzip.compress(CONTENT), {"Content-Encoding": "gzip"}))
    fetch("made-up", raw(url), target(tmp_path), progress=False)
    assert target(tmp_path).read_bytes() == CONTENT
    url = server.plan("/not-gzip", (CONTENT, {"Content-Encoding": "gzip"}))
    with pytest.raises(SourceError, match="/not-gzip: "):
        fetch("made-up", raw(url), tmp_path / "second.csv", progress=False)


def test_a_proxy_that_does_not_answer_is_named(server, tmp_path, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, but nobody listens
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setenv("http_proxy", os.environ["HTTP_PROXY"])
        with pytest.raises(SourceError, match="no connection through the proxy that the environment names"):
            fetch("made-up", raw(server.plan("/file", CONTENT)), target(tmp_path), progress=False)
    assert server.requests == []


def test_two_downloads_of_the_same_file_do_not_meet(server, tmp_path):
    url = server.plan("/file", CONTENT)
    both, problems = threading.Barrier(2), []

    def download():
        try:
            both.wait(10)
            fetch("made-up", raw(url), target(tmp_path), progress=False)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=download) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == []
    assert target(tmp_path).read_bytes() == CONTENT
    assert only_file(target(tmp_path))


def test_what_a_killed_download_left_behind_is_removed_later(server, tmp_path):
    left, other = (target(tmp_path).parent / name for name in (".download-killed", ".download-running"))
    for folder in (left, other):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"half")
    os.utime(left, (0, 0))
    fetch("made-up", raw(server.plan("/file", CONTENT)), target(tmp_path), progress=False)
    assert sorted(path.name for path in target(tmp_path).parent.iterdir()) == [".download-running", "file.csv"]


def test_silence_times_out(server, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "TIMEOUT", (1.0, 0.05))
    release = threading.Event()
    monkeypatch.setattr(Handler, "do_GET", lambda self: release.wait(5))
    try:
        with pytest.raises(SourceError, match=r"timed out \(3 tries\)"):
            fetch("made-up", raw(HOST + "/file"), target(tmp_path), progress=False)
    finally:
        release.set()


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"\n", b"<html>sign in</html>"])
def test_wrong_bytes_are_never_kept(content, server, tmp_path):
    with pytest.raises(SourceError) as error:
        fetch("made-up", raw(server.plan("/file", content)), target(tmp_path), progress=False)
    got = hashlib.sha256(content).hexdigest()
    assert f"sha256 differs: got {got} ({len(content):,} bytes), expected {SHA256}" in str(error.value)
    assert list(target(tmp_path).parent.iterdir()) == []
    assert len(server.requests) == 1


def test_an_existing_good_file_is_left_alone(server, tmp_path):
    target(tmp_path).parent.mkdir(parents=True)
    target(tmp_path).write_bytes(CONTENT)
    before = target(tmp_path).stat()
    fetch("made-up", raw(server.plan("/file", CONTENT)), target(tmp_path), progress=False)
    after = target(tmp_path).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert server.requests == []


def test_an_existing_bad_file_is_replaced(server, tmp_path):
    target(tmp_path).parent.mkdir(parents=True)
    target(tmp_path).write_bytes(b"bad")
    fetch("made-up", raw(server.plan("/file", CONTENT)), target(tmp_path), progress=False)
    assert target(tmp_path).read_bytes() == CONTENT
    assert only_file(target(tmp_path))


def test_an_existing_bad_file_that_cannot_be_replaced_is_pointed_out(server, tmp_path):
    target(tmp_path).parent.mkdir(parents=True)
    target(tmp_path).write_bytes(b"bad")
    with pytest.raises(SourceError, match="The file that is there now has another sha256"):
        fetch("made-up", raw(server.plan("/file", 404)), target(tmp_path), progress=False)


# --- the user's mirror ------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["made-up", "another-name"])
def test_a_mirror_folder_comes_first(folder, server, tmp_path):
    place = tmp_path / "mirror" / folder / "file.csv"
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    url = server.plan("/file", CONTENT)
    fetch("made-up", raw(url), target(tmp_path), mirror=str(tmp_path / "mirror"), progress=False)
    assert target(tmp_path).read_bytes() == CONTENT
    assert place.read_bytes() == CONTENT
    assert server.requests == []


def test_a_mirror_address_comes_first(server, tmp_path):
    server.plan("/base/made-up/file.csv", CONTENT)
    url = server.plan("/file", CONTENT)
    fetch("made-up", raw(url), target(tmp_path), mirror=f"{server.url}/base/", progress=False)
    assert target(tmp_path).read_bytes() == CONTENT
    assert server.requests == ["/base/made-up/file.csv"]


def test_a_mirror_with_other_bytes_is_passed_over(server, tmp_path):
    place = tmp_path / "mirror" / "made-up" / "file.csv"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"other")
    url = server.plan("/file", CONTENT)
    fetch("made-up", raw(url), target(tmp_path), mirror=str(tmp_path / "mirror"), progress=False)
    assert target(tmp_path).read_bytes() == CONTENT


def test_no_mirror_is_the_same_as_an_empty_one(server, tmp_path):
    fetch("made-up", raw(server.plan("/file", CONTENT)), target(tmp_path), mirror="", progress=False)
    assert server.requests == ["/file"]


# --- only https -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://publisher.invalid/file", "ftp://publisher.invalid/file", "file:///etc"])
def test_other_schemes_are_refused(url, server, tmp_path):
    with pytest.raises(SourceError, match="only https"):
        fetch("made-up", raw(url), target(tmp_path), progress=False)
    with pytest.raises(SourceError, match="only https"):
        fetch("made-up", raw(), target(tmp_path), mirror=url, progress=False)
    assert server.requests == []


def test_plain_http_on_loopback_is_for_the_mirror_only(server, tmp_path):
    server.plan("/file", CONTENT)
    with pytest.raises(SourceError, match="only https"):
        fetch("made-up", raw(f"{server.url}/file"), target(tmp_path), progress=False)
    assert server.requests == []


def test_a_redirect_to_plain_http_is_refused(server, tmp_path):
    server.plan("/file", CONTENT)
    url = server.plan("/moved", (302, f"{server.url}/file"))
    with pytest.raises(SourceError, match=r"/moved: only https addresses are used, not http://127\.0\.0\.1"):
        fetch("made-up", raw(url), target(tmp_path), progress=False)
    assert server.requests == ["/moved"]
    assert not target(tmp_path).exists()


def test_a_redirect_from_a_mirror_to_plain_http_elsewhere_is_refused(server, tmp_path):
    server.plan("/made-up/file.csv", (302, "http://publisher.invalid/file"))
    with pytest.raises(SourceError, match=r"only https addresses are used, not http://publisher\.invalid/file"):
        fetch("made-up", raw(), target(tmp_path), mirror=server.url, progress=False)


def test_a_password_in_an_address_is_not_shown(server, tmp_path, capsys):
    mirror = server.url.replace("//", "//me:secret@")
    server.plan("/made-up/file.csv", 500)
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:\d+/made-up/file\.csv: HTTP 500") as error:
        fetch("made-up", raw("http://me:secret@publisher.invalid/file"), target(tmp_path), mirror=mirror)
    assert "secret" not in str(error.value) + "".join(capsys.readouterr())


def test_a_redirect_within_a_loopback_mirror_is_followed(server, tmp_path):
    server.plan("/made-up/file.csv", (302, "/file"))
    server.plan("/file", CONTENT)
    fetch("made-up", raw(), target(tmp_path), mirror=server.url, progress=False)
    assert target(tmp_path).read_bytes() == CONTENT


# --- archives ---------------------------------------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_the_named_member_is_taken_from_an_archive(server, tmp_path):
    url = server.plan("/all.zip", zipped(**{"other.csv": b"no", "file.csv": CONTENT, "in/side.csv": CONTENT}))
    fetch("made-up", raw(url), target(tmp_path), progress=False)
    assert target(tmp_path).read_bytes() == CONTENT
    assert only_file(target(tmp_path))
    fetch("made-up", raw(url, member="in/side.csv"), tmp_path / "second.csv", progress=False)
    assert (tmp_path / "second.csv").read_bytes() == CONTENT


def test_a_member_never_becomes_a_path(server, tmp_path):
    url = server.plan("/evil.zip", zipped(**{"../../escaped.csv": CONTENT}))
    fetch("made-up", raw(url, member="../../escaped.csv"), target(tmp_path), progress=False)
    assert target(tmp_path).read_bytes() == CONTENT
    assert not list(tmp_path.rglob("escaped.csv"))


def bomb() -> bytes:
    """A small archive whose member unpacks to much more."""
    return zipped(**{"file.csv": bytes(10_000_000)})


def test_an_archive_may_not_fill_the_disk(server, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", 1_000_000)
    assert len(bomb()) < 100_000
    with pytest.raises(SourceError, match=r"'file\.csv' unpacks to 10,000,000 bytes, more than 1,000,000"):
        fetch("made-up", raw(server.plan("/bomb.zip", bomb())), target(tmp_path), progress=False)
    assert list(target(tmp_path).parent.iterdir()) == []


def test_an_archive_that_lies_about_its_size_is_not_unpacked_further(server, tmp_path, monkeypatch):
    lie = bomb().replace(struct.pack("<I", 10_000_000), struct.pack("<I", 500))
    written = []
    monkeypatch.setattr(sources.shutil, "copyfileobj", lambda packed, _: written.append(len(packed.read())))
    with pytest.raises(SourceError, match="not a readable zip archive"):
        fetch("made-up", raw(server.plan("/lie.zip", lie)), target(tmp_path), progress=False)
    assert all(size <= 500 for size in written)


@pytest.mark.parametrize("name", ["/etc/escaped.csv", "C:\\escaped.csv", "a/../../../escaped.csv"])
def test_an_absolute_name_in_an_archive_stays_a_name(name, server, tmp_path):
    url = server.plan("/evil.zip", zipped(**{name: b"evil", "file.csv": CONTENT}))
    fetch("made-up", raw(url), target(tmp_path), progress=False)
    assert only_file(target(tmp_path))
    assert not list(tmp_path.rglob("*escaped*"))


def test_a_link_in_an_archive_is_text(server, tmp_path):
    entry = zipfile.ZipInfo("file.csv")
    entry.create_system, entry.external_attr = 3, 0o120777 << 16  # a symbolic link, as Unix packs it
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(SourceError, match=r"sha256 differs: got \w+ \(11 bytes\)"):
        fetch("made-up", raw(server.plan("/link.zip", packed.getvalue())), target(tmp_path), progress=False)
    assert list(target(tmp_path).parent.iterdir()) == []


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (zipped(**{"other.csv": CONTENT}), "the archive has no member 'file.csv'"),
        (zipped(**{"file.csv": b"other"}), "sha256 differs"),
        (zipped(**{"file.csv": CONTENT})[:-40], "not a readable zip archive"),
        (b"<html>sign in</html>", "not a readable zip archive"),
    ],
)
def test_a_bad_archive_is_a_failed_source(archive, reason, server, tmp_path):
    with pytest.raises(SourceError, match=reason):
        fetch("made-up", raw(server.plan("/all.zip", archive)), target(tmp_path), progress=False)
    assert list(target(tmp_path).parent.iterdir()) == []


# --- when nothing works -----------------------------------------------------------------------------------


def test_the_message_lists_every_source_and_the_place(server, tmp_path):
    urls = [server.plan("/gone", 404), server.plan("/other", b"other"), server.plan("/down", 503)]
    mirror = tmp_path / "no-such-folder"
    with pytest.raises(SourceError) as error:
        fetch("made-up", raw(*urls), target(tmp_path), mirror=str(mirror), progress=False)
    message = str(error.value)
    assert f"{mirror}/made-up/file.csv: {mirror} is not a folder" in message
    assert f"{urls[0]}: HTTP 404\n" in message
    assert f"{urls[1]}: sha256 differs" in message
    assert f"{urls[2]}: HTTP 503 (3 tries)" in message
    assert str(target(tmp_path)) in message
    assert SHA256 in message
    assert "RECOURSE_DATA_MIRROR" in message
    assert "made-up/file.csv" in message


def test_a_refused_connection_is_named_and_not_repeated(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(SourceError, match="/file: connection refused\n"):
        fetch("made-up", raw(HOST + "/file"), target(tmp_path), progress=False)
    assert server.tries == [HOST + "/file"]


def test_an_empty_mirror_folder_says_what_is_not_there(tmp_path):
    with pytest.raises(SourceError, match=r"made-up/file.csv: No such file"):
        fetch("made-up", raw(), target(tmp_path), mirror=str(tmp_path), progress=False)


def test_without_any_source_the_message_says_so(tmp_path):
    with pytest.raises(SourceError, match="none: it has no address, and no mirror is set"):
        fetch("made-up", raw(), target(tmp_path), progress=False)


def test_a_place_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "raw").write_text("a file where a folder must be")
    with pytest.raises(SourceError, match=r"cannot write .*file\.csv"):
        fetch("made-up", raw(server.plan("/file", CONTENT)), target(tmp_path), progress=False)
    with pytest.raises(SourceError, match="cannot write"):
        fetch("made-up", raw(server.plan("/file", CONTENT)), tmp_path, progress=False)


# --- progress ---------------------------------------------------------------------------------------------


def test_progress_goes_to_standard_error_in_few_lines(server, tmp_path, capsys):
    fetch("made-up", raw(server.plan("/gone", 404), server.plan("/file", CONTENT)), target(tmp_path))
    out, err = capsys.readouterr()
    assert out == ""
    assert "HTTP 404; going on to the next source" in err
    assert [line for line in err.splitlines() if "100 % of 0.2 MB" in line]
    assert len(err.splitlines()) <= 7
    fetch("made-up", raw(server.plan("/file", CONTENT)), tmp_path / "quiet.csv", progress=False)
    assert capsys.readouterr() == ("", "")


def test_a_file_that_changed_after_its_download_is_not_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"what was downloaded")
    digest = hashlib.sha256(b"what was downloaded").hexdigest()
    folder = sources.Checked(tmp_path, {"a.csv": digest, "b.csv": digest})
    assert (folder / "a.csv").read_bytes() == b"what was downloaded"
    (tmp_path / "a.csv").write_bytes(b"what was")
    with pytest.raises(SourceError, match=r"a\.csv changed since its download .*delete .* and run again"):
        (folder / "a.csv").read_bytes()
    with pytest.raises(SourceError, match=r"b\.csv is gone"):
        (folder / "b.csv").read_bytes()
