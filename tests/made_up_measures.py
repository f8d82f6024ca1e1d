"""Tables of measures for tests, from values in the order of seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recourse_segregation import contracts


def rows(
    values,
    method="ebr",
    metric="atkinson",
    phase="after",
    scope="everyone",
    note="",
    population="law-sex",
    classifier="mlp",
    scenario=contracts.DEFAULT,
):
    """One row a seed. Before recourse everyone's are of no method; `note` is that of a missing value."""
    method = contracts.BEFORE if phase == "before" and scope != "recipients" else method
    where = {"population": population, "classifier": classifier, "method": method, "scenario": scenario}
    where |= {"phase": phase, "scope": scope, "metric": metric, "n": 10}
    return [
        where | {"seed": seed, "value": value, "note": note if np.isnan(value) else ""}
        for seed, value in enumerate(values)
    ]


def index(before, after, **where):
    """An index before and after recourse."""
    return rows(before, phase="before", **where) + rows(after, **where)


def quality(values, metric="cost", **where):
    """A quality metric of those with recourse."""
    return rows(values, metric=metric, scope="recipients", **where)


def measures(*parts):
    """The table of some rows; what methods share before recourse is in it once."""
    table = pd.DataFrame([row for part in parts for row in part], columns=list(contracts.CONTRACTS["measures"]))
    return table.drop_duplicates(ignore_index=True)
