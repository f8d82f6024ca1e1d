"""Put the numbers of the last run into README.md, between the markers `<!-- headline -->` and `<!-- /headline -->`.

python docs/headline.py          # rewrite README.md from results/
python docs/headline.py --check  # only say whether it is current
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
BLOCK = re.compile(r"(<!-- headline -->\n).*?(<!-- /headline -->)", re.DOTALL)


def headline(measures: pd.DataFrame, comparison: pd.DataFrame) -> str:
    """Two Markdown tables: each method's changes, mean ± standard error over seeds, and the verdicts."""
    key = ["population", "method", "metric", "seed"]
    everyone = measures[measures["scope"] == "everyone"]
    after, before = (everyone[everyone["phase"] == p].set_index(key)["value"] for p in ("after", "before"))
    change = after - before
    quality = measures[measures["phase"] == "after"].set_index(["population", "method", "metric"])["value"]
    lines = [
        f"| population | method | found | cost | {' | '.join(INDICES.values())} |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for population, method in dict.fromkeys(zip(measures["population"], measures["method"], strict=True)):
        cells = [plots.population_name(population), plots.method_name(method)]
        cells += [f"{quality[population, method, metric].mean():.2f}" for metric in ("found", "cost")]
        for metric in INDICES:
            mean, error = mean_and_error(change[population, method, metric])
            cells.append(f"{mean:+.4f}" + ("" if pd.isna(error) else f" ± {error:.4f}"))
        lines.append("| " + " | ".join(cells) + " |")
    counts = comparison.groupby(["population", "verdict"], sort=False).size().unstack(fill_value=0)
    counts = counts[[verdict for verdict in VERDICTS if verdict in counts]]
    lines += ["", f"| published numbers | {' | '.join(counts)} |", "| --- |" + " ---: |" * len(counts.columns)]
    for population, row in counts.iterrows():
        lines.append(f"| {plots.population_name(population)} ({row.sum()}) | {' | '.join(map(str, row))} |")
    return "\n".join(lines) + "\n"


def current() -> tuple[str, str]:
    """README.md as it is, and as the results say that it should be."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    measures = contracts.read(ROOT / "results" / "measures.parquet", "measures")
    table = headline(measures, pd.read_csv(ROOT / "results" / "comparison.csv"))
    return readme, BLOCK.sub(lambda found: found[1] + table + found[2], readme)


if __name__ == "__main__":
    written, wanted = current()
    if "--check" not in sys.argv:
        (ROOT / "README.md").write_text(wanted, encoding="utf-8")
    elif written != wanted:
        sys.exit("README.md is not what results/ say: run python docs/headline.py")
