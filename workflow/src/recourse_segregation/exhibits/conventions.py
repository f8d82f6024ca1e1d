"""The same recourse under other conventions: what each changes, and which comes nearest to the published numbers.

A convention replaces one thing and leaves the rest: what becomes of those without recourse, or the radius (both are
scenarios of the study), a method by its variant in the study, or an index as it is defined by the one that the release
computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .. import comparison, names, statistics
from ..errors import DataError
from ._figures import DARK, LIGHT, MIDDLE, WARM, WIDTH, by_cell, marker, new_figure, nice_below, rows_of, theme
from ._layout import Footnotes, Layout, number, sentence, tables
from ._run import METHOD, Run

STUDY = "conventions"
#: the changes of these indices are drawn
DRAWN = ("centralization", "atkinson", "average_proximity", *names.ADDED)
#: how the numbers of the comparison are made: the first convention of `agreement`
COMPARED = "As compared"
#: what every convention is compared with in `table`: the first scenario, and the indices as they are defined
OURS = "Ours"

_KEY = [*METHOD, "phase", "metric"]
_LOOKS = (
    *(("s", WARM), ("^", WARM), ("v", "none"), ("^", "none"), ("o", "none"), ("X", MIDDLE), ("P", MIDDLE)),
    *(("o", WARM), ("s", "none"), ("v", WARM)),
)


@dataclass(frozen=True)
class Convention:
    """What is replaced: the scenario, methods and metrics (each by what stands in for it)."""

    label: str
    scenario: str
    methods: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)

    def apply(self, measures: pd.DataFrame) -> pd.DataFrame:
        """The measures under this convention, under the names of what was replaced."""
        own = measures[measures["scenario"] == self.scenario]
        for column, replaced in (("method", self.methods), ("metric", self.metrics)):
            stands_in = {new: old for old, new in replaced.items() if (own[column] == new).any()}
            there = own[~own[column].isin(stands_in.values())]
            copies = own[own[column].isin(stands_in)]
            own = pd.concat([there, copies.assign(**{column: copies[column].replace(stands_in)})])
        return own


def conventions(study: Mapping[str, Any], released: bool) -> list[Convention]:
    """The conventions of a study beyond its first scenario.

    released: whether the indices are those of the release already, so that the ones as defined are the convention.
    """
    default = study["scenarios"][0]
    found = [Convention(names.scenario(scenario), scenario) for scenario in study["scenarios"][1:]]
    found += [
        Convention(names.method(variant), default, methods={base: variant})
        for variant, base in study["bases"].items()
        if base in study["methods"]
    ]
    for index in ("centralization", "atkinson"):
        own, other = index, f"{index}_released"
        pair, kind = ({other: own}, "as defined") if released else ({own: other}, "as released")
        found.append(Convention(f"{names.metric(index).label} {kind}", default, metrics=pair))
    return found


def table(run: Run) -> pd.DataFrame:
    """Every number of ours, and what every convention makes of it where it changes it in at least one seed.

    Columns: population, classifier, method (`none` before recourse), phase (before, after, or change for after -
    before), metric, convention (`Ours` first), base (mean over seeds), value (mean under the convention), difference
    (paired), low, high (95 %), seeds (in which both are defined), published (the number that was printed, if there is
    one), note.

    Raises DataError when the study has no measures in its first scenario.
    """
    study = run.studies[STUDY]
    base = _numbers(Convention("", study["scenarios"][0]).apply(run.measures))
    if base.empty:
        raise DataError(f"there are no measures in the scenario {study['scenarios'][0]!r}; run the rule collect again")
    rows = []
    for convention in [Convention(OURS, study["scenarios"][0]), *conventions(study, released=False)]:
        other = _numbers(convention.apply(run.measures))
        wanted = other["method"].isin([*convention.methods, "none"]) if convention.methods else other["seed"].notna()
        wanted &= other["metric"].isin(convention.metrics) if convention.metrics else True
        pairs = other[wanted].merge(base, on=[*_KEY, "seed"], suffixes=("", "_base"))
        for key, part in pairs.groupby(_KEY, sort=False):
            if convention.label == OURS or not part["value"].equals(part["value_base"]):
                rows.append((*key, convention.label, *_difference(part)))
    columns = [*_KEY, "convention", "base", "value", "difference", "low", "high", "seeds", "note"]
    changed = pd.DataFrame(rows, columns=columns)
    changed.insert(columns.index("note"), "published", _printed(changed, run.comparison))
    orders = {
        "population": study["populations"],
        "method": ["none", *study["methods"]],
        "phase": ["before", "after", "change"],
        "metric": [*names.INDICES, *names.QUALITY],
    }
    ranks = pd.DataFrame({c: changed[c].map({v: i for i, v in enumerate(order)}) for c, order in orders.items()})
    return changed.loc[ranks.sort_values(list(orders), kind="stable").index].reset_index(drop=True)


def agreement(run: Run) -> pd.DataFrame:
    """How many published numbers are met under each convention, by the rule of the comparison.

    Columns: population, convention (the first is that of the comparison), numbers (published, of populations and
    methods of the study), matches, gained and lost (against the comparison), undefined, distance (median of
    |ours - published| over the difference that is allowed), nearest (most matches, then the smallest distance).

    Raises DataError when the comparison has none of the study's numbers.
    """
    study = run.studies[STUDY]
    default = Convention(COMPARED, study["scenarios"][0])
    printed = run.comparison[run.comparison["population"].isin(study["populations"])]
    printed = printed.assign(value=printed["published"], half_digit=0.0)
    there = _ours(default, run.measures, printed)["verdict"] != "not run"
    if not there.any():
        raise DataError("no published number is about a population and method of the study; see comparison.csv")
    printed = printed[there.to_numpy()].reset_index(drop=True)
    rows, met = [], None
    for convention in [default, *conventions(study, released=True)]:
        ours = _ours(convention, run.measures, printed)["ours"]
        off = (ours - printed["published"]).abs()
        matches = off <= printed["allowed"] + 1e-9  # decimals are not exact in binary
        met = matches if met is None else met
        for population, part in printed.groupby("population", sort=False):
            i = part.index
            gained, lost = (int((a[i] & ~b[i]).sum()) for a, b in ((matches, met), (met, matches)))
            counts = (len(i), int(matches[i].sum()), gained, lost, int(ours[i].isna().sum()))
            rows.append((population, convention.label, *counts, float((off / printed["allowed"])[i].median())))
    columns = ["population", "convention", "numbers", "matches", "gained", "lost", "undefined", "distance"]
    found = pd.DataFrame(rows, columns=columns)
    order = pd.Categorical(found["population"], list(dict.fromkeys(printed["population"])))
    found = found.loc[order.argsort(kind="stable")].reset_index(drop=True)
    ranked = found.sort_values(["matches", "distance"], ascending=[False, True], kind="stable")
    return found.assign(nearest=found.index.isin(ranked.drop_duplicates("population").index))


def show(table: pd.DataFrame) -> Any:
    """`table`, a table a population: each number that a convention changes, as it is and under every convention."""
    notes, layouts = Footnotes(), []
    labels = [label for label in dict.fromkeys(table["convention"]) if label != OURS]
    shown = table[table["phase"] != "change"]
    for (population, classifier), part in shown.groupby(METHOD[:2], sort=False):
        rows = []
        for (method, _, metric), cells in part.groupby(_KEY[2:], sort=False):
            by_label = {cell.convention: cell for cell in cells.itertuples()}
            if set(by_label) == {OURS}:
                continue
            digits, first = names.metric(metric).digits, cells.iloc[0]
            row = {
                "Method": "Before" if method == "none" else names.method(method),
                "Number": names.metric(metric).label.replace("\n", ", "),
                "Published": number(first["published"], digits=digits) if pd.notna(first["published"]) else "",
                "Ours": number(first["base"], digits=digits),
            }
            rows.append(row | {label: _cell(by_label.get(label), digits, notes) for label in labels})
        layouts.append(Layout(rows, names.cell(population, classifier), repeat=("Method",)))
    return tables(layouts, notes)


def show_agreement(table: pd.DataFrame) -> Any:
    """`agreement`, conventions down and populations across: matches, and how many of these are won and lost."""
    rows = []
    for convention, part in table.groupby("convention", sort=False):
        row = {"Convention": convention}
        for cell in part.itertuples():
            swapped = f" (+{cell.gained} −{cell.lost})" if cell.gained or cell.lost else ""
            row[names.population(cell.population)] = f"{cell.matches} of {cell.numbers}{swapped}"
            row[f"distance,\n{names.population(cell.population)}"] = number(cell.distance, digits=2)
        rows.append(row)
    return tables([Layout(rows)])


def nearest(table: pd.DataFrame) -> Any:
    """Which convention meets most published numbers, in a sentence made from `agreement`."""
    said = [
        f"{names.population(row.population)}: {row.convention} ({row.matches} of {row.numbers})"
        for row in table[table["nearest"]].itertuples()
    ]
    return sentence(f"Most published numbers are met by – {'; '.join(said)}.")


def agreement_figure(table: pd.DataFrame) -> Figure:
    """The matches under each convention, a panel a population."""
    populations, labels = (list(dict.fromkeys(table[c])) for c in ("population", "convention"))
    with theme():
        figure = new_figure(WIDTH, 0.3 * len(labels) + 1.3)
        axes = figure.subplots(1, len(populations), sharey=True, squeeze=False)[0]
        for axis, population in zip(axes, populations, strict=True):
            rows = table[table["population"] == population].set_index("convention").loc[labels]
            total = int(rows["numbers"].max())
            colours = [DARK if near else MIDDLE for near in rows["nearest"]]
            axis.barh(range(len(labels)), rows["matches"], color=colours, height=0.62, zorder=2)
            axis.barh(range(len(labels)), rows["numbers"], color=LIGHT, height=0.62, zorder=1)
            for y, matches in enumerate(rows["matches"]):
                axis.text(total * 1.02, y, f"{matches}", va="center", ha="left", fontsize=9)
            rows_of(axis, labels)
            axis.set_xlim(0, total * 1.12)
            axis.set_title(f"{names.population(population)}\n{total} published numbers", fontsize=11)
            axis.set_xlabel("numbers that match; darkest: the nearest")
            axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axis.grid(False)
    return figure


def figure(table: pd.DataFrame) -> Figure | None:
    """The change of the indices under each convention that changes it; None without an index."""
    rows = table[(table["phase"] == "change") & table["metric"].isin(DRAWN)]
    if rows.empty:
        return None
    methods, labels = (list(dict.fromkeys(rows[c])) for c in ("method", "convention"))
    looks = dict(zip([label for label in labels if label != OURS], cycle(_LOOKS), strict=False))
    panels = by_cell(rows)
    with theme():
        figure = new_figure(WIDTH, len(panels) * (0.34 * len(methods) + 1.2) + 1.0)
        axes = figure.subplots(len(panels), len(DRAWN), sharey=True, squeeze=False)
        for line, (cell, of_cell) in zip(axes, panels, strict=True):
            for axis, name in zip(line, DRAWN, strict=True):
                _panel(axis, of_cell[of_cell["metric"] == name], methods, looks)
                axis.set_title(f"Δ {names.metric(name).label}", fontsize=11)
                more = names.metric(name).segregation > 0
                axis.set_xlabel("more segregated →" if more else "← more segregated")
            line[0].set_ylabel(cell.replace(" by ", "\nby "), fontweight="bold")
        marks = {OURS.lower(): ("D", DARK), **looks}
        handles = [marker(shape, label, face, DARK) for label, (shape, face) in marks.items()]
        title = "mean change of the index, after − before recourse; a convention that leaves it as it is has no mark"
        figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, title=title)
    return figure


def _panel(axis: Axes, rows: pd.DataFrame, methods: list[str], looks: Mapping[str, tuple[str, str]]) -> None:
    values = rows[["base", "value"]].abs().max().max()
    reach = 1.2 * max(values, 1e-4) if pd.notna(values) else 1.0
    axis.axvline(0, color="black", linewidth=1, zorder=1)
    for y, method in enumerate(methods):
        own = rows[rows["method"] == method]
        for row in own.itertuples():
            shape, face = looks.get(row.convention, ("D", DARK))
            size = 26 if row.convention == OURS else 44
            axis.plot([row.base, row.value], [y, y], color=MIDDLE, linewidth=1, zorder=2)
            axis.scatter(row.value, y, s=size, marker=shape, facecolor=face, edgecolor=DARK, linewidth=1, zorder=4)
    rows_of(axis, [names.method(m) for m in methods])
    axis.set_xlim(-reach, reach)
    nice = nice_below(0.8 * reach)
    axis.set_xticks([-nice, 0, nice], [f"−{nice:g}", "0", f"{nice:g}"])


def _numbers(measures: pd.DataFrame) -> pd.DataFrame:
    """Every number of a scenario: population, classifier, method, phase, metric, seed, value, note."""
    changes = statistics.changes(measures, metrics=names.INDICES)
    parts = [
        changes.assign(value=changes["before"], method="none", phase="before"),
        changes.assign(value=changes["after"], phase="after"),
        changes.assign(value=changes["change"], phase="change"),
        statistics.numbers(measures[measures["metric"].isin(names.QUALITY)], "recipients", "after").assign(
            phase="after"
        ),
    ]
    table = pd.concat(parts, ignore_index=True)[[*_KEY, "seed", "value", "note"]]
    return table.drop_duplicates([*_KEY, "seed"])


def _difference(pairs: pd.DataFrame) -> tuple:
    """base, value, difference, low, high, seeds and note of one number under a convention; pairs: its seeds."""
    difference = pairs["value"] - pairs["value_base"]
    known = difference.dropna()
    between = statistics.interval(known)
    notes = pairs["note"].where(pairs["value"].isna(), pairs["note_base"])
    note = statistics.missing(difference, notes)
    means = (pairs["value_base"].mean(), pairs["value"].mean(), known.mean())
    return (*map(float, means), between.low, between.high, len(known), note)


def _printed(table: pd.DataFrame, published: pd.DataFrame) -> list[float]:
    """The published number beside each row; missing for a change, or where nothing was published."""
    key = ["population", "classifier", "method", "phase"]
    known = {
        (*row[:4], row[4].removesuffix("_released")): row[5]
        for row in published[[*key, "our_metric", "published"]].itertuples(index=False)
    }
    wanted = table[[*key, "metric"]].itertuples(index=False)
    return [known.get((*row[:4], row[4].removesuffix("_released")), np.nan) for row in wanted]


def _ours(convention: Convention, measures: pd.DataFrame, printed: pd.DataFrame) -> pd.DataFrame:
    return comparison.compare(convention.apply(measures), printed, 0.0, 0.0)


def _cell(row: Any, digits: int, notes: Footnotes) -> str:
    """`0.941 (+0.447)`, or nothing where a convention changes nothing."""
    if row is None:
        return ""
    if np.isnan(row.value):
        return notes.dash(row.note)
    return f"{number(row.value, digits=digits)} ({number(row.difference, digits=digits, sign=True)})"
