"""Is the quality of the recourse that of plain one-by-one loops? Ours and `references.py`, 20 seeds each.

    make same-quality      (writes docs/performance/same_quality.csv and a table in docs/performance.md)

Recourse is found twice: by the library (batched, gradients written out), and by plain loops that share nothing with it
but the people and the classifier: training, search and post-conditions. People and classifier are fixed, so that what
varies between seeds is the method's own randomness and nothing hides in the variation between populations; the two
sides draw from independent streams. Then, for each metric and each final training loss, two tests of "the same":
Kolmogorov-Smirnov (the distribution) and a permutation of the mean. A control tells whether they can see anything: ours
with half the learning rate (Growing Spheres: a tenth of the samples) against the same reference.
`tests/unit/test_same_quality.py` holds to the loops what does not draw: searches person by person, metrics exactly.
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
SEEDS, RESAMPLES = 20, 99_999
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
KEY, TESTS = ["population", "method", "scope", "metric"], ("distribution", "mean")
Values = dict[tuple[str, str], float]


def people(name: str) -> common.Cell:
    """150 people of `synthetic` in train, or 120 of `levels`, with binaries and one-hot features, and a classifier."""
    if name == "synthetic":
        drawn = plan.settings(common.CONFIG, "prepare", name)
        everyone = prepare(name, data.load(name), "sex", 0, drawn["rows"], drawn["test_share"])
        population = Population(everyone.encoding, everyone.table[::4].reset_index(drop=True))
        trained = plan.options_for(common.CONFIG, "classifiers", "linear", name)
    else:
        population = made_up(name, rows=160)
        trained = {"hidden": (16,), "learning_rate": 0.02, "epochs": 60, "batch": 32}
    classifier = classifiers.train(population, torch_generator(0, "same quality", name), **trained)
    return common.Cell(population, classifier, radius_quantile=0.1)


def ours(cell: common.Cell, method: str, seed: int, **changed) -> Values:
    """(scope, metric) -> value, and the final training losses under the scope `model`, by the library."""
    offered, diagnostics = cell.given(method, seed, **REDUCED.get(method, {}) | changed)
    losses = diagnostics.set_index("quantity")["value"]
    return cell.measured(offered) | {("model", name): value for name, value in losses.items()}


def plain(cell: common.Cell, method: str, seed: int) -> Values:
    """The same, by plain loops."""
    torch.manual_seed(derive(seed, "same quality", "reference", method))
    options = common.options(method, cell.population.name, **REDUCED.get(method, {}))
    case, losses = references.fit(method, options, cell.population, cell.classifier)
    found = references.search(method, case, common.rejected(cell.train, cell.classifier))
    offered = cell.train.table[~cell.accepted].assign(found=found.isfinite().all(1).numpy(), reason="")
    offered[list(cell.population.encoding.columns)] = found.double().numpy()
    values = cell.measured(offered)
    del values["recipients", "invalidation"]  # the loops give no reasons
    return values | {("model", name): value for name, value in losses.items()}


def sampled(name: str, method: str) -> pd.DataFrame:
    """Rows: scope and metric; columns: side and seed."""
    cell, seeds = people(name), range(SEEDS)
    loops = pd.DataFrame({seed: plain(cell, method, seed) for seed in seeds})
    library = pd.DataFrame({seed: ours(cell, method, seed) for seed in seeds})
    control = pd.DataFrame({seed: ours(cell, method, seed, **CONTROL[method]) for seed in seeds})
    return pd.concat({"plain": loops, "ours": library, "control": control}, axis=1).loc[loops.index]


def tested(samples: pd.DataFrame) -> pd.DataFrame:
    """Means, spreads and p of each metric; Holm's correction is over all tests of all rows, and so for the control.

    A value that is the same in every seed may differ in its last bits between the sides: nine decimals are looked at.
    """
    if not np.isfinite(samples).all(axis=None):
        raise ValueError("a metric is not defined for some seed; choose people for whom it is")
    table = pd.DataFrame({"seeds": SEEDS}, samples.index)
    for side in ("plain", "ours"):
        table[side], table[f"{side}_sd"] = samples[side].mean(axis=1), samples[side].std(axis=1)
    for side, prefix in (("ours", ""), ("control", "control_")):
        pair = samples["plain"].to_numpy().round(9), samples[side].to_numpy().round(9)
        rng = numpy_generator(0, "same quality", "permutation")
        options = {"vectorized": True, "n_resamples": RESAMPLES, "batch": 500, "axis": 1, "rng": rng}
        permuted = stats.permutation_test(pair, lambda x, y, axis: x.mean(axis) - y.mean(axis), **options)
        p = np.column_stack([stats.ks_2samp(*pair, axis=1).pvalue, permuted.pvalue])
        corrected = holm(p.ravel()).reshape(p.shape)
        for i, test in enumerate(TESTS):
            table[f"{prefix}p_{test}"], table[f"{prefix}p_{test}_holm"] = p[:, i], corrected[:, i]
    return table


def summary(table: pd.DataFrame) -> str:
    """Markdown: a row for each population and method."""
    p, corrected, control = (
        table[[pattern.format(test) for test in TESTS]] for pattern in ("p_{}", "p_{}_holm", "control_p_{}_holm")
    )
    smallest = {"smallest p": p, "after Holm": corrected, "the control's, after Holm": control}
    table = table.assign(**{name: of.min(axis=1) for name, of in smallest.items()})
    rows = {}
    for cell, part in table.groupby(KEY[:2], sort=False):
        of = part.loc[cell].xs("recipients")
        levels = {
            f"{metric}, {name}": f"{of.loc[metric, side]:.3f} ± {of.loc[metric, f'{side}_sd']:.3f}"
            for metric in ("found", "cost")
            for name, side in (("loop", "plain"), ("ours", "ours"))
        }
        rows[cell] = levels | {"tests": len(TESTS) * len(part), **part[[*smallest]].min().map("{:.2g}".format)}
    return (
        f"{blocks.table(pd.DataFrame(rows).T.rename_axis(KEY[:2]))}\n"
        f"{p.size} tests, {SEEDS} seeds a side. The smallest p after Holm's correction over all of them is\n"
        f"{corrected.min(axis=None):.2g}; before it, {(p < 0.05).mean(axis=None):.1%} are below 0.05.\n"
    )


if __name__ == "__main__":
    cells = [(name, method) for name in ("synthetic", "levels") for method in CONTROL]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:  # a process for each core
        samples = pd.concat(dict(zip(cells, pool.map(sampled, *zip(*cells, strict=True)), strict=True)), names=KEY)
    table = tested(samples)
    numbers = table.select_dtypes("float").map(lambda value: float(f"{value:.6g}"))
    contracts.write_csv(table.assign(**numbers).reset_index(), TABLE)
    blocks.put("docs/performance.md", "same quality", summary(table))
