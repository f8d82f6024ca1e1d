"""How far each claim can be trusted: its verdict under every combination of choices (see `specifications`)."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .. import claims, names
from ._figures import DARK, WARM, WIDTH, new_figure, theme
from ._tables import sentence, tables

#: what a specification chooses
CHOICES = ("indices", "scope", "populations", "scenario", "seeds", "overlap", "relevant")
HOLDS = claims.VERDICTS[0]

_COLORS = dict(zip(claims.VERDICTS, (DARK, "#7fa8cc", "#c9cfd6", WARM, "white"), strict=True))
_CLAIM = ["part", "claim", "statement"]
_SETS = claims.KINDS | {"all": "all metrics"}
_PEOPLE = {"published": "the paper's populations", "all": "all populations"}
_FLAGS = {
    "overlap": {False: "seeds count in full", True: "seeds share people"},
    "relevant": {False: "any effect counts", True: "small effects do not count"},
}


def shares(specifications: pd.DataFrame) -> pd.DataFrame:
    """How the specifications of each claim come out: part, claim, statement, specifications, and a share a verdict."""
    counts = pd.crosstab([specifications[c] for c in _CLAIM], specifications["verdict"])
    counts = counts.reindex(columns=list(claims.VERDICTS), fill_value=0)
    found = counts.div(counts.sum(axis=1), axis=0).assign(specifications=counts.sum(axis=1)).reset_index()
    order = specifications["claim"].drop_duplicates()
    return found.set_index("claim").loc[order].reset_index()[[*_CLAIM, "specifications", *claims.VERDICTS]]


def by_choice(specifications: pd.DataFrame) -> pd.DataFrame:
    """The share of specifications in which a claim is supported, for each thing that can be chosen.

    Columns: part, claim, statement, choice (what is chosen), option, label, specifications, supported (share).
    """
    labelled = _labelled(specifications).assign(supported=specifications["verdict"] == HOLDS)
    parts = [
        labelled.groupby([*_CLAIM, choice], sort=False)["supported"]
        .agg(specifications="count", supported="mean")
        .reset_index()
        .rename(columns={choice: "label"})
        .assign(choice=choice)
        for choice in CHOICES
    ]
    columns = [*_CLAIM, "choice", "label", "specifications", "supported"]
    return pd.concat(parts, ignore_index=True)[columns]


def answer(shares: pd.DataFrame) -> Any:
    """Which claims hold in most specifications and which in hardly any, in a sentence made from `shares`."""
    if shares.empty:
        return sentence("")
    often, seldom = ((shares[HOLDS] >= 0.9).sum(), (shares[HOLDS] <= 0.1).sum())
    total = int(shares["specifications"].sum())
    return sentence(
        f"Supported in at least nine of ten specifications: {often} of {len(shares)} claims; in at most one of ten: "
        f"{seldom}; the other {len(shares) - often - seldom} depend on what is chosen ({total:,} verdicts)."
    )


def figure(shares: pd.DataFrame) -> Figure | None:
    """The shares of the verdicts on each claim, a bar a claim; None without any."""
    if shares.empty:
        return None
    with theme():
        chart = new_figure(WIDTH, 0.62 * len(shares) + 1.2)
        axis = chart.subplots()
        left = np.zeros(len(shares))
        for verdict, color in _COLORS.items():
            width = shares[verdict].to_numpy()
            axis.barh(
                range(len(shares)), width, left=left, color=color, edgecolor="black", linewidth=0.6, label=verdict
            )
            for row, (start, share) in enumerate(zip(left, width, strict=True)):
                if share >= 0.05:
                    look = {"color": "white" if verdict == HOLDS else "black", "fontsize": 9}
                    axis.text(start + share / 2, row, f"{share:.0%}", ha="center", va="center", **look)
            left += width
        axis.set_yticks(range(len(shares)), [textwrap.fill(text, 62) for text in shares["statement"]])
        axis.set(xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5), xlabel="share of the specifications")
        axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        for row, count in enumerate(shares["specifications"]):
            axis.text(1.01, row, f"of {count:,}", va="center", fontsize=9)
        axis.grid(visible=False)
        chart.legend(loc="outside lower center", ncols=len(_COLORS), frameon=False)
    return chart


def curves(specifications: pd.DataFrame) -> dict[str, Figure]:
    """The specification curve of each claim about segregation: sorted verdicts, and below them what was chosen."""
    about = specifications[specifications["part"] < 3]
    return {claim: _curve(own) for claim, own in about.groupby("claim", sort=False)}


def show(by_choice: pd.DataFrame) -> Any:
    """`by_choice` for the claims about segregation: choices down, claims across."""
    own = by_choice[by_choice["part"] < 3]
    texts = own.assign(text=[f"{share:.0%}" for share in own["supported"]])
    wide = texts.pivot(index=["choice", "label"], columns="statement", values="text").fillna("–")
    order = own[["choice", "label"]].drop_duplicates()
    wide = wide.loc[list(order.itertuples(index=False, name=None)), own["statement"].unique()].reset_index()
    names_of = {"choice": "Choice", "label": "Option"}
    wide["choice"] = wide["choice"].map({"overlap": "p-values", "relevant": "effects"}).fillna(wide["choice"])
    return tables(wide.rename(columns=names_of), blank=["Choice"])


def _labelled(table: pd.DataFrame) -> pd.DataFrame:
    """The specifications with their choices in words."""
    labels = {
        "indices": [
            _SETS.get(name) or names.in_line(name) + " alone" + ", beyond shuffled groups" * shuffled
            for name, shuffled in zip(table["indices"], table["shuffled"], strict=True)
        ],
        "populations": [
            _PEOPLE.get(name) or f"without {names.population(name.removeprefix('without '))}"
            for name in table["populations"]
        ],
        "scenario": table["scenario"].map(names.scenario),
        "seeds": table["seeds"].map("{} seeds".format),
        **{name: table[name].map(words) for name, words in _FLAGS.items()},
    }
    return table.assign(**labels)


def _curve(own: pd.DataFrame) -> Figure:
    rank = own["verdict"].map({verdict: -i for i, verdict in enumerate(claims.VERDICTS)})
    decided = (own["tests"] - own["undecided"]).clip(lower=1)
    own = own.assign(rank=rank, balance=(own["in_favour"] - own["against"]) / decided)
    own = _labelled(own)
    rows = [(choice, label) for choice in CHOICES for label in own[choice].drop_duplicates()]
    own = own.sort_values(["balance", "rank"], ascending=False, kind="stable", ignore_index=True)
    places = np.arange(len(own))
    with theme():
        chart = new_figure(WIDTH, 3.2 + 0.19 * len(rows))
        above, below = chart.subplots(2, sharex=True, height_ratios=[2.2, 0.19 * len(rows)])
        for verdict, color in _COLORS.items():
            part = own["verdict"] == verdict
            height = own["balance"].where(part, 0.0)
            above.fill_between(places, height, step="mid", color=color, linewidth=0, rasterized=True)
        above.axhline(0, color="black", linewidth=0.8)
        above.set(ylim=(-1.05, 1.05), ylabel="tests that show it\n− that show the opposite")
        above.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        above.set_title(f"{own['statement'].iloc[0]} Supported in {(rank == 0).mean():.0%}.")
        _matrix(below, own, rows)
        found = [verdict for verdict in claims.VERDICTS if (own["verdict"] == verdict).any()]
        handles = [Patch(facecolor=_COLORS[verdict], edgecolor="black", label=verdict) for verdict in found]
        chart.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return chart


def _matrix(axis: Axes, own: pd.DataFrame, rows: list[tuple[str, str]]) -> None:
    """Which option each specification takes: a row an option, dark where it is taken."""
    taken = np.array([own[choice] == label for choice, label in rows], dtype="float64")
    axis.imshow(taken, aspect="auto", cmap=ListedColormap(["white", DARK]), interpolation="nearest")
    axis.set_yticks(range(len(rows)), [label for _, label in rows], fontsize=8)
    first = [i for i, (choice, _) in enumerate(rows) if i and rows[i - 1][0] != choice]
    axis.hlines(np.array(first) - 0.5, -0.5, len(own) - 0.5, color="black", linewidth=0.6)
    axis.set_xlabel("specifications, the most favourable first")
    axis.grid(visible=False)
