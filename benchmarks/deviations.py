"""Evidence for docs/deviations.md that is on no page: the order of rows, the ball, EBR's pools.

    python benchmarks/deviations.py       (after `make reproduce`)

Order: what the released centralization makes of three orders of the same people after recourse. `as drawn`: everyone
keeps their row (ours); `moved last`, `moved first`: those who implemented recourse stand behind or before all others.
Means over seeds, beside the published number.

Ball: how many pairs of people on Law's lattice are as far apart as the radius of centralization, and the index before
recourse with closed and with open balls (`within`: equal to 12 decimals, or else to the last bit).

Pools: what EBR gives with at most so many proposals for a profile of immutables, means over seeds (Adult: seed 0).
"""

from __future__ import annotations

import itertools

import common
import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from recourse_segregation import classifiers, contracts, plan
from recourse_segregation.comparison import CLASSIFIERS, read_published
from recourse_segregation.metrics import pairwise, segregation
from recourse_segregation.population import Population

#: the first seeds of each population
RESULTS, BLOCK = common.ROOT / "results", "seeds-0-4"


def people(population: str) -> dict[int, Population]:
    """Those of a finished run: seed -> population."""
    return contracts.people(contracts.read(RESULTS / population / BLOCK / "population.parquet", "population"))


def orders(published: pd.DataFrame) -> pd.DataFrame:
    """The released centralization in three orders of rows."""
    rows = published.query("metric == 'centralization_released' and exhibit == 'real' and phase == 'after'")
    found = []
    for row in rows.itertuples():
        folder = RESULTS / row.population / BLOCK / CLASSIFIERS[row.exhibit]
        areas = contracts.read(folder / "neighbourhoods.parquet", "neighbourhoods")
        radius = areas.query("scenario == @plan.DEFAULT and fitted_on == 'everyone'").groupby("seed")["radius"].first()
        after = contracts.read(folder / row.method / "after.parquet", "after").query("scenario == @plan.DEFAULT")
        values = []
        for seed, population in contracts.people(after).items():
            x, minority = population.features[:, population.encoding.mutable], population.minority
            moved = (population.table["status"] == "moved").to_numpy()
            places = np.arange(len(x)), np.argsort(moved, kind="stable"), np.argsort(~moved, kind="stable")
            values.append([segregation.centralization_released(x[p], minority[p], radius[seed]) for p in places])
        found.append((row.population, row.method, *np.mean(values, 0), row.value))
    return pd.DataFrame(found, columns=["population", "method", "as drawn", "moved last", "moved first", "published"])


def balls(decimals: float = 1e-12) -> pd.DataFrame:
    """Pairs at the radius, and centralization with closed and open balls, on Law before recourse."""
    found = []
    for seed, population in people("law-sex").items():
        train = population.training_part()
        x, minority = train.features[:, train.encoding.mutable], train.minority
        own, others = x[minority], x[~minority]
        radius = pairwise.distance_quantile(own, common.CONFIG["measure"]["radius_quantile"])
        for within in (0.0, decimals):
            pairs = [(abs(cdist(own, y) - radius) <= within).sum() for y in (own, others)]
            closed, opened = radius + within, np.nextafter(radius - within, 0)
            values = [segregation.centralization(x, minority, r) for r in (closed, opened)]
            found.append((seed, within, pairs[0] // 2, pairs[1], *values))
    return pd.DataFrame(found, columns=["seed", "within", "pairs of the minority", "between", "closed", "open"])


def outcome(cell: common.Cell, method: str, **changes: int) -> dict[str, float]:
    """Segregation of everyone, and the quality and diagnostics of the recourse: metric -> value.

    changes: to the method's options.
    """
    offered, diagnostics = cell.given(method, cell.population.seed, **changes)
    values = cell.measured(offered)
    reported = diagnostics.set_index("quantity")["value"].to_dict()
    return reported | {metric: values.get(("everyone", metric), value) for (_, metric), value in values.items()}


def pools(caps: tuple[int, ...] = (20_000, 50_000, 200_000, 1_000_000)) -> pd.DataFrame:
    """What EBR gives with at most so many proposals for a profile of immutables."""
    found = []
    for name, seeds, most in (("gmc-age", range(5), caps), ("law-sex", range(5), caps), ("adult-sex", [0], caps[:3])):
        trained = classifiers.load(RESULTS / name / BLOCK / "mlp" / "classifier.pt")
        of = people(name)
        for seed, cap in itertools.product(seeds, most):
            seed_cell = common.Cell(of[seed], trained[seed], **plan.settings(common.CONFIG, "measure", name))
            found.append({"population": name, "proposals": cap, **outcome(seed_cell, "ebr", proposals=cap)})
    columns = ["pool", "in_box", "centralization", "centralization_released", "atkinson", "average_proximity", "cost"]
    return pd.DataFrame(found).groupby(["population", "proposals"])[columns].mean()


if __name__ == "__main__":
    printed = read_published(common.ROOT / "workflow" / "resources" / "published.csv")
    for table in (
        orders(printed).set_index(["population", "method"]),
        balls().set_index(["seed", "within"]),
        pools(),
    ):
        print(f"{table.round(5).to_string()}\n", flush=True)
