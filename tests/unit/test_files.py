"""Files that are there in full or not at all, one run at a time in a folder, and tables between stages."""

import ast
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

from conftest import ROOT
from recourse_segregation import classifiers, contracts, exhibits, files, pages
from recourse_segregation.errors import DataError, RecourseError

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


def test_a_population_survives_its_file(tmp_path, people):
    people, file = people["levels"], tmp_path / "population.parquet"
    contracts.write(people.table, file, "population", people.encoding)
    again = contracts.people(contracts.read(file, "population"))[0]
    assert again.encoding == people.encoding
    pd.testing.assert_frame_equal(again.table, people.table, check_dtype=False)
    assert (again.features == people.features).all()


def test_a_table_with_other_columns_is_not_written_and_half_a_file_is_not_read(tmp_path):
    with pytest.raises(DataError, match="a predictions table has the columns seed, individual, margin, accepted"):
        contracts.write(TABLE.drop(columns="accepted"), tmp_path / "t.parquet", "predictions")
    assert not list(tmp_path.iterdir())
    half, lacking = tmp_path / "half.parquet", tmp_path / "lacking.parquet"
    contracts.write(TABLE, half, "predictions")
    half.write_bytes(half.read_bytes()[:-20])
    TABLE[["seed"]].to_parquet(lacking)
    for path, says in ((half, "not a readable predictions table"), (lacking, "lacks individual, margin, accepted")):
        with pytest.raises(DataError, match=rf"{path.name}: .*{says}.*delete it"):
            contracts.read(path, "predictions")


@pytest.mark.parametrize("content", [None, "{"])
def test_a_run_that_cannot_be_read_says_so(content, tmp_path):
    if content:
        (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"run\.json: what this run is cannot be read .*run the rule collect"):
        contracts.read_run(tmp_path / "run.json")


def test_what_names_a_number_is_declared_once():
    """A name that is added to IDENTITY is in every list that holds the others: they are made from it."""
    names = list(contracts.IDENTITY)
    assert list(contracts.CONTRACTS["measures"])[: len(names)] == names
    assert set(contracts.CELL) == {*names} - {"seed"}
    for table in ("recourse", "diagnostics"):
        assert set(names) - set(contracts.CONTRACTS[table]) == {"scenario"}
    spelled = {}
    for file in [f for part in ("src", "scripts") for f in (ROOT / "workflow" / part).rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
            if set(contracts.CELL) <= {item.value for item in items if isinstance(item, ast.Constant)}:
                spelled.setdefault(file.name, []).append(node.lineno)
    assert spelled.keys() == {"contracts.py", "plan.py"}, spelled
    assert all(len(lines) == 1 for lines in spelled.values()), "and where the configuration has their labels"


ROWS = pd.DataFrame(
    [
        (population, seed, classifier, method, scenario)
        for scenario in ("default", "drop", "origin")
        for method in (contracts.BEFORE, "ibr", "ebr", "face")
        for seed in (0, 1, 2)
        for population in ("law-sex", "adult-sex", "synthetic")
        for classifier in ("linear", "mlp", "mlp-strict-5")
    ],
    columns=["population", "seed", "classifier", "method", "scenario"],
)
STUDY = {
    "populations": ["synthetic", "law-sex"],
    "methods": ["ebr", "ibr"],
    "scenarios": ["drop", "default"],
    "seeds": 2,
    "classifiers": {"synthetic": ["linear"], "law-sex": ["linear", "mlp"]},
    "decided_by": {"synthetic": ["linear"], "law-sex": ["mlp"]},
}


@pytest.mark.filterwarnings("error")
def test_a_study_has_its_rows_in_its_own_order():
    """The population before belongs to every study that has it, and its rows come first."""
    found = contracts.of_study(ROWS, STUDY)
    assert [list(found[c].cat.categories) for c in ("population", "method", "scenario")] == [
        STUDY["populations"],
        [contracts.BEFORE, "ebr", "ibr"],
        STUDY["scenarios"],
    ]
    assert len(found) == len(found.drop_duplicates()) == 2 * 3 * 2 * 2
    assert found.equals(found.sort_values(["population", "method", "scenario", "seed"], ignore_index=True))
    assert set(found["seed"]) == {0, 1}
    pairs = found[["population", "classifier"]].astype(str).drop_duplicates()
    assert pairs.values.tolist() == [["synthetic", "linear"], ["law-sex", "mlp"]], "of no other study"
    reported = contracts.of_study(ROWS.drop(columns=["method", "scenario"]).drop_duplicates(), STUDY)
    assert reported[["population", "classifier"]].drop_duplicates().astype(str).values.tolist() == [
        ["synthetic", "linear"],
        ["law-sex", "linear"],
        ["law-sex", "mlp"],
    ]
    after = ROWS[ROWS["method"] != contracts.BEFORE].drop(columns="scenario")
    found = contracts.of_study(after, STUDY)  # a table that has neither
    assert list(found["method"].cat.categories) == STUDY["methods"]
    assert len(found) == 2 * 2 * 2 * 3
