"""Put the numbers of results/ into README.md and docs/deviations.md, between markers such as `<!-- numbers -->` and
`<!-- /numbers -->`.

python docs/update_numbers.py          # rewrite both
python docs/update_numbers.py --check  # only say whether both are current
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "src"))

from recourse_segregation import contracts, names  # noqa: E402
from recourse_segregation.claims import ALL  # noqa: E402
from recourse_segregation.comparison import VERDICTS, mean_and_error  # noqa: E402
from recourse_segregation.errors import DataError  # noqa: E402

INDICES = {"centralization": "Δ centralization", "atkinson": "Δ Atkinson", "average_proximity": "Δ average proximity"}
BLOCK = r"(<!-- {0} -->\n).*?(<!-- /{0} -->)"
PAPER = ("synthetic", "gmc-age", "law-sex")
RESULTS = ROOT / "results"


def verdict_on_claims(claims: pd.DataFrame) -> str:
    """A Markdown table: each claim, the verdict on all populations together and where it is another, the evidence."""
    lines = ["| claim | verdict | elsewhere | evidence |", "| --- | --- | --- | --- |"]
    for _, part in claims.groupby("claim", sort=False):
        whole = part[part["population"] == ALL].iloc[0]
        others = part[(part["population"] != ALL) & (part["verdict"] != whole["verdict"])]
        apart = others.groupby("verdict", sort=False)["population"]
        each = [f"{verdict}: {', '.join(map(names.population, of))}" for verdict, of in apart]
        cells = [whole["statement"], f"**{whole['verdict']}**", "; ".join(each), whole["evidence"]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def exhibits(minutes: dict[str, float]) -> str:
    """A Markdown table of the exhibits: command, output, minutes, and what came out, from their tables."""
    lines = ["| exhibit | command | output | minutes | what came out |", "| --- | --- | --- | ---: | --- |"]
    for name, outcome in OUTCOMES.items():
        if name in minutes:
            more = " --configfile config.yaml workflow/resources/twenty_seeds.yaml" if name == "twenty_seeds" else ""
            command = f"`snakemake -c2 results/notebooks/{name}.ipynb{more}`"
            time = f"{minutes[name]:.0f}" if minutes[name] >= 1 else "< 1"
            lines.append(f"| {name} | {command} | `results/exhibits/{name}` | {time} | {outcome()} |")
    return "\n".join(lines) + "\n"


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"{name}.csv")


def _matched(exhibit: str | None = None, phase: str | None = None) -> str:
    table = read("comparison")
    table = table[(table["exhibit"] == exhibit) | (exhibit is None)]
    table = table[(table["phase"] == phase) | (phase is None)]
    return f"{(table['verdict'] == 'matches').sum()} of {len(table)}"


def _moved(table: pd.DataFrame) -> str:
    """How many changes of the three indices have an interval that excludes none, and to which side."""
    table = table[table["metric"].isin(INDICES)]
    sign = table["metric"].map(lambda name: names.metric(name).segregation)
    more = ((table["low"] * sign > 0) & (table["high"] * sign > 0)).sum()
    less = ((table["low"] * sign < 0) & (table["high"] * sign < 0)).sum()
    return f"of {len(table)} changes, the 95 % interval of {more} is on the more segregated side, of {less} on the less"


def _found() -> str:
    found = read("exhibits/recourse_quality/quality").query("metric == 'found'")
    return f"recourse for at least 95 % of the rejected in {(found['mean'] >= 0.95).sum()} of {len(found)} cells"


def _excluded(table: pd.DataFrame, what: str) -> str:
    tested = table.dropna(subset=["low", "high"])
    apart = ((tested["low"] > 0) | (tested["high"] < 0)).sum()
    return f"{apart} of {len(tested)} {what} have a 95 % interval that excludes none"


def _tradeoff() -> str:
    said = []
    for method, parameter in (("ebr", "β"), ("ibr", "γ")):
        rho = read(f"exhibits/tradeoff/{method}_monotonicity").set_index("metric")["correlation"].loc[["cost"]]
        said.append(f"cost against {parameter}: rank correlation {rho.min():+.2f} to {rho.max():+.2f}")
    return "; ".join(said)


def _placebo() -> str:
    table = read("exhibits/controls/controls").query("scenario == 'placebo'")
    table = table[~table["method"].isin(["nobody", "collapse", "swap_in"])]
    parts = []
    for name in INDICES:
        own = table[table["metric"] == name].dropna(subset=["low", "high"])
        covered = ((own["low"] <= 0) & (own["high"] >= 0)).sum()
        parts.append(f"{names.metric(name).label} {covered} of {len(own)}")
    return "intervals under shuffled groups that cover no change: " + ", ".join(parts)


def _nearest() -> str:
    table = read("exhibits/conventions/agreement").sort_values(["matches", "distance"], ascending=[False, True])
    best = table.groupby("population", sort=False).head(1)
    said = [f"{names.population(r.population)} {r.matches} of {r.numbers} ({r.convention})" for r in best.itertuples()]
    return "most published numbers met under: " + ", ".join(said)


def _checked() -> str:
    z = read("exhibits/theory/check")["z"].dropna()
    return f"{len(z)} formulas beside simulation: largest z {z.abs().max():.1f} in size, mean z² {(z**2).mean():.2f}"


#: exhibit -> what came out of it, in a sentence
OUTCOMES = {
    "comparison": lambda: f"{_matched()} published numbers match",
    "populations": lambda: f"{_matched(phase='before')} published numbers before recourse match",
    "synthetic": lambda: f"{_matched('synthetic')} published numbers match",
    "segregation": lambda: _moved(read("exhibits/segregation/overview")),
    "twenty_seeds": lambda: _moved(read("exhibits/twenty_seeds/effects")),
    "recourse_quality": _found,
    "tradeoff": _tradeoff,
    "ablation": lambda: _excluded(read("exhibits/ablation/contrasts"), "differences from the full method"),
    "choices": lambda: _excluded(read("exhibits/choices/contrasts"), "differences from the choice made"),
    "conventions": _nearest,
    "controls": _placebo,
    "theory": _checked,
}


def headline(measures: pd.DataFrame, comparison: pd.DataFrame) -> str:
    """Two Markdown tables: each method's changes, mean ± standard error over seeds, and the verdicts."""
    key = ["population", "method", "metric", "seed"]
    everyone = measures[measures["scope"] == "everyone"]
    after, before = (everyone[everyone["phase"] == p].set_index(key)["value"] for p in ("after", "before"))
    change = (after - before).sort_index()
    quality = measures[measures["phase"] == "after"].set_index(["population", "method", "metric"])["value"].sort_index()
    lines = [
        f"| population | method | found | cost | {' | '.join(INDICES.values())} |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for population, method in dict.fromkeys(zip(measures["population"], measures["method"], strict=True)):
        cells = [names.population(population), names.method(method)]
        cells += [f"{quality.loc[(population, method, metric)].mean():.2f}" for metric in ("found", "cost")]
        for metric in INDICES:
            mean, error = mean_and_error(change.loc[(population, method, metric)])
            cells.append(f"{mean:+.4f}" + ("" if pd.isna(error) else f" ± {error:.4f}"))
        lines.append("| " + " | ".join(cells) + " |")
    counts = comparison.groupby(["population", "verdict"], sort=False).size().unstack(fill_value=0)
    counts = counts[[verdict for verdict in VERDICTS if verdict in counts]].astype("str")
    other = comparison[(comparison["verdict"] == "matches") & (comparison["direction"] == "other")]
    for population, number in other.groupby("population").size().items():
        counts.loc[population, "matches"] += f" ({number})"
    lines += ["", f"| published numbers | {' | '.join(counts)} |", "| --- |" + " ---: |" * len(counts.columns)]
    for population, row in counts.iterrows():
        total = (comparison["population"] == population).sum()
        lines.append(f"| {names.population(population)} ({total}) | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def alternatives(levels: pd.DataFrame, contrasts: pd.DataFrame) -> str:
    """A Markdown table: each choice, and below it each alternative with the paired difference and its 95 % interval.

    levels, contrasts: the tables of the exhibit `choices`.
    """
    key = ["population", "method", "metric"]
    means, differences = levels.set_index(key)["mean"], contrasts.set_index(key)
    metrics = {"found": "found", "cost": "cost", "diversity": "diversity", **INDICES}
    lines = [f"| population | method | {' | '.join(metrics.values())} |", "| --- | --- |" + " ---: |" * len(metrics)]
    for population, method in dict.fromkeys(zip(levels["population"], levels["method"], strict=True)):
        cells = [population, f"`{method}`"]
        for metric in metrics:
            value, number = means[population, method, metric], "+.4f" if metric in INDICES else ".3f"
            cells.append("–" if pd.isna(value) else f"{value:{number}}")
            if (population, method, metric) in differences.index:
                other = differences.loc[(population, method, metric)]
                cells[-1] += f"<br>{_difference(other, number.lstrip('+'))}"
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _difference(row: pd.Series, number: str) -> str:
    """`(+0.0935 [-0.1, 0.2])`, as far as it is known."""
    if pd.isna(row["difference"]):
        return "(–)"
    interval = "" if pd.isna(row["low"]) else f" [{row['low']:+{number}}, {row['high']:+{number}}]"
    return f"({row['difference']:+{number}}{interval})"


def update(document: str, name: str, table: str, check: bool) -> None:
    """Rewrite a named block of a document, or exit with an error if it is not current."""
    path = ROOT / document
    written = path.read_text(encoding="utf-8")
    block = re.compile(BLOCK.format(name), re.DOTALL)
    wanted = block.sub(lambda found: found[1] + table + found[2], written)
    if check and written != wanted:
        sys.exit(f"{document}: the block {name!r} is not what the results say: run python docs/update_numbers.py")
    path.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    try:
        study = contracts.read_studies(RESULTS / "studies.json")["main"]
        found = contracts.of_study(contracts.read(RESULTS / "measures.parquet", "measures"), study)
        recorded = json.loads((RESULTS / "provenance.json").read_text(encoding="utf-8"))["exhibits"]
        blocks = {
            ("README.md", "claims"): verdict_on_claims(read("claims").fillna("")),
            ("README.md", "exhibits"): exhibits({name: of["seconds"] / 60 for name, of in recorded.items()}),
            ("README.md", "numbers"): headline(found[found["population"].isin(PAPER)], read("comparison")),
            ("docs/deviations.md", "numbers"): alternatives(
                read("exhibits/choices/levels"), read("exhibits/choices/contrasts")
            ),
        }
    except (OSError, DataError) as error:
        sys.exit(f"{error}: run `make reproduce` first")
    for (document, name), table in blocks.items():
        update(document, name, table, check="--check" in sys.argv)
