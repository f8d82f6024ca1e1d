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
    *,
    uptake: float,
    unresolved: str,
) -> Population:
    """The people after recourse: a population again, which can be trained on and be given recourse.

    Its table has two columns more: `status` (accepted, moved, declined or unresolved) and `accepted` (now, by the
    classifier that made the offer). Labels stay as they were.

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
    columns = list(population.encoding.mutable_columns)
    table = population.table.copy()
    place = pd.Series(np.arange(len(table)), index=table["individual"])
    found = recourse["found"].to_numpy()
    resolved = place[recourse["individual"][found]].to_numpy()
    movers = generator.permutation(len(resolved))[: round(uptake * len(resolved))]

    status = np.full(len(table), "unresolved", dtype=object)
    status[accepted] = "accepted"
    status[resolved] = "declined"
    status[resolved[movers]] = "moved"
    table.loc[resolved[movers], columns] = recourse.loc[found, columns].to_numpy()[movers]
    if unresolved == "origin":
        table.loc[status == "unresolved", columns] = 0.0
    table = table.assign(status=status, accepted=accepted | (status == "moved"))
    if unresolved == "drop":
        table = table[status != "unresolved"]
    return Population(population.encoding, table.reset_index(drop=True))
