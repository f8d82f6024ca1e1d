"""Is the quality of the recourse that of plain one-by-one loops? Ours and `references.py`, 20 seeds each.

    make same-quality      (writes docs/performance/same_quality.csv and a table in docs/performance.md)

Everything is done twice: by the library (batched, gradients written out), and by plain loops that share nothing with it
but the people, the classifier and the neighbourhoods: training, search, post-conditions and metrics. The people and the
classifier are fixed, so that what varies between seeds is the method's own randomness and nothing hides in the
variation between populations; the two sides draw from independent streams. Then, for each metric and each final
training loss, two tests of "the same": Kolmogorov-Smirnov (the distribution) and a permutation of the mean. A control
tells whether they can see anything: ours with half the learning rate (Growing Spheres: a tenth of the samples) against
the same reference. Wachter and FACE draw nothing, and must agree person by person.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import blocks
import common
import numpy as np
import pandas as pd
import references
import torch
from scipy import stats

from conftest import population as made_up
from recourse_segregation import classifiers, contracts, data, plan
from recourse_segregation.population import Population, prepare
from recourse_segregation.seeds import derive, numpy_generator, torch_generator
from recourse_segregation.statistics import holm

TABLE = common.ROOT / "docs" / "performance" / "same_quality.csv"

SEEDS = 20
#: populations (and classifiers) on which the methods that draw nothing are compared
DRAWS = 3
DETERMINISTIC = ("wachter", "face")
#: Options that differ from the paper's, on both sides, so that the plain loops end within minutes.
REDUCED = {
    "cchvae": {"epochs": 20},
    "ibr": {"epochs": 20, "shells": 200},
    "cruds": {"epochs": 20, "steps": 25},
    "ebr": {"epochs": 150, "proposals": 1000},
}
#: What the control does to ours.
CONTROL = {
    "growing_spheres": {"samples": 100},
    "cchvae": {"learning_rate": 5e-4},
    "ibr": {"learning_rate": 5e-4},
    "cruds": {"learning_rate": 2.5e-3},
    "ebr": {"learning_rate": 2.5e-3},
}
RADIUS_QUANTILE, RESAMPLES = 0.1, 99_999
KEY = ["population", "method", "scope", "metric"]


class Sides:
    """A population with its classifier, and recourse for it: both sides."""

    def __init__(self, name: str, seed: int):
        self.name, stream = name, torch_generator(seed, "same quality", name)
        if name == "synthetic":
            drawn = plan.settings(common.CONFIG, "prepare", name)
            everyone = prepare(name, data.load(name), "sex", seed, drawn["rows"], drawn["test_share"])
            population = Population(everyone.encoding, everyone.table[::4].reset_index(drop=True))
            trained = plan.options_for(common.CONFIG, "classifiers", "linear", name)
        else:
            population = made_up("levels", seed, rows=160)
            trained = {"hidden": (16,), "learning_rate": 0.02, "epochs": 60, "batch": 32}
        classifier = classifiers.train(population, stream, **trained)
        self.cell = common.Cell(population, classifier, radius_quantile=RADIUS_QUANTILE)

    def options(self, method: str, **changed) -> dict:
        return common.options(method, self.name, **(REDUCED.get(method, {}) | changed))

    def ours(self, method: str, seed: int, **changed) -> tuple[np.ndarray, dict]:
        """Recourse [n, m] and (scope, metric) -> value, by the library."""
        offered, diagnostics = self.cell.given(method, self.options(method, **changed), seed)
        losses = diagnostics.set_index("quantity")["value"].to_dict()
        moved = offered[list(self.cell.population.encoding.mutable_columns)].to_numpy()
        return moved, self.cell.measured(offered) | {("model", name): value for name, value in losses.items()}

    def plain(self, method: str, seed: int) -> tuple[np.ndarray, dict]:
        """The same, by plain loops."""
        torch.manual_seed(derive(seed, "same quality", "reference", method))
        cell = self.cell
        found, losses = references.recourse(method, self.options(method), cell.population, cell.classifier)
        moved = found.double().numpy()[:, cell.population.encoding.mutable]
        return moved, self.naive(moved) | {("model", name): value for name, value in losses.items()}

    def naive(self, moved: np.ndarray) -> dict:
        cell = self.cell
        return references.measures(cell.train, ~cell.accepted, moved, cell.homes["everyone"], cell.settings)


def exact(name: str, method: str) -> pd.DataFrame:
    """The largest difference of a method that draws nothing, over `DRAWS` populations: of recourse and each metric."""
    rows = []
    for seed in range(DRAWS):
        sides = Sides(name, seed)
        (ours, our_values), (plain, plain_values) = sides.ours(method, seed), sides.plain(method, seed)
        apart = np.nan_to_num(np.abs(ours - plain), nan=np.inf)
        apart[np.isnan(ours) & np.isnan(plain)] = 0
        rows.append((name, method, "individual", "recourse", apart.max(initial=0)))
        rows += [(name, method, *key, abs(our_values[key] - value)) for key, value in plain_values.items()]
    table = pd.DataFrame(rows, columns=[*KEY, "largest_difference"])
    return table.groupby(KEY, sort=False, as_index=False)["largest_difference"].max().assign(seeds=DRAWS)


def sampled(name: str, method: str) -> pd.DataFrame:
    """(scope, metric) of a method that draws, a column for each side: arrays over seeds."""
    sides, rows = Sides(name, 0), []
    plain = pd.DataFrame([sides.plain(method, seed)[1] for seed in range(SEEDS)])
    runs = [sides.ours(method, seed) for seed in range(SEEDS)]
    ours = pd.DataFrame([values for _, values in runs])
    control = pd.DataFrame([sides.ours(method, seed, **CONTROL[method])[1] for seed in range(SEEDS)])
    same = sides.naive(runs[0][0])
    for key in plain:
        values = [side[key].to_numpy() for side in (plain, ours, control)]
        rows.append((name, method, *key, *values, abs(same[key] - ours[key][0]) if key in same else np.nan))
    return pd.DataFrame(rows, columns=[*KEY, "plain", "ours", "control", "largest_difference"])


def same(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """p of Kolmogorov-Smirnov, and of a permutation test of the mean, two-sided.

    A value that is the same in every seed may differ in its last bits between the sides: nine decimals are looked at.
    """
    a, b = (np.round(values, 9) for values in (a, b))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a metric is not defined for some seed; choose people for whom it is")
    permuted = stats.permutation_test(
        (a, b),
        lambda x, y, axis: x.mean(axis) - y.mean(axis),
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=10_000,
        rng=numpy_generator(0, "same quality", "permutation"),
    )
    return float(stats.ks_2samp(a, b).pvalue), float(permuted.pvalue)


def tested(samples: pd.DataFrame) -> pd.DataFrame:
    """Means, spreads and p of each metric; Holm's correction is over all tests of all rows, and so for the control."""
    table = samples[KEY].assign(seeds=SEEDS, largest_difference=samples["largest_difference"])
    for side in ("plain", "ours"):
        table[side] = samples[side].map(np.mean)
        table[f"{side}_sd"] = samples[side].map(lambda values: values.std(ddof=1))
    for side, prefix in (("ours", ""), ("control", "control_")):
        p = np.array([same(a, b) for a, b in zip(samples["plain"], samples[side], strict=True)])
        corrected = holm(p.ravel()).reshape(p.shape)
        for i, test in enumerate(("distribution", "mean")):
            table[f"{prefix}p_{test}"], table[f"{prefix}p_{test}_holm"] = p[:, i], corrected[:, i]
    return table


def summary(table: pd.DataFrame) -> str:
    """Markdown: a row for each population and method that draws."""
    drawn, rows = table[table["p_mean"].notna()], []
    for cell, part in drawn.groupby(["population", "method"], sort=False):
        row = part.set_index(["scope", "metric"]).loc["recipients"]
        levels = [
            f"{row.loc[metric, side]:.3f} ± {row.loc[metric, f'{side}_sd']:.3f}"
            for metric in ("found", "cost")
            for side in ("plain", "ours")
        ]
        tests = ("p_distribution", "p_mean"), ("p_distribution_holm", "p_mean_holm")
        smallest = [part[[*columns]].min(axis=None) for columns in tests]
        smallest.append(part[[f"control_{column}" for column in tests[1]]].min(axis=None))
        rows.append([*cell, *levels, 2 * len(part), *(f"{p:.2g}" for p in smallest)])
    levels = [f"{metric}, {side}:" for metric in ("found", "cost") for side in ("loop", "ours")]
    columns = ["population", "method", *levels, "tests:", "smallest p:", "after Holm:", "the control's, after Holm:"]
    both = drawn[["p_distribution", "p_mean"]].to_numpy()
    corrected = drawn[["p_distribution_holm", "p_mean_holm"]].to_numpy()
    sure = table[table["p_mean"].isna() & (table["metric"] == "recourse")]
    people = sure.groupby("method", sort=False)["largest_difference"].max()
    metrics = table.loc[table["metric"] != "recourse", "largest_difference"].max()
    return (
        f"{blocks.table(columns, rows)}\n"
        f"{both.size} tests, {SEEDS} seeds a side. The smallest p after Holm's correction over all of them is\n"
        f"{corrected.min():.2g}; before it, {(both < 0.05).mean():.1%} are below 0.05. The largest difference of\n"
        f"anybody's recourse (features in [0, 1], {DRAWS} draws of each population) is\n"
        f"{' and '.join(f'{value:.1g} ({method})' for method, value in people.items())}; of any metric of the same\n"
        f"recourse, {metrics:.1g}.\n"
    )


def main() -> None:
    """Everything, a process for each core."""
    names = ("synthetic", "levels")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        drawn = [pool.submit(sampled, name, method) for name in names for method in CONTROL]
        sure = [pool.submit(exact, name, method) for name in names for method in DETERMINISTIC]
        write(pd.concat([*(part.result() for part in sure), tested(pd.concat([part.result() for part in drawn]))]))


def write(table: pd.DataFrame) -> None:
    """The table, and its summary in the document."""
    TABLE.parent.mkdir(exist_ok=True)
    order = [*KEY, "seeds", "plain", "plain_sd", "ours", "ours_sd"]
    table = table[[*order, *(c for c in table if c not in order)]]
    numbers = table.select_dtypes("float").columns
    contracts.write_csv(table.assign(**table[numbers].map(lambda value: float(f"{value:.6g}"))), TABLE)
    blocks.put("docs/performance.md", "same quality", summary(table))


if __name__ == "__main__":
    main()
