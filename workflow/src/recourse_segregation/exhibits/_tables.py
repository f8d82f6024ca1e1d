"""Tables as they are read, in one style: texts of a data frame -> HTML, with footnotes for what is missing.

A cell is plain text, with two marks as in Markdown: **bold**, and a line break. A footnote stands in it as `note(why)`
gives it, and gets its letter when the table is made.
"""

from __future__ import annotations

import html
import re
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML

from .. import names

#: what a table is about that has a caption
POPULATION = ["population", "classifier"]
#: columns with names -> what they are called, and what the names are
_NAMED = {
    "population": ("Population", names.population),
    "classifier": ("Classifier", names.classifier),
    "method": ("Method", names.method),
    "metric": ("Index", names.in_line),
}
_NOTE = re.compile("⟦(.*?)⟧", re.DOTALL)
_NUMERIC = re.compile(r"([0-9+−–].{0,58})?")  # a sentence may begin with a number


def tables(texts: pd.DataFrame, by: Sequence[str] = (), blank: Sequence[str] = ()) -> HTML:
    """A table of texts for a notebook to show, or one for each value of some columns, and the footnotes below.

    Names of populations, classifiers, methods and metrics in columns that are called so are shown as people know them.
    by: population and classifier, or a column whose value is the caption. blank: columns that are left blank where they
    repeat the row above.
    """
    parts = texts.groupby(list(by), sort=False) if by else [((), texts)]
    made = "\n".join(
        _table(part.drop(columns=list(by)), names.cell(*key) if len(key) == 2 else "".join(key), blank)
        for key, part in parts
        if len(part)
    )
    reasons = list(dict.fromkeys(_NOTE.findall(made)))
    lines = [f"<sup>{_letter(i)}</sup> {reason}" for i, reason in enumerate(reasons)]
    notes = f'<p class="notes">{"<br>".join(lines)}</p>' if reasons else ""
    return HTML(_NOTE.sub(lambda found: f"<sup>{_letter(reasons.index(found[1]))}</sup>", made) + notes)


def listed(
    table: pd.DataFrame, row: Callable[[Any], dict[str, str]], by: Sequence[str] = (), blank: Sequence[str] = ()
) -> Any:
    """A row a row: what `row` says about it, column -> text (see `tables`)."""
    texts = pd.DataFrame([row(one) for one in table.itertuples()], index=table.index)
    return tables(table[list(by)].join(texts), by, blank)


def by_method(
    table: pd.DataFrame,
    text: Callable[[Any], str],
    label: Callable[[str], str] = lambda name: names.metric(name).label,
) -> Any:
    """A table a population and classifier: methods down, metrics across.

    table: population, classifier, method, metric; one row a cell. text: what is shown for a row. label: how a metric
    is called.
    """
    return tables(across(table, [*POPULATION, "method"], "metric", text, label), POPULATION)


def across(
    table: pd.DataFrame,
    down: Sequence[str],
    column: str,
    text: Callable[[Any], str],
    label: Callable[[str], str] = str,
    empty: str = "–",
) -> pd.DataFrame:
    """What `text` says about each row, with the values of `column` beside each other. empty: where there is no row."""
    cells = table.assign(text=pd.Series(map(text, table.itertuples()), table.index, dtype="str"))
    wide = cells.pivot(index=list(down), columns=column, values="text")
    return wide.set_axis([label(name) for name in wide.columns], axis=1).fillna(empty).reset_index()


def sentence(text: str) -> Any:
    """A paragraph that was made from numbers, for a notebook to show."""
    return HTML(f"<p>{html.escape(text)}</p>" if text else "")


def note(reason: str) -> str:
    """A footnote that says why a value is missing; nothing for no reason."""
    return f"⟦{reason}⟧" if reason else ""


def number(value: float, error: float = np.nan, digits: int = 3, sign: bool = False) -> str:
    """`0.341 ± 0.003`, unbroken; without an error the value alone, without a value a dash."""
    if np.isnan(value):
        return "–"
    rounded = round(value, digits) + 0.0  # no -0.000
    text = f"{rounded:+.{digits}f}" if sign and rounded else f"{rounded:.{digits}f}"
    text += "" if np.isnan(error) else f" ± {error:.{digits}f}"
    return unbroken(text.replace("-", "−"))


def bracket(low: float, high: float, digits: int = 3, sign: bool = True) -> str:
    """`[−0.012, +0.003]`, which may break after the comma; a dash where there is no interval."""
    if np.isnan(low):
        return "–"
    return f"[{number(low, digits=digits, sign=sign)}, {number(high, digits=digits, sign=sign)}]"


def p_value(value: float) -> str:
    """`0.031`; a small one as `< 0.001`, a missing one as a dash."""
    return small(value) or number(value)


def small(value: float) -> str:
    """`< 0.001` of a number of at least 0 that is; else nothing."""
    return "< 0.001" if value < 0.001 else ""


def unbroken(text: str) -> str:
    """The text in one line."""
    return text.replace(" ", "\u00a0")


def _table(texts: pd.DataFrame, caption: str, blank: Sequence[str]) -> str:
    texts = texts.astype("str").reset_index(drop=True)
    for column in texts.columns.intersection(_NAMED):
        texts[column] = texts[column].map(_NAMED[column][1])
    # text stands left, numbers right
    look = {c: "" if all(map(_NUMERIC.fullmatch, texts[c])) else ' style="text-align: left"' for c in texts}
    titles = {column: title for column, (title, _) in _NAMED.items()}
    lines = ["".join(f"<th{look[c]}>{_html(titles.get(c, c))}</th>" for c in texts)]
    repeated = pd.DataFrame({c: texts[c].eq(texts[c].shift()) & (c in blank) for c in texts})
    for row, joined in zip(texts.mask(repeated, "").to_dict("records"), repeated.any(axis=1), strict=True):
        cell = '<td class="joined"' if joined else "<td"
        lines.append("".join(f"{cell}{look[c]}>{_html(text)}</td>" for c, text in row.items()))
    rows = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table class="exhibit"><caption>{html.escape(caption)}</caption>\n{rows}\n</table></div>'


def _html(text: str) -> str:
    """A cell's text as HTML."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(text)).replace("\n", "<br>")


def _letter(index: int) -> str:
    times, place = divmod(index, 26)
    return string.ascii_lowercase[place] * (times + 1)
