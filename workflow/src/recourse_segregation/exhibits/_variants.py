"""What the exhibits of variants share: each number of a method with its interval, and what a variant changes.

Everything is in one scenario, the first of the study. The number of an index is its change among everyone, after -
before; that of a quality of the recourse is its value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .. import names, statistics
from ..errors import DataError
from ._figures import DARK, WIDTH, by_cell, intervals, marker, new_figure, theme
from ._layout import Footnotes, by_method, number, unbroken
from ._run import METHOD
from .segregation import around_zero


def seeds(measures: pd.DataFrame, study: Mapping[str, Any], metrics: Sequence[str]) -> pd.DataFrame:
    """Each number, seed by seed: population, classifier, method, metric, seed, value, note.

    measures: those of the study. Rows are in the order of the study and of `metrics`.

    Raises DataError when the study has no measures of a metric.
    """
    own = _scenario(measures, study)
    indices = statistics.changes(own, "everyone", [m for m in metrics if m in names.INDICES])
    quality = own[(own["phase"] == "after") & (own["scope"] == "recipients") & own["metric"].isin(names.QUALITY)]
    table = pd.concat([quality, indices.assign(value=indices["change"])], ignore_index=True)
    absent = [m for m in metrics if m not in set(table["metric"])]
    if absent:
        raise DataError(f"the measures of this study have no {', '.join(absent)}; run the rule measure for its cells")
    table = _in_order(table[table["metric"].isin(metrics)], study, metrics)
    return table[[*METHOD, "metric", "seed", "value", "note"]]


def levels(seeds: pd.DataFrame, also: Sequence[str] = ()) -> pd.DataFrame:
    """`seeds` summarised: population, classifier, method, metric, mean, low, high (95 %), seeds, note.

    also: further columns that are the same for a method and population.
    """
    rows = []
    for key, part in seeds.groupby([*METHOD, *also, "metric"], sort=False):
        known = part["value"].dropna()
        between = statistics.interval(known)
        note = statistics.missing(part["value"], part["note"])
        rows.append((*key, float(known.mean()), between.low, between.high, len(known), note))
    columns = [*METHOD, *also, "metric", "mean", "low", "high", "seeds", "note"]
    return pd.DataFrame(rows, columns=columns)


def references(study: Mapping[str, Any], also: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variant -> the method it is compared with: the one it is made of, or what `also` says.

    Raises DataError when that method is not in the study.
    """
    chosen = {m: r for m, r in {**(also or {}), **study["bases"]}.items() if m in study["methods"]}
    for variant, reference in chosen.items():
        if reference not in study["methods"]:
            raise DataError(f"{variant} is compared with {reference}, which the study lacks; add it to its methods")
    return {m: chosen[m] for m in study["methods"] if m in chosen}


def contrasts(
    measures: pd.DataFrame, study: Mapping[str, Any], metrics: Sequence[str], against: Mapping[str, str]
) -> pd.DataFrame:
    """What each variant changes, paired within a seed: variant - reference.

    against: what `references` returns. Columns: population, classifier, method, reference, metric, seeds,
    reference_mean, mean (the variant's; both over the seeds in which both have a value), difference, low, high (95 %),
    interval, p, p_holm (within the variants of a population and metric), decidable, significant (see
    `statistics.summarise`), note (why seeds are missing).
    """
    own = _scenario(measures, study)
    paired = [
        statistics.differences(part, [method], [reference], scope, [m for m in metrics if m in known])
        for method, reference in against.items()
        for part in [own[own["method"].isin([method, reference])]]
        for scope, known in (("recipients", names.QUALITY), ("everyone", names.INDICES))
    ]
    columns = {"before": "reference_mean", "after": "mean", "change": "difference"}
    wanted = [
        *("population", "classifier", "method", "reference", "metric", "seeds", "reference_mean", "mean"),
        *("difference", "low", "high", "interval", "p", "p_holm", "decidable", "significant", "note"),
    ]
    if not paired:
        return pd.DataFrame(columns=wanted)
    key = [*statistics.CELL, "reference", "scope", "metric"]
    seeds = pd.concat(paired, ignore_index=True)
    table = statistics.summarise(seeds, key).rename(columns=columns)
    table["note"] = [statistics.missing(part["change"], part["note"]) for _, part in seeds.groupby(key, sort=False)]
    return _in_order(table, study, metrics)[wanted]


def show(levels: pd.DataFrame, contrasts: pd.DataFrame, metrics: Sequence[str]) -> Any:
    """`levels`, a table a population; below the mean of a variant, in bold, what it changes, with the interval."""
    differences = {key: rows.iloc[0] for key, rows in contrasts.groupby([*METHOD, "metric"])}

    def cell(row: pd.Series, notes: Footnotes) -> str:
        name = row["metric"]
        digits, sign = (names.metric(name).digits + (name in names.INDICES)), name in names.INDICES
        level = number(row["mean"], digits=digits, sign=sign) + notes.mark(row["note"])
        found = differences.get(tuple(row[c] for c in [*METHOD, "metric"]))
        if found is None:
            return level + between(row["low"], row["high"], digits)
        changed = number(found["difference"], digits=digits, sign=True)
        return f"{level}<br><b>{changed}</b>{between(found['low'], found['high'], digits)}"

    return by_method(levels, metrics, cell, label)


def figure(contrasts: pd.DataFrame, title: str) -> Figure | None:
    """What each variant changes, with its interval: populations down, metrics across; None without variants.

    The shaded side of an index is the more segregated one.
    """
    if contrasts.empty:
        return None
    metrics, methods = (list(dict.fromkeys(contrasts[c])) for c in ("metric", "method"))
    rows = contrasts.rename(columns={"difference": "change"}).assign(method=contrasts["method"].map(names.method))
    panels = by_cell(rows)
    with theme():
        shown = new_figure(WIDTH, len(panels) * (0.28 * len(methods) + 1.2) + 0.9)
        axes = shown.subplots(len(panels), len(metrics), sharey=True, squeeze=False)
        for line, (cell, of_cell) in zip(axes, panels, strict=True):
            for axis, name in zip(line, metrics, strict=True):
                here = of_cell[of_cell["metric"] == name]
                intervals(axis, here, "method", [names.method(m) for m in methods])
                around_zero(axis, here, name)
                axis.set_title(label(name), fontsize=10)
                axis.set_xlabel("more segr. →" if names.metric(name).segregation > 0 else "← more segr.", fontsize=9)
                if name in names.QUALITY:
                    axis.set_xlabel("")
                if name in names.SHARES:
                    axis.set_xlim(-1.2, 1.2)
                    axis.set_xticks([-1, 0, 1], ["−1", "0", "1"])
            line[0].set_ylabel(cell.replace(" by ", "\nby "), fontweight="bold")
        handles = [Line2D([], [], color="black", linewidth=1, label="no difference")]
        about = " with its 95 % interval" if contrasts["low"].notna().any() else ""
        handles.insert(0, marker("D", f"mean difference{about}", "white", DARK))
        if contrasts["significant"].any():
            handles.insert(1, marker("D", "significant after Holm", DARK, DARK))
        shown.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, title=title)
    return shown


def label(metric: str) -> str:
    """`cost` -> `Cost`, `atkinson` -> `Δ Atkinson`: for an index, the number is its change."""
    return f"{'Δ ' if metric in names.INDICES else ''}{names.metric(metric).label}"


def between(low: float, high: float, digits: int) -> str:
    """` [0.1, 0.2]` on a line of its own, or nothing where there is no interval."""
    if np.isnan(low):
        return ""
    return "<br>" + unbroken(f"[{number(low, digits=digits)}, {number(high, digits=digits)}]")


def _scenario(measures: pd.DataFrame, study: Mapping[str, Any]) -> pd.DataFrame:
    own = measures[measures["scenario"] == study["scenarios"][0]]
    if own.empty:
        raise DataError(f"there are no measures in the scenario {study['scenarios'][0]!r}; run the rule collect again")
    return own


def _in_order(table: pd.DataFrame, study: Mapping[str, Any], metrics: Sequence[str]) -> pd.DataFrame:
    """By population and method of the study, then by metric, then by seed if there are any."""
    orders = {"population": study["populations"], "method": study["methods"], "metric": metrics}
    ranks = {c: table[c].map({v: i for i, v in enumerate(order)}) for c, order in orders.items()}
    by = pd.DataFrame(ranks | {c: table[c] for c in ("seed",) if c in table})
    return table.loc[by.sort_values(list(by), kind="stable").index].reset_index(drop=True)
