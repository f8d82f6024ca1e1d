"""Classifiers of one's own: one file each, found by its file name; a name that starts with `_` is not a model.

A model file defines one function, `build`, which takes the number of columns of x [n, d] and options as keyword
arguments, and returns an unfitted torch module (`-> Module`) or scikit-learn estimator (`-> BaseEstimator`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import torch

from .. import declarations
from ..errors import ConfigError
from ..population import Population

#: rows per pass: bounds the memory of predicting
ROWS = 1 << 17


def names() -> list[str]:
    """Names of the models, in alphabetical order."""
    return declarations.names("models")


def train(
    model: str,
    population: Population,
    generator: torch.Generator,
    /,
    device: torch.device | str = "cpu",
    **options: Any,
) -> Any:
    """Fit a model to the training individuals of one population and seed.

    options: those of its `build`, and for a torch module `learning_rate`, `epochs` and `batch` too. Returns a
    classifier: an object like `classifiers.Classifier`. An estimator stays on the CPU, whatever the device.

    Raises ConfigError for a file that does not define a model, RecourseError for one that cannot be trained or used.
    """
    return _kind(model).train(model, population, generator, device, **options)


def from_state(state: Mapping[str, Any], device: torch.device | str = "cpu") -> Any:
    """The classifier of this `state`. Raises RecourseError if the model's file no longer gives that classifier."""
    return _kind(state["model"]).from_state(state, device)


def build(model: str, columns: int, options: Mapping[str, Any]) -> Any:
    """What `build` of the model returns, which is of the kind that it says. Raises ConfigError if it is not."""
    kind = _kind(model)
    built = import_module(f"{__name__}.{model}").build(columns, **options)
    if not isinstance(built, kind.KIND):
        raise ConfigError(
            f"models/{model}.py: `build` must return what it says, a {kind.KIND.__module__.partition('.')[0]} "
            f"{kind.KIND.__name__}; it returned {built!r:.80}"
        )
    return built


def _kind(model: str) -> ModuleType:
    """What trains and loads models of this kind; scikit-learn is imported only where it is used."""
    if model not in names():
        raise ConfigError(f"unknown model {model!r}; there are: {', '.join(names()) or 'none'}")
    if declarations.has_gradients(model):
        from . import _network

        return _network
    from . import _estimator

    return _estimator
