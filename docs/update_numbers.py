"""Put the numbers of runs into the documents, between the markers `<!-- numbers -->` and `<!-- /numbers -->`.

python docs/update_numbers.py             # README.md from results/
python docs/update_numbers.py --check     # only say whether README.md is current
python docs/update_numbers.py deviations  # docs/deviations.md from deviations/results/
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "src"))

from recourse_segregation import contracts, plots  # noqa: E402
from recourse_segregation.comparison import VERDICTS, mean_and_error  # noqa: E402

INDICES = {"centralization": "Δ centralization", "atkinson": "Δ Atkinson", "average_proximity": "Δ average proximity"}
BLOCK = re.compile(r"(<!-- numbers -->\n).*?(<!-- /numbers -->)", re.DOTALL)


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
        cells = [plots.population_name(population), plots.method_name(method)]
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
        lines.append(f"| {plots.population_name(population)} ({total}) | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def alternatives(measures: pd.DataFrame) -> str:
    """A Markdown table: each variant of a method beside its base, means over seeds."""
    everyone = measures[measures["scope"] == "everyone"]
    level = everyone.pivot_table(
        index=["population", "method"], columns=["metric", "phase"], values="value", sort=False
    )
    quality = measures[(measures["phase"] == "after") & measures["metric"].isin(["found", "cost", "diversity"])]
    quality = quality.pivot_table(index=["population", "method"], columns="metric", values="value", sort=False)
    lines = [
        f"| population | method | found | cost | diversity | {' | '.join(INDICES.values())} |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for population, method in level.index:
        cells = [population, f"`{method}`"]
        for metric in ("found", "cost", "diversity"):
            value = quality.loc[(population, method)].get(metric)
            cells.append("–" if pd.isna(value) else f"{value:.3f}")
        of = level.loc[(population, method)]
        cells += [f"{of[metric, 'after'] - of[metric, 'before']:+.4f}" for metric in INDICES]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def update(document: Path, table: str, check: bool) -> None:
    """Rewrite the block of a document, or exit with an error if it is not current."""
    written = document.read_text(encoding="utf-8")
    wanted = BLOCK.sub(lambda found: found[1] + table + found[2], written)
    if check and written != wanted:
        sys.exit(f"{document.name} is not what the results say: run python docs/update_numbers.py")
    document.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    if "deviations" in sys.argv:
        found = contracts.read(ROOT / "deviations" / "results" / "measures.parquet", "measures")
        update(ROOT / "docs" / "deviations.md", alternatives(found), check=False)
    else:
        found = contracts.read(ROOT / "results" / "measures.parquet", "measures")
        verdicts = pd.read_csv(ROOT / "results" / "comparison.csv")
        update(ROOT / "README.md", headline(found, verdicts), check="--check" in sys.argv)
