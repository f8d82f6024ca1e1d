"""How strict is the bank? What recourse does to segregation when more people are rejected, and so more move.

The published network decides every time: only its threshold moves. The effect on an index is its change with the real
groups - that with shuffled ones, if the study has the placebo, else its change.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import names
from ..contracts import DEFAULT, RECOURSE
from . import controls, segregation
from ._figures import LIGHT, multiples, values
from ._run import Run, ordered, summarised
from ._tables import POPULATION, across, listed, note, number, sentence, tables

#: the indices that are shown: those that see groups, and the paper's that does not
SEEING = (
    *("centralization", "atkinson", "spatial_proximity"),
    *("isolation", "information", "dissimilarity", "assortativity", "mmd"),
)
METRICS = ("average_proximity", *SEEING)
_MARKERS = "osD^vPX*"


def effects(run: Run) -> pd.DataFrame:
    """The effect on each index that is measured, a row a population, classifier, method and index.

    Columns: population, classifier, method, metric; published (is it the study's first classifier?), rejected and moved
    (shares of train, means over seeds), real and shuffled (mean changes), change (the effect), low, high (95 %), seeds,
    significant (after Holm over the methods), note.
    """
    measured = set(run.measures["metric"])
    seeds = segregation.seeds(run, "everyone", [metric for metric in METRICS if metric in measured])
    if controls.PLACEBO in run.described["scenarios"]:
        table = controls.against_placebo(seeds).rename(columns={"after": "real", "before": "shuffled"})
    else:
        table = segregation.table(seeds[seeds["scenario"] == DEFAULT])
        table = table.assign(real=table["change"], shuffled=float("nan"))
    table = table.merge(rejected(run), on=POPULATION).merge(moved(run), on=RECOURSE)
    listed = run.described["classifiers"]
    published = [row.classifier == listed[row.population][0] for row in table.itertuples()]
    order = list(dict.fromkeys(name for names in listed.values() for name in names))
    table = ordered(table.assign(published=published), classifier=order)
    wanted = [
        *(*RECOURSE, "metric", "published", "rejected", "moved", "real", "shuffled", "change", "low", "high"),
        *("seeds", "significant", "note"),
    ]
    return table.sort_values([*RECOURSE, "metric"], ignore_index=True)[wanted]


def rejected(run: Run) -> pd.DataFrame:
    """The share of train that a classifier rejects, mean over seeds: population, classifier, rejected."""
    train = run.classifiers[run.classifiers["split"] == "train"]
    counts = train.groupby([*POPULATION, "seed"])[["accepted", "individuals"]].sum()
    shares = 1 - counts["accepted"] / counts["individuals"]
    return shares.groupby(POPULATION).mean().reset_index(name="rejected")


def moved(run: Run) -> pd.DataFrame:
    """The share of train that moves, mean over seeds: population, classifier, method, moved."""
    after = run.measures[(run.measures["phase"] == "after") & (run.measures["scenario"] == DEFAULT)]
    # How many a scope has stands in the row of every index.
    people = after[after["metric"] == SEEING[0]].pivot(index=[*RECOURSE, "seed"], columns="scope", values="n")
    return (people["recipients"] / people["everyone"]).groupby(RECOURSE).mean().reset_index(name="moved")


def summary(effects: pd.DataFrame, by: str = "population") -> pd.DataFrame:
    """The effects on the indices that see groups, a row a population and classifier, from few to many rejected.

    by: `method` for a row a method and classifier, over all populations.

    Columns: population (or method), classifier, seeds, rejected (mean), least and most (who move), effects (defined),
    more and less (segregated: the 95 % interval excludes 0); and for each index the mean size of its effects.
    """
    seen = effects[effects["metric"].isin(SEEING)].dropna(subset=["change"])

    def describe(part: pd.DataFrame) -> tuple:
        more = part["change"] * [names.metric(metric).segregation for metric in part["metric"]] > 0
        told = _told(part)
        who = part["seeds"].max(), part["rejected"].mean(), part["moved"].min(), part["moved"].max()
        return *who, len(part), int((told & more).sum()), int((told & ~more).sum())

    key = [by, "classifier"]
    table = summarised(seen, key, ["seeds", "rejected", "least", "most", "effects", "more", "less"], describe)
    sizes = seen["change"].abs().groupby([seen[column] for column in [*key, "metric"]]).mean().unstack("metric")
    sizes.columns = sizes.columns.astype("str")
    return table.join(sizes, on=key).sort_values([by, "rejected"], ignore_index=True)


def answer(summary: pd.DataFrame) -> Any:
    """What `summary` says of each threshold, all populations together, in words."""
    said = []
    for classifier, part in summary.groupby("classifier"):
        total = part[["effects", "more", "less"]].sum()
        who = f"{_share(part['least'].min())} to {_share(part['most'].max())} of train move"
        told = f"{total['more']} of {total['effects']} effects have a 95 % interval on the more segregated side"
        means = part[[index for index in SEEING[:3] if index in part]].mean()
        digits = {index: names.metric(index).digits + 1 for index in means.index}
        sizes = ", ".join(f"{names.in_line(m)} {number(size, digits=digits[m])}" for m, size in means.items())
        about = f"{names.classifier(classifier)} ({part['seeds'].max()} seeds): {who}"
        said.append(f"{about}; {told}, {total['less']} on the less; mean size: {sizes}.")
    return sentence(" ".join(said))


def figures(effects: pd.DataFrame) -> dict[str, Figure]:
    """The effect on each index along the share who move: a figure for the paper's indices, and one for the others."""
    paper = effects["metric"].isin(("centralization", "atkinson", "average_proximity"))
    parts = {"paper": effects[paper], "others": effects[~paper]}
    return {name: _curves(part) for name, part in parts.items() if len(part)}


def _curves(effects: pd.DataFrame) -> Figure:
    methods = values(effects, "method")
    looks = dict(zip(methods, zip(sns.color_palette("colorblind", len(methods)), _MARKERS, strict=False), strict=True))

    def draw(axis: Axes, rows: pd.DataFrame, metric: str) -> None:
        for method, line in rows.sort_values("moved").groupby("method"):
            color, marker = looks[method]
            axis.plot(line["moved"], line["change"], color=color, linewidth=1, zorder=2)
            look = {"edgecolor": color, "marker": marker, "s": 24, "zorder": 3}
            axis.scatter(line["moved"], line["change"], facecolor=color, label=names.method(method), **look)
            chance = line[~_told(line)]
            axis.scatter(chance["moved"], chance["change"], facecolor="white", **look)
        own = rows[rows["published"]]
        ring = {"s": 110, "facecolor": "none", "edgecolor": "black", "linewidth": 0.8, "label": "published threshold"}
        axis.scatter(own["moved"], own["change"], zorder=4, **ring)
        reach = 1.2 * rows[["change", "low", "high"]].abs().max(axis=None)
        axis.axhline(0, color="black", linewidth=0.8, zorder=1)
        axis.axhspan(0, names.metric(metric).segregation * reach, color=LIGHT, zorder=0, label="more segregated")
        axis.set_ylim(-reach, reach)
        axis.set_xlim(left=0)
        axis.set_xlabel("share who move")

    first = effects.groupby("population")["classifier"].min()
    one_row = effects.assign(classifier=effects["population"].map(first))
    return multiples(one_row, draw, "hollow: the 95 % interval over seeds includes no effect", height=1.5)


def show_summary(summary: pd.DataFrame) -> Any:
    """`summary`, a row a row."""
    by, indices = summary.columns[0], [metric for metric in SEEING if metric in summary]

    def row(row: Any) -> dict[str, str]:
        about = {by: getattr(row, by), "classifier": row.classifier, "Rejected": _share(row.rejected)}
        about |= {"Move": f"{_share(row.least)} to {_share(row.most)}"}
        about |= {"More\nsegregated": f"{row.more} of {row.effects}", "Less": f"{row.less} of {row.effects}"}
        digits = {metric: names.metric(metric).digits + 1 for metric in indices}
        return about | {names.metric(m).label: number(getattr(row, m), digits=digits[m]) for m in indices}

    return listed(summary, row, blank=[by])


def show(effects: pd.DataFrame) -> Any:
    """`effects`, a table a population: classifiers and methods down, indices across, each with its mark."""

    def text(row: Any) -> str:
        if pd.isna(row.change):
            return "–" + note(row.note)
        digits = names.metric(row.metric).digits + 1
        return f"{number(row.change, digits=digits, sign=True)}\u00a0{segregation.mark(row)}".rstrip("\u00a0")

    shown = effects.assign(Move=effects["moved"].map(_share))
    wide = across(shown, [*POPULATION, "method", "Move"], "metric", text, lambda name: names.metric(name).label)
    return tables(wide.assign(population=wide["population"].map(names.population)), ["population"], ["classifier"])


def _told(rows: pd.DataFrame) -> pd.Series:
    """Does the interval exclude no effect?"""
    return (rows["low"] > 0) | (rows["high"] < 0)


def _share(value: float) -> str:
    return f"{value:.1%}".replace("%", " %")
