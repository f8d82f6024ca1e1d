"""Our numbers and the published ones."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import claims, names
from ..comparison import NOBODY, QUALITY, VERDICTS
from ._figures import DARK, MIDDLE, multiples
from ._run import Run, means, ordered
from ._tables import POPULATION, across, bracket, listed, number, p_value, sentence, tables, unbroken

#: what the authors' logs of the training of density models end with, in the units of our diagnostics
LOGS = Path(__file__).parents[3] / "resources" / "published_logs.csv"
#: verdict, on a number or a claim -> sign, so that it can be told apart without colour
_SIGNS = dict(zip(VERDICTS, "●◐○", strict=False)) | dict(zip(claims.VERDICTS, "●◐○✕", strict=False))
#: rule -> the column of the candidates that says who meets it
_RULES = {"within the tolerance": "within_tolerance", "within the re-runs": "inside"}
_NUMBER = ["population", "method", "metric"]
_CLAIM = {"part": "Part", "statement": "Claim", "indices": "Judged on"}


def claims_texts(table: pd.DataFrame) -> list[pd.DataFrame]:
    """The claims, a row each: the verdicts on all populations together and what they are based on, as texts.

    table: `claims` of a run (see `claims.evaluate`). First those about segregation, with the verdicts on both kinds of
    indices beside each other, then the others.
    """
    kinds = {"": "Verdict"} | {kind: f"On {label}" for kind, label in claims.KINDS.items()}
    shown = table[table["population"] == claims.ALL]
    shown = ordered(shown, statement=shown["statement"].unique(), indices=list(kinds))

    def text(row: Any) -> str:
        others = {"if seeds share people": row.verdict_overlap, "without small effects": row.verdict_relevant}
        found = [f"{when}: {_signed(verdict)}" for when, verdict in others.items() if verdict != row.verdict]
        return "\n".join([f"**{_signed(row.verdict)}**", *found, row.evidence])

    parts = shown.groupby(shown["indices"] == "")
    return [across(own, ["part", "statement"], "indices", text, kinds.get).rename(columns=_CLAIM) for _, own in parts]


def show_claims(table: pd.DataFrame) -> Any:
    """`claims_texts`, a table below the other."""
    return HTML("\n".join(tables(part, blank=["Part"]).data for part in claims_texts(table)))


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

    Columns: population, verdict, rows, matches (how many of them the tolerance alone would call met).
    """
    counted = comparison.assign(rows=1, matches=comparison["by_tolerance"] == "matches")
    counted = ordered(counted, population=comparison["population"].unique(), verdict=VERDICTS)
    return counted.groupby(["population", "verdict"], observed=False)[["rows", "matches"]].sum().reset_index()


def verdicts_texts(table: pd.DataFrame) -> pd.DataFrame:
    """`verdicts`, a row a population; in parentheses how many the tolerance alone would call met."""

    def text(row: Any) -> str:
        return f"{row.rows}" + (f" ({row.matches})" if row.matches else "")

    wide = across(table, ["population"], "verdict", text, _signed)
    wide.insert(1, "Published numbers", table.groupby("population", observed=False)["rows"].sum().to_numpy())
    return wide


def show_verdicts(table: pd.DataFrame) -> Any:
    """`verdicts_texts`."""
    return tables(verdicts_texts(table))


def answer(comparison: pd.DataFrame, rules: pd.DataFrame) -> Any:
    """What came out, in a few sentences.

    rules: what `rules` returns.
    """
    counts = comparison["verdict"].value_counts().reindex(VERDICTS, fill_value=0)
    said = [
        f"Of {len(comparison)} published numbers {counts['consistent']} are consistent: one more re-run of ours could "
        f"give them, and doing nothing could not. {counts['inconsistent']} are inconsistent: outside the "
        "interval of the re-runs, as 1 in 20 would be by chance. "
        f"{counts['cannot tell']} cannot tell: they would be much the same if nobody had moved. "
        f"{counts['undecided']} are undecided."
    ]
    for exhibit, rows in rules.groupby("exhibit", sort=False):
        near, again = rows.itertuples()
        said.append(
            f"Of the {near.numbers} numbers after recourse on {exhibit} data, a tolerance is met by the right "
            f"method in {near.right}, by no recourse in {near.nobody} and by a wrong method in {near.others:.1f} on "
            f"average. The re-runs' intervals hold {again.right}, {again.nobody} and {again.others:.1f} of them."
        )
    return sentence(" ".join(said))


def rules(candidates: pd.DataFrame) -> pd.DataFrame:
    """How many published numbers after recourse each rule would let through: could a verdict have come out otherwise?

    candidates: `comparison_candidates` of a run. Only the indices: without recourse there is no quality.

    Columns: exhibit, rule, numbers, right (met by the method that they are of), nobody (by no recourse), others (by a
    method that they are not of: the mean over these methods), best (the most that one of them meets).
    """
    after = candidates[(candidates["phase"] == "after") & ~candidates["metric"].isin(QUALITY)]
    found = []
    for (exhibit, rows), rule in product(after.groupby("exhibit", sort=False), _RULES):
        rows = rows.assign(met=rows[_RULES[rule]])
        numbers = len(rows[_NUMBER].drop_duplicates())
        right, nobody = rows["candidate"] == rows["method"], rows["candidate"] == NOBODY
        # a method takes the place of each method but itself: scaled to as many numbers as there are
        wrong = rows[~right & ~nobody].groupby("candidate")["met"].mean() * numbers
        counts = (numbers, rows.loc[right, "met"].sum(), rows.loc[nobody, "met"].sum())
        found.append((exhibit, rule, *counts, wrong.mean(), wrong.max()))
    return pd.DataFrame(found, columns=["exhibit", "rule", "numbers", "right", "nobody", "others", "best"])


def show_rules(table: pd.DataFrame) -> Any:
    """`rules`, a row a rule."""

    def row(row: Any) -> dict[str, str]:
        return {
            "Data": row.exhibit,
            "Rule": row.rule,
            "Numbers": f"{row.numbers}",
            "Met by the right method": f"{row.right}",
            "by no recourse": f"{row.nobody}",
            "by a wrong method, mean": number(row.others, digits=1),
            "by the best wrong one": number(row.best, digits=1),
        }

    return listed(table, row, blank=["Data"])


def confusion(candidates: pd.DataFrame) -> pd.DataFrame:
    """How many of a method's published numbers lie within the re-runs of each method.

    candidates: `comparison_candidates` of a run.

    Columns: exhibit, candidate, method (published), numbers, met.
    """
    after = candidates[candidates["phase"] == "after"]
    order = [NOBODY, *[name for name in after["candidate"].unique() if name != NOBODY]]
    after = ordered(after, candidate=order, method=after["method"].unique())
    counted = after.groupby(["exhibit", "candidate", "method"], observed=True)["inside"]
    return counted.agg(numbers="size", met="sum").reset_index()


def show_confusion(table: pd.DataFrame) -> Any:
    """`confusion`, a table an exhibit: whose re-runs down, whose published numbers across."""

    def text(row: Any) -> str:
        mark = "**" if row.candidate == row.method else ""
        return f"{mark}{row.met} of {row.numbers}{mark}"

    texts = across(table, ["exhibit", "candidate"], "method", text, names.method)
    texts["exhibit"] = "Published numbers on " + texts["exhibit"].astype("str") + " data"
    return tables(
        texts.assign(candidate=texts["candidate"].map(names.method)).rename(columns={"candidate": "Re-runs of"}),
        ["exhibit"],
    )


def agreement(comparison: pd.DataFrame) -> pd.DataFrame:
    """Do the published changes go with ours, over populations and methods?

    Columns: exhibit, metric, numbers, correlation (Pearson), same_direction (a change of less than half the last
    printed digit is none).
    """
    changed = comparison[(comparison["change_from"] == "before") & comparison["change_ours"].notna()]
    changed = changed.assign(same=changed["direction"] == "same")
    rows = [
        (*key, len(part), part["change_published"].corr(part["change_ours"]), part["same"].sum())
        for key, part in changed.groupby(["exhibit", "our_metric"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["exhibit", "metric", "numbers", "correlation", "same_direction"])


def show_agreement(table: pd.DataFrame) -> Any:
    """`agreement`, a row an index."""

    def row(row: Any) -> dict[str, str]:
        return {
            "Data": row.exhibit,
            "metric": row.metric,
            "Correlation": number(row.correlation, digits=2),
            "Same direction": f"{row.same_direction} of {row.numbers}",
        }

    return listed(table, row, blank=["Data"])


def figure(comparison: pd.DataFrame, exhibit: str) -> Figure | None:
    """The published numbers of an exhibit and ours: populations down, metrics across; None without any of this run.

    Rows without ours show the published number alone.
    """
    table = comparison[(comparison["exhibit"] == exhibit) & (comparison["by_tolerance"] != "not run")]
    if table.empty:
        return None

    def draw(axis: Axes, rows: pd.DataFrame, metric: str) -> None:
        look = {"color": MIDDLE, "linewidth": 2, "zorder": 2, "label": "where one more re-run falls (95 %)"}
        axis.hlines(rows["row"], rows["low"], rows["high"], **look)
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
            "Re-runs": row.reason,
            "By tolerance": row.by_tolerance,
        }

    return listed(table, row, POPULATION, blank=["method"])


def training_logs(run: Run) -> pd.DataFrame:
    """What the density models of the authors' logs ended with, per individual, and ours.

    Columns: population, seed, method, quantity (see `vae.train` and `csvae.train`), published, source; ours (of that
    seed), mean, se, seeds (over all).
    """
    logs, key = pd.read_csv(LOGS), ["population", "method", "quantity"]
    found = run.diagnostics.astype({"population": "str", "method": "str"})
    same = found[[*key, "seed", "value"]].rename(columns={"value": "ours"})
    logs = logs.rename(columns={"value": "published"}).merge(same, how="left", on=[*key, "seed"])
    return logs.merge(means(found, key), how="left", on=key)


def show_training_logs(table: pd.DataFrame) -> Any:
    """`training_logs`, a row a logged number."""

    def row(row: Any) -> dict[str, str]:
        return {
            "population": row.population,
            "method": row.method,
            "Loss": {"elbo": "ELBO", "reconstruction": "Reconstruction"}[row.quantity],
            "Published": number(row.published, digits=4),
            f"Ours, seed {row.seed}": number(row.ours, digits=4),
            "All seeds": number(row.mean, row.se, digits=4),
            "Source": row.source,
        }

    return listed(table, row, blank=["population"])
