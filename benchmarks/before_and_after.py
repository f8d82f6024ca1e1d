"""How long it takes, before and after: two tables for README.md, which `docs/update_numbers.py` writes there.

Before: what CARLA and the authors' code take for the same epochs and the same number of individuals, from the CPU
seconds an epoch (10,000 rows, batches of 32) and an individual in public_code.csv. That code no longer installs, so
these were measured once, on one core of a machine of the same kind. After: this workflow, in the run whose results
these are: Snakemake's benchmark files and the methods' own clocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import blocks
import pandas as pd

from recourse_segregation import names, plan

POPULATION = "gmc-age"


def times(results: Path, provenance: dict[str, Any]) -> str:
    """Both tables, of a folder of results and its provenance.json."""
    return f"{methods(results, provenance['config'])}\n{stages(provenance['stages'])}"


def methods(results: Path, config: dict[str, Any]) -> str:
    """Seconds that each method takes for one seed of the population that both codes know."""
    public = pd.read_csv(Path(__file__).parent / "public_code.csv")
    tables = (pd.read_csv(results / f"exhibits/recourse_quality/{name}.csv") for name in ("effort", "outcomes"))
    effort, outcomes = (table[table["population"] == POPULATION] for table in tables)
    own, seeds = effort.groupby("method")["mean"].sum(), effort["seeds"].max()
    rejected = outcomes[outcomes["outcome"] == "rejected"].set_index("method")["individuals"] / seeds
    rows = []
    for method, parts in public.groupby("method", sort=False):
        epochs = plan.options_for(config, "methods", method, POPULATION).get("epochs", 0)
        units = parts["per"].map({"individual": rejected[method], "epoch": epochs})
        low, high = ((parts[column] * units).sum() for column in ("seconds_low", "seconds_high"))
        before = " to ".join(dict.fromkeys(f"{seconds:.3g}" for seconds in (low, high)))
        times = (low + high) / 2 / own[method]
        rows.append((names.method(method), before, f"{own[method]:.2g}", f"{times:.0f}"))
    return blocks.table(["recourse for one seed", "before, seconds:", "after, seconds:", "times:"], rows)


def stages(recorded: dict[str, dict[str, float]]) -> str:
    """Seconds of each stage, from Snakemake's benchmark files."""
    rows = [
        (stage, of["jobs"], f"{of['seconds']:,.0f}", f"{of['longest_seconds']:.0f}", f"{of['peak_mib']:.0f}")
        for stage, of in recorded.items()
    ]
    return blocks.table(["stage", "jobs:", "seconds, all jobs:", "longest job:", "peak memory, MiB:"], rows)
