"""docs/adding_a_classifier.md, walked through as it stands by somebody with a copy of the project."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from workflow_tools import ROOT

PAGE = (ROOT / "docs" / "adding_a_classifier.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_about_classifiers_works_as_it_stands(tmp_path):
    for part in ("Snakefile", "config.yaml", "envs", "notebooks", "profiles", "workflow"):
        source = ROOT / part
        if source.is_file():
            shutil.copy(source, tmp_path)
        else:
            shutil.copytree(source, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    files = re.findall(r"^`([\w/.]+)`(?:, [^\n]*)?:\n\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert [name.rpartition("/")[2] for name, _ in files] == ["dropout.py", "forest.py", "mine.yaml"]
    for name, text in files:
        (tmp_path / name).write_text(text, encoding="utf-8")
    (command,) = re.findall(r"^(snakemake .*)$", PAGE, re.MULTILINE)

    def run(*more: str) -> subprocess.CompletedProcess:
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        return subprocess.run(
            [sys.executable, "-m", *shlex.split(command), *more],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )

    process = run()
    assert process.returncode == 0, process.stdout[-6000:]
    counts = pd.read_parquet(tmp_path / "mine" / "results" / "classifiers.parquet").query("split == 'test'")
    right = counts.groupby("classifier")[["correct", "individuals"]].sum()
    assert set(right.index) == {"linear", "dropout", "forest"}
    assert (right["correct"] / right["individuals"]).gt(0.9).all()
    measures = pd.read_parquet(tmp_path / "mine" / "results" / "measures.parquet")
    found = measures.query("metric == 'found' and scope == 'recipients' and method == 'growing_spheres'")
    assert set(found["classifier"]) == {"dropout", "forest"}
    assert found["value"].gt(0.9).all()

    forest = tmp_path / "workflow/src/recourse_segregation/models/forest.py"
    forest.write_text(forest.read_text(encoding="utf-8") + "EDITED = True\n", encoding="utf-8")
    again = run("--dry-run").stdout
    trained_again = set(re.findall(r"rule train:.*?classifier=(\w+)", again, re.DOTALL))
    assert trained_again == {"forest"}, "editing a model trains it again, and no other"
