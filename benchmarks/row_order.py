"""What the released centralization makes of the order of rows: the same population after recourse, three orders.

    python benchmarks/row_order.py       (after `make reproduce`)

`as drawn`: everyone keeps their row (ours). `moved last`, `moved first`: those who implemented recourse stand behind or
before all others. Means over seeds, beside the published number.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "src"))

from recourse_segregation import contracts, measure  # noqa: E402
from recourse_segregation.comparison import CLASSIFIERS, read_published  # noqa: E402
from recourse_segregation.metrics.segregation import centralization_released  # noqa: E402


def main(block: str = "seeds-0-4") -> None:
    published = read_published(ROOT / "workflow" / "resources" / "published.csv")
    rows = published[(published["metric"] == "centralization_released") & (published["exhibit"] == "real")]
    lines = []
    for row in rows[rows["phase"] == "after"].itertuples():
        folder = ROOT / "results" / row.population / block
        people = contracts.people(contracts.read(folder / "population.parquet", "population"))
        cell = folder / CLASSIFIERS[row.exhibit]
        homes = contracts.read(cell / "neighbourhoods.default.parquet", "neighbourhoods")
        after = contracts.read(cell / row.method / "after.parquet", "after").query("scenario == 'default'")
        values = []
        for seed, population in people.items():
            encoding = population.encoding
            radius = measure.neighbourhoods_from(homes[homes["seed"] == seed], encoding)["everyone"].radius
            own = after[after["seed"] == seed]
            features = own[list(encoding.mutable_columns)].to_numpy()
            minority = (own["group"] == encoding.minority).to_numpy()
            moved = (own["status"] == "moved").to_numpy()
            orders = (np.arange(len(own)), np.argsort(moved, kind="stable"), np.argsort(~moved, kind="stable"))
            values.append([centralization_released(features[o], minority[o], radius) for o in orders])
        lines.append((row.population, row.method, *np.mean(values, 0), row.value))
    columns = ["population", "method", "as drawn", "moved last", "moved first", "published"]
    print(pd.DataFrame(lines, columns=columns).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
