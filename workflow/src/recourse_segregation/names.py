"""How populations, classifiers, methods, scenarios and metrics are called where people read them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import MetricError
from .metrics.segregation import INDICES as _REGISTERED

_METHODS = {
    "nobody": "No recourse",
    "collapse": "Collapse",
    "swap_in": "Swap in",
    "wachter": "Wachter",
    "wachter-compatible": "Wachter as CARLA",
    "growing_spheres": "Growing Spheres",
    "growing_spheres-paper": "Growing Spheres as published",
    "face": "FACE",
    "face-no-bridges": "FACE without bridges",
    "cchvae": "C-CHVAE",
    "cruds": "CRUDS",
    "cruds-unit-square": "CRUDS from the unit square",
    "ibr": "IBR",
    "ibr-cross-entropy": "IBR, cross-entropy",
    "ibr-sensitive-decoder": "IBR, decoder sees the group",
    "ebr": "EBR",
    "ebr-own-group": "EBR without the other group",
    "ebr-nearest": "EBR, nearest of the own group",
    "ebr-resampling": "EBR, resampling",
    "ebr-own-pools": "EBR, samples of their own",
    "ebr-released-sampler": "EBR, sampler as released",
}
#: variants that differ by a number: how they end, and how the number is shown
_NUMBERED = (
    (re.compile(r"(\w+)-q(\d\d)"), lambda digits: f"β = 0.{digits}"),
    (re.compile(r"(\w+)-g(\d+)"), lambda digits: f"γ = {digits}"),
    (re.compile(r"(\w+)-k(\d+)"), lambda digits: f"k = {digits}"),
)
_SCENARIOS = {
    "default": "Default",
    "origin": "Unresolved to the origin",
    "drop": "Unresolved dropped",
    "placebo": "Placebo: groups shuffled",
}
_RADIUS = re.compile(r"radius-([\d.]+)")
_DATASETS = {
    "synthetic": "Synthetic",
    "gmc": "Give Me Some Credit",
    "law": "Law school",
    "german": "German credit",
    "compas": "COMPAS",
    "adult": "Adult",
}
_CLASSIFIERS = {"linear": "linear classifier", "mlp": "MLP classifier"}


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
    "found": Metric("Found", "share of the rejected\nhigher is better"),
    "invalidation": Metric("Invalidation", "share of the rejected\nlower is better"),
    "cost": Metric("Cost", "L2 distance\nlower is better"),
    "cost_gap": Metric("Cost gap", "L2 distance\nlower is better"),
    "ynn": Metric("yNN", "share of 5 neighbours\nhigher is better"),
    "closeness": Metric("Closeness", "L2 distance\nlower is closer"),
    "diversity": Metric("Diversity", "L2 distance\n0 = all at one point"),
}

_INDICES = {name: Metric(i.label, i.axis, i.segregation, i.digits) for name, i in _REGISTERED.items()}
if _twice := _OTHERS.keys() & _INDICES.keys():
    raise MetricError(f"the index {min(_twice)!r} has the name of another metric; rename its function")
_METRICS = _INDICES | _OTHERS

#: the indices of segregation and the qualities of recourse, in the order in which exhibits show them: those of this
#: project first, then the indices that were added
_OWN = ("centralization", "centralization_released", "atkinson", "average_proximity", "spatial_proximity")
ADDED = tuple(name for name in _REGISTERED if name not in _OWN)
INDICES = (*_OWN, *ADDED)
QUALITY = ("found", "invalidation", "cost", "cost_gap", "ynn", "closeness", "diversity")
#: metrics between 0 and 1
SHARES = ("found", "invalidation", "ynn")


def method(name: str) -> str:
    """`cchvae` -> `C-CHVAE`, `ebr-q70` -> `EBR, β = 0.70`; an unknown name as it is"""
    for pattern, shown in _NUMBERED:
        found = pattern.fullmatch(name)
        if found and found[1] in _METHODS:
            return f"{_METHODS[found[1]]}, {shown(found[2])}"
    return _METHODS.get(name, name)


def scenario(name: str) -> str:
    """`drop` -> `Unresolved dropped`, `radius-0.1` -> `Radius: quantile 0.1`; an unknown name as it is"""
    radius = _RADIUS.fullmatch(name)
    return f"Radius: quantile {radius[1]}" if radius else _SCENARIOS.get(name, name)


def population(name: str) -> str:
    """`gmc-age` -> `Give Me Some Credit by age`; an unknown name as it is"""
    dataset, _, attribute = name.partition("-")
    if dataset not in _DATASETS:
        return name
    return _DATASETS[dataset] + (f" by {attribute}" if attribute else "")


def classifier(name: str) -> str:
    """`mlp` -> `MLP classifier`; an unknown name as it is"""
    return _CLASSIFIERS.get(name, name)


def cell(population_name: str, classifier_name: str) -> str:
    """`gmc-age`, `mlp` -> `Give Me Some Credit by age, MLP classifier`"""
    return f"{population(population_name)}, {classifier(classifier_name)}"


def metric(name: str) -> Metric:
    """What a metric is called; an unknown name as it is"""
    return _METRICS.get(name, Metric(name))
