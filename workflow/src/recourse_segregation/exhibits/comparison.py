"""Our numbers and the published ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .. import claims, names
from ..comparison import VERDICTS
from ._figures import DARK, MIDDLE, WIDTH, marker, new_figure, share_axis, theme
from ._layout import Layout, bracket, number, p_value, tables, unbroken

#: verdict -> sign, so that it can be told apart without colour
SIGNS = dict(zip(VERDICTS, ("●", "◐", "○", "", ""), strict=True))

#: the same for the claims
_CLAIM_SIGNS = dict(zip(claims.VERDICTS, ("●", "◐", "○", "✕", ""), strict=True))


def show_claims(table: pd.DataFrame) -> Any:
    """The claims, a row each: the verdict on all populations together and what it is based on.

    table: `claims` of a run (see `claims.evaluate`).
    """
    rows = [
        {
            "Part": f"{row.part}",
            "Claim": row.statement,
            "Verdict": _signed(row.verdict),
            "Evidence": row.evidence,
        }
        for row in table[table["population"] == claims.ALL].itertuples()
    ]
    return tables([Layout(rows, repeat=("Part",))])


def show_claims_by_population(table: pd.DataFrame) -> Any:
    """The verdict on each claim for each population, with how many of the decided tests are in favour."""
    own = table[table["population"] != claims.ALL]
    populations = list(dict.fromkeys(own["population"]))
    rows = []
    for _, part in own.groupby("claim", sort=False):
        by_population = {row.population: row for row in part.itertuples()}
        cells = {}
        for population in populations:
            row = by_population.get(population)
            text = "–" if row is None else f"{_signed(row.verdict)}\n{row.in_favour}/{row.tests - row.undecided}"
            cells[names.population(population)] = text
        rows.append({"Claim": part["statement"].iloc[0]} | cells)
    return tables([Layout(rows)])


def show_evidence(table: pd.DataFrame) -> Any:
    """The tests behind the claims, a table a claim.

    table: `claims_evidence` of a run.
    """
    layouts = []
    for _, part in table.groupby("claim", sort=False):
        rows = []
        for row in part.itertuples():
            digits = names.metric(row.metric).digits + 1
            rows.append(
                {
                    "Population": names.population(row.population),
                    "Method": names.method(row.method),
                    "Beside": names.method(row.reference) if row.reference else "",
                    "Metric": names.metric(row.metric).label.replace("\n", ", "),
                    "Expected": row.expected,
                    "Difference": number(row.mean, digits=digits, sign=True),
                    "95 % interval": bracket(row.low, row.high, digits),
                    "p, Holm": p_value(row.p_holm),
                    "Seeds": f"{row.seeds}",
                    "Holds": row.holds,
                }
            )
        layouts.append(Layout(rows, part["statement"].iloc[0], repeat=("Population", "Method")))
    return tables(layouts)


def _signed(verdict: str) -> str:
    return unbroken(f"{_CLAIM_SIGNS[verdict]} {verdict}".strip())


def verdicts(comparison: pd.DataFrame) -> pd.DataFrame:
    """How many published numbers get each verdict.

    Columns: population, verdict, rows, same_direction and other_direction (rows whose change is, or is not,
    in the published direction; rows without a change are in neither).
    """
    rows = []
    for population, part in comparison.groupby("population", sort=False):
        for verdict in VERDICTS:
            directions = part.loc[part["verdict"] == verdict, "direction"]
            same, other = int((directions == "same").sum()), int((directions == "other").sum())
            rows.append((population, verdict, len(directions), same, other))
    return pd.DataFrame(rows, columns=["population", "verdict", "rows", "same_direction", "other_direction"])


def show_verdicts(table: pd.DataFrame) -> Any:
    """`verdicts`, a row a population."""
    rows = []
    for population, part in table.groupby("population", sort=False):
        row = {"Population": names.population(population), "Published numbers": f"{part['rows'].sum()}"}
        for cell in part.itertuples():
            about = f" ({cell.other_direction} in the other direction)" if cell.other_direction else ""
            name = f"{SIGNS[cell.verdict]} {cell.verdict}".strip()
            row[name] = f"{cell.rows}" + (about if cell.verdict == "matches" else "")
        rows.append(row)
    return tables([Layout(rows)])


def figure(comparison: pd.DataFrame, exhibit: str) -> Figure | None:
    """The published numbers of an exhibit and ours, for the populations of this run; None without any."""
    ran = comparison[(comparison["exhibit"] == exhibit) & (comparison["verdict"] != "not run")]
    return None if ran.empty else _published(ran)


def _published(table: pd.DataFrame) -> Figure:
    """Published and our numbers, a panel a population and metric.

    table: population, method, phase, metric, published, ours, ours_mean, ours_se; rows without ours show the
    published number alone.
    """
    panels = list(table.groupby(["population", "metric"], sort=False))
    populations, metrics = table["population"].nunique(), table["metric"].nunique()
    columns = metrics if populations > 1 else min(4, metrics)
    rows = populations if populations > 1 else -(-metrics // columns)
    order = list(dict.fromkeys(_row_name(table)))
    place = {name: i for i, name in enumerate(order)}
    with theme():
        figure = new_figure(WIDTH, rows * (0.3 * len(order) + 1.4) + 0.5)
        axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axis, ((_, name), part) in zip(axes.flat, panels, strict=False):
            y = _row_name(part).map(place).to_numpy()
            axis.errorbar(
                part["ours_mean"],
                y,
                xerr=part["ours_se"],
                fmt="|",
                color=MIDDLE,
                markersize=9,
                elinewidth=2,
                zorder=2,
            )
            axis.scatter(part["ours"], y, s=42, marker="o", color=DARK, zorder=3)
            axis.scatter(part["published"], y, s=80, marker="D", facecolor="none", edgecolor="black", zorder=4)
            axis.set_title(names.metric(part["our_metric"].iloc[0]).label.replace("\n", ", "), fontsize=11)
            axis.set_yticks(range(len(order)), order)
            axis.set_ylim(len(order) - 0.4, -0.6)
            axis.set_xlabel(names.metric(name).axis.split("\n")[0])
            axis.xaxis.set_major_locator(MaxNLocator(4))
            if name in names.SHARES:
                share_axis(axis)
            else:
                axis.margins(x=0.12)
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        of_row = list(table["population"].unique()) * (1 if populations > 1 else rows)
        for axis, name in zip(axes[:, 0], of_row, strict=True):
            axis.set_ylabel(names.population(name).replace(" by ", "\nby "), fontweight="bold")
        handles = [marker("D", "published", "none", "black"), marker("o", "ours", DARK, DARK)]
        if table["ours_se"].notna().any():
            label = "our mean ± standard error over seeds"
            handles.append(Line2D([], [], color=MIDDLE, marker="|", linewidth=2, markersize=9, label=label))
        figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _row_name(table: pd.DataFrame) -> pd.Series:
    return table["method"].map(names.method).where(table["phase"] == "after", "Before")


def show(table: pd.DataFrame) -> Any:
    """The rows of one or more exhibits of the comparison, a table a population."""
    layouts = []
    for (population, classifier), part in table.groupby(["population", "classifier"], sort=False):
        one_seed = (part["ours"].fillna(0) != part["ours_mean"].fillna(0)).any()  # ours are not the means themselves
        rows = []
        for row in part.itertuples():
            after, changed = row.phase == "after", bool(row.change_from)
            rows.append(
                {
                    "Method": names.method(row.method) if after else "Before",
                    "Metric": names.metric(row.our_metric).label.replace("\n", ", "),
                    "Published": number(row.published),
                    "Ours": number(row.ours, np.nan if one_seed else row.ours_se),
                    **({"All seeds": number(row.ours_mean, row.ours_se)} if one_seed else {}),
                    "Change,\npublished": number(row.change_published, sign=True) if changed else "",
                    "Change,\nours": number(row.change_ours, sign=True) if changed else "",
                    "Found": number(row.found, digits=2) if after else "",
                    "Verdict": f"{SIGNS[row.verdict]} {row.verdict}".strip(),
                    "Rule": row.rule,
                }
            )
        layouts.append(Layout(rows, names.cell(population, classifier), repeat=("Method",)))
    return tables(layouts)
