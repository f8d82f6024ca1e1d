"""Seconds and memory of every stage by individuals, features and seeds, beside a plain loop; writes docs/performance.

    make benchmark      (nothing to download)

Everybody is made up, and every point runs in a process of its own. Seconds are of processor time on one thread, so that
other work on the machine matters little. Memory is the most that the process held, its libraries (the `base_mib` it
held at its start) and its people included. `times_a_loop`: what the plain loop of `references.py` takes for the same
fit or search, over ours. The loop does a part of the work, for a few people or one seed, and is counted up. Several
seeds are timed where they are worked on at once: in a fit. Everything else takes them one after another.

A training or a search that would take too long is cut: to one epoch, a few steps or shells; `per` says to what, and the
times of a whole one are as many times longer. Loops are cut alike.
"""

from __future__ import annotations

import math
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import blocks
import common
import numpy as np
import pandas as pd
import psutil
import references
import torch
from sklearn import cluster, model_selection  # noqa: F401  (loaded before anything is timed)

from recourse_segregation import classifiers, contracts, methods, names, plan
from recourse_segregation.metrics import recourse as quality
from recourse_segregation.metrics import segregation
from recourse_segregation.seeds import torch_generator

INDIVIDUALS, MOST = (1_000, 10_000, 100_000), 1_000_000
FEATURES, SEEDS = (10, 100), (1, 5, 20)
STAGE, POINT = ["kind", "stage", "per"], ["individuals", "features", "seeds"]
#: Loops are timed up to so many individuals; the loop of a search moves so few of them.
LOOPED, FEW = INDIVIDUALS[1], 20
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

Action = Callable[[], object]


@dataclass(frozen=True)
class Work:
    """What is timed, and a plain loop, if there is one, that does this share of it."""

    ours: Action
    loop: Action | None = None
    share: float = 1.0


# --- the stages: each does, for individuals, features and seeds, what comes before the work


def judged(individuals: int, features: int, seed: int = 0):
    """Made-up people and a classifier that has seen little: it decides much like a trained one."""
    population = common.people(individuals, features, seed)
    return population, classifiers.train(
        population, torch_generator(seed), hidden=(32,), learning_rate=0.002, epochs=10, batch=256, rejected=None
    )


def preparing(individuals: int, features: int, _: int) -> Work:
    return Work(lambda: common.people(individuals, features))


def training(individuals: int, features: int, _: int) -> Work:
    population = common.people(individuals, features)
    options = {"hidden": (18, 9, 3), "learning_rate": 0.002, "epochs": 1, "batch": 32}
    return Work(lambda: classifiers.train(population, torch_generator(0), **options))


def simulating(individuals: int, features: int, _: int) -> Work:
    cell = common.Cell(*judged(individuals, features))
    offered, _ = cell.given("wachter")
    return Work(lambda: cell.taken_up(offered))


def fitting(name: str, individuals: int, features: int, seeds: int) -> Work:
    cells = [judged(individuals, features, seed) for seed in range(seeds)]
    generators = [torch_generator(seed) for seed in range(seeds)]
    made = [common.make(name, **CUT[name][0]) for _ in cells]
    options = common.options(name, **CUT[name][0])
    loop = None if name == "face" else lambda: references.fit(name, options, *cells[0])
    return Work(lambda: methods.load(name).fit_all(made, *zip(*cells, strict=True), generators), loop, 1 / seeds)


def searching(name: str, individuals: int, features: int, _: int) -> Work:
    population, classifier = judged(individuals, features)
    method = common.make(name, **CUT[name][0]).fit(population, classifier, torch_generator(0))
    x = common.rejected(population, classifier)
    # its model is trained where the loop is run for the first time, which is not timed
    case = cache(lambda: references.fit(name, common.options(name, **CUT[name][0]), population, classifier)[0])
    loop = None if name == "face" else lambda: references.search(name, case(), x[:FEW])
    return Work(lambda: method.counterfactuals(x), loop, FEW / len(x))


K, B, YNN = (common.CONFIG["measure"][name] for name in ("neighbourhoods", "atkinson_b", "ynn_k"))
#: name -> metric(features, minority, radius)
METRICS = {
    "neighbourhoods": lambda x, m, radius: segregation.neighbourhoods(x, m, K, 0.1),
    "Atkinson": lambda x, m, radius: segregation.atkinson(segregation.assign(x[:30], x), m, B),
    "centralization": segregation.centralization,
    "proximities": lambda x, m, radius: segregation.proximity_sums(x, m),
    "yNN (one in twenty moved)": lambda x, m, radius: quality.ynn(0.9 * x[::20], x, m, YNN),
    "diversity": lambda x, m, radius: quality.diversity(x[m]),
    "closeness": lambda x, m, radius: quality.closeness(x[m], x[~m]),
}


def measuring(name: str, individuals: int, features: int, _: int) -> Work:
    """Features in [0, 1], and two in five in the minority."""
    rng = np.random.default_rng(0)
    x, minority = rng.gamma(2.0, 0.08, (individuals, features - 1)).clip(0, 1), rng.random(individuals) < 0.4
    return Work(lambda: METRICS[name](x, minority, 0.075 * math.sqrt(features)))


#: kind, name, what is timed -> function
STAGES = {
    ("Pipeline", "prepare", "population"): preparing,
    ("Pipeline", "train the classifier", "one epoch"): training,
    ("Pipeline", "simulate", "population"): simulating,
    **{("Fit", names.method(m), CUT[m][1]): partial(fitting, m) for m in ("face", "cchvae", "ibr", "cruds", "ebr")},
    **{("Search", names.method(m), per): partial(searching, m) for m, (_, _, per) in CUT.items()},
    **{("Metric", name, "population"): partial(measuring, name) for name in METRICS},
}


# --- measuring


def points() -> Iterator[tuple[tuple[str, str, str], tuple[int, int, int]]]:
    """What is run: the stage; individuals, features, seeds."""
    for stage in STAGES:
        sizes = [(n, FEATURES[0], SEEDS[0]) for n in INDIVIDUALS]
        sizes += [(INDIVIDUALS[1], FEATURES[1], SEEDS[0])]
        sizes += [(INDIVIDUALS[0], FEATURES[0], seeds) for seeds in SEEDS[1:]] * (stage[0] == "Fit")
        sizes += [(MOST, FEATURES[0], SEEDS[0])] * (stage[0] == "Metric")
        yield from ((stage, size) for size in sizes)


def timed(action: Action) -> float:
    started = time.process_time()
    action()
    return time.process_time() - started


def measure(point: tuple[tuple[str, str, str], tuple[int, int, int]]) -> dict[str, object]:
    """One row of the table."""
    torch.set_num_threads(1)
    stage, size = point
    base = psutil.Process().memory_info().rss
    work = STAGES[stage](*size)
    seconds = timed(work.ours)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = math.nan
    if work.loop and size[0] <= LOOPED:
        work.loop()  # what is done once in a process, such as an import, is not the loop's
        times = timed(work.loop) / work.share / seconds
    return {
        **dict(zip([*STAGE, *POINT], [*stage, *size], strict=True)),
        "seconds": float(f"{seconds:.3g}"),
        "peak_mib": round(peak / 1024),
        "base_mib": round(base / 2**20),
        "times_a_loop": float(f"{times:.3g}"),
    }


def run() -> pd.DataFrame:
    """All points, one after another, each in a fresh process that has only the libraries loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["speed"])
    rows = []
    with context.Pool(1, maxtasksperchild=1) as pool:
        for row in pool.imap(measure, points(), chunksize=1):
            rows.append(row)
            print(*row.values(), flush=True)
    return pd.DataFrame(rows)


# --- showing


def by_point(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Texts of `column`: a row for each stage, a column for each point that any stage has."""
    table = table.dropna(subset=column).sort_values(["seeds", "features", "individuals"], kind="stable")
    texts = table.set_index([*STAGE, *POINT])[column].map("{:.2g}".format).unstack(POINT, sort=False).fillna("")
    texts.columns = [
        f"{n:,}" + f" with {features} features" * (features != FEATURES[0]) + f" and {seeds} seeds" * (seeds > 1)
        for n, features, seeds in texts.columns
    ]
    return texts


def seconds(table: pd.DataFrame) -> str:
    """Markdown: what each stage takes at every point, the slope, and the memory."""
    rows = table[(table["features"] == FEATURES[0]) & (table["seeds"] == SEEDS[0])]
    of = rows.set_index([*STAGE, "individuals"])[["seconds", "peak_mib"]].unstack(sort=False)
    _, smaller, largest = INDIVIDUALS
    texts = by_point(table, "seconds")
    slope = np.log(of["seconds", largest] / of["seconds", smaller]) / np.log(largest / smaller)
    texts["slope"] = slope.map("{:.1f}".format)
    texts[f"peak MiB at {largest:,}"] = of["peak_mib", largest].map("{:,.0f}".format)
    return f"{blocks.table(texts)}\nThe libraries alone take {rows['base_mib'].max():,} MiB of the memory.\n"


def main() -> None:
    table = run()
    contracts.write_csv(table, common.ROOT / "docs" / "performance" / "scale.csv")
    blocks.put("docs/performance.md", "numbers", blocks.table(by_point(table, "times_a_loop")))
    blocks.put("docs/performance.md", "scale", seconds(table))


if __name__ == "__main__":
    # By its name, so that the processes it starts find what they run.
    import speed

    speed.main()
