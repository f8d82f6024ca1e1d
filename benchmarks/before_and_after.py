"""Put the time of each stage, before and after, into README.md, between `<!-- times -->` and `<!-- /times -->`.

python benchmarks/before_and_after.py  # from results/: Snakemake's benchmark files and the methods' own clocks

Before: what CARLA and the authors' code take for the same epochs and the same number of individuals, from the CPU
seconds an epoch (10,000 rows, batches of 32) and an individual in public_code.csv. That code no longer installs, so
these were measured once, on one core of a machine of the same kind. After: this workflow, in the run whose results are
committed.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "src"))

from recourse_segregation import methods, names, settings  # noqa: E402

BLOCK = re.compile(r"(<!-- times -->\n).*?(<!-- /times -->)", re.DOTALL)
POPULATION = "gmc-age"


def methods_table(config: dict, effort: pd.DataFrame, outcomes: pd.DataFrame) -> list[str]:
    """Seconds that each method takes for one seed of the population that both codes know."""
    public = pd.read_csv(ROOT / "benchmarks" / "public_code.csv")
    own = effort[effort["population"] == POPULATION].groupby("method")["mean"].sum()
    rejected = outcomes[(outcomes["population"] == POPULATION) & (outcomes["outcome"] == "rejected")]
    seeds = effort.loc[effort["population"] == POPULATION, "seeds"].max()
    individuals = rejected.set_index("method")["individuals"] / seeds
    lines = ["| recourse for one seed | before, seconds | after, seconds | times |", "| --- | ---: | ---: | ---: |"]
    for method, parts in public.groupby("method", sort=False):
        units = {"individual": individuals[method], "epoch": epochs(config, method)}
        low, high = ((parts[c] * parts["per"].map(units)).sum() for c in ("seconds_low", "seconds_high"))
        before = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"
        lines.append(
            f"| {names.method(method)} | {before} | {own[method]:.2g} | {(low + high) / 2 / own[method]:.0f} |"
        )
    return lines


def epochs(config: dict, method: str) -> int:
    """Epochs that the method trains on this population; 0 for one that trains nothing."""
    chosen = methods.load(method)(**settings.options_for(config, "methods", method, POPULATION))
    return getattr(chosen, "training", {}).get("epochs", 0)


def stages_table(stages: dict[str, dict[str, float]]) -> list[str]:
    """Seconds of each stage of the committed run, from Snakemake's benchmark files."""
    lines = ["| stage | jobs | seconds, all jobs | longest job | peak memory, MiB |", "| --- " + "| ---: " * 4 + "|"]
    for stage, of in stages.items():
        lines.append(
            f"| {stage} | {of['jobs']} | {of['seconds']:,.0f} | {of['longest_seconds']:.0f} | {of['peak_mib']:.0f} |"
        )
    return lines


if __name__ == "__main__":
    provenance = json.loads((ROOT / "results" / "provenance.json").read_text(encoding="utf-8"))
    exhibits = ROOT / "results" / "exhibits" / "recourse_quality"
    effort, outcomes = (pd.read_csv(exhibits / f"{name}.csv") for name in ("effort", "outcomes"))
    lines = [
        *methods_table(provenance["config"], effort, outcomes),
        "",
        *stages_table(provenance["stages"]),
    ]
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(BLOCK.sub(lambda f: f[1] + "\n".join(lines) + "\n" + f[2], text), encoding="utf-8")
