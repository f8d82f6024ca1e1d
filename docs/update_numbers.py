"""Put the numbers of results/ into README.md and docs/deviations.md, from the tables of the exhibits.

python docs/update_numbers.py          # rewrite both
python docs/update_numbers.py --check  # only say whether both are current
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "workflow" / "src")]

import before_and_after  # noqa: E402
import blocks  # noqa: E402

from recourse_segregation import claims, contracts, names  # noqa: E402
from recourse_segregation.errors import DataError  # noqa: E402

RESULTS = ROOT / "results"
INDICES = {"centralization": "Δ centralization", "atkinson": "Δ Atkinson", "average_proximity": "Δ average proximity"}
METHOD = ["population", "method"]


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


def exhibits(made: dict[str, dict[str, float]]) -> str:
    """The exhibits: command, output, minutes, and what came out.

    made: exhibit -> seconds of its jobs.
    """
    rows = []
    for name in (name for name in OUTCOMES if name in made):
        more = " --configfile workflow/resources/twenty_seeds.yaml" if name == "twenty_seeds" else ""
        minutes = made[name]["seconds"] / 60
        shown = f"{minutes:.0f}" if minutes >= 1 else "< 1"
        command = f"`snakemake -c2 results/notebooks/{name}.ipynb{more}`"
        rows.append((name, command, f"`results/exhibits/{name}`", shown, OUTCOMES[name]()))
    return blocks.table(["exhibit", "command", "output", "minutes:", "what came out"], rows)


def matched(table: pd.DataFrame, what: str = "published numbers") -> str:
    return f"{(table['verdict'] == 'matches').sum()} of {len(table)} {what} match"


def beside_zero(table: pd.DataFrame, sign: pd.Series | int = 1) -> tuple[int, int]:
    """How many 95 % intervals are above 0, and how many below."""
    ends = table[["low", "high"]].mul(sign, axis=0)
    return (ends > 0).all(axis=1).sum(), (ends < 0).all(axis=1).sum()


def moved(changes: pd.DataFrame) -> str:
    changes = changes[changes["metric"].isin(INDICES)]
    more, less = beside_zero(changes, changes["metric"].map(lambda name: names.metric(name).segregation))
    side = f"the 95 % interval of {more} is on the more segregated side, of {less} on the less"
    return f"of {len(changes)} changes, {side}"


def apart(contrasts: pd.DataFrame, what: str) -> str:
    tested = contrasts.dropna(subset=["low", "high"])
    return f"{sum(beside_zero(tested))} of {len(tested)} {what} have a 95 % interval that excludes none"


def found(quality: pd.DataFrame) -> str:
    share = quality.loc[quality["metric"] == "found", "mean"]
    return f"recourse for at least 95 % of the rejected in {(share >= 0.95).sum()} of {len(share)} cells"


def correlated(monotonicity: pd.DataFrame, parameter: str) -> str:
    rho = monotonicity.loc[monotonicity["metric"] == "cost", "correlation"]
    return f"cost against {parameter}: rank correlation {rho.min():+.2f} to {rho.max():+.2f}"


def nearest(agreement: pd.DataFrame) -> str:
    best = agreement[agreement["nearest"]].itertuples()
    said = [f"{names.population(row.population)} {row.matches} of {row.numbers} ({row.convention})" for row in best]
    return f"most published numbers met under: {', '.join(said)}"


def covered(controls: pd.DataFrame) -> str:
    methods = contracts.read_run(RESULTS / "run.json")["studies"][contracts.MAIN]["methods"]
    tested = controls[(controls["scenario"] == "placebo") & controls["method"].isin(methods)]
    parts = {name: tested[tested["metric"] == name].dropna(subset=["low", "high"]) for name in INDICES}
    said = [f"{names.metric(name).label} {len(of) - sum(beside_zero(of))} of {len(of)}" for name, of in parts.items()]
    return f"intervals under shuffled groups that cover no change: {', '.join(said)}"


def checked(z: pd.Series) -> str:
    return f"{z.count()} formulas beside simulation: largest z {z.abs().max():.1f} in size, mean z² {(z**2).mean():.2f}"


#: exhibit -> what came out of it, in a sentence
OUTCOMES = {
    "comparison": lambda: matched(read("comparison")),
    "populations": lambda: matched(read("comparison").query("phase == 'before'"), "published numbers before recourse"),
    "synthetic": lambda: matched(read("exhibits/comparison/synthetic")),
    "segregation": lambda: moved(read("exhibits/segregation/overview")),
    "twenty_seeds": lambda: moved(read("exhibits/twenty_seeds/effects")),
    "recourse_quality": lambda: found(read("exhibits/recourse_quality/quality")),
    "tradeoff": lambda: "; ".join(
        correlated(read(f"exhibits/tradeoff/{method}_monotonicity"), sign)
        for method, sign in (("ebr", "β"), ("ibr", "γ"))
    ),
    "ablation": lambda: apart(read("exhibits/ablation/contrasts"), "differences from the full method"),
    "choices": lambda: apart(read("exhibits/choices/contrasts"), "differences from the choice made"),
    "conventions": lambda: nearest(read("exhibits/conventions/agreement")),
    "controls": lambda: covered(read("exhibits/controls/controls")),
    "theory": lambda: checked(read("exhibits/theory/check")["z"]),
}


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


def alternatives(levels: pd.DataFrame, contrasts: pd.DataFrame) -> str:
    """Each choice, and below it each alternative with the paired difference and its 95 % interval.

    levels, contrasts: the tables of the exhibit `choices`.
    """
    metrics = {"found": "found", "cost": "cost", "diversity": "diversity", **INDICES}
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
        names.use(contracts.read_run(RESULTS / "run.json")["labels"])
        made = json.loads((RESULTS / "provenance.json").read_text(encoding="utf-8"))
        choices = [read(f"exhibits/choices/{name}") for name in ("levels", "contrasts")]
        texts = {
            ("README.md", "claims"): verdicts_on_claims(),
            ("README.md", "exhibits"): exhibits(made["exhibits"]),
            ("README.md", "numbers"): headline(),
            ("README.md", "times"): before_and_after.times(RESULTS, made),
            ("docs/deviations.md", "numbers"): alternatives(*choices),
        }
    except (OSError, DataError) as error:
        sys.exit(f"{error}: run `make reproduce` first")
    for (document, name), text in texts.items():
        blocks.put(document, name, text, check="--check" in sys.argv)
