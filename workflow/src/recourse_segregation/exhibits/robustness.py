"""How far each claim can be trusted: its verdict under every combination of choices (see `specifications`)."""

from __future__ import annotations

import textwrap
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .. import claims, names
from ._figures import DARK, WARM, WIDTH, new_figure, theme
from ._run import ordered
from ._tables import across, sentence, tables

#: what a specification chooses, and what that is called
CHOICES = {name: name for name in ("indices", "scope", "populations", "scenario", "seeds")}
CHOICES |= {"overlap": "p-values", "relevant": "effects"}
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
        bars = shares.set_index(shares["statement"].map(partial(textwrap.fill, width=62)))[list(_COLORS)]
        bars.plot.barh(stacked=True, ax=axis, color=_COLORS, edgecolor="black", linewidth=0.6, width=0.8, legend=False)
        for verdict, drawn in zip(bars, axis.containers, strict=True):
            texts = [f"{share:.0%}" if share >= 0.05 else "" for share in bars[verdict]]
            color = "white" if verdict == HOLDS else "black"
            axis.bar_label(drawn, texts, label_type="center", color=color, fontsize=9)
        axis.set(xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5), xlabel="share of the specifications", ylabel="")
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
    own = by_choice[by_choice["part"] < 3].replace({"choice": CHOICES})
    own = ordered(own, choice=CHOICES.values(), label=own["label"].unique(), statement=own["statement"].unique())
    wide = across(own, ["choice", "label"], "statement", lambda row: f"{row.supported:.0%}")
    return tables(wide.rename(columns={"choice": "Choice", "label": "Option"}), blank=["Choice"])


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
        # a row an option, dark where it is taken
        taken = np.array([own[choice] == label for choice, label in rows], dtype="float64")
        below.imshow(taken, aspect="auto", cmap=ListedColormap(["white", DARK]), interpolation="nearest")
        below.set_yticks(range(len(rows)), [label for _, label in rows], fontsize=8)
        first = [i for i, (choice, _) in enumerate(rows) if i and rows[i - 1][0] != choice]
        below.hlines(np.array(first) - 0.5, -0.5, len(own) - 0.5, color="black", linewidth=0.6)
        below.set_xlabel("specifications, the most favourable first")
        below.grid(visible=False)
        found = [verdict for verdict in claims.VERDICTS if (own["verdict"] == verdict).any()]
        handles = [Patch(facecolor=_COLORS[verdict], edgecolor="black", label=verdict) for verdict in found]
        chart.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return chart
