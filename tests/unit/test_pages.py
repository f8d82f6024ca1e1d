"""Pages: offline, with the same bytes every time, and without a trace of the machine."""

import base64
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from recourse_segregation import pages
from recourse_segregation.errors import ConfigError, DataError

PNG = base64.b64encode(b"\x89PNG picture").decode()
OPENING = "# A title & more\n\nDoes *it* work? A second sentence.\n\nInputs: `a.csv`."


def executed(path, opening=OPENING, table="<table><tr><td>1</td></tr></table>"):
    """A notebook as papermill leaves it."""
    injected = {"tags": ["injected-parameters"], "papermill": {"duration": 0.1}}
    timed = {"papermill": {"start_time": "2020-01-01"}, "execution": {"iopub.status.busy": "2020-01-01"}}
    alt = {"image/png": {"alt": "what it shows"}}
    outputs = [
        new_output("display_data", {"image/png": PNG, "text/plain": "<Image>"}, metadata=alt),
        new_output("execute_result", {"text/html": table, "text/plain": "table"}, execution_count=1),
    ]
    cells = [
        new_markdown_cell(opening, id="opening"),
        new_code_cell('results = "results"', id="parameters", metadata={"tags": ["parameters"]}),
        new_code_cell('results = "results"', metadata=injected),
        new_code_cell("secret_code()", id="figure", metadata=timed, outputs=outputs),
    ]
    metadata = {"papermill": {"input_path": "/somewhere/notebooks/a.ipynb", "environment_variables": {}}}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path


def rendered(notebook) -> str:
    """The page of a notebook."""
    pages.render(notebook, notebook.with_suffix(".html"))
    return notebook.with_suffix(".html").read_text(encoding="utf-8")


def test_a_page_shows_prose_tables_pictures_and_formulas_and_loads_nothing(tmp_path):
    """No code, no script, nothing from elsewhere (but it may link there), and the same bytes every time."""
    more = (
        "\n\n[Paper](https://example.org/paper)\n\nLet $x_1 \\le 1$, so that\n\n$$\n\\int_0^1 x\\,dx = \\frac12\n$$\n"
    )
    notebook = executed(tmp_path / "a.ipynb", OPENING + more)
    text = rendered(notebook)
    assert text == rendered(notebook)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "a.ipynb"]
    shown = ["<title>A title &amp; more</title>", "<td>1</td>", f"data:image/png;base64,{PNG}", 'alt="what it shows"']
    shown += ['href="index.html"', 'href="a.ipynb"', 'href="https://example.org/paper"']
    shown += ["<msub><mi>x</mi><mn>1</mn></msub>", 'display="block"']
    assert [part for part in shown if part not in text] == []
    assert [part for part in ("secret_code", "/somewhere", "<script", "<link", "@import") if part in text] == []
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text.replace('<a href="https://example.org/paper"', ""))
    assert text.count("<math") == 2
    assert "$" not in re.sub("<style>.*?</style>", "", text, flags=re.DOTALL)


def test_a_page_that_loads_something_from_elsewhere_is_not_written(tmp_path):
    notebook = executed(tmp_path / "a.ipynb", table='<script src="https://cdn.example/x.js"></script>')
    with pytest.raises(DataError, match="from elsewhere"):
        rendered(notebook)
    assert not (tmp_path / "a.html").exists()


def test_the_index_leads_to_every_page_and_table(tmp_path):
    one = executed(tmp_path / "one.ipynb")
    two = executed(tmp_path / "two.ipynb", opening="# Two\n\nIt runs over\ntwo lines of `text`. More.")
    pages.index([one, two], tmp_path / "index.html", "Seeds: 3 < 5.")
    text = " ".join((tmp_path / "index.html").read_text(encoding="utf-8").split())
    for part in (
        "Seeds: 3 &lt; 5.",
        '<a href="one.html">A title &amp; more</a></strong><br/> Does <em>it</em> work?</li>',
        '<a href="two.html">Two</a></strong><br/> It runs over two lines of <code>text</code>.</li>',
        'href="../measures.parquet"',
        'href="../comparison.csv"',
    ):
        assert part in text


@pytest.mark.parametrize("opening", ["Just text.", "# Only a title", "# A title\nand no empty line"])
def test_a_notebook_without_title_and_paragraph_is_named(opening, tmp_path):
    with pytest.raises(ConfigError, match=r"a\.ipynb"):
        pages.index([executed(tmp_path / "a.ipynb", opening)], tmp_path / "index.html")


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_an_unreadable_notebook_is_named(content, tmp_path):
    (tmp_path / "a.ipynb").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.ipynb"):
        rendered(tmp_path / "a.ipynb")


def test_a_written_notebook_has_nothing_of_the_machine(tmp_path):
    files = [executed(tmp_path / name) for name in ("one.ipynb", "two.ipynb")]
    for file in (*files, files[0]):  # once more: it is as it was
        pages.write(nbformat.read(file, as_version=4), file)
    text = files[0].read_text(encoding="utf-8")
    assert text == files[1].read_text(encoding="utf-8")  # the injected cell has a random id before
    traces = ("papermill", "/somewhere", "2020-01-01", "start_time", "iopub")
    assert [trace for trace in traces if trace in text] == []
    notebook = nbformat.read(files[0], as_version=4)
    nbformat.validate(notebook)
    assert len(notebook.cells) == 4
    assert notebook.cells[3].outputs[0].data["image/png"]
