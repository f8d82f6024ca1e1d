"""What each index can and cannot see: the methods beside controls whose answer is known, and the placebo.

Controls: nobody moves (`nobody`), everybody is sent to one point (`collapse`), everybody takes the place of somebody of
the other group (`swap_in`). Placebo: the same people move in the same way, but the index is told shuffled groups.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import names, statistics
from ..contracts import DEFAULT, RECOURSE
from . import segregation
from ._tables import POPULATION, by_method, listed, note, number

PLACEBO = statistics.placebo()
CONTROLS = ("nobody", "collapse", "swap_in")


def against_placebo(seeds: pd.DataFrame) -> pd.DataFrame:
    """What of each change is due to the groups: with the real ones - with shuffled ones, paired within a seed.

    seeds: what `segregation.seeds` returns, of both scenarios. Columns: those of `statistics.summarise`, where `before`
    is the change with shuffled groups and `after` that with the real ones.
    """
    match = [*RECOURSE, "scope", "metric", "seed"]
    own, shuffled = (seeds[seeds["scenario"] == scenario] for scenario in (DEFAULT, PLACEBO))
    pairs = own.merge(shuffled[[*match, "change", "note"]], on=match, suffixes=("", "_shuffled"))
    pairs = pairs.assign(
        level=pairs["before"],
        before=pairs["change_shuffled"],
        after=pairs["change"],
        change=pairs["change"] - pairs["change_shuffled"],
        note=pairs["note"].where(pairs["note"] != "", pairs["note_shuffled"]),
    )
    return statistics.summarise(pairs, segregation.KEY)


def calibration(table: pd.DataFrame) -> pd.DataFrame:
    """Each index under the controls and the placebo, beside the methods.

    table: what `segregation.table` returns, of both scenarios. Columns: population, classifier, metric, and mean
    changes: nobody, collapse, swap_in (missing if not run), lowest and highest (of the methods), own and shuffled (mean
    size over the methods with the real and with shuffled groups), share (shuffled / own).
    """
    index = [*POPULATION, "metric"]
    own, shuffled = (
        table[table["scenario"] == scenario].pivot(index=index, columns="method", values="change")
        for scenario in (DEFAULT, PLACEBO)
    )
    controls = {control: own.get(control, np.nan) for control in CONTROLS}
    methods, shuffled = (changes.drop(columns=list(CONTROLS), errors="ignore") for changes in (own, shuffled))
    found = pd.DataFrame({**controls, "lowest": methods.min(axis=1), "highest": methods.max(axis=1)}, index=own.index)
    found = found.assign(own=methods.abs().mean(axis=1), shuffled=shuffled.abs().mean(axis=1))
    share = (found["shuffled"] / found["own"]).where(found["own"] > 0)
    return found.assign(share=share).reset_index()


def figures(table: pd.DataFrame) -> dict[str, Figure]:
    """The change of each index with the real and with shuffled groups, a figure a data set.

    table: what `segregation.table` returns, of both scenarios.
    """
    groups = {DEFAULT: "real groups", PLACEBO: "shuffled groups"}
    return segregation.figures(table.assign(series=table["scenario"].astype("str").map(groups)))


def show_calibration(calibration: pd.DataFrame) -> Any:
    """`calibration`, a table a population."""

    def row(row: Any) -> dict[str, str]:
        digits = names.metric(row.metric).digits + 1
        low, high = (number(value, digits=digits, sign=True) for value in (row.lowest, row.highest))
        controls = {names.method(c): number(getattr(row, c), digits=digits, sign=True) for c in CONTROLS}
        return {
            "metric": row.metric,
            **controls,
            "The methods": f"{low} to {high}",
            "Mean size,\nreal groups": number(row.own, digits=digits),
            "Mean size,\nshuffled": number(row.shuffled, digits=digits),
            "Shuffled /\nreal": "–" if np.isnan(row.share) else f"{row.share:.0%}",
        }

    return listed(calibration, row, POPULATION)


def show_against_placebo(table: pd.DataFrame) -> Any:
    """`against_placebo`, a table a population: real, shuffled; below, the difference with its interval and mark."""

    def text(row: Any) -> str:
        if not row.seeds:
            return "–" + note(row.note)
        digits = names.metric(row.metric).digits + 1
        real, shuffled, difference = (number(v, digits=digits, sign=True) for v in (row.after, row.before, row.change))
        return f"{real}, shuffled {shuffled}\n**{difference}**{segregation.interval(row, digits)}"

    return by_method(table, text)
