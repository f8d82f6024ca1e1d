"""What happens after recourse is offered: who takes it up, and what becomes of those without one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .errors import ConfigError
from .population import Population

UNRESOLVED = ("stay", "origin", "drop")


def implement(
    population: Population,
    accepted: np.ndarray,
    recourse: pd.DataFrame,
    generator: np.random.Generator,
    uptake: float = 1.0,
    unresolved: str = "stay",
) -> pd.DataFrame:
    """The training population after recourse: an `after` table (see `contracts`), but for the scenario's name.

    population: the training part. accepted: bool [n], before. recourse: one row per rejected individual.
    uptake: the share of those with recourse who implement it (rounded to whole people), drawn from
    `generator`; the others decline and stay. unresolved: those without recourse `stay` where they are, move
    to the `origin` (all mutable features 0, as the release's script does) or `drop` out (as its notebook does).

    Raises ConfigError for an uptake outside [0, 1] or an unknown policy.
    """
    if not 0 <= uptake <= 1:
        raise ConfigError(f"uptake: {uptake} is not a share; expected a number from 0 to 1")
    if unresolved not in UNRESOLVED:
        raise ConfigError(f"unresolved: {unresolved!r} is not one of {', '.join(UNRESOLVED)}")
    encoding, n = population.encoding, len(population.table)
    columns = list(encoding.mutable_columns)
    place = pd.Series(np.arange(n), index=population.table["individual"])
    found = recourse["found"].to_numpy()
    resolved = place[recourse["individual"][found]].to_numpy()
    movers = generator.permutation(len(resolved))[: round(uptake * len(resolved))]

    status = np.full(n, "unresolved", dtype=object)
    status[accepted] = "accepted"
    status[resolved] = "declined"
    status[resolved[movers]] = "moved"
    features = population.table[list(encoding.columns)].copy()
    moved = recourse.loc[found, columns].to_numpy()
    features.loc[resolved[movers], columns] = moved[movers]
    if unresolved == "origin":
        features.loc[status == "unresolved", columns] = 0.0
    after = pd.concat(
        [
            population.table[["population", "seed", "individual", "group"]],
            pd.DataFrame({"status": status, "accepted": accepted | (status == "moved")}),
            features,
        ],
        axis=1,
    )
    if unresolved == "drop":
        after = after[after["status"] != "unresolved"]
    return after.reset_index(drop=True)
