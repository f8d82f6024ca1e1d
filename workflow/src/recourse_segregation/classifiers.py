"""The classifiers that accept and reject: `linear` and `mlp`, trained as the release trains them; others in `models`.

An individual is accepted when P(favourable) > 1/2, that is when the margin, the log-odds, is positive. Everything works
on the margin: in float32 the softmax of the synthetic classifier is exactly 0 or 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from . import files, models, progress
from .errors import ConfigError, DataError, RecourseError
from .network import MLP, Parameters, RMSprop, batches
from .options import Count, OptionalShare, Positive, Sizes
from .population import Population

_ROWS = 1 << 17  # rows per pass: bounds the memory of predicting


class Classifier:
    """A trained classifier.

    A subclass defines `fit`; `log_odds`, which is `margin` for as many rows as fit into memory; `margin_and_gradient`
    if it has a gradient; `state`, plain values and tensors that are safe to load, and its inverse `from_state`.
    """

    model: str | None = None
    device: torch.device

    @torch.inference_mode()
    def margin(self, x: Tensor) -> Tensor:
        """[n, d] -> [n]: log-odds of the favourable class; positive means accepted, NaN where x is NaN."""
        return torch.cat([self.log_odds(part) for part in x.split(_ROWS)]) if len(x) else x.new_zeros(0)

    def accepts(self, x: Tensor) -> Tensor:
        """[n, d] -> bool [n]"""
        return self.margin(x) > 0

    def margin_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[n, d] -> margin [n] and its gradient with respect to x [n, d]. Raises RecourseError if there is none."""
        raise RecourseError(f"the method asks for the gradient of models/{self.model}.py, which has none")


class BuiltIn(Classifier):
    """A multilayer perceptron with two logits, the second favourable."""

    def __init__(self, network: MLP, parameters: Parameters):
        self.network, self.parameters, self.device = network, parameters, parameters.values.device

    @classmethod
    @torch.inference_mode()
    def fit(
        cls,
        x: Tensor,
        y: Tensor,
        generator: torch.Generator,
        /,
        hidden: Sizes,
        learning_rate: Positive,
        epochs: Count,
        batch: Count,
        rejected: OptionalShare,
    ) -> BuiltIn:
        """Minimise the cross-entropy (equal to CARLA's binary cross-entropy on one-hot labels) by RMSprop.

        hidden: sizes of the hidden layers (none: linear). rejected: the share of these people that the classifier is to
        reject (see `reject`); None: whom it gives P(favourable) <= 1/2.

        Raises ConfigError if nobody would be accepted.
        """
        target = torch.eye(2, device=x.device)[y]
        network = MLP((x.shape[1], *hidden, 2))
        parameters = Parameters(network, generator=generator, device=x.device)
        optimiser = RMSprop(parameters, learning_rate)
        for _ in progress.steps(range(epochs), "training the classifier"):
            for part, wanted in batches(len(x), batch, generator, x, target):
                gradient = torch.softmax(network.forward(part), 1).sub_(wanted).div_(len(part))
                network.backward(gradient, inputs=False)
                optimiser.step()
        classifier = cls(network, parameters)
        if rejected is not None:
            classifier.reject(rejected, x)
        return classifier

    @classmethod
    @torch.inference_mode()
    def from_state(cls, state: Mapping[str, Any], device: torch.device | str) -> BuiltIn:
        layers = state["layers"]
        network = MLP([layers[0][0].shape[1], *(len(bias) for _, bias in layers)])
        parameters = Parameters(network, device=device)
        for (weight, bias), (saved_weight, saved_bias) in zip(network.layers, layers, strict=True):
            weight.copy_(saved_weight.t())
            bias.copy_(saved_bias)
        return cls(network, parameters)

    @torch.inference_mode()
    def reject(self, share: float, x: Tensor) -> None:
        """Shift the bias of the favourable logit so that this share of the people x [n, d], rounded, is rejected.

        Those with the smallest margins are. People with the same margin are treated alike: who ties with the last of
        them is rejected too.

        Raises ConfigError if nobody would be accepted.
        """
        margin = self.margin(x)
        last = margin.sort().values[max(round(share * len(x)), 1) - 1]
        above = margin[margin > last]
        if not len(above):
            raise ConfigError(f"rejected: {share}: nobody of {len(x)} people would be accepted; take a smaller share")
        # Halfway to the next, so that nobody is on the border.
        self.network.layers[-1][1][1] -= (last + above.min()) / 2

    def log_odds(self, x: Tensor) -> Tensor:
        logits = self.network(x)
        return logits[:, 1] - logits[:, 0]

    @torch.inference_mode()
    def margin_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network.forward(x)
        direction = x.new_tensor([-1.0, 1.0]).expand(len(x), 2)
        return logits[:, 1] - logits[:, 0], self.network.backward(direction, weights=False)

    def state(self) -> dict[str, Any]:
        """(weight [out, in], bias [out]) of each layer."""
        return {"layers": [(w.t().cpu().clone(), b.cpu().clone()) for w, b in self.network.layers]}


def train(
    population: Population,
    generator: torch.Generator,
    model: str | None = None,
    device: torch.device | str = "cpu",
    /,
    **options: Any,
) -> Classifier:
    """Fit a classifier to the training individuals of one population and seed.

    model: a file under models/; None for a built-in network. options: those of `BuiltIn.fit`, or of the model's `build`
    and, for a torch module, `learning_rate`, `epochs` and `batch`.

    Raises ConfigError for a file that does not define a model, RecourseError for one that cannot be trained or used.
    """
    rows = population.train
    x, y = tensor(population.features[rows], device), torch.tensor(population.labels[rows], device=device)
    if model is None:
        return BuiltIn.fit(x, y, generator, **options)
    return models.load(model).fit(model, x, y, generator, **options)


def from_state(state: Mapping[str, Any], device: torch.device | str = "cpu") -> Classifier:
    """The classifier of this `state`; an estimator stays on the CPU.

    Raises RecourseError if a model's file no longer gives that classifier.
    """
    kind = models.load(state["model"]) if "model" in state else BuiltIn
    return kind.from_state(state, device)


def tensor(features: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """float64 [n, d] of a population -> the float32 tensor that classifiers and methods see."""
    return torch.tensor(features, dtype=torch.float32, device=device)


def predictions(classifier: Classifier, population: Population) -> pd.DataFrame:
    """What the classifier says of every individual: a `predictions` table (see `contracts`).

    Raises DataError when it says nothing of somebody.
    """
    margin = classifier.margin(tensor(population.features, classifier.device)).double().cpu().numpy()
    lost = int(np.isnan(margin).sum())
    if lost:
        raise DataError(
            f"population {population.name}, seed {population.seed}: the classifier gives no number for {lost} of "
            f"{len(margin)} individuals: its training diverged; lower its learning_rate"
        )
    identity = population.table[["seed", "individual"]]
    return identity.assign(margin=margin, accepted=margin > 0)


def summary(population: Population, name: str, predicted: pd.DataFrame) -> pd.DataFrame:
    """Counts by split and group: a `classifiers` table (see `contracts`)."""
    table = population.table
    people = table[["population", "seed", "split", "group"]].assign(
        classifier=name,
        minority=population.minority,
        individuals=1,
        favourable=table["label"],
        accepted=predicted["accepted"].astype(int),
        correct=(predicted["accepted"] == (table["label"] == 1)).astype(int),
    )
    keys = ["population", "seed", "classifier", "split", "group", "minority"]
    return people.groupby(keys, as_index=False)[["individuals", "favourable", "accepted", "correct"]].sum()


def save(classifiers: dict[int, Classifier], path: Path | str) -> None:
    """Write the classifiers of several seeds to one file, all of it or nothing."""
    content = BytesIO()  # torch writes a file's name into the file
    torch.save({seed: c.state() for seed, c in classifiers.items()}, content)
    files.write(path, content.getvalue())


def load(path: Path | str, device: torch.device | str = "cpu") -> dict[int, Classifier]:
    """Read what `save` wrote: seed -> classifier. Loads weights only, never code."""
    return {seed: from_state(state, device) for seed, state in torch.load(path, weights_only=True).items()}
