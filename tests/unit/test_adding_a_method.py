"""The example of docs/adding_a_method.md, held to what every method is held to."""

from __future__ import annotations

import re
from functools import partial

import pytest
import yaml

from conftest import ROOT, keeps_the_post_conditions
from recourse_segregation import contracts, methods, options
from recourse_segregation.seeds import torch_generator

PAGE = (ROOT / "docs" / "adding_a_method.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The one block of the page in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.parametrize("kind", ["levels", "continuous"])
@pytest.mark.parametrize("classifier", ["linear", "mlp"])
def test_the_example_meets_the_post_conditions(kind, classifier, write, people, trained):
    write("methods/mine.py", block("python"))
    cell, config = (people[kind], trained[kind, classifier]), yaml.safe_load(block("yaml"))
    assert "mine" in config["run"]["methods"]
    mine = partial(methods.load("mine"), **config["methods"]["mine"]["options"])
    reason = keeps_the_post_conditions(lambda: mine().fit(*cell, torch_generator(0, "test")), *cell)
    assert (reason == "").mean() > 0.8


@pytest.mark.parametrize("page", ["adding_a_method", "adding_a_classifier"])
def test_the_pages_list_the_types_of_options(page):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"a type of `options\.py` \((.*?)\)", text)
    types = {name for name, value in vars(options).items() if hasattr(value, "__metadata__")}
    assert set(re.findall(r"`(\w+)`", listed)) == types


def test_the_page_lists_what_it_should():
    (table,) = re.findall(r"^\| reason \|.*\n\| --- .*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert tuple(re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)) == contracts.REASONS
    given = {name for name in methods.Method.__annotations__ if not name.startswith("needs")}
    assert given <= set(re.findall(r"`self\.(\w+)", PAGE)), "all that a method gets"
