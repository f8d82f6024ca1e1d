"""The same recourse under other conventions: what each changes, and which comes nearest to the published numbers.

A convention replaces one thing and leaves the rest: what becomes of those without recourse, or the radius (both are
scenarios of the study), a method by its variant in the study, or an index as it is defined by the one that the release
computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import comparison, names, statistics
from ..contracts import BEFORE, RECOURSE
from ..errors import DataError
from ._figures import DARK, MIDDLE, around_zero, multiples
from ._run import Run, ordered, summarised
from ._tables import POPULATION, across, note, number, sentence, tables
from .variants import first_scenario

#: the changes of these indices are drawn
DRAWN = ("centralization", "atkinson", "average_proximity", *names.ADDED)
#: how the numbers of the comparison are made: the first convention of `agreement`
COMPARED = "As compared"
#: what every convention is compared with in `table`: the first scenario, and the indices as they are defined
OURS = "Ours"

_KEY = [*RECOURSE, "phase", "metric"]
_SHAPES = "^vosXP<>*h"


@dataclass(frozen=True)
class Convention:
    """A scenario, and what is replaced in it: `new` stands in for `old` in a column (method or metric), if any."""

    label: str
    scenario: str
    column: str = ""
    old: str = ""
    new: str = ""

    def apply(self, measures: pd.DataFrame) -> pd.DataFrame:
        """The measures under this convention, under the names of what was replaced."""
        own = measures[measures["scenario"] == self.scenario].astype({"method": "str"})
        new = own[own[self.column] == self.new] if self.column else own[:0]
        if new.empty:
            return own
        return pd.concat([own[own[self.column] != self.old], new.assign(**{self.column: self.old})])


def conventions(study: Mapping[str, Any], released: bool) -> list[Convention]:
    """The conventions of a study beyond its first scenario.

    released: whether the indices are those of the release already, so that the ones as defined are the convention.
    """
    default, *others = study["scenarios"]
    found = [Convention(names.scenario(scenario), scenario) for scenario in others]
    for variant, base in study["variant_of"].items():
        if base in study["methods"]:
            found.append(Convention(names.method(variant), default, "method", base, variant))
    for index in ("centralization", "atkinson"):
        kinds = {"defined": index, "released": f"{index}_released"}
        old, new = ("released", "defined") if released else ("defined", "released")
        label = f"{names.metric(index).label} as {new}"
        found.append(Convention(label, default, "metric", kinds[old], kinds[new]))
    return found


def table(run: Run) -> pd.DataFrame:
    """Every number of ours, and what every convention makes of it where it changes it in at least one seed.

    Columns: population, classifier, method (`none` before recourse), phase (before, after, or change for after -
    before), metric, convention (`Ours` first), base (mean over seeds), value (mean under the convention), difference
    (paired), low, high (95 %), seeds (in which both are defined), published (the number that was printed, if there is
    one), note.

    Raises DataError when the study has no measures in its first scenario.
    """
    study = run.described
    base = _numbers(first_scenario(run).astype({"method": "str"}))
    tables = []
    for convention in [Convention(OURS, study["scenarios"][0]), *conventions(study, released=False)]:
        other = _numbers(convention.apply(run.measures))
        if convention.column:  # what else there is cannot differ
            other = other[other[convention.column].isin([convention.old, BEFORE])]
        tables.append(other.assign(convention=convention.label))
    pairs = pd.concat(tables).merge(base, on=[*_KEY, "seed"], suffixes=("", "_base"))
    # a number that is missing under both is the same
    same = pairs["value"].eq(pairs["value_base"]) | (pairs["value"].isna() & pairs["value_base"].isna())
    key = [*_KEY, "convention"]
    altered = ~same.groupby([pairs[c] for c in key]).transform("all") | (pairs["convention"] == OURS)
    columns = ["base", "value", "difference", "low", "high", "seeds", "note"]
    changed = summarised(pairs[altered], key, columns, _difference)
    changed.insert(len(changed.columns) - 1, "published", _printed(changed, run.comparison))
    orders = {
        "population": study["populations"],
        "method": [BEFORE, *study["methods"]],
        "phase": ["before", "after", "change"],
        "metric": [*names.INDICES, *names.QUALITY],
    }
    return ordered(changed, **orders).sort_values(list(orders), kind="stable", ignore_index=True)


def agreement(run: Run) -> pd.DataFrame:
    """How many published numbers are met under each convention, by the rule of the comparison.

    Columns: population, convention (the first is that of the comparison), numbers (published, of populations and
    methods of the study), matches, gained and lost (against the comparison), undefined, distance (median of
    |ours - published| over the difference that is allowed), nearest (most matches, then the smallest distance).

    Raises DataError when the comparison has none of the study's numbers.
    """
    study = run.described
    printed = run.comparison[run.comparison["population"].isin(study["populations"])].reset_index(drop=True)
    printed = printed.assign(value=printed["published"], half_digit=0.0)
    by_number, met, there = [], None, None
    for convention in [Convention(COMPARED, study["scenarios"][0]), *conventions(study, released=True)]:
        compared = comparison.compare(convention.apply(run.measures), printed, 0.0, 0.0).reset_index(drop=True)
        off = (compared["ours"] - printed["published"]).abs()
        matches = off <= printed["allowed"] + 1e-9  # decimals are not exact in binary
        if met is None:
            met, there = matches, compared["by_tolerance"] != "not run"
        counts = {"numbers": 1, "matches": matches, "gained": matches & ~met, "lost": met & ~matches}
        counts |= {"undefined": compared["ours"].isna(), "distance": off / printed["allowed"]}
        by_number.append(printed[["population"]].assign(convention=convention.label, **counts)[there])
    if not there.any():
        raise DataError("no published number is about a population and method of the study; see comparison.csv")
    table = pd.concat(by_number)
    table = ordered(table, population=study["populations"], convention=table["convention"].unique())
    summed = dict.fromkeys(["numbers", "matches", "gained", "lost", "undefined"], "sum")
    found = table.groupby(["population", "convention"]).agg(summed | {"distance": "median"}).reset_index()
    ranked = found.sort_values(["matches", "distance"], ascending=[False, True], kind="stable")
    return found.assign(nearest=found.index.isin(ranked.drop_duplicates("population").index))


def show(table: pd.DataFrame) -> Any:
    """`table`, a table a population: each number that a convention changes, as it is and under every convention."""
    levels = table[table["phase"] != "change"]
    shown = levels[levels.groupby(_KEY)["convention"].transform("size") > 1]

    def text(row: Any) -> str:
        digits = names.metric(row.metric).digits
        if row.convention == OURS:
            return number(row.base, digits=digits)
        if np.isnan(row.value):
            return "–" + note(row.note)
        return f"{number(row.value, digits=digits)} ({number(row.difference, digits=digits, sign=True)})"

    printed = [number(row.published, digits=names.metric(row.metric).digits) for row in shown.itertuples()]
    shown = shown.assign(published=printed).replace({"published": {"–": ""}})
    shown = ordered(shown, convention=table["convention"].unique())
    texts = across(shown, [*_KEY, "published"], "convention", text, empty="").drop(columns="phase")
    texts["metric"] = texts["metric"].map(names.in_line)
    return tables(texts.rename(columns={"metric": "Number", "published": "Published"}), POPULATION, blank=["method"])


def show_agreement(table: pd.DataFrame) -> Any:
    """`agreement`, conventions down and populations across: matches, those won and lost, and the distance."""

    def text(row: Any) -> str:
        swapped = f" (+{row.gained} −{row.lost})" if row.gained or row.lost else ""
        return f"{row.matches} of {row.numbers}{swapped}\ndistance {number(row.distance, digits=2)}"

    texts = across(table, ["convention"], "population", text, names.population)
    return tables(texts.rename(columns={"convention": "Convention"}))


def nearest(table: pd.DataFrame) -> Any:
    """Which convention meets most published numbers, in a sentence made from `agreement`."""
    said = [
        f"{names.population(row.population)}: {row.convention} ({row.matches} of {row.numbers})"
        for row in table[table["nearest"]].itertuples()
    ]
    return sentence(f"Most published numbers are met by – {'; '.join(said)}.")


def figure(table: pd.DataFrame) -> Figure | None:
    """The change of the indices under each convention that changes it; None without an index."""
    drawn = ordered(table[table["phase"] == "change"], metric=DRAWN)
    if drawn.empty:
        return None
    others = [label for label in drawn["convention"].unique() if label != OURS]
    looks = {OURS: {"marker": "D", "color": DARK, "s": 26}}
    for i, label in enumerate(others):
        looks[label] = {"marker": _SHAPES[i % len(_SHAPES)], "facecolor": "none", "edgecolor": f"C{i % 10}", "s": 44}

    def draw(axis: Axes, rows: pd.DataFrame, metric: str) -> None:
        axis.hlines(rows["row"], rows["base"], rows["value"], color=MIDDLE, linewidth=1, zorder=2)
        for label, part in rows.groupby("convention", sort=False):
            axis.scatter(part["value"], part["row"], linewidth=1.4, zorder=4, label=label, **looks[label])
        around_zero(axis, rows, metric, "base", "value")

    return multiples(drawn, draw, "change of the index; a convention that leaves it as it is has no mark")


def _numbers(measures: pd.DataFrame) -> pd.DataFrame:
    """Every number of a scenario: population, classifier, method, phase, metric, seed, value, note."""
    changes = statistics.changes(measures, metrics=names.INDICES)
    everyone = [statistics.numbers(measures, "everyone", phase).assign(phase=phase) for phase in ("before", "after")]
    quality = statistics.numbers(measures, "recipients", "after").assign(phase="after")
    parts = [
        *(part[part["metric"].isin(names.INDICES)] for part in everyone),
        changes.assign(value=changes["change"], phase="change"),
        quality[quality["metric"].isin(names.QUALITY)],
    ]
    return pd.concat(parts, ignore_index=True)[[*_KEY, "seed", "value", "note"]]


def _difference(pairs: pd.DataFrame) -> tuple:
    """What a convention makes of one number; pairs: its seeds."""
    difference = pairs["value"] - pairs["value_base"]
    known = difference.dropna()
    between = statistics.interval(known)
    notes = pairs["note"].where(pairs["value"].isna(), pairs["note_base"])
    means = (pairs["value_base"].mean(), pairs["value"].mean(), known.mean())
    return *means, between.low, between.high, len(known), statistics.missing(difference, notes)


def _printed(table: pd.DataFrame, published: pd.DataFrame) -> list[float]:
    """The published number beside each row; missing for a change, or where nothing was published."""
    key = ["population", "classifier", "method", "phase"]

    def name(rows: pd.DataFrame, metric: str) -> list[tuple]:
        """What a number is called, whether as defined or as released."""
        kinds = rows[metric].astype("str").str.removesuffix("_released")
        return list(rows[key].assign(kind=kinds).itertuples(index=False, name=None))

    known = dict(zip(name(published, "our_metric"), published["published"], strict=True))
    return [known.get(number, np.nan) for number in name(table, "metric")]
