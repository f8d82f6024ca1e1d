"""Where the indices of segregation are registered. `@index(...)` above a function of arrays makes it one of them.

A registered index is measured before and after recourse in every scope, can be named in claims.yaml, and is shown
wherever all indices are. It asks for what it needs by the names of its arguments (`GIVEN`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ..errors import MetricError

#: what an index can ask for; what several indices need is computed once for all of them
GIVEN = {
    "features": "the scaled mutable features of the people, float64 [n, d]",
    "minority": "whether they belong to the minority, bool [n]; neither group is empty",
    "groups": "the group of each of the people, int [n]: 1 for the minority, else 0",
    "centres": "of the areas, which are fitted to everyone before recourse, float64 [k, d]",
    "areas": "the area that each of the people is in, int [n]",
    "radius": "of a ball around a person: a quantile of the minority's distances before recourse, float",
    "bandwidth": "of a Gaussian kernel: the median distance between two people before recourse, float",
    "b": "Atkinson's b: the setting measure.atkinson_b",
    "own": "what `among_their_own` returns",
    "sums": "what `proximity_sums` returns",
    "neighbours": "what `environments.nearest` returns: the graph of nearest neighbours, measure.neighbours of them",
    "shares": "what `environments.shares` returns: of each group among the nearest neighbours of each of the people",
}
#: what a higher index means -> its sign
DIRECTIONS = {"more segregated": +1, "less segregated": -1}

_Function = TypeVar("_Function", bound=Callable[..., float])


@dataclass(frozen=True)
class Index:
    """A registered index: how it is computed, and how it is shown (see `index`).

    segregation: +1 if higher is more segregated, -1 if less. needs: the names in `GIVEN` that it asks for.
    span, complete, null: as in `index`, or None.
    """

    function: Callable[..., float]
    label: str
    segregation: int
    axis: str
    digits: int
    needs: tuple[str, ...]
    span: tuple[float, float] | None = None
    complete: float | None = None
    null: Callable[[np.ndarray], float] | None = None

    def __call__(self, given: Any) -> float:
        """The index of people who have everything in `GIVEN` as attributes; raises Undefined where it has no value."""
        return self.function(**{name: getattr(given, name) for name in self.needs})


#: name -> index, in the order in which they are measured
INDICES: dict[str, Index] = {}


def index(
    label: str,
    *,
    higher: str = "",
    axis: str = "",
    digits: int = 3,
    span: tuple[float, float] | None = None,
    complete: float | None = None,
    null: Callable[[np.ndarray], float] | None = None,
) -> Callable[[_Function], _Function]:
    """Register a function as an index of segregation, under its own name; the function stays what it is.

    label: what it is called where people read it. higher: what a higher value means, `more segregated` or `less
    segregated`. axis: its unit or range, for figures. digits: shown after the point.
    span: between which values it lies. complete: its value where the groups have nothing to do with each other.
    null: its mean over all ways to shuffle the groups among the people, as a function of `groups`, where it is known.

    The function takes arguments in `GIVEN`; others must have defaults. It returns a float, or an `Estimate`, and raises
    Undefined where it has no value. Its docstring says what it is, its range, and where it is from.

    Raises MetricError naming the function and its line if something of this is missing or the name is taken.
    """

    def register(function: _Function) -> _Function:
        name, code = function.__name__, function.__code__
        arguments = inspect.signature(function).parameters.values()
        unknown = [a.name for a in arguments if a.name not in GIVEN and a.default is a.empty]
        wrong = ""
        if name in INDICES:
            first = INDICES[name].function.__code__
            wrong = f"is there already, in {first.co_filename}, line {first.co_firstlineno}; rename one of them"
        elif higher not in DIRECTIONS:
            wrong = f"needs a direction: @index(..., higher=one of {', '.join(map(repr, DIRECTIONS))}), not {higher!r}"
        elif not function.__doc__:
            wrong = "needs a docstring that says what it is, its range, and where it is from"
        elif unknown:
            wrong = f"asks for {', '.join(unknown)}; it can ask for {', '.join(GIVEN)}, others need a default"
        if wrong:
            raise MetricError(f"{code.co_filename}, line {code.co_firstlineno}: the index {name!r} {wrong}")
        needs = tuple(a.name for a in arguments if a.name in GIVEN)
        INDICES[name] = Index(function, label, DIRECTIONS[higher], axis, digits, needs, span, complete, null)
        return function

    return register


def excess(value: float, null: float, complete: float) -> float:
    """Where an index stands between shuffled groups (0) and complete segregation (1)."""
    return (value - null) / (complete - null)
