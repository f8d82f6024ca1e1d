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
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import references
import torch

from recourse_segregation import classifiers, methods
from recourse_segregation.data import Dataset, Feature, Sensitive
from recourse_segregation.generative import csvae, mdn, vae
from recourse_segregation.metrics import recourse as quality
from recourse_segregation.metrics import segregation
from recourse_segregation.population import prepare
from recourse_segregation.seeds import torch_generator

torch.set_num_threads(1)
FEATURES = 9
#: density models are trained for as many seeds at once as a job does
SEEDS = 5


def generators() -> list[torch.Generator]:
    return [torch_generator(seed) for seed in range(SEEDS)]


def made_up(rows: int):
    """A population with nine continuous features, and its trained classifier."""
    import pandas as pd

    def draw(random_state: np.random.RandomState) -> pd.DataFrame:
        x = random_state.gamma(2.0, 1.0, (rows, FEATURES))
        group = random_state.rand(rows) < 0.4
        score = x[:, 0] + x[:, 1] - x[:, 2] + 0.5 * ~group + random_state.normal(0, 0.5, rows)
        columns = {f"x{i}": x[:, i] for i in range(FEATURES)}
        return pd.DataFrame({"label": (score > 1).astype(int), "side": np.where(group, "b", "a"), **columns})

    features = (*(Feature(f"x{i}", "continuous") for i in range(FEATURES)), Feature("side", "binary", ("a", "b")))
    dataset = Dataset("made_up", "", "", "", features, {"side": Sensitive("side", ("a", "b"), "b")}, draw=draw)
    population = prepare("made-up", dataset, "side", 0, rows)
    return population, classifiers.train(population, torch_generator(0), (32,), 0.002, 60, 1024)


@pytest.fixture(scope="session")
def cell():
    return made_up(16_000)


def people(cell, n: int) -> torch.Tensor:
    """n rejected individuals, repeated if there are fewer."""
    population, classifier = cell
    x = classifiers.tensor(population.features)
    rejected = x[~classifier.accepts(x)]
    return rejected.repeat(-(-n // len(rejected)), 1)[:n]


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


def record(benchmark, stage: str, size: int, unit: str, work, loop, loop_size: int, per: int | None = None) -> None:
    """Time `work` (`size` units) and `loop` (`loop_size` units); both are counted per unit.

    per: units of `work`, where they are not `size` (epochs, say).
    """
    benchmark.pedantic(work, rounds=3, warmup_rounds=1)
    units = per or size
    ours = benchmark.stats.stats.min / units
    benchmark.extra_info.update(
        stage=stage, size=size, unit=unit, per_unit=ours, ratio=seconds(loop) / loop_size / ours, mib=peak_mib(work)
    )


@pytest.mark.parametrize("n", [100, 1_000, 10_000])
def test_wachter(benchmark, cell, n):
    method = methods.load("wachter")().fit(*cell, torch_generator(0))
    x, model = people(cell, n), references.module(cell[1])
    record(
        benchmark,
        "Wachter",
        n,
        "individual",
        lambda: method.counterfactuals(x),
        lambda: references.wachter(model, x[:20], cell[0].encoding),
        20,
    )


@pytest.mark.parametrize("n", [100, 1_000, 10_000])
def test_growing_spheres(benchmark, cell, n):
    method = methods.load("growing_spheres")().fit(*cell, torch_generator(0))
    x, model = people(cell, n), references.module(cell[1])
    record(
        benchmark,
        "Growing Spheres",
        n,
        "individual",
        lambda: method.counterfactuals(x),
        lambda: references.growing_spheres(model, x[:50], cell[0].encoding),
        50,
    )


@pytest.mark.parametrize("n", [100, 1_000, 10_000])
def test_latent_search(benchmark, cell, n):
    method = methods.load("cchvae")(epochs=5).fit(*cell, torch_generator(0))
    x, model = people(cell, n), references.module(cell[1])
    encoding = cell[0].encoding
    record(
        benchmark,
        "C-CHVAE and IBR, search",
        n,
        "individual",
        lambda: method.counterfactuals(x),
        lambda: references.latent_search(method.vae, model, x[:50], encoding, ~encoding.mutable),
        50,
    )


@pytest.mark.parametrize("n", [30, 300, 3_000])
def test_cruds_search(benchmark, cell, n):
    method = methods.load("cruds")(epochs=3).fit(*cell, torch_generator(0))
    x, model = people(cell, n), references.module(cell[1])
    ours = method.model
    csvae = references.CSVAE(*map(references.plain, (ours.encoder, ours.decoder, ours.prior)), ours.latent)
    record(
        benchmark,
        "CRUDS, search",
        n,
        "individual",
        lambda: method.counterfactuals(x),
        lambda: references.cruds(csvae, model, x[:2], cell[0].encoding),
        2,
    )


def training_data(n: int):
    generator = torch_generator(1)
    x = torch.rand(n, FEATURES, generator=generator) ** 3
    group = (torch.rand(n, 1, generator=generator) < 0.4).float()
    return x, group, (torch.rand(n, 1, generator=generator) < 0.5).float()


EPOCHS = 3


@pytest.mark.parametrize("n", [1_000, 10_000, 100_000])
@pytest.mark.parametrize("adversary", [False, True])
def test_vae(benchmark, n, adversary):
    x, group, _ = training_data(n)
    settings = {"adversary": vae.Adversary(200.0), "group": [group[:, 0]] * SEEDS} if adversary else {}
    plain = {"adversary_weight": 200.0, "group": group[:, 0]} if adversary else {}
    record(
        benchmark,
        "VAE of IBR, with its adversary" if adversary else "VAE of C-CHVAE",
        n,
        "epoch",
        lambda: vae.train([x] * SEEDS, [group] * SEEDS, generators(), epochs=EPOCHS, **settings),
        lambda: references.train_vae(x, group, epochs=1, **plain),
        1,
        per=EPOCHS * SEEDS,
    )


@pytest.mark.parametrize("n", [1_000, 10_000, 100_000])
def test_csvae(benchmark, n):
    x, group, label = training_data(n)
    record(
        benchmark,
        "CSVAE of CRUDS",
        n,
        "epoch",
        lambda: csvae.train([x] * SEEDS, [group] * SEEDS, [label[:, 0]] * SEEDS, generators(), epochs=EPOCHS),
        lambda: references.train_csvae(x, group, label[:, 0], epochs=1),
        1,
        per=EPOCHS * SEEDS,
    )


@pytest.mark.parametrize("n", [400, 4_000, 40_000])
def test_mdn(benchmark, n):
    x, group, _ = training_data(n)
    x = x[:, :2] if n == 400 else x  # the smallest is the synthetic population's
    record(
        benchmark,
        "MDN of EBR",
        n,
        "epoch",
        lambda: mdn.train(x, group, torch_generator(2), epochs=19),
        lambda: references.train_mdn(x, group, epochs=5),
        6,  # one step more than epochs, as ours
        per=20,
    )


@pytest.mark.parametrize("n", [100, 1_000, 10_000])
def test_ebr_search(benchmark, cell, n):
    method = methods.load("ebr")(epochs=50, density_quantile=0.3).fit(*cell, torch_generator(0))
    x, model, ours, generator = people(cell, n), references.module(cell[1]), method.density, torch_generator(1)
    density = SimpleNamespace(
        log_density=ours.log_density, sample=lambda count, own: ours.sample(count, own, generator)
    )
    record(
        benchmark,
        "EBR, sampling and search",
        n,
        "individual",
        lambda: method.counterfactuals(x),
        lambda: references.ebr(density, model, x[:5], cell[0].encoding, density_quantile=0.3),
        5,
    )


def city(n: int):
    generator = np.random.default_rng(0)
    features = generator.gamma(2.0, 0.08, (n, FEATURES)).clip(0, 1)
    return features, generator.random(n) < 0.45


SIZES = [750, 7_500, 30_000]


@pytest.mark.parametrize("n", SIZES)
def test_centralization(benchmark, n):
    features, minority = city(n)
    part = slice(0, 750)
    record(
        benchmark,
        "metrics: centralization",
        n,
        "population",
        lambda: segregation.centralization(features, minority, 0.3),
        # A loop over minority members, each against everybody: timed on 750 of them.
        lambda: references.centralization(features, minority & (np.arange(n) < 750), 0.3),
        float(minority[part].sum() / minority.sum()),
        per=1,
    )


@pytest.mark.parametrize("n", SIZES)
def test_atkinson(benchmark, n):
    features, minority = city(n)
    centres = features[:30]
    record(
        benchmark,
        "metrics: Atkinson",
        n,
        "population",
        lambda: segregation.atkinson(segregation.assign(centres, features), minority),
        lambda: references.atkinson(centres, features, minority),
        1,
        per=1,
    )


@pytest.mark.parametrize("n", SIZES)
def test_proximity(benchmark, n):
    features, minority = city(n)
    share = float(minority[:750].sum() / minority.sum())
    record(
        benchmark,
        "metrics: average and spatial proximity",
        n,
        "population",
        lambda: segregation.proximity_sums(features, minority),
        # Spatial proximity takes the pairs within the groups too: twice as many again.
        lambda: references.average_proximity(features, minority & (np.arange(n) < 750)),
        share,
        per=1,
    )


@pytest.mark.parametrize("n", SIZES)
def test_ynn(benchmark, n):
    features, accepted = city(n)
    counterfactual = np.random.default_rng(1).random((n // 20, FEATURES))
    few = counterfactual[:30]
    record(
        benchmark,
        "metrics: yNN (one in twenty moved)",
        n,
        "population",
        lambda: quality.ynn(counterfactual, features, accepted),
        lambda: references.ynn(few, features, accepted),
        len(few) / len(counterfactual),
        per=1,
    )
