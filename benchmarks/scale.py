"""Seconds and memory of every stage against individuals, features and seeds; writes docs/performance.

    make scale                               (a quarter of an hour on one core, nothing to download)
    python benchmarks/scale.py --draw        (the figures and the text only, from docs/performance/scale.csv)

Everybody is made up (as in `test_speed.py`), and every point runs in a process of its own. Seconds are of
processor time on one thread, so that other work on the machine matters little. Memory is the most that the process
held, its libraries (the `base_mib` it held at its start) and its people included.

A training or a search that would take too long is cut: to one epoch, a few steps or shells; `per` says to what, and the
times of a whole one are as many times longer.
"""

from __future__ import annotations

import math
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import blocks
import common
import matplotlib
import numpy as np
import pandas as pd
import psutil
import seaborn as sns
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from sklearn import cluster, model_selection  # noqa: F401  (loaded before anything is timed)

from recourse_segregation import classifiers, contracts, methods, names, plan
from recourse_segregation.seeds import torch_generator

FOLDER = common.ROOT / "docs" / "performance"

INDIVIDUALS, MOST = (1_000, 10_000, 100_000), 1_000_000
FEATURES, SEEDS = (10, 100), (1, 5, 20)
WORKERS = 1  # more would disturb each other's times
#: Options that cut a method's training and search, and what is then timed.
CUT = {
    "wachter": ({}, "fit", "search"),
    "growing_spheres": ({}, "fit", "search"),
    "face": ({}, "fit", "search"),
    "cchvae": ({"epochs": 1, "shells": 5}, "one epoch", "at most 5 shells"),
    "ibr": ({"epochs": 1, "shells": 5}, "one epoch", "at most 5 shells"),
    "cruds": ({"epochs": 1, "steps": 10}, "one epoch", "10 steps"),
    "ebr": ({"epochs": 10, "density_quantile": 0.3}, "10 epochs", "search"),
}
names.use(plan.described_run(common.CONFIG)["labels"])


@dataclass(frozen=True)
class Stage:
    """What is timed: `ready(individuals, features, seeds)` does what comes before and returns the work."""

    kind: str
    name: str
    per: str
    ready: Callable[[int, int, int], Callable[[], object]]


def one_by_one(ready: Callable[[int, int, int], Callable[[], object]]) -> Callable:
    """What is ready for one seed, for several: one after another, as in a job of the workflow."""

    def all_ready(individuals: int, features: int, seeds: int) -> Callable[[], object]:
        works = [ready(individuals, features, seed) for seed in range(seeds)]
        return lambda: [work() for work in works]

    return all_ready


# --- the stages


def judged(individuals: int, features: int, seed: int, epochs: int = 10):
    """Made-up people and a classifier that has seen little: it decides much like a trained one."""
    population = common.people(individuals, features, seed)
    return population, classifiers.train(
        population, torch_generator(seed), hidden=(32,), learning_rate=0.002, epochs=epochs, batch=256
    )


def training(*size: int) -> Callable[[], object]:
    population = common.people(*size)
    return lambda: classifiers.train(
        population, torch_generator(0), hidden=(18, 9, 3), learning_rate=0.002, epochs=1, batch=32
    )


def fitting(name: str) -> Callable:
    """All seeds at once, as in a job of the workflow."""

    def ready(individuals: int, features: int, seeds: int) -> Callable[[], object]:
        cells = [judged(individuals, features, seed) for seed in range(seeds)]
        generators = [torch_generator(seed) for seed in range(seeds)]
        made = [common.make(name, **CUT[name][0]) for _ in cells]
        return lambda: methods.load(name).fit_all(made, *zip(*cells, strict=True), generators)

    return ready


def searching(name: str) -> Callable:
    def ready(*size: int) -> Callable[[], object]:
        cell = judged(*size)
        method, x = common.make(name, **CUT[name][0]).fit(*cell, torch_generator(0)), common.rejected(*cell)
        return lambda: method.counterfactuals(x)

    return ready


def simulating(*size: int) -> Callable[[], object]:
    cell = common.Cell(*judged(*size))
    offered, _ = cell.given("wachter", common.options("wachter"))
    return lambda: cell.taken_up(offered)


def measuring(metric: Callable) -> Callable:
    def ready(individuals: int, features: int, seed: int) -> Callable[[], object]:
        x, minority = common.city(individuals, features - 1, seed)
        return lambda: metric(x, minority, 0.075 * math.sqrt(features))

    return ready


STAGES = [
    Stage("Pipeline", "prepare", "population", one_by_one(lambda *size: lambda: common.people(*size))),
    Stage("Pipeline", "train the classifier", "one epoch", one_by_one(training)),
    Stage("Pipeline", "simulate", "population", one_by_one(simulating)),
    *(Stage("Fit", names.method(m), CUT[m][1], fitting(m)) for m in ("face", "cchvae", "ibr", "cruds", "ebr")),
    *(Stage("Search", names.method(m), per, one_by_one(searching(m))) for m, (_, _, per) in CUT.items()),
    *(Stage("Metric", name, "population", one_by_one(measuring(metric))) for name, metric in common.METRICS.items()),
]


# --- measuring


def points() -> Iterator[tuple[int, int, int, int]]:
    """What is run: position among STAGES, individuals, features, seeds."""
    for i, stage in enumerate(STAGES):
        sizes = [(n, FEATURES[0], SEEDS[0]) for n in INDIVIDUALS]
        sizes += [(INDIVIDUALS[1], FEATURES[1], SEEDS[0])]
        sizes += [(INDIVIDUALS[0], FEATURES[0], seeds) for seeds in SEEDS[1:]]
        sizes += [(MOST, FEATURES[0], SEEDS[0])] * (stage.kind == "Metric")
        yield from ((i, *size) for size in sizes)


def measure(point: tuple[int, int, int, int]) -> dict[str, object]:
    """One row of the table."""
    torch.set_num_threads(1)
    i, individuals, features, seeds = point
    base = psutil.Process().memory_info().rss
    work = STAGES[i].ready(individuals, features, seeds)
    started = time.process_time()
    work()
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "kind": STAGES[i].kind,
        "stage": STAGES[i].name,
        "per": STAGES[i].per,
        "individuals": individuals,
        "features": features,
        "seeds": seeds,
        "seconds": float(f"{seconds:.3g}"),
        "peak_mib": round(peak / 1024),
        "base_mib": round(base / 2**20),
    }


def run() -> pd.DataFrame:
    """All points, each in a fresh process that has only the libraries loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["scale"])
    rows = []
    with context.Pool(WORKERS, maxtasksperchild=1) as pool:
        for row in pool.imap(measure, points(), chunksize=1):
            rows.append(row)
            print(*row.values(), flush=True)
    return pd.DataFrame(rows)


# --- showing


def slope(rows: pd.DataFrame) -> float:
    """The exponent b of seconds ~ individuals ** b, between the two largest sizes of up to 100,000."""
    rows = rows[rows["individuals"] <= INDIVIDUALS[-1]].nlargest(2, "individuals")
    (t2, t1), (n2, n1) = rows["seconds"], rows["individuals"]
    return math.log(t2 / t1) / math.log(n2 / n1) if min(t1, t2) > 0 else math.nan


def by_individuals(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of ten features and one seed."""
    return table[(table["features"] == FEATURES[0]) & (table["seeds"] == SEEDS[0])]


def curves(table: pd.DataFrame, column: str, label: str, path: Path) -> None:
    """`column` against individuals, both logarithmic, a panel for each kind of stage."""
    rows = by_individuals(table)
    figure = Figure(figsize=(12, 8), layout="constrained")
    for axis, (kind, part) in zip(figure.subplots(2, 2).flat, rows.groupby("kind", sort=False), strict=True):
        sns.lineplot(
            part.rename(columns={"stage": kind}),
            x="individuals",
            y=column,
            hue=kind,
            style=kind,
            markers=True,
            dashes=False,
            palette="colorblind",
            markersize=8,
            ax=axis,
        )
        axis.set(xscale="log", yscale="log", title=kind, xlabel="individuals", ylabel=label)
        low, high = np.log10([part[column].min(), part[column].max()])
        axis.set_ylim(10 ** np.floor(low - 0.05), 10 ** np.ceil(high + 0.05))  # whole decades, which have the labels
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    save(figure, path)


def ratios(table: pd.DataFrame, path: Path) -> None:
    """How many times as long with ten times the features, and with more seeds."""
    figure = Figure(figsize=(12, 6.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    size = ["individuals", "features", "seeds"]
    table = table.assign(stage=table["kind"] + ": " + table["stage"], times=table["seconds"])
    times = table.set_index(["stage", *size])["times"]
    n, few, (ten, hundred) = INDIVIDUALS[1], INDIVIDUALS[0], FEATURES
    features = (times.xs((n, hundred, 1), level=size) / times.xs((n, ten, 1), level=size)).reset_index()
    one_seed = times.xs((few, ten, 1), level=size)
    more = {f"{k} seeds": times.xs((few, ten, k), level=size) / one_seed for k in SEEDS[1:]}
    seeds = pd.concat(more, names=["seeds"]).reset_index()
    sns.scatterplot(features, x="times", y="stage", color="#12395b", s=60, ax=left)
    sns.scatterplot(
        seeds, x="times", y="stage", hue="seeds", style="seeds", palette=["#e9a23b", "#12395b"], s=60, ax=right
    )
    left.set(title=f"{hundred} features against {ten}, {n:,} individuals")
    right.set(title=f"more seeds against one, {few:,} individuals")
    for axis in (left, right):
        axis.set(xscale="log", xlabel="times as long", ylabel="")
        axis.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.grid(axis="y", alpha=0.3)
    left.axvline(hundred / ten, color="0.6", linestyle=":", zorder=0)
    for k in SEEDS[1:]:
        right.axvline(k, color="0.6", linestyle=":", zorder=0)
    right.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    with matplotlib.rc_context({"svg.hashsalt": path.stem}):
        figure.savefig(path, metadata={"Date": None})


def text(table: pd.DataFrame) -> str:
    """Markdown: a row for each stage, with what it takes at every size and the slope."""
    rows = by_individuals(table)
    sizes, lines = (*INDIVIDUALS, MOST), []
    for (kind, stage), part in rows.groupby(["kind", "stage"], sort=False):
        of = part.set_index("individuals")
        seconds = [f"{of['seconds'][n]:.2g}" if n in of.index else "" for n in sizes]
        peak = f"{of['peak_mib'][INDIVIDUALS[-1]]:,}" if INDIVIDUALS[-1] in of.index else ""
        lines.append([kind, stage, part["per"].iloc[0], *seconds, f"{slope(part):.1f}", peak])
    columns = ["", "stage", "per", *(f"{n:,}:" for n in sizes), "slope:", "peak MiB at 100,000:"]
    most = rows.loc[rows["peak_mib"].idxmax()]
    return (
        f"{blocks.table(columns, lines)}\n"
        f"The libraries alone take {rows['base_mib'].max():,} MiB of the memory. The most was "
        f"{most['peak_mib']:,} MiB, in {most['kind'].lower()} {most['stage']} of {most['individuals']:,} individuals.\n"
    )


def draw(table: pd.DataFrame) -> None:
    """The figures of the table."""
    with sns.axes_style("whitegrid"):
        curves(table, "seconds", "processor seconds", FOLDER / "seconds.svg")
        table = table.assign(added=(table["peak_mib"] - table["base_mib"]).clip(lower=1))
        curves(table, "added", "peak memory beyond the libraries (MiB)", FOLDER / "memory.svg")
        ratios(table, FOLDER / "features_and_seeds.svg")


def main(arguments: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "scale.csv"
    if arguments != ["--draw"]:
        contracts.write_csv(run(), path)
    table = pd.read_csv(path)
    draw(table)
    blocks.put("docs/performance.md", "scale", text(table))


if __name__ == "__main__":
    # By its name, so that the processes it starts find what they run.
    import scale

    scale.main(sys.argv[1:])
