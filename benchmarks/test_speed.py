"""Seconds, cost per individual, memory, and the ratio to a one-by-one loop in the same run, at three sizes.

    make benchmark      (writes docs/performance.md's table)

Everything is made up (nine features, two groups, a trained MLP), so nothing has to be downloaded. The loop is timed on
a few individuals or epochs and counted per individual or epoch, because it would take hours at the larger sizes.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable

import common
import numpy as np
import psutil
import pytest
import references
import torch

from recourse_segregation import classifiers
from recourse_segregation.generative import csvae, mdn, vae
from recourse_segregation.seeds import torch_generator

FEATURES = 9
#: density models are trained for as many seeds at once as a job does, for as many epochs
SEEDS, EPOCHS = 5, 3
RADIUS = 0.3


def peak_mib(work: Callable[[], object]) -> float:
    """Memory that `work` adds at its peak, in a process of its own (MiB)."""

    def child(pipe):
        before = psutil.Process().memory_info().rss
        work()
        pipe.send(max(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before) / 2**20)

    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=child, args=(theirs,))
    process.start()
    peak = ours.recv()
    process.join()
    return peak


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.fixture
def timed(benchmark, request):
    """Times `work`, which is so many `units`, and a `loop`, which is so many; both are counted per unit."""

    def record(stage: str, unit: str, work: Callable, units: float, loop: Callable, loop_units: float) -> None:
        benchmark.pedantic(work, rounds=3, warmup_rounds=1)
        ours = benchmark.stats.stats.min / units
        ratio, size = seconds(loop) / loop_units / ours, request.getfixturevalue("n")
        benchmark.extra_info.update(stage=stage, size=size, unit=unit, per_unit=ours, ratio=ratio, mib=peak_mib(work))

    return record


def sizes(*n: int):
    return pytest.mark.parametrize("n", n)


# --- searches


@pytest.fixture(scope="session")
def cell():
    """A population with nine continuous features, and its trained classifier."""
    population = common.people(16_000, FEATURES + 1)
    return population, classifiers.train(
        population, torch_generator(0), hidden=(32,), learning_rate=0.002, epochs=60, batch=1024
    )


#: method -> what is timed, for so many people, a loop for so few, and options that keep it short
SEARCHES = {
    "wachter": ("Wachter", (100, 1_000, 10_000), 20, {}),
    "growing_spheres": ("Growing Spheres", (100, 1_000, 10_000), 50, {}),
    "cchvae": ("C-CHVAE and IBR, search", (100, 1_000, 10_000), 50, {"epochs": 5}),
    "cruds": ("CRUDS, search", (30, 300, 3_000), 2, {"epochs": 3}),
    "ebr": ("EBR, sampling and search", (100, 1_000, 10_000), 5, {"epochs": 50, "density_quantile": 0.3}),
}


@pytest.mark.parametrize(("method", "n"), [(method, n) for method, (_, sizes, *_) in SEARCHES.items() for n in sizes])
def test_search(timed, cell, method, n):
    stage, _, few, changes = SEARCHES[method]
    fitted = common.make(method, **changes).fit(*cell, torch_generator(0))
    rejected = common.rejected(*cell)
    x = rejected.repeat(-(-n // len(rejected)), 1)[:n]
    loop = references.search_of(method, fitted, common.options(method, **changes), cell[0].features)
    timed(stage, "individual", lambda: fitted.counterfactuals(x), n, lambda: loop(x[:few]), few)


# --- training: `make(...).training` holds the keyword arguments of a density model


def samples(n: int, features: int = FEATURES):
    """Features [n, features], a group [n, 1] that the model is conditioned on, a label [n]."""
    generator = torch_generator(1)
    x = torch.rand(n, features, generator=generator) ** 3
    group, label = ((torch.rand(n, generator=generator) < share).float() for share in (0.4, 0.5))
    return x, group[:, None], label


def generators() -> list[torch.Generator]:
    return [torch_generator(seed) for seed in range(SEEDS)]


@sizes(1_000, 10_000, 100_000)
@pytest.mark.parametrize("method", ["cchvae", "ibr"])
def test_vae(timed, method, n):
    x, group, _ = samples(n)
    settings, plain = common.make(method, epochs=EPOCHS).training, common.options(method, epochs=1)
    timed(
        {"cchvae": "VAE of C-CHVAE", "ibr": "VAE of IBR, with its adversary"}[method],
        "epoch",
        lambda: vae.train([x] * SEEDS, [group] * SEEDS, generators(), group=[group[:, 0]] * SEEDS, **settings),
        EPOCHS * SEEDS,
        lambda: references.train_vae(x, group, plain, group[:, 0] if method == "ibr" else None),
        1,
    )


@sizes(1_000, 10_000, 100_000)
def test_csvae(timed, n):
    x, group, label = samples(n)
    settings, plain = common.make("cruds", epochs=EPOCHS).training, common.options("cruds", epochs=1)
    train = lambda: csvae.train([x] * SEEDS, [group] * SEEDS, [label] * SEEDS, generators(), **settings)  # noqa: E731
    timed("CSVAE of CRUDS", "epoch", train, EPOCHS * SEEDS, lambda: references.train_csvae(x, group, plain, label), 1)


@sizes(400, 4_000, 40_000)
def test_mdn(timed, n):
    x, group, _ = samples(n, features=2 if n == 400 else FEATURES)  # the smallest is the synthetic population's
    settings, plain = common.make("ebr", epochs=19).training, common.options("ebr", epochs=5)
    train = lambda: mdn.train(x, group, torch_generator(2), **settings)  # noqa: E731
    # Both take one step more than epochs.
    timed("MDN of EBR", "epoch", train, 20, lambda: references.train_mdn(x, group, plain), 6)


# --- metrics

#: name in `common.METRICS` -> what is timed, a plain loop over a part of the people, and whose share of all counts
METRICS = {
    "centralization": (
        "metrics: centralization",
        lambda x, minority, few: references.centralization(x, minority & few, RADIUS),
        lambda minority, few: (minority & few).sum() / minority.sum(),
    ),
    "Atkinson": (
        "metrics: Atkinson",
        lambda x, minority, few: references.atkinson(x[:30], x, minority, common.MEASURE["atkinson_b"]),
        lambda minority, few: 1,
    ),
    # Spatial proximity takes the pairs within the groups too: twice as many again.
    "proximities": (
        "metrics: average and spatial proximity",
        lambda x, minority, few: references.average_proximity(x, minority & few),
        lambda minority, few: (minority & few).sum() / minority.sum(),
    ),
    "yNN (one in twenty moved)": (
        "metrics: yNN (one in twenty moved)",
        lambda x, minority, few: references.ynn(0.9 * x[few][::20], x, minority, common.MEASURE["ynn_k"]),
        lambda minority, few: few.mean(),
    ),
}


@sizes(750, 7_500, 30_000)
@pytest.mark.parametrize("metric", METRICS)
def test_metric(timed, metric, n):
    x, minority = common.city(n, FEATURES)
    few = np.arange(n) < 750
    stage, loop, share = METRICS[metric]
    work = lambda: common.METRICS[metric](x, minority, RADIUS)  # noqa: E731
    timed(stage, "population", work, 1, lambda: loop(x, minority, few), share(minority, few))
