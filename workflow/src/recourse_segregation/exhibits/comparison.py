"""Our numbers and the published ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import claims, names
from ..comparison import VERDICTS
from ._figures import DARK, MIDDLE, multiples
from ._run import ordered
from ._tables import POPULATION, across, bracket, listed, number, p_value, tables, unbroken

#: verdict, on a number or a claim -> sign, so that it can be told apart without colour
_SIGNS = dict(zip(VERDICTS, "●◐○", strict=False)) | dict(zip(claims.VERDICTS, "●◐○✕", strict=False))
_CLAIM = {"part": "Part", "statement": "Claim", "indices": "Judged on"}


def show_claims(table: pd.DataFrame) -> Any:
    """The claims, a row each: the verdicts on all populations together and what they are based on.

    table: `claims` of a run (see `claims.evaluate`). Claims about segregation have the verdicts on both kinds of
    indices beside each other; the others have one, in a table below.
    """
    from IPython.display import HTML

    kinds = {"": "Verdict"} | {kind: f"On {label}" for kind, label in claims.KINDS.items()}
    shown = table[table["population"] == claims.ALL]
    shown = ordered(shown, statement=shown["statement"].unique(), indices=list(kinds))

    def text(row: Any) -> str:
        others = {"if seeds share people": row.verdict_overlap, "without small effects": row.verdict_relevant}
        found = [f"{when}: {_signed(verdict)}" for when, verdict in others.items() if verdict != row.verdict]
        return "\n".join([f"**{_signed(row.verdict)}**", *found, row.evidence])

    parts = [
        tables(across(own, ["part", "statement"], "indices", text, kinds.get).rename(columns=_CLAIM), blank=["Part"])
        for _, own in shown.groupby(shown["indices"] == "")
    ]
    return HTML("\n".join(part.data for part in parts))


def show_claims_by_population(table: pd.DataFrame) -> Any:
    """The verdict on each claim for each population, with how many of the decided tests are in favour."""
    own = table[table["population"] != claims.ALL]
    own = ordered(own, statement=own["statement"].unique(), population=own["population"].unique())

    def text(row: Any) -> str:
        return f"{_signed(row.verdict)}\n{row.in_favour}/{row.tests - row.undecided}"

    wide = across(own, ["statement", "indices"], "population", text, names.population)
    wide["indices"] = wide["indices"].map(claims.KINDS).fillna("")
    return tables(wide.rename(columns=_CLAIM), blank=["Claim"])


def show_evidence(table: pd.DataFrame) -> Any:
    """The tests behind the claims, a table a claim.

    table: `claims_evidence` of a run.
    """

    def row(row: Any) -> dict[str, str]:
        digits = names.metric(row.metric).digits + 1
        return {
            "population": row.population,
            "method": row.method,
            "Beside": names.method(row.reference) if row.reference else "",
            "Metric": names.in_line(row.metric) + " beyond shuffled groups" * (row.indices == claims.GROUPS),
            "Expected": row.expected,
            "Difference": number(row.mean, digits=digits, sign=True),
            "95 % interval": bracket(row.low, row.high, digits),
            "p, Holm": p_value(row.p_holm),
            "p, people shared": p_value(row.p_overlap_holm),
            "p, small": p_value(row.p_small),
            "Seeds": f"{row.seeds}",
            "Holds": row.holds,
        }

    return listed(table, row, ["statement"], blank=["population", "method"])


def _signed(verdict: str) -> str:
    return unbroken(f"{_SIGNS.get(verdict, '')} {verdict}".strip())


def verdicts(comparison: pd.DataFrame) -> pd.DataFrame:
    """How many published numbers get each verdict.

    Columns: population, verdict, rows, same_direction and other_direction (rows whose change is, or is not,
    in the published direction; rows without a change are in neither).
    """
    same, other = (comparison["direction"] == direction for direction in ("same", "other"))
    counted = comparison.assign(rows=1, same_direction=same, other_direction=other)
    counted = ordered(counted, population=comparison["population"].unique(), verdict=VERDICTS)
    columns = ["rows", "same_direction", "other_direction"]
    return counted.groupby(["population", "verdict"], observed=False)[columns].sum().reset_index()


def show_verdicts(table: pd.DataFrame) -> Any:
    """`verdicts`, a row a population."""

    def text(row: Any) -> str:
        other = f" ({row.other_direction} in the other direction)" if row.other_direction else ""
        return f"{row.rows}" + (other if row.verdict == "matches" else "")

    wide = across(table, ["population"], "verdict", text, _signed)
    wide.insert(1, "Published numbers", table.groupby("population", observed=False)["rows"].sum().to_numpy())
    return tables(wide)


def figure(comparison: pd.DataFrame, exhibit: str) -> Figure | None:
    """The published numbers of an exhibit and ours: populations down, metrics across; None without any of this run.

    Rows without ours show the published number alone.
    """
    table = comparison[(comparison["exhibit"] == exhibit) & (comparison["verdict"] != "not run")]
    if table.empty:
        return None

    def draw(axis: Axes, rows: pd.DataFrame, metric: str) -> None:
        if rows["ours_se"].notna().any():
            look = {"fmt": "|", "color": MIDDLE, "markersize": 9, "elinewidth": 2, "zorder": 2}
            label = "our mean ± standard error over seeds"
            axis.errorbar(rows["ours_mean"], rows["row"], xerr=rows["ours_se"], label=label, **look)
        axis.scatter(rows["ours"], rows["row"], s=42, color=DARK, zorder=3, label="ours")
        hollow = {"marker": "D", "facecolor": "none", "edgecolor": "black"}
        axis.scatter(rows["published"], rows["row"], s=80, zorder=4, label="published", **hollow)
        axis.set_xlabel(names.metric(metric).axis)
        axis.margins(x=0.15)
        if metric in names.SHARES:
            axis.set_xlim(-0.1, 1.1)

    order = {column: table[column].unique() for column in ("population", "method", "our_metric")}
    table = ordered(table, **order).assign(metric=lambda t: t["our_metric"])
    return multiples(table, draw, label=lambda name: names.metric(name).label)


def show(table: pd.DataFrame) -> Any:
    """The rows of one or more exhibits of the comparison, a table a population."""
    one_seed = (table["ours"].fillna(0) != table["ours_mean"].fillna(0)).any()  # ours are not the means themselves

    def row(row: Any) -> dict[str, str]:
        after, changed = row.phase == "after", bool(row.change_from)
        return {
            "method": row.method,
            "Metric": names.in_line(row.our_metric),
            "Published": number(row.published),
            "Ours": number(row.ours, np.nan if one_seed else row.ours_se),
            **({"All seeds": number(row.ours_mean, row.ours_se)} if one_seed else {}),
            "Change,\npublished": number(row.change_published, sign=True) if changed else "",
            "Change,\nours": number(row.change_ours, sign=True) if changed else "",
            "Found": number(row.found, digits=2) if after else "",
            "Verdict": _signed(row.verdict),
            "Rule": row.rule,
        }

    return listed(table, row, POPULATION, blank=["method"])
