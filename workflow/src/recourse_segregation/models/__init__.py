"""Classifiers of one's own: one file each, found by its file name; a name that starts with `_` is not a model.

A model file defines one function, `build`, which takes the number of columns of x [n, d] and options as keyword
arguments, and returns an unfitted torch module (`-> Module`) or scikit-learn estimator (`-> BaseEstimator`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .. import declarations
from ..errors import ConfigError


def load(model: str) -> Any:
    """The class that fits the model and is its classifier, with `fit` and `from_state`.

    Raises ConfigError for an unknown name or a file that does not define a model.
    """
    if model not in (there := declarations.names("models")):
        raise ConfigError(f"unknown model {model!r}; there are: {', '.join(there) or 'none'}")
    if declarations.has_gradients(model):
        from ._network import Network

        return Network
    from ._estimator import Estimator  # scikit-learn is imported only where it is used

    return Estimator


def build(model: str, kind: type, columns: int, options: Mapping[str, Any]) -> Any:
    """What `build` of the model returns. Raises ConfigError if it is not of the kind that it says."""
    built = import_module(f"{__name__}.{model}").build(columns, **options)
    if not isinstance(built, kind):
        raise ConfigError(
            f"models/{model}.py: `build` must return what it says, a {kind.__module__.partition('.')[0]} "
            f"{kind.__name__}; it returned {built!r:.80}"
        )
    return built
