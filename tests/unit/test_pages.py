"""Pages: offline, with the same bytes every time, and without a trace of the machine."""

import base64
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from recourse_segregation import pages
from recourse_segregation.errors import DataError

PNG = base64.b64encode(b"\x89PNG picture").decode()
OPENING = "# A title & more\n\nDoes *it* work? A second sentence.\n\nInputs: `a.csv`."


def executed(path, opening=OPENING, table="<table><tr><td>1</td></tr></table>"):
    """A notebook as papermill leaves it."""
    cells = [
        new_markdown_cell(opening, id="opening"),
        new_code_cell('results = "results"', id="parameters", metadata={"tags": ["parameters"]}),
        new_code_cell(
            'results = "results"', metadata={"tags": ["injected-parameters"], "papermill": {"duration": 0.1}}
        ),
        new_code_cell(
            "secret_code()",
            id="figure",
            metadata={
                "papermill": {"start_time": "2020-01-01"},
                "execution": {"iopub.status.busy": "2020-01-01"},
            },
            outputs=[
                new_output(
                    "display_data",
                    {"image/png": PNG, "text/plain": "<Image>"},
                    metadata={"image/png": {"alt": "what it shows"}},
                ),
                new_output("execute_result", {"text/html": table, "text/plain": "table"}, execution_count=1),
            ],
        ),
    ]
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "papermill": {"input_path": "/somewhere/notebooks/a.ipynb", "environment_variables": {}},
    }
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path


def test_a_page_shows_prose_tables_and_pictures_but_no_code(tmp_path):
    notebook, page = executed(tmp_path / "a.ipynb"), tmp_path / "a.html"
    pages.render(notebook, page)
    text = page.read_text(encoding="utf-8")
    assert "<title>A title &amp; more</title>" in text
    assert "<td>1</td>" in text
    assert f"data:image/png;base64,{PNG}" in text
    assert 'alt="what it shows"' in text
    assert "secret_code" not in text
    assert "/somewhere" not in text
    assert 'href="index.html"' in text
    assert 'href="a.ipynb"' in text


def test_formulas_need_no_script(tmp_path):
    opening = OPENING + "\n\nLet $x_1 \\le 1$, so that\n\n$$\n\\int_0^1 x\\,dx = \\frac12\n$$\n"
    page = tmp_path / "a.html"
    pages.render(executed(tmp_path / "a.ipynb", opening), page)
    text = page.read_text(encoding="utf-8")
    assert text.count("<math") == 2
    assert "<msub><mi>x</mi><mn>1</mn></msub>" in text
    assert 'display="block"' in text
    assert "$" not in re.sub("<style>.*?</style>", "", text, flags=re.DOTALL)


def test_a_page_loads_nothing_from_elsewhere(tmp_path):
    notebook, page = executed(tmp_path / "a.ipynb"), tmp_path / "a.html"
    pages.render(notebook, page)
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<link" not in text
    assert "@import" not in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


def test_something_from_elsewhere_is_refused(tmp_path):
    notebook = executed(tmp_path / "a.ipynb", table='<script src="https://cdn.example/x.js"></script>')
    with pytest.raises(DataError, match="from elsewhere"):
        pages.render(notebook, tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()


def test_a_link_to_read_is_allowed(tmp_path):
    notebook = executed(tmp_path / "a.ipynb", opening=OPENING + "\n\n[Paper](https://example.org/paper)")
    pages.render(notebook, tmp_path / "a.html")
    assert "https://example.org/paper" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_the_same_notebook_gives_the_same_bytes(tmp_path):
    notebook = executed(tmp_path / "a.ipynb")
    pages.render(notebook, tmp_path / "one.html")
    pages.render(notebook, tmp_path / "two.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.ipynb", "one.html", "two.html"]


def test_the_index_leads_to_every_page_and_table(tmp_path):
    one = executed(tmp_path / "one.ipynb")
    two = executed(tmp_path / "two.ipynb", opening="# Two\n\nIt runs over\ntwo lines of `text`. More.")
    pages.index([one, two], tmp_path / "index.html", "Seeds: 3 < 5.")
    assert "Seeds: 3 &lt; 5." in (tmp_path / "index.html").read_text(encoding="utf-8")
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert '<a href="one.html">A title &amp; more</a></dt><dd>Does it work?</dd>' in text
    assert '<a href="two.html">Two</a></dt><dd>It runs over two lines of text.</dd>' in text
    assert 'href="../measures.parquet"' in text
    assert 'href="../comparison.csv"' in text


@pytest.mark.parametrize("opening", ["Just text.", "# Only a title", "# A title\n\nno end"])
def test_a_notebook_without_title_and_sentence_is_named(tmp_path, opening):
    notebook = executed(tmp_path / "a.ipynb", opening=opening)
    with pytest.raises(DataError, match=r"a\.ipynb"):
        pages.index([notebook], tmp_path / "index.html")


def test_an_unreadable_notebook_is_named(tmp_path):
    for content in ("", "{", "[]"):
        (tmp_path / "a.ipynb").write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=r"a\.ipynb"):
            pages.render(tmp_path / "a.ipynb", tmp_path / "a.html")


def test_a_written_notebook_has_nothing_of_the_machine(tmp_path):
    one, two = executed(tmp_path / "one.ipynb"), executed(tmp_path / "two.ipynb")
    for notebook in (one, two):
        pages.write(nbformat.read(notebook, as_version=4), notebook)
    text = one.read_text(encoding="utf-8")
    for trace in ("papermill", "/somewhere", "2020-01-01", "start_time", "iopub"):
        assert trace not in text
    notebook = nbformat.read(one, as_version=4)
    nbformat.validate(notebook)
    assert len(notebook.cells) == 4
    assert notebook.cells[3].outputs[0].data["image/png"]
    assert text == two.read_text(encoding="utf-8")  # the injected cell has a random id before
    pages.write(notebook, one)
    assert text == one.read_text(encoding="utf-8")
