"""Does the latent search of C-CHVAE and IBR give the same recourse with its map of who is accepted as without it?

    python benchmarks/same_search.py [PEOPLE [POPULATION ...]]       (after `make reproduce`)

Searches twice with one trained model, for at most PEOPLE (200) of the rejected of every seed of the first block. Given
the model, people's draws are independent. `only_plain`, `only_map`: for whom only one of the two found something.
`skipped`: for how many a plain search of the shells that the map leaves out finds something all the same. Costs are the
same if the 90 % interval of their paired difference lies within 0.002: two one-sided tests at 5 %. Exits with 1 if they
are not shown to be the same, or somebody is found by the plain search alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import common
import numpy as np
import pandas as pd
import torch
from deviations import BLOCK, RESULTS, people
from scipy import stats

from recourse_segregation import classifiers, methods
from recourse_segregation.methods._latent import LatentSearch
from recourse_segregation.seeds import torch_generator

SAME = 0.002


def trained(population: str, method: str) -> Iterator[tuple[LatentSearch, torch.Tensor]]:
    """Each seed's method, fitted to a finished run, and the rejected [n, d]."""
    everyone = list(people(population).values())
    decides = common.CONFIG["populations"][population]["decided_by"][0]
    deciding = classifiers.load(RESULTS / population / BLOCK / decides / "classifier.pt")
    made = [methods.load(method)(**common.options(method, population)) for _ in everyone]
    streams = [torch_generator(p.seed, "same search", method) for p in everyone]
    for one in methods.load(method).fit_all(made, everyone, [deciding[p.seed] for p in everyone], streams):
        yield one, classifiers.tensor(one.people.features[one.rejected])


def searched(method: LatentSearch, x: torch.Tensor, thinning: float) -> tuple[np.ndarray, float]:
    """What it costs each of x [n, d], NaN where nothing is found, and seconds of processor time."""
    method.map_thinning, started = thinning, time.process_time()
    found = method.counterfactuals(x)
    return (found - x).norm(dim=1).numpy(), time.process_time() - started


def compared(population: str, method: str, most: int) -> dict[str, object]:
    """A row of the table."""
    costs, seconds, skipped = [], np.zeros(2), 0
    for model, rejected in trained(population, method):
        x, thinning = rejected[torch.randperm(len(rejected), generator=model.generator)[:most]], model.map_thinning
        first = model.first_shells(x, model.vae.encode(x[:, model.mutable]))
        with_map, plain = searched(model, x, thinning), searched(model, x, 0)
        costs.append([with_map[0], plain[0]])
        seconds += with_map[1], plain[1]
        for shells in first[(first > 0) & (first < model.shells)].unique().tolist():
            model.shells, whole = shells, model.shells
            skipped += np.isfinite(searched(model, x[first == shells], 0)[0]).sum()
            model.shells = whole
    with_map, plain = np.concatenate(costs, axis=1)
    by_map, by_plain = np.isfinite(with_map), np.isfinite(plain)
    difference = (with_map - plain)[by_map & by_plain]
    low, high = stats.t.interval(0.9, len(difference) - 1, difference.mean(), stats.sem(difference))
    return {
        "population": population,
        "method": method,
        "people": len(plain),
        "both": (by_map & by_plain).sum(),
        "only_plain": (by_plain & ~by_map).sum(),
        "only_map": (by_map & ~by_plain).sum(),
        "skipped": skipped,
        "cost": plain[by_plain].mean(),
        "difference": difference.mean(),
        "low": low,
        "high": high,
        "seconds": seconds[0],
        "seconds_plain": seconds[1],
    }


def main(most: int = 200, *populations: str) -> int:
    wanted = populations or common.CONFIG["run"]["populations"]
    cells = [(p, m) for p in wanted for m in ("cchvae", "ibr") if common.options(m, p)["latent"] == 2]
    table = pd.DataFrame([compared(*cell, most) for cell in cells])
    print(table.to_string(index=False, float_format="{:.5f}".format))
    same = table["low"].gt(-SAME) & table["high"].lt(SAME) & table["only_plain"].eq(0)
    return int(not same.all())


if __name__ == "__main__":
    people_at_most, *names = sys.argv[1:] or ["200"]
    sys.exit(main(int(people_at_most), *names))
