"""Put the numbers of results/ into README.md and docs/deviations.md, from the tables of the exhibits.

python docs/update_numbers.py          # rewrite both
python docs/update_numbers.py --check  # only say whether both are current
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "workflow" / "src")]

import blocks  # noqa: E402

from recourse_segregation import claims, contracts, names, plan  # noqa: E402
from recourse_segregation.errors import DataError  # noqa: E402

RESULTS = ROOT / "results"
INDICES = {"centralization": "Δ centralization", "atkinson": "Δ Atkinson", "average_proximity": "Δ average proximity"}
METHOD = ["population", "method"]

ALL, MATCHES, COST = "index >= 0", "verdict == 'matches'", "metric == 'cost'"
TESTED, APART = "low <= high", "low > 0 or high < 0"
SHOWN, SHUFFLED = "metric in @indices", "metric in @indices and method in @methods and scenario == 'placebo'"
MORE = "low > 0 and metric != 'average_proximity' or high < 0 and metric == 'average_proximity'"
LESS = "high < 0 and metric != 'average_proximity' or low > 0 and metric == 'average_proximity'"
#: What came out of an exhibit: its table, which rows count, what holds for how many of them, and how to say it.
OUTCOMES = [
    ("comparison", "../../comparison", ALL, MATCHES, "published numbers match"),
    ("populations", "../../comparison", "phase == 'before'", MATCHES, "published numbers before recourse match"),
    ("synthetic", "../comparison/synthetic", ALL, MATCHES, "published numbers match"),
    ("segregation", "overview", SHOWN, MORE, "changes have a 95 % interval on the more segregated side"),
    ("segregation", "overview", SHOWN, LESS, "on the less"),
    ("twenty_seeds", "effects", SHOWN, MORE, "changes have a 95 % interval on the more segregated side"),
    ("twenty_seeds", "effects", SHOWN, LESS, "on the less"),
    (
        "recourse_quality",
        "quality",
        "metric == 'found'",
        "mean >= 0.95",
        "cells: at least 95 % of the rejected find any",
    ),
    ("tradeoff", "ebr_monotonicity", COST, "lowest > 0", "populations: cost rises with EBR's β in every seed"),
    ("tradeoff", "ibr_monotonicity", COST, "lowest > 0", "with IBR's γ"),
    ("ablation", "contrasts", TESTED, APART, "differences from the full method have a 95 % interval without 0"),
    ("choices", "contrasts", TESTED, APART, "differences from the choice made have a 95 % interval without 0"),
    ("conventions", "agreement", "convention != 'As compared'", "gained > lost", "others meet more published numbers"),
    ("controls", "controls", SHUFFLED, APART, "changes under shuffled groups have a 95 % interval without 0"),
    ("theory", "check", ALL, "-3 <= z <= 3", "formulas are within three standard errors of a simulation"),
]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"{name}.csv")


def verdicts_on_claims() -> str:
    """Each claim, the verdict on all populations together and where it is another, the evidence."""
    rows = []
    for _, part in read("claims").groupby("claim", sort=False):
        whole = part[part["population"] == claims.ALL].iloc[0]
        others = part[part["verdict"] != whole["verdict"]].groupby("verdict", sort=False)["population"]
        elsewhere = [f"{verdict}: {', '.join(map(names.population, of))}" for verdict, of in others]
        rows.append((whole["statement"], f"**{whole['verdict']}**", "; ".join(elsewhere), whole["evidence"]))
    return blocks.table(["claim", "verdict", "elsewhere", "evidence"], rows)


def exhibits(made: dict[str, dict[str, float]], methods: list[str]) -> str:
    """The exhibits: command, output, minutes, and what came out.

    made: exhibit -> seconds of its jobs. methods: those of the main tables.
    """
    found: dict[str, list[str]] = {}
    variables = {"indices": list(INDICES), "methods": methods}
    for exhibit, table, counted, holds, said in OUTCOMES:
        if exhibit in made:
            rows = read(f"exhibits/{exhibit}/{table}").query(counted, local_dict=variables)
            found.setdefault(exhibit, []).append(f"{len(rows.query(holds))} of {len(rows)} {said}")
    rows = []
    for name, outcomes in found.items():
        more = " --configfile config.yaml workflow/resources/twenty_seeds.yaml" if name == "twenty_seeds" else ""
        minutes = made[name]["seconds"] / 60
        shown = f"{minutes:.0f}" if minutes >= 1 else "< 1"
        command = f"`snakemake -c2 results/notebooks/{name}.ipynb{more}`"
        rows.append((name, command, f"`results/exhibits/{name}`", shown, "; ".join(outcomes)))
    return blocks.table(["exhibit", "command", "output", "minutes:", "what came out"], rows)


def wide(table: pd.DataFrame, texts: pd.Series, rows: list[str], columns: str) -> pd.DataFrame:
    """Texts of a table's rows, laid out: `rows` down, `columns` across, both in the table's order."""
    return table.assign(text=texts).set_index([*rows, columns])["text"].unstack(sort=False)


def headline() -> str:
    """Each method's changes where there are published numbers, mean ± standard error over seeds, and the verdicts."""
    verdicts = read("exhibits/comparison/verdicts")
    quality, changes = read("exhibits/recourse_quality/quality"), read("exhibits/segregation/everyone")
    error = changes["change_se"].map(" ± {:.4f}".format, na_action="ignore").fillna("")
    texts = wide(quality, quality["mean"].map("{:.2f}".format), METHOD, "metric")[["found", "cost"]]
    texts = texts.join(wide(changes, changes["change"].map("{:+.4f}".format) + error, METHOD, "metric")[[*INDICES]])
    rows = [
        (names.population(population), names.method(method), *row)
        for (population, method), *row in texts.itertuples()
        if population in set(verdicts["population"])
    ]
    columns = ["population", "method", "found:", "cost:", *(f"{name}:" for name in INDICES.values())]

    verdicts = verdicts[verdicts.groupby("verdict")["rows"].transform("sum") > 0]
    astray = (verdicts["verdict"] == "matches") & (verdicts["other_direction"] > 0)
    other = verdicts["other_direction"].map(" ({})".format).where(astray, "")
    counts = wide(verdicts, verdicts["rows"].astype("str") + other, ["population"], "verdict")
    total = verdicts.groupby("population")["rows"].sum()
    of_population = [(f"{names.population(name)} ({total[name]})", *row) for name, *row in counts.itertuples()]
    numbers = blocks.table(["published numbers", *(f"{verdict}:" for verdict in counts)], of_population)
    return f"{blocks.table(columns, rows)}\n{numbers}"


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
    rows = []
    for method, parts in pd.read_csv(ROOT / "benchmarks" / "public_code.csv").groupby("method", sort=False):
        epochs = plan.options_for(config, "methods", method, population).get("epochs", 0)
        units = parts["per"].map({"individual": individuals[method], "epoch": epochs})
        low, high = ((parts[column] * units).sum() for column in ("seconds_low", "seconds_high"))
        before = " to ".join(dict.fromkeys(f"{seconds:.3g}" for seconds in (low, high)))
        rows.append((names.method(method), before, f"{own[method]:.2g}", f"{(low + high) / 2 / own[method]:.0f}"))
    jobs = [
        (stage, of["jobs"], f"{of['seconds']:,.0f}", f"{of['longest_seconds']:.0f}", f"{of['peak_mib']:.0f}")
        for stage, of in stages.items()
    ]
    methods = blocks.table(["recourse for one seed", "before, seconds:", "after, seconds:", "times:"], rows)
    columns = ["stage", "jobs:", "seconds, all jobs:", "longest job:", "peak memory, MiB:"]
    return f"{methods}\n{blocks.table(columns, jobs)}"


def alternatives() -> str:
    """Each choice, and below it each alternative with the paired difference and its 95 % interval."""
    metrics = {"found": "found", "cost": "cost", "diversity": "diversity", **INDICES}
    levels, contrasts = (read(f"exhibits/choices/{name}") for name in ("levels", "contrasts"))
    key = [*METHOD, "metric"]
    table = levels[[*key, "mean"]].merge(contrasts[[*key, "reference", "difference", "low", "high"]], "left", key)
    texts = wide(table, table.apply(level_and_difference, axis=1), METHOD, "metric")[[*metrics]]
    rows = [(population, f"`{method}`", *row) for (population, method), *row in texts.itertuples()]
    return blocks.table(["population", "method", *(f"{name}:" for name in metrics.values())], rows)


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
