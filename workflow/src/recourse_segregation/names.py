"""What populations, classifiers, methods, scenarios and metrics are called where people read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .contracts import BEFORE
from .errors import MetricError
from .metrics import environments, segregation, two_samples  # noqa: F401 - their indices are registered
from .metrics.indices import INDICES as _REGISTERED

#: what is named -> name -> label: `use` sets them, from the configuration of a run
_labels: Mapping[str, Mapping[str, str]] = {}


def use(labels: Mapping[str, Mapping[str, str]]) -> None:
    """Take the labels of a run: `population`, `classifier`, `method` and `scenario` -> name -> label."""
    global _labels
    _labels = labels


@dataclass(frozen=True)
class Metric:
    """What a metric is called and how it is shown.

    axis: unit and direction. segregation: +1 if higher is more segregated, -1 if less. digits: shown after
    the point.
    """

    label: str
    axis: str = ""
    segregation: int = 0
    digits: int = 3


_OTHERS = {
    "atkinson_released": Metric("Atkinson\nas released", "index, 0 to 1", +1),
    "separability": Metric("Separability", "area under the curve\n0.5 = not apart", +1),
    "found": Metric("Found", "share of the rejected\nhigher is better"),
    "invalidation": Metric("Invalidation", "share of the rejected\nlower is better"),
    "cost": Metric("Cost", "L2 distance\nlower is better"),
    "cost_gap": Metric("Cost gap", "L2 distance\nlower is better"),
    "ynn": Metric("yNN", "share of 5 neighbours\nhigher is better"),
    "ynn_released": Metric("yNN\nas released", "share of 5 neighbours\nhigher is better"),
    "closeness": Metric("Closeness", "L2 distance\nlower is closer"),
    "diversity": Metric("Diversity", "L2 distance\n0 = all at one point"),
}

_INDICES = {name: Metric(i.label, i.axis, i.segregation, i.digits) for name, i in _REGISTERED.items()}
if _twice := _OTHERS.keys() & _INDICES.keys():
    raise MetricError(f"the index {min(_twice)!r} has the name of another metric; rename its function")
_METRICS = _INDICES | _OTHERS

#: the indices of segregation and the qualities of recourse, in the order in which exhibits show them: those that the
#: paper has, those of local environments and of whole distributions, then the indices that were added
PUBLISHED = ("centralization", "centralization_released", "atkinson", "average_proximity", "spatial_proximity")
FAMILY = ("isolation", "exposure", "information", "dissimilarity", "assortativity", "mmd")
ADDED = tuple(name for name in _REGISTERED if name not in PUBLISHED + FAMILY)
INDICES = (*PUBLISHED, *FAMILY, *ADDED)
QUALITY = ("found", "invalidation", "cost", "cost_gap", "ynn", "closeness", "diversity")
#: metrics between 0 and 1
SHARES = ("found", "invalidation", "ynn")


def method(name: str) -> str:
    """`cchvae` -> `C-CHVAE`, `none` -> `Before`; an unknown name as it is"""
    return "Before" if name == BEFORE else _label("method", name)


def scenario(name: str) -> str:
    """`drop` -> `Unresolved dropped`; an unknown name as it is"""
    return _label("scenario", name)


def population(name: str) -> str:
    """`gmc-age` -> `Give Me Some Credit by age`; an unknown name as it is"""
    return _label("population", name)


def classifier(name: str) -> str:
    """`mlp` -> `MLP classifier`; an unknown name as it is"""
    return _label("classifier", name)


def _label(kind: str, name: str) -> str:
    return _labels.get(kind, {}).get(name, name)


def cell(population_name: str, classifier_name: str) -> str:
    """`gmc-age`, `mlp` -> `Give Me Some Credit by age, MLP classifier`"""
    return f"{population(population_name)}, {classifier(classifier_name)}"


def metric(name: str) -> Metric:
    """What a metric is called: `isolation_k50_excess` is the excess of isolation, k = 50; an unknown name as it is"""
    found = re.fullmatch(r"(\w+?)_k(\d+)(_null|_excess)?", name)
    if found is None or found[1] not in _INDICES:
        return _METRICS.get(name, Metric(name))
    known, part = _INDICES[found[1]], (found[3] or "").replace("_", ", ")
    return replace(known, label=f"{known.label}\nk = {found[2]}{part}")


def quantity(name: str) -> str:
    """`cost` -> `Cost`, `atkinson` -> `Δ Atkinson`: where both are shown, the number of an index is its change"""
    return f"{'Δ ' if name in INDICES else ''}{metric(name).label}"


def in_line(name: str) -> str:
    """The label of a metric in one line"""
    return metric(name).label.replace("\n", ", ")
