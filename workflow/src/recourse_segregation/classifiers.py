"""The classifiers that accept and reject: `linear` and `mlp`, trained as the release trains them; others in `models`.

A softmax over two outputs; an individual is accepted when P(favourable) > 1/2, that is when the margin
(favourable minus unfavourable logit) is positive. Everything works on the margin: in float32 the softmax of
the synthetic classifier is exactly 0 or 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from . import files, models, progress
from .errors import DataError
from .network import MLP, Parameters, RMSprop, batches
from .population import Population

_ROWS = 1 << 17  # rows per pass: bounds the memory of predicting


class Classifier:
    """A trained classifier. Any object with `margin`, `margin_and_gradient` and `to` can take its place."""

    def __init__(self, network: MLP, parameters: Parameters):
        self.network = network
        self.parameters = parameters

    @property
    def device(self) -> torch.device:
        return self.parameters.values.device

    @torch.inference_mode()
    def margin(self, x: Tensor) -> Tensor:
        """[n, d] -> [n]: log-odds of the favourable class; positive means accepted."""
        parts = [self.network(part) for part in x.split(_ROWS)] if len(x) else [x.new_zeros(0, 2)]
        logits = torch.cat(parts) if len(parts) > 1 else parts[0]
        return logits[:, 1] - logits[:, 0]

    def accepts(self, x: Tensor) -> Tensor:
        """[n, d] -> bool [n]"""
        return self.margin(x) > 0

    @torch.inference_mode()
    def margin_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[n, d] -> margin [n] and its gradient with respect to x [n, d]."""
        logits = self.network.forward(x)
        direction = x.new_tensor([-1.0, 1.0]).expand(len(x), 2)
        return logits[:, 1] - logits[:, 0], self.network.backward(direction, weights=False)

    def to(self, device: torch.device | str) -> Classifier:
        return from_state(self.state(), device)

    def state(self) -> dict:
        """(weight [out, in], bias [out]) of each layer: plain tensors, safe to load with `weights_only=True`."""
        return {"layers": [(w.t().cpu().clone(), b.cpu().clone()) for w, b in self.network.layers]}


def from_state(state: dict, device: torch.device | str = "cpu") -> Classifier:
    """The inverse of `state`, a model's too."""
    if "model" in state:
        return models.from_state(state, device)
    layers = state["layers"]
    network = MLP([layers[0][0].shape[1], *(len(bias) for _, bias in layers)])
    parameters = Parameters(network, device=device)
    with torch.inference_mode():
        for (weight, bias), (saved_weight, saved_bias) in zip(network.layers, layers, strict=True):
            weight.copy_(saved_weight.t())
            bias.copy_(saved_bias)
    return Classifier(network, parameters)


@torch.inference_mode()
def train(
    population: Population,
    generator: torch.Generator,
    hidden: Sequence[int] = (),
    learning_rate: float = 0.01,
    epochs: int = 199,
    batch: int = 32,
    device: torch.device | str = "cpu",
) -> Classifier:
    """Fit a classifier to the training individuals of one population and seed.

    hidden: sizes of the hidden layers (none: linear). Minimises the cross-entropy (equal to CARLA's binary
    cross-entropy on one-hot labels) by RMSprop.
    """
    rows = population.train
    x = torch.tensor(population.features[rows], dtype=torch.float32, device=device)
    target = torch.eye(2, device=device)[torch.tensor(population.labels[rows], device=device)]
    network = MLP((x.shape[1], *hidden, 2))
    parameters = Parameters(network, generator=generator, device=device)
    optimiser = RMSprop(parameters, learning_rate)
    for _ in progress.steps(range(epochs), "training the classifier"):
        for part, wanted in batches(len(x), batch, generator, x, target):
            gradient = torch.softmax(network.forward(part), 1).sub_(wanted).div_(len(part))
            network.backward(gradient, inputs=False)
            optimiser.step()
    return Classifier(network, parameters)


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
