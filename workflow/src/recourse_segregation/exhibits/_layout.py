"""Tables as they are read: HTML, with footnotes for what is missing."""

from __future__ import annotations

import html
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .. import names


class Markup(str):
    """Text that is HTML already; any other text is escaped."""


@dataclass(frozen=True)
class Layout:
    """A table as it is read: a row maps column to text.

    repeat: columns that are left blank where they repeat the row above.
    """

    rows: Sequence[dict[str, str]]
    title: str = ""
    repeat: tuple[str, ...] = ()


@dataclass
class Footnotes:
    """Reasons, each with a letter."""

    reasons: list[str] = field(default_factory=list)

    def mark(self, reason: str) -> str:
        """The letter of a reason; nothing for no reason."""
        if not reason:
            return Markup("")
        if reason not in self.reasons:
            self.reasons.append(reason)
        return Markup(f"<sup>{self._letter(self.reasons.index(reason))}</sup>")

    def dash(self, reason: str) -> str:
        """What is shown for a missing value."""
        return Markup("–" + self.mark(reason))

    def html(self) -> str:
        lines = (f"<sup>{self._letter(i)}</sup> {html.escape(r)}" for i, r in enumerate(self.reasons))
        return f'<p class="notes">{"<br>".join(lines)}</p>' if self.reasons else ""

    @staticmethod
    def _letter(index: int) -> str:
        times, place = divmod(index, 26)
        return string.ascii_lowercase[place] * (times + 1)


def tables(layouts: Sequence[Layout], notes: Footnotes | None = None) -> Any:
    """The tables below each other, and their footnotes, for a notebook to show."""
    from IPython.display import HTML

    filled = [layout for layout in layouts if layout.rows]
    return HTML("\n".join(map(_table, filled)) + (notes.html() if notes else ""))


def sentence(text: str) -> Any:
    """A paragraph that was made from numbers, for a notebook to show."""
    from IPython.display import HTML

    return HTML(f"<p>{html.escape(text)}</p>" if text else "")


def by_method(
    table: pd.DataFrame,
    columns: Sequence[str],
    cell: Callable[[pd.Series, Footnotes], str],
    label: Callable[[str], str] = lambda name: names.metric(name).label,
    across: str = "metric",
) -> Any:
    """A table a population and classifier: methods down, metrics (or what `across` names) across.

    table: population, classifier, method and `across`; one row a cell. cell: its text. label: how a column is called.
    """
    notes, layouts = Footnotes(), []
    for (population, classifier), part in table.groupby(["population", "classifier"], sort=False):
        rows = []
        for method, of_method in part.groupby("method", sort=False):
            found = {row[across]: row for _, row in of_method.iterrows()}
            cells = {label(c): Markup(cell(found[c], notes)) if c in found else "–" for c in columns}
            rows.append({"Method": names.method(method)} | cells)
        layouts.append(Layout(rows, names.cell(population, classifier)))
    return tables(layouts, notes)


def number(value: float, error: float = np.nan, digits: int = 3, sign: bool = False) -> str:
    """`0.341 ± 0.003`, unbroken; without an error the value alone, without a value a dash."""
    if np.isnan(value):
        return "–"
    rounded = round(value, digits) + 0.0  # no -0.000
    text = f"{rounded:+.{digits}f}" if sign and rounded else f"{rounded:.{digits}f}"
    text += "" if np.isnan(error) else f" ± {error:.{digits}f}"
    return unbroken(text.replace("-", "−"))


def bracket(low: float, high: float, digits: int = 3) -> str:
    """`[−0.012, +0.003]`, which may break after the comma; a dash where there is no interval."""
    if np.isnan(low):
        return "–"
    return f"[{number(low, digits=digits, sign=True)}, {number(high, digits=digits, sign=True)}]"


def p_value(value: float) -> str:
    """`0.031`; a small one as `< 0.001`, a missing one as a dash."""
    if np.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def unbroken(text: str) -> str:
    """The text in one line."""
    return text.replace(" ", "\u00a0")


def _table(layout: Layout) -> str:
    columns = list(layout.rows[0])
    left = [not all(_looks_numeric(row[c]) for row in layout.rows) for c in columns]
    lines = [f"<caption>{html.escape(layout.title)}</caption>"] if layout.title else []
    lines.append("<thead>" + _line("th", [_escape(c) for c in columns], left) + "</thead><tbody>")
    above: dict[str, str] = {}
    for row in layout.rows:
        blank = {c for c in layout.repeat if row[c] == above.get(c)}
        lines.append(_line("td", ["" if c in blank else _escape(v) for c, v in row.items()], left, bool(blank)))
        above = row
    return '<div class="wide"><table class="exhibit">' + "\n".join([*lines, "</tbody></table></div>"])


def _line(tag: str, cells: Sequence[str], left: Sequence[bool], joined: bool = False) -> str:
    inside = "".join(
        f'<{tag} style="text-align:{"left" if to_left else "right"}">{cell}</{tag}>'
        for cell, to_left in zip(cells, left, strict=True)
    )
    return f'<tr class="joined">{inside}</tr>' if joined else f"<tr>{inside}</tr>"


def _looks_numeric(cell: str) -> bool:
    return cell[:1] in "0123456789+−–" and len(cell) < 60  # or empty; a sentence may begin with a number


def _escape(text: str) -> str:
    return text if isinstance(text, Markup) else html.escape(text).replace("\n", "<br>")
