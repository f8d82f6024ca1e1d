"""Executed notebooks as pages that read offline: nothing is loaded from elsewhere, pictures are embedded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import latex2mathml.converter
import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from . import files, notebooks
from .errors import DataError

TITLE = "Does algorithmic recourse segregate?"
#: what the index says beside the list of pages (index.md), and how every page looks (page.html.j2)
_RESOURCES = Path(__file__).parents[2] / "resources"
_FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)
_EXTERNAL = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*["']?(?:https?:)?//""", re.I)


def render(notebook: Path, page: Path) -> None:
    """Write an executed notebook as HTML beside it: prose, tables and pictures. The notebook is linked for its code.

    Same notebook, same bytes. Raises DataError when the notebook cannot be read, or its page would load
    something from elsewhere.
    """
    try:
        content = nbformat.read(notebook, as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise DataError(f"{notebook}: not a readable notebook ({error}); run the rule notebook again") from error
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = _FORMULA.sub(_mathml, cell.source)
    title, _ = notebooks.opening(notebook)
    _write(content, page, title, notebook.name)


def index(executed: Sequence[Path], page: Path, run: str = "") -> None:
    """Write the page that leads to the pages of executed notebooks, which lie beside it, and to the tables.

    run: what was run, in a sentence.

    Raises ConfigError when a notebook does not open with a title and a sentence.
    """
    items = []
    for notebook in executed:
        title, paragraph = notebooks.opening(notebook)
        sentence = re.split(r"(?<=[.?!])\s", paragraph)[0]
        items.append(f"- **[{title}]({notebook.stem}.html)**  \n  {sentence}")
    text = (_RESOURCES / "index.md").read_text(encoding="utf-8")
    text = text.format(title=TITLE, run=run, pages="\n".join(items))
    cell = nbformat.v4.new_markdown_cell(text, id="index")
    _write(nbformat.v4.new_notebook(cells=[cell]), page, TITLE)


def write(content: NotebookNode, notebook: Path) -> None:
    """Write an executed notebook without what papermill notes about the machine (paths, times, environment).

    Results, code and parameters stay; `content` is changed.
    """
    content.metadata.pop("papermill", None)
    for cell in content.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"  # papermill draws a new one each time
    files.write(notebook, nbformat.writes(content) + "\n")


def _mathml(formula: re.Match[str]) -> str:
    """A formula between dollar signs in the browser's own language, which needs no script to show it."""
    display = "block" if formula["block"] else "inline"
    return latex2mathml.converter.convert(formula["block"] or formula["inline"], display=display)


def _write(content: NotebookNode, page: Path, title: str, notebook: str | None = None) -> None:
    """Write a page, by the template in workflow/resources; notebook: where its code is."""
    exporter = HTMLExporter(
        extra_template_paths=[str(_RESOURCES)],
        template_file="page.html.j2",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    text, _ = exporter.from_notebook_node(content, {"title": title, "notebook": notebook})
    if found := _EXTERNAL.search(text):
        raise DataError(f"{page}: the page would load something from elsewhere: {found.group()[:80]}")
    files.write(page, text)
