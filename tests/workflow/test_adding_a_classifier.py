"""docs/adding_a_classifier.md, walked through as it stands by somebody with a copy of the project."""

import re

import pandas as pd
import pytest

from workflow_tools import ROOT, as_a_reader, copied, shown

PAGE = (ROOT / "docs" / "adding_a_classifier.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_about_classifiers_works_as_it_stands(tmp_path):
    copied(tmp_path)
    files = re.findall(r"^`([\w/.]+)`(?:, [^\n]*)?:\n\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert [name.rpartition("/")[2] for name, _ in files] == ["dropout.py", "forest.py", "mine.yaml"]
    for name, text in files:
        (tmp_path / name).write_text(text, encoding="utf-8")
    (command,) = shown("adding_a_classifier.md", "sh")

    as_a_reader(tmp_path, command)
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
    again = as_a_reader(tmp_path, f"{command.strip()} --dry-run")
    trained_again = set(re.findall(r"rule train:.*?classifier=(\w+)", again, re.DOTALL))
    assert trained_again == {"forest"}, "editing a model trains it again, and no other"
