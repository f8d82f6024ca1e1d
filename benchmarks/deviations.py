"""Evidence for docs/deviations.md that is on no page: what the order of rows does to the released centralization.

    python benchmarks/deviations.py       (after `make reproduce`)

Three orders of the same people after recourse. `as drawn`: everyone keeps their row (ours); `moved last`, `moved
first`: those who implemented recourse stand behind or before all others. Means over seeds, beside the published number.
"""

from __future__ import annotations

import common
import numpy as np
import pandas as pd

from recourse_segregation import contracts
from recourse_segregation.comparison import CLASSIFIERS, read_published
from recourse_segregation.metrics import segregation

#: the first seeds of each population
RESULTS, BLOCK = common.ROOT / "results", "seeds-0-4"
DEFAULT = f"scenario == {contracts.DEFAULT!r}"


def orders(published: pd.DataFrame) -> pd.DataFrame:
    """The released centralization in three orders of rows."""
    rows = published.query("metric == 'centralization_released' and exhibit == 'real' and phase == 'after'")
    found = []
    for row in rows.itertuples():
        folder = RESULTS / row.population / BLOCK / CLASSIFIERS[row.exhibit]
        areas = contracts.read(folder / "neighbourhoods.parquet", "neighbourhoods")
        radius = areas.query(f"{DEFAULT} and fitted_on == 'everyone'").groupby("seed")["radius"].first()
        after = contracts.read(folder / row.method / "after.parquet", "after").query(DEFAULT)
        values = []
        for seed, population in contracts.people(after).items():
            x, minority = population.features[:, population.encoding.mutable], population.minority
            moved = (population.table["status"] == "moved").to_numpy()
            places = np.arange(len(x)), np.argsort(moved, kind="stable"), np.argsort(~moved, kind="stable")
            values.append([segregation.centralization_released(x[p], minority[p], radius[seed]) for p in places])
        found.append((row.population, row.method, *np.mean(values, 0), row.value))
    return pd.DataFrame(found, columns=["population", "method", "as drawn", "moved last", "moved first", "published"])


if __name__ == "__main__":
    published = read_published(common.ROOT / "workflow" / "resources" / "published.csv")
    print(orders(published).round(4).to_string(index=False))
