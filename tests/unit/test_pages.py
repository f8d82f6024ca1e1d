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
    picture = {"image/png": PNG, "text/plain": "<Image>"}
    outputs = [
        new_output("display_data", picture, metadata={"image/png": {"alt": "what it shows"}}),
        new_output("execute_result", {"text/html": table, "text/plain": "table"}, execution_count=1),
    ]
    injected = {"tags": ["injected-parameters"], "papermill": {"duration": 0.1}}
    timed = {"papermill": {"start_time": "2020-01-01"}, "execution": {"iopub.status.busy": "2020-01-01"}}
    cells = [
        new_markdown_cell(opening, id="opening"),
        new_code_cell('results = "results"', id="parameters", metadata={"tags": ["parameters"]}),
        new_code_cell('results = "results"', metadata=injected),
        new_code_cell("secret_code()", id="figure", metadata=timed, outputs=outputs),
    ]
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "papermill": {"input_path": "/somewhere/notebooks/a.ipynb", "environment_variables": {}},
    }
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path


def rendered(folder, **notebook):
    pages.render(executed(folder / "a.ipynb", **notebook), folder / "a.html")
    return (folder / "a.html").read_text(encoding="utf-8")


def test_a_page_shows_prose_tables_and_pictures_but_no_code_and_loads_nothing(tmp_path):
    text = rendered(tmp_path)
    shown = ("<title>A title &amp; more</title>", "<td>1</td>", f"data:image/png;base64,{PNG}", 'alt="what it shows"')
    for part in (*shown, 'href="index.html"', 'href="a.ipynb"'):
        assert part in text
    for part in ("secret_code", "/somewhere", "<script", "<link", "@import"):
        assert part not in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
    pages.render(tmp_path / "a.ipynb", tmp_path / "b.html")
    assert (tmp_path / "b.html").read_text(encoding="utf-8") == text  # the same notebook, the same bytes
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "a.ipynb", "b.html"]


def test_formulas_need_no_script(tmp_path):
    formulas = "Let $x_1 \\le 1$, so that\n\n$$\n\\int_0^1 x\\,dx = \\frac12\n$$\n"
    text = rendered(tmp_path, opening=f"{OPENING}\n\n{formulas}")
    assert text.count("<math") == 2
    assert "<msub><mi>x</mi><mn>1</mn></msub>" in text
    assert 'display="block"' in text
    assert "$" not in re.sub("<style>.*?</style>", "", text, flags=re.DOTALL)


def test_something_from_elsewhere_is_refused_but_a_link_to_read(tmp_path):
    with pytest.raises(DataError, match="from elsewhere"):
        rendered(tmp_path, table='<script src="https://cdn.example/x.js"></script>')
    assert not (tmp_path / "a.html").exists()
    assert "https://example.org/paper" in rendered(tmp_path, opening=OPENING + "\n\n[Paper](https://example.org/paper)")


def test_the_index_leads_to_every_page_and_table(tmp_path):
    one = executed(tmp_path / "one.ipynb")
    two = executed(tmp_path / "two.ipynb", opening="# Two\n\nIt runs over\ntwo lines of `text`. More.")
    pages.index([one, two], tmp_path / "index.html", "Seeds: 3 < 5.")
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    for part in (
        "Seeds: 3 &lt; 5.",
        '<a href="one.html">A title &amp; more</a></dt><dd>Does it work?</dd>',
        '<a href="two.html">Two</a></dt><dd>It runs over two lines of text.</dd>',
        'href="../measures.parquet"',
        'href="../comparison.csv"',
    ):
        assert part in text


@pytest.mark.parametrize("opening", ["Just text.", "# Only a title", "# A title\n\nno end"])
def test_a_notebook_without_title_and_sentence_is_named(tmp_path, opening):
    notebook = executed(tmp_path / "a.ipynb", opening=opening)
    with pytest.raises(DataError, match=r"a\.ipynb"):
        pages.index([notebook], tmp_path / "index.html")


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_an_unreadable_notebook_is_named(tmp_path, content):
    (tmp_path / "a.ipynb").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.ipynb"):
        pages.render(tmp_path / "a.ipynb", tmp_path / "a.html")


def test_a_written_notebook_has_nothing_of_the_machine(tmp_path):
    one, two = executed(tmp_path / "one.ipynb"), executed(tmp_path / "two.ipynb")
    for notebook in (one, two, one):  # also when it is written again
        pages.write(nbformat.read(notebook, as_version=4), notebook)
    text = one.read_text(encoding="utf-8")
    for trace in ("papermill", "/somewhere", "2020-01-01", "start_time", "iopub"):
        assert trace not in text
    notebook = nbformat.read(one, as_version=4)
    nbformat.validate(notebook)
    assert len(notebook.cells) == 4
    assert notebook.cells[3].outputs[0].data["image/png"]
    assert text == two.read_text(encoding="utf-8")  # the injected cell has a random id before
