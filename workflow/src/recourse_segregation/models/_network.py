"""A torch module as a classifier, trained by the recipe of the built-in networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..errors import ConfigError, RecourseError
from ..network import batches
from ..population import Population
from . import ROWS, build

KIND = nn.Module


class NetworkClassifier:
    """A trained torch module: [n, d] -> two logits [n, 2], the second favourable, or their difference [n] or [n, 1]."""

    def __init__(self, model: str, options: Mapping[str, Any], columns: int, module: nn.Module, device: torch.device):
        self.model, self.options, self.columns = model, dict(options), columns
        self.module = module.eval().requires_grad_(False)
        self.device = device

    @torch.inference_mode()
    def margin(self, x: Tensor) -> Tensor:
        """[n, d] -> [n]: log-odds of the favourable class; positive means accepted."""
        parts = x.split(ROWS) if len(x) else ()
        return torch.cat([x.new_zeros(0), *(_margin(self.model, self.module, part) for part in parts)])

    def accepts(self, x: Tensor) -> Tensor:
        """[n, d] -> bool [n]"""
        return self.margin(x) > 0

    @torch.inference_mode(False)
    @torch.enable_grad()
    def margin_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[n, d] -> margin [n] and its gradient with respect to x [n, d]."""
        x = x.clone().requires_grad_()  # autograd takes no tensor that was made in inference mode, but its copy
        margin = _margin(self.model, self.module, x)
        (gradient,) = torch.autograd.grad(margin.sum(), x)
        return margin.detach(), gradient

    def to(self, device: torch.device | str) -> NetworkClassifier:
        return from_state(self.state(), device)

    def state(self) -> dict[str, Any]:
        """Plain values and tensors, safe to load with `weights_only=True`."""
        weights = {name: value.detach().cpu().clone() for name, value in self.module.state_dict().items()}
        return {"model": self.model, "options": self.options, "columns": self.columns, "weights": weights}


def from_state(state: Mapping[str, Any], device: torch.device | str = "cpu") -> NetworkClassifier:
    """The inverse of `NetworkClassifier.state`. Raises RecourseError if `build` gives another network by now."""
    model, options, columns = state["model"], state["options"], state["columns"]
    device = torch.device(device)
    with _seeded(0, device):
        module = build(model, columns, options)
    try:
        module.load_state_dict(state["weights"])
    except RuntimeError as error:
        raise RecourseError(f"models/{model}.py gives another network than was trained: {error}") from None
    return NetworkClassifier(model, options, columns, module.to(device, torch.float32), device)


def train(
    model: str,
    population: Population,
    generator: torch.Generator,
    device: torch.device | str,
    /,
    learning_rate: float = 0.01,
    epochs: int = 199,
    batch: int = 32,
    **options: Any,
) -> NetworkClassifier:
    """Minimise the cross-entropy by RMSprop, like `classifiers.train`; a module without weights is taken as it is.

    Raises ConfigError for an output of the wrong shape, RecourseError if training diverges.
    """
    device, rows = torch.device(device), population.train
    x = torch.tensor(population.features[rows], dtype=torch.float32, device=device)
    favourable = torch.tensor(population.labels[rows], dtype=torch.float32, device=device)
    seed = int(torch.randint(2**32, (), generator=generator))
    with _seeded(seed, device):
        module = build(model, x.shape[1], options).to(torch.float32).eval()
        with torch.no_grad():  # says what is wrong before anything is trained, and gives lazy layers their weights
            _margin(model, module, x[:2].cpu())
        module.to(device)
        weights = [p for p in module.train().parameters() if p.requires_grad]
        optimiser = torch.optim.RMSprop(weights, learning_rate) if weights else None
        for _ in range(epochs if weights else 0):
            for part, wanted in batches(len(x), batch, generator, x, favourable):
                optimiser.zero_grad()
                # The cross-entropy of two logits is a function of their difference.
                binary_cross_entropy_with_logits(_margin(model, module, part), wanted).backward()
                optimiser.step()
    classifier = NetworkClassifier(model, options, x.shape[1], module, device)
    if not torch.isfinite(classifier.margin(x)).all():
        raise RecourseError(f"models/{model}.py: training diverged, logits are not finite; try a lower learning_rate")
    return classifier


def _margin(model: str, module: nn.Module, x: Tensor) -> Tensor:
    """[n, d] -> [n], whichever of its shapes the output has."""
    output = module(x)
    shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if shape == (len(x), 2):
        return output[:, 1] - output[:, 0]
    if shape in ((len(x),), (len(x), 1)):
        return output.reshape(-1)
    raise ConfigError(
        f"models/{model}.py: the module must give two logits, [n, 2], or one, [n] or [n, 1]; "
        f"for {tuple(x.shape)} it gives {shape}"
    )


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """torch's own stream, which initial weights and dropout draw from, starts at `seed`; afterwards it is as before."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
