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

from ..classifiers import Classifier
from ..errors import ConfigError, RecourseError
from . import build

_CERTAIN = 1e-7  # a probability of 0 or 1 counts as this far from it: a margin of -16.1 or 16.1


class Estimator(Classifier):
    """An estimator fitted to x [n, d] and y [n]; the margin is its log-odds, within ±16.1.

    Rows of NaN, where nothing was found, are not shown to it: not every estimator takes them.
    """

    device = torch.device("cpu")

    def __init__(self, model: str, options: Mapping[str, Any], random_state: int, x: Tensor, y: Tensor):
        self.model, self.options, self.random_state, self.x, self.y = model, dict(options), random_state, x, y
        self.estimator = build(model, BaseEstimator, x.shape[1], options)
        if not hasattr(self.estimator, "predict_proba"):
            raise ConfigError(
                f"models/{model}.py: {type(self.estimator).__name__} has no predict_proba, hence no probability to "
                "accept by; take an estimator that has one, or wrap it in sklearn.calibration.CalibratedClassifierCV"
            )
        for name, value in self.estimator.get_params().items():  # its own and those of its parts
            parameter = name.rpartition("__")[2]
            if parameter == "random_state":
                self.estimator.set_params(**{name: random_state})
            elif parameter == "n_jobs" and value is not None:
                self.estimator.set_params(**{name: 1})
        self.estimator.fit(x.double().numpy(), y.numpy())

    @classmethod
    def fit(cls, model: str, x: Tensor, y: Tensor, generator: torch.Generator, /, **options: Any) -> Estimator:
        """Fit the estimator, every `random_state` of it drawn from the generator."""
        return cls(model, options, int(torch.randint(2**32, (), generator=generator)), x.cpu(), y.cpu())

    @classmethod
    def from_state(cls, state: Mapping[str, Any], device: torch.device | str) -> Estimator:
        """Fit it again. Raises RecourseError unless it then says the same of the same people, to the last bit."""
        classifier = cls(*(state[key] for key in ("model", "options", "random_state", "x", "y")))
        if classifier.state()["digest"] != state["digest"]:
            raise RecourseError(
                f"models/{state['model']}.py, fitted to the same people again, gives other probabilities than in "
                "training: it draws from elsewhere than its random_state, or something has changed; train it again"
            )
        return classifier

    def log_odds(self, x: Tensor) -> Tensor:
        finite = torch.isfinite(x).all(1)
        margin = x.new_full((len(x),), torch.nan)
        if finite.any():
            probability = self._probability(x[finite]).clip(_CERTAIN, 1 - _CERTAIN)
            margin[finite] = torch.from_numpy(logit(probability)).to(x)  # positive in float32 too just where P > 1/2
        return margin

    def state(self) -> dict[str, Any]:
        """What it is fitted from, and a digest of what it then says of these people.

        A fitted estimator has no form but a pickle, which would run code when it is read. Its training data are small
        beside the population that every stage reads, and with them the file needs nothing else to be loaded.
        """
        fitted_from = {name: getattr(self, name) for name in ("model", "options", "random_state", "x", "y")}
        return fitted_from | {"digest": hashlib.sha256(self._probability(self.x).tobytes()).hexdigest()}

    def _probability(self, x: Tensor) -> np.ndarray:
        """[n, d] -> P(favourable) float64 [n]"""
        probability = self.estimator.predict_proba(x.double().cpu().numpy())
        if probability.shape != (len(x), 2) or not ((probability >= 0) & (probability <= 1)).all():
            raise RecourseError(
                f"models/{self.model}.py: predict_proba must give two probabilities for each of {len(x)} people, not "
                f"an array {probability.shape} from {probability.min(initial=1):g} to {probability.max(initial=0):g}"
            )
        return probability[:, 1]
