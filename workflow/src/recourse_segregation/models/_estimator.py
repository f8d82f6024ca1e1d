"""A scikit-learn estimator as a classifier. It has no gradients, and it computes on the CPU."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy.special import logit
from sklearn.base import BaseEstimator
from torch import Tensor

from .. import declarations
from ..errors import ConfigError, RecourseError
from ..population import Population
from . import ROWS, build

KIND = BaseEstimator
_CERTAIN = 1e-7  # a probability of 0 or 1 counts as this far from it: a margin of -16.1 or 16.1


class EstimatorClassifier:
    """An estimator fitted to x [n, d] and y [n]; accepts where its P(favourable) > 1/2."""

    device = torch.device("cpu")

    def __init__(self, model: str, options: Mapping[str, Any], random_state: int, x: Tensor, y: Tensor):
        self.model, self.options, self.random_state, self.x, self.y = model, dict(options), random_state, x, y
        self.estimator = build(model, x.shape[1], options)
        if not hasattr(self.estimator, "predict_proba"):
            raise ConfigError(
                f"models/{model}.py: {type(self.estimator).__name__} has no predict_proba, hence no probability to "
                "accept by; take an estimator that has one, or wrap it in sklearn.calibration.CalibratedClassifierCV"
            )
        self.estimator.set_params(**_reproducible(self.estimator, random_state))
        self.estimator.fit(_array(x), y.numpy())

    def margin(self, x: Tensor) -> Tensor:
        """[n, d] -> [n]: log-odds of the favourable class, within ±16.1; positive means accepted.

        NaN where nothing was found (x is NaN), which not every estimator takes.
        """
        finite = torch.isfinite(x).all(1)
        margin = x.new_full((len(x),), torch.nan)
        probability = self._probability(x[finite]).clip(_CERTAIN, 1 - _CERTAIN)
        margin[finite] = torch.from_numpy(logit(probability)).to(x)  # positive in float32 too just where P > 1/2
        return margin

    def accepts(self, x: Tensor) -> Tensor:
        """[n, d] -> bool [n]"""
        return self.margin(x) > 0

    def margin_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Raises RecourseError: there is no gradient."""
        raise RecourseError(
            f"the method asks for the gradient of models/{self.model}.py, a scikit-learn estimator, which has none; "
            f"methods that ask for none: {', '.join(declarations.gradient_free())}"
        )

    def to(self, device: torch.device | str) -> EstimatorClassifier:
        """Itself, whatever the device."""
        return self

    def state(self) -> dict[str, Any]:
        """What it is fitted from, and a digest of what it then says: plain values and tensors.

        A fitted estimator has no form but a pickle, which would run code when it is read. Its training data are small
        beside the population that every stage reads, and with them the file needs nothing else to be loaded.
        """
        return {
            "model": self.model,
            "options": self.options,
            "random_state": self.random_state,
            "x": self.x,
            "y": self.y,
            "digest": self._digest(),
        }

    def _probability(self, x: Tensor) -> np.ndarray:
        """[n, d] -> P(favourable) float64 [n]"""
        parts = [self.estimator.predict_proba(_array(part)) for part in x.split(ROWS)] if len(x) else [np.empty((0, 2))]
        probability = np.concatenate(parts)
        if probability.shape != (len(x), 2) or not ((probability >= 0) & (probability <= 1)).all():
            raise RecourseError(
                f"models/{self.model}.py: predict_proba must give two probabilities for each of {len(x)} people, not "
                f"an array {probability.shape} from {probability.min(initial=1):g} to {probability.max(initial=0):g}"
            )
        return probability[:, 1]

    def _digest(self) -> str:
        """sha256 of what it says of the people that it is fitted to."""
        return hashlib.sha256(self._probability(self.x).tobytes()).hexdigest()


def from_state(state: Mapping[str, Any], device: torch.device | str = "cpu") -> EstimatorClassifier:
    """Fit the estimator whose `EstimatorClassifier.state` this is again.

    Raises RecourseError unless it then says the same of everybody it is fitted to, to the last bit.
    """
    classifier = EstimatorClassifier(*(state[key] for key in ("model", "options", "random_state", "x", "y")))
    if classifier._digest() != state["digest"]:
        raise RecourseError(
            f"models/{state['model']}.py, fitted to the same people again, gives other probabilities than in training: "
            "it draws from elsewhere than its random_state, or the file, the packages or the machine have changed "
            "since; make it reproducible, then train it again"
        )
    return classifier


def train(
    model: str, population: Population, generator: torch.Generator, device: torch.device | str, /, **options: Any
) -> EstimatorClassifier:
    """Fit the estimator, every `random_state` of it drawn from the generator."""
    rows = population.train
    x = torch.tensor(population.features[rows], dtype=torch.float32)
    y = torch.tensor(population.labels[rows])
    return EstimatorClassifier(model, options, int(torch.randint(2**32, (), generator=generator)), x, y)


def _array(x: Tensor) -> np.ndarray:
    """The float64 array that estimators see, in training and after."""
    return x.double().cpu().numpy()


def _reproducible(estimator: BaseEstimator, random_state: int) -> dict[str, int]:
    """The estimator's parameters, and those of its parts, that make it the same every time, on one thread."""
    parameters = {name: (name.rpartition("__")[2], value) for name, value in estimator.get_params().items()}
    states = {name: random_state for name, (last, _) in parameters.items() if last == "random_state"}
    threads = {name: 1 for name, (last, value) in parameters.items() if last == "n_jobs" and value is not None}
    return states | threads
