"""The sources that a stage depends on, and what is recorded of a run."""

import json
from pathlib import Path

import pytest

from recourse_segregation import provenance, tracking

ROOT = Path(__file__).parents[2]
MODULE = '"""A module."""\n\ndef f(x):\n    """Twice x."""\n    return 2 * x\n'
RULE = 'rule a:\n    output:\n        "a",\n    script:\n        "a.py"\n'


def notebook(*cells: tuple[str, str]) -> str:
    return json.dumps({"cells": [{"cell_type": kind, "source": [text]} for kind, text in cells]})


def names(paths: set[Path]) -> set[str]:
    """The files of the package among these."""
    return {p.relative_to(tracking._PACKAGE).as_posix() for p in paths if tracking._PACKAGE in p.parents}


def test_a_method_depends_on_what_it_imports_and_on_no_other_method():
    ibr = names(tracking.closure(tracking.module("methods.ibr")))
    assert {"methods/_latent.py", "methods/_shells.py", "generative/vae.py", "network.py"} <= ibr
    assert "methods/cchvae.py" not in ibr
    assert "generative/mdn.py" not in ibr
    stage = names(tracking.closure(ROOT / "workflow" / "scripts" / "recourse.py"))
    assert {"recourse.py", "contracts.py", "methods/__init__.py", "methods/_method.py"} <= stage
    assert not {"methods/wachter.py", "metrics/segregation.py", "plan.py", "settings.py"} & stage


def test_a_notebook_depends_on_what_its_cells_import(tmp_path):
    file = tmp_path / "a.ipynb"
    file.write_text(notebook(("markdown", "from here"), ("code", "from recourse_segregation import seeds")))
    assert names(tracking.closure(file)) == {"__init__.py", *names(tracking.closure(tracking.module("seeds")))}


def test_what_only_watches_the_work_decides_no_result():
    """Editing the log or the progress of jobs reruns nothing."""
    watching = {ROOT / name for name in tracking.NOT_CODE}
    assert all(file.is_file() for file in watching)
    for script in (ROOT / "workflow" / "scripts").glob("*.py"):
        assert script in watching or not watching & tracking.closure(script)


SAME = {
    "a docstring of a module": ("a.py", MODULE, MODULE.replace("A module", "My module")),
    "a docstring of a function": ("a.py", MODULE, MODULE.replace('    """Twice x."""\n', "")),
    "a comment": ("a.py", MODULE, MODULE + "# the end\n"),
    "a line break": ("a.py", MODULE, MODULE.replace("2 * x", "(\n        2 * x\n    )")),
    "a comment in a rule": ("a.smk", RULE, f"# a rule\n\n{RULE}".replace('"a",', '"a",  # a file')),
    "a comment in a configuration": ("a.yaml", "a: {b: 1}\n", "# one\na:\n  b: 1\n"),
}
OTHER = {
    "a number": ("a.py", MODULE, MODULE.replace("2 *", "3 *")),
    "a text that is no docstring": ("a.py", 'a = "one"\n', 'a = "two"\n'),
    "a value that is none": ("a.py", "def f(x=None): return x\n", "def f(x=False): return x\n"),
    "a word in a rule": ("a.smk", RULE, RULE.replace("a.py", "b.py")),
    "an order in a configuration": ("a.yaml", "[a, b]", "[b, a]"),
    "a cell of a notebook": ("a.ipynb", notebook(("code", "a")), notebook(("code", "b"))),
    "a byte of anything else": ("a.csv", "a\n", "a\r\n"),
}


@pytest.mark.parametrize("what", [*SAME, *OTHER])
def test_a_digest_passes_over_what_changes_no_number(what, tmp_path):
    name, *versions = (SAME | OTHER)[what]
    file = tmp_path / "workflow" / name
    file.parent.mkdir()
    found = []
    for version in (*versions, versions[0]):
        file.write_bytes(version.encode())
        for remembered in (tracking._imported, tracking._meaning, tracking.digest):
            remembered.cache_clear()
        stage = tracking.digest(file) if name.endswith((".py", ".ipynb")) else None
        found.append((tracking.code_digest(tmp_path), stage))
    assert found[0] == found[2]
    for before, after in zip(*found[:2], strict=True):
        assert before is None or (before == after) == (what in SAME)


def test_the_code_digest_follows_names_but_passes_over_caches_and_what_only_watches(tmp_path):
    digests = []
    for name in ("Snakefile", "workflow/x.py", "workflow/y.py", "workflow/__pycache__/x.pyc", *tracking.NOT_CODE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
        digests.append(tracking.code_digest(tmp_path))
    assert len(set(digests)) == len(set(digests[:3])) == 3
    assert len(set(digests[2:])) == 1


def test_the_cost_of_stages_and_exhibits_is_on_record(tmp_path):
    seconds = {"train/a": 1.5, "train/b": 2.5, "notebook/page": 4}
    for i, (name, spent) in enumerate(seconds.items()):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.tsv").write_text(f"s\th:m:s\tmax_rss\n{spent}\t0:00:01\t{100 * (i + 1)}\n")
    result = tmp_path / "measures.parquet"
    result.write_text("numbers")
    files = [str(tmp_path / f"{name}.tsv") for name in seconds]
    exhibits = {"page": files[1:], "theory": []}
    record = provenance.record(tmp_path, "d", {"a": 1}, [*files, files[0]], exhibits, [str(result)])
    assert record["stages"] == {
        "notebook": {"jobs": 1, "seconds": 4.0, "longest_seconds": 4.0, "peak_mib": 300.0},
        "train": {"jobs": 2, "seconds": 4.0, "longest_seconds": 2.5, "peak_mib": 200.0},
    }
    assert record["exhibits"] == {"page": {"seconds": 6.5}, "theory": {"seconds": 0.0}}
    assert record["code"] == {"sha256": "d", "of": list(tracking.CODE), "commit": "unknown"}
    assert record["results"] == {"measures.parquet": tracking.file_digest(result)}
    json.dumps(record)
