"""Files that are there in full or not at all, and one run at a time in a folder."""

import errno
import os
import signal
import subprocess
import sys
from unittest.mock import Mock

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest

from recourse_segregation import classifiers, contracts, exhibits, files, pages
from recourse_segregation.errors import RecourseError

NOTEBOOK = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A title\n\nA sentence.", id="opening")])
TABLE = pd.DataFrame({"seed": [0], "individual": [1], "margin": [0.5], "accepted": [True]})


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def python(code, argument, **options):
    """Another process that runs `code` with `files` and `os` at hand."""
    code = f"import os, signal, sys\nfrom recourse_segregation import files\n{code}"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", code, argument], env=env, text=True, **options)


def test_a_file_is_written_with_its_folder_and_replaced_and_may_be_read_by_others(tmp_path):
    path = tmp_path / "a" / "b.txt"
    for content, bytes_ in (("größer", "größer".encode()), (b"\x00", b"\x00")):
        files.write(path, content)
        assert path.read_bytes() == bytes_
    assert names(tmp_path) == ["b.txt"]
    (tmp_path / "plain").write_text("")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_process_killed_while_it_writes_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    files.write(path, "old")
    killed = python("os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\nfiles.write(sys.argv[1], 'new')", path)
    assert killed.wait() == -signal.SIGKILL
    assert path.read_text(encoding="utf-8") == "old"
    assert len(names(tmp_path)) == 2
    files.claim(tmp_path)
    assert names(tmp_path) == [".lock", "a.txt"]


def test_a_file_where_a_folder_must_be_is_named(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(RecourseError, match=r"cannot write .*results/a\.csv: .*same command again"):
        files.write(tmp_path / "results" / "a.csv", "")
    with pytest.raises(RecourseError, match=r"cannot write .*results/\.lock: "):
        files.claim(tmp_path / "results")


WRITERS = {
    "table": lambda folder, _: contracts.write(TABLE, folder / "a.parquet", "predictions"),
    "csv": lambda folder, _: contracts.write_csv(TABLE, folder / "a.csv"),
    "json": lambda folder, _: contracts.write_json({}, folder / "a.json"),
    "classifier": lambda folder, trained: classifiers.save({0: trained["levels", "linear"]}, folder / "a.pt"),
    "notebook": lambda folder, _: pages.write(NOTEBOOK, folder / "a.ipynb"),
    "index": lambda folder, _: pages.index([], folder / "a.html"),
    "picture": lambda folder, _: exhibits.save(plt.figure(), TABLE, folder, "a"),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_every_writer_writes_the_same_bytes_under_any_name_and_nothing_on_a_full_disk(
    writer, trained, tmp_path, monkeypatch
):
    written = []
    for folder in (tmp_path / "one", tmp_path / "größer"):
        WRITERS[writer](folder, trained)
        written.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert written[0] == written[1]
    assert written[0]

    monkeypatch.setattr(files.os, "fsync", Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    with pytest.raises(RecourseError, match=r"cannot write .*a\.\w+: No space left on device.*same command"):
        WRITERS[writer](tmp_path / "full", trained)
    assert names(tmp_path / "full") == []


def test_one_run_at_a_time_and_none_that_is_dead(tmp_path, monkeypatch):
    assert not files.claimed(tmp_path)
    code = "files.claim(sys.argv[1], 'its arguments')\nprint('mine', flush=True)\nsys.stdin.read()"
    first = python(code, tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert first.stdout.readline() == "mine\n"
        assert files.claimed(tmp_path)
        with pytest.raises(RecourseError, match=r"another run is at work in .*; wait for it"):
            files.claim(tmp_path, "others")
    finally:
        first.kill()
        first.communicate()
    assert not files.claimed(tmp_path)
    assert (tmp_path / files.LOCK).read_text() == "its arguments\n"
    files.claim(tmp_path, "less")
    assert (tmp_path / files.LOCK).read_text() == "less\n"
    monkeypatch.setattr(files.fcntl, "flock", Mock(side_effect=OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))))
    with pytest.raises(RecourseError, match=r"No locks available; .*--no-hooks"):
        files.claim(tmp_path)
