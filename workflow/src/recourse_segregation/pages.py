"""Executed notebooks as pages that read offline: nothing is loaded from elsewhere, pictures are embedded."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Sequence
from pathlib import Path

import latex2mathml.converter
import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from . import files
from .errors import DataError

_STYLE = """
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1b1b1b; max-width: 1100px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; }
a { color: #12395b; }
code { background: #f2f2f2; padding: 0 0.2em; }
nav { display: flex; justify-content: space-between; font-size: 0.9rem; border-bottom: 1px solid #ccc; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: 1.2rem 0 0.4rem; font-size: 0.8rem; line-height: 1.35;
  max-width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; font-size: 1rem; padding: 0.3rem 0; }
th { vertical-align: bottom; border-bottom: 2px solid #1b1b1b; }
td { vertical-align: top; border-top: 1px solid #ddd; }
td.joined { border-top: 1px solid #f2f2f2; }
.exhibit th, .exhibit td { text-align: right; }
th, td { padding: 0.25rem 0.3rem; }
th:first-child, td:first-child { padding-left: 0; }
th, td { overflow-wrap: break-word; }
.wide { overflow-x: auto; }
dt { font-weight: bold; margin-top: 0.6rem; }
dd { margin-left: 0; }
.notes { font-size: 0.8rem; color: #444; margin-top: 0; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""

_INDEX_TITLE = "Does algorithmic recourse segregate?"
_INDEX = """<h1>{title}</h1>
<p>The exhibits of one run of the workflow. Each page shows tables and figures; the executed notebook
beside it has the code. {run}</p>
<dl>
{items}
</dl>
<h2>The tables behind them</h2>
<ul>
<li><a href="../measures.parquet">measures.parquet</a>: one row for each population, seed, classifier, method,
phase, scope and metric.</li>
<li><a href="../comparison.csv">comparison.csv</a>: every published number beside ours, with a verdict.</li>
<li><a href="../provenance.json">provenance.json</a>: the code, settings, packages and time behind them.</li>
<li><a href="../exhibits/">exhibits</a>: the table of each exhibit as CSV, its figure as SVG and PNG.</li>
</ul>"""
_FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)
_EXTERNAL = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*["']?(?:https?:)?//""", re.I)


def render(notebook: Path, page: Path) -> None:
    """Write an executed notebook as HTML: prose, tables and pictures. The notebook is linked for its code.

    Same notebook, same bytes. Raises DataError when the notebook cannot be read, or its page would load
    something from elsewhere.
    """
    content = _read(notebook)
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = _FORMULA.sub(_mathml, cell.source)
    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(content)
    title, _ = _opening(content, notebook)
    code = os.path.relpath(notebook, page.parent)
    links = {"index.html": "← All exhibits", html.escape(code): "The notebook, with its code"}
    nav = "".join(f'<a href="{target}">{text}</a>' for target, text in links.items())
    _write(page, title, f"<nav>{nav}</nav>\n<main>{body}</main>")


def index(notebooks: Sequence[Path], page: Path, run: str = "") -> None:
    """Write the page that leads to the pages of `notebooks`, which lie beside it, and to the tables.

    run: what was run, in a sentence.

    Raises DataError when a notebook cannot be read or does not open with a title and a sentence.
    """
    items = []
    for notebook in notebooks:
        title, sentence = map(html.escape, _opening(_read(notebook), notebook))
        items.append(f'<dt><a href="{notebook.stem}.html">{title}</a></dt><dd>{sentence}</dd>')
    body = _INDEX.format(title=_INDEX_TITLE, items="\n".join(items), run=html.escape(run))
    _write(page, _INDEX_TITLE, body)


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


def _read(notebook: Path) -> NotebookNode:
    try:
        return nbformat.read(notebook, as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise DataError(f"{notebook}: not a readable notebook ({error}); run the rule notebook again") from error


def _opening(content: NotebookNode, notebook: Path) -> tuple[str, str]:
    """The title and the first sentence of a notebook, without markup."""
    first = content.cells[0].source if content.cells and content.cells[0].cell_type == "markdown" else ""
    heading, _, rest = first.strip().partition("\n")
    sentence = re.match(r".+?[.?!](?=\s|$)", " ".join(rest.split()))
    if not heading.startswith("# ") or sentence is None:
        raise DataError(f"{notebook}: the first cell must be text: a line `# Title`, then a sentence")
    return _plain(heading[2:]), _plain(sentence.group())


def _plain(text: str) -> str:
    return re.sub(r"[*_`]|\[|\]\([^)]*\)", "", text).strip()


def _write(page: Path, title: str, body: str) -> None:
    text = _PAGE.format(title=html.escape(title), style=_STYLE, body=body)
    found = _EXTERNAL.search(text)
    if found:
        raise DataError(f"{page}: the page would load something from elsewhere: {found.group()[:80]}")
    files.write(page, text)
