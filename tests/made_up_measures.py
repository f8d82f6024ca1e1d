"""Tables of measures for tests, from values in the order of seeds."""

import numpy as np
import pandas as pd

from recourse_segregation import contracts

DEFAULTS = {"population": "law-sex", "classifier": "mlp", "method": "ebr", "scenario": contracts.DEFAULT}
DEFAULTS |= {"scope": "everyone", "metric": "atkinson", "n": 10}


def rows(values, phase="after", note="", **where):
    """One row a seed. Before recourse everyone's are of no method; `note` is that of a missing value."""
    where = DEFAULTS | where | {"phase": phase}
    if phase == "before" and where["scope"] != "recipients":
        where["method"] = contracts.BEFORE
    numbers = [{"seed": seed, "value": v, "note": note if np.isnan(v) else ""} for seed, v in enumerate(values)]
    return [where | number for number in numbers]


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
