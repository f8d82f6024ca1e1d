"""Put the numbers of results/ into README.md and docs/deviations.md, from the tables of the exhibits.

python docs/update_numbers.py          # rewrite both
python docs/update_numbers.py --check  # only say whether both are current
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "workflow" / "src")]

import blocks  # noqa: E402

from recourse_segregation import contracts, names, plan  # noqa: E402
from recourse_segregation.comparison import VERDICTS  # noqa: E402
from recourse_segregation.errors import DataError  # noqa: E402
from recourse_segregation.exhibits import comparison  # noqa: E402

RESULTS = ROOT / "results"
INDICES = {"centralization": "Δ centralization", "atkinson": "Δ Atkinson", "average_proximity": "Δ average proximity"}
METHOD = ["population", "method"]

ALL, MATCHES, COST, FOUND = "index >= 0", "by_tolerance == 'matches'", "metric == 'cost'", "metric == 'found'"
CONSISTENT, IDLE, WRONG = (f"verdict == '{verdict}'" for verdict in VERDICTS[:3])
SAME = "verdict == 'equivalent'"
OTHERS = "convention != 'Ours' and phase == 'change' and low <= high"
TESTED, APART = "low <= high", "low > 0 or high < 0"
SHOWN, SHUFFLED = "metric in @indices", "metric in @indices and method in @methods and scenario == 'placebo'"
MORE = "low > 0 and metric != 'average_proximity' or high < 0 and metric == 'average_proximity'"
LESS = "high < 0 and metric != 'average_proximity' or low > 0 and metric == 'average_proximity'"
STRICT = "classifier == 'mlp-strict-60' and metric != 'average_proximity'"
#: What came out of an exhibit: its table, which rows count, what holds for how many of them, and how to say it.
OUTCOMES = [
    ("comparison", "../../comparison", ALL, CONSISTENT, "published numbers are consistent with our re-runs"),
    ("comparison", "../../comparison", ALL, IDLE, "cannot tell"),
    ("comparison", "../../comparison", ALL, WRONG, "are inconsistent"),
    ("comparison", "../../comparison", ALL, MATCHES, "are within the tolerance"),
    ("populations", "../../comparison", "phase == 'before'", MATCHES, "published numbers before recourse match"),
    ("synthetic", "../comparison/synthetic", ALL, CONSISTENT, "published numbers are consistent with our re-runs"),
    ("segregation", "overview", SHOWN, MORE, "changes have a 95 % interval on the more segregated side"),
    ("segregation", "overview", SHOWN, LESS, "on the less"),
    ("twenty_seeds", "effects", SHOWN, MORE, "changes have a 95 % interval on the more segregated side"),
    ("twenty_seeds", "effects", SHOWN, LESS, "on the less"),
    ("recourse_quality", "quality", FOUND, "mean >= 0.95", "cells: recourse for 95 % or more of the rejected"),
    ("tradeoff", "ebr_monotonicity", COST, "lowest > 0", "populations: cost rises with EBR's β in every seed"),
    ("tradeoff", "equivalence", "kl_weight == 1", SAME, "differences of an index by IBR's γ are equivalent to none"),
    ("tradeoff", "equivalence", "kl_weight < 1", SAME, "where the KL weight leaves a latent to balance"),
    ("ablation", "contrasts", TESTED, APART, "differences from the full method have a 95 % interval without 0"),
    ("choices", "contrasts", TESTED, APART, "differences from the choice made have a 95 % interval without 0"),
    (
        "conventions",
        "conventions",
        OTHERS,
        APART,
        "differences by a convention have a 95 % interval without 0",
    ),
    ("controls", "controls", SHUFFLED, APART, "changes under shuffled groups have a 95 % interval without 0"),
    ("indices", "detection", ALL, "report", "indices see groups: nothing misleads them"),
    (
        "strictness",
        "effects",
        STRICT,
        MORE,
        "effects (60 % rejected) have a 95 % interval on the more segregated side",
    ),
    ("strictness", "effects", STRICT, LESS, "on the less"),
    ("robustness", "shares", ALL, "supported >= 0.9", "claims hold in at least nine of ten specifications"),
    ("robustness", "shares", ALL, "supported <= 0.1", "in at most one of ten"),
    ("theory", "agreement", ALL, "p_holm > 0.05", "worlds: formulas and simulations agree (Hotelling's test, Holm)"),
]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"{name}.csv")


def verdicts_on_claims() -> str:
    """Each claim and its verdicts on all populations together, as on the page `comparison`, with counts alone."""
    table = read("claims").fillna({"indices": ""})
    counts = zip(table["in_favour"], table["tests"], table["against"], strict=True)
    table["evidence"] = [f"{shown} of {tests} tests show it, {turned} the opposite" for shown, tests, turned in counts]
    parts = comparison.claims_texts(table)
    texts = (part.drop(columns="Part").replace("\n", "<br>", regex=True) for part in parts)
    return "\n".join(blocks.table(part.set_index([*part])) for part in texts)  # text stands left


def exhibits(made: dict[str, dict[str, float]], methods: list[str]) -> str:
    """The exhibits: command, output, what came out, and minutes.

    made: exhibit -> seconds of its jobs. methods: those of the main tables.
    """
    variables = {"indices": list(INDICES), "methods": methods}
    said: dict[str, list[str]] = {}
    for exhibit, table, counted, holds, sentence in OUTCOMES:
        if exhibit not in made:
            said[exhibit] = ["not in the run whose results are committed"]
        else:
            found = read(f"exhibits/{exhibit}/{table}").query(counted, local_dict=variables)
            said.setdefault(exhibit, []).append(f"{len(found.query(holds))} of {len(found)} {sentence}")
    rows = []
    for exhibit, outcomes in said.items():
        more = f" --configfile workflow/resources/{exhibit}.yaml" * (exhibit in ("strictness", "twenty_seeds"))
        command = f"`snakemake -c2 results/notebooks/{exhibit}.ipynb{more}`"
        minutes = made[exhibit]["seconds"] / 60 if exhibit in made else math.nan
        shown = f"{minutes:.0f}" if minutes >= 1 else "< 1" if minutes < 1 else "–"
        rows.append((exhibit, command, f"`results/exhibits/{exhibit}`", "; ".join(outcomes), shown))
    columns = ["exhibit", "command", "output", "what came out", "minutes"]
    return blocks.table(pd.DataFrame(rows, columns=columns).set_index(columns[:-1]))


def wide(table: pd.DataFrame, texts: pd.Series, metrics: list[str]) -> pd.DataFrame:
    """Texts of a table's rows, laid out: population and method down, these metrics across."""
    return table.assign(text=texts).set_index([*METHOD, "metric"])["text"].unstack(sort=False)[metrics]


def headline() -> str:
    """Each method's changes where there are published numbers, mean ± standard error over seeds, and the verdicts."""
    verdicts = comparison.verdicts(read("comparison"))
    quality, changes = read("exhibits/recourse_quality/quality"), read("exhibits/segregation/everyone")
    error = changes["change_se"].map(" ± {:.4f}".format, na_action="ignore").fillna("")
    texts = wide(quality, quality["mean"].map("{:.2f}".format), ["found", "cost"])
    texts = texts.join(wide(changes, changes["change"].map("{:+.4f}".format) + error, [*INDICES]))
    texts = texts[texts.index.isin(verdicts["population"], level="population")].rename(columns=INDICES)
    texts = texts.rename(names.population, level="population").rename(names.method, level="method")

    counts = comparison.verdicts_texts(verdicts).set_index("population").rename(names.population)
    return f"{blocks.table(texts)}\n{blocks.table(counts.rename_axis('published numbers'))}"


def times(config: dict[str, Any], stages: dict[str, dict[str, float]], population: str = "gmc-age") -> str:
    """Seconds of recourse before and after, for one seed of a population that both codes know; then of each stage.

    Before: what CARLA and the authors' code take for the same epochs and individuals, from the CPU seconds of each in
    public_code.csv. That code no longer installs, so these were measured once, on one core of a machine of the same
    kind. After: the methods' own clocks, and Snakemake's benchmark files, in the run whose results these are.
    """
    effort, outcomes = (read(f"exhibits/recourse_quality/{name}") for name in ("effort", "outcomes"))
    effort = effort[effort["population"] == population]
    own, seeds = effort.groupby("method")["mean"].sum(), effort["seeds"].max()
    rejected = outcomes[(outcomes["population"] == population) & (outcomes["outcome"] == "rejected")]
    individuals = rejected.set_index("method")["individuals"] / seeds
    parts = pd.read_csv(ROOT / "benchmarks" / "public_code.csv", index_col="method")
    epochs = [plan.options_for(config, "methods", method, population).get("epochs", 0) for method in parts.index]
    units = individuals[parts.index].where(parts["per"] == "individual", epochs)
    spent = parts[["seconds_low", "seconds_high"]].mul(units, axis=0).groupby("method", sort=False).sum()
    table = pd.DataFrame(index=spent.index.map(names.method).rename("recourse for one seed"))
    table["before, seconds"] = [" to ".join(dict.fromkeys(map("{:.3g}".format, both))) for both in spent.to_numpy()]
    table["after, seconds"] = [f"{seconds:.2g}" for seconds in own[spent.index]]
    table["times"] = [f"{times:.0f}" for times in spent.mean(axis=1) / own[spent.index]]
    jobs = pd.DataFrame(stages).T.map("{:,.0f}".format).rename_axis("stage")
    jobs.columns = ["jobs", "seconds, all jobs", "longest job", "peak memory, MiB"]
    return f"{blocks.table(table)}\n{blocks.table(jobs)}"


def alternatives() -> str:
    """Each choice, and below it each alternative with the paired difference and its 95 % interval."""
    levels, contrasts = (read(f"exhibits/choices/{name}") for name in ("levels", "contrasts"))
    key = [*METHOD, "metric"]
    table = levels[[*key, "mean"]].merge(contrasts[[*key, "reference", "difference", "low", "high"]], "left", key)
    texts = wide(table, table.apply(level_and_difference, axis=1), ["found", "cost", "diversity", *INDICES])
    return blocks.table(texts.rename(columns=INDICES).rename("`{}`".format, level="method"))


def level_and_difference(row: pd.Series) -> str:
    """`0.951<br>(+0.094 [-0.1, +0.2])`, as far as it is known."""
    sign, digits = ("+", ".4f") if row["metric"] in INDICES else ("", ".3f")
    level = "–" if pd.isna(row["mean"]) else f"{row['mean']:{sign}{digits}}"
    if pd.isna(row["reference"]):
        return level
    interval = "" if pd.isna(row["low"]) else f" [{row['low']:+{digits}}, {row['high']:+{digits}}]"
    return f"{level}<br>(" + ("–" if pd.isna(row["difference"]) else f"{row['difference']:+{digits}}{interval}") + ")"


if __name__ == "__main__":
    try:
        run = contracts.read_run(RESULTS / "run.json")
        names.use(run["labels"])
        made = json.loads((RESULTS / "provenance.json").read_text(encoding="utf-8"))
        texts = {
            ("README.md", "claims"): verdicts_on_claims(),
            ("README.md", "exhibits"): exhibits(made["exhibits"], run["studies"][plan.MAIN]["methods"]),
            ("README.md", "numbers"): headline(),
            ("README.md", "times"): times(made["config"], made["stages"]),
            ("docs/deviations.md", "numbers"): alternatives(),
        }
    except (OSError, DataError) as error:
        sys.exit(f"{error}: run `make reproduce` first")
    for (document, name), text in texts.items():
        blocks.put(document, name, text, check="--check" in sys.argv)
