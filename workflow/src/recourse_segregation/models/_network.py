"""A torch module as a classifier, trained by the recipe of the built-in networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..classifiers import Classifier
from ..errors import ConfigError, RecourseError
from ..network import batches
from ..options import Count, Positive
from . import build


class Network(Classifier):
    """A torch module: [n, d] -> two logits [n, 2], the second favourable, or their difference [n] or [n, 1]."""

    def __init__(self, model: str, options: Mapping[str, Any], columns: int, device: torch.device | str):
        self.model, self.options, self.columns, self.device = model, dict(options), columns, torch.device(device)
        self.module = build(model, nn.Module, columns, options).to(torch.float32).eval()

    @classmethod
    def fit(
        cls,
        model: str,
        x: Tensor,
        y: Tensor,
        generator: torch.Generator,
        /,
        learning_rate: Positive,
        epochs: Count,
        batch: Count,
        **options: Any,
    ) -> Network:
        """Minimise the cross-entropy by RMSprop, as a built-in network does; a module without weights stays as it is.

        Raises ConfigError for an output of the wrong shape, RecourseError if training diverges.
        """
        with _seeded(int(torch.randint(2**32, (), generator=generator)), x.device):
            network = cls(model, options, x.shape[1], x.device)
            with torch.no_grad():  # says what is wrong before anything is trained, and gives lazy layers their weights
                network.log_odds(x[:2].cpu())
            weights = [p for p in network.module.to(x.device).train().parameters() if p.requires_grad]
            optimiser = torch.optim.RMSprop(weights, learning_rate) if weights else None
            for _ in range(epochs if weights else 0):
                for part, favourable in batches(len(x), batch, generator, x, y.to(x.dtype)):
                    optimiser.zero_grad()
                    # The cross-entropy of two logits is a function of their difference.
                    binary_cross_entropy_with_logits(network.log_odds(part), favourable).backward()
                    optimiser.step()
        network.module.eval().requires_grad_(False)
        if not torch.isfinite(network.margin(x)).all():
            raise RecourseError(f"models/{model}.py: training diverged, logits are not finite; lower its learning_rate")
        return network

    @classmethod
    def from_state(cls, state: Mapping[str, Any], device: torch.device | str) -> Network:
        """Raises RecourseError if `build` gives another network by now."""
        with _seeded(0, torch.device(device)):
            network = cls(state["model"], state["options"], state["columns"], device)
        try:
            network.module.load_state_dict(state["weights"])
        except RuntimeError as error:
            raise RecourseError(f"models/{network.model}.py gives another network than was trained: {error}") from None
        network.module.to(network.device).requires_grad_(False)
        return network

    def log_odds(self, x: Tensor) -> Tensor:
        output = self.module(x)
        shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        if shape == (len(x), 2):
            return output[:, 1] - output[:, 0]
        if shape in ((len(x),), (len(x), 1)):
            return output.reshape(-1)
        raise ConfigError(
            f"models/{self.model}.py: the module must give two logits, [n, 2], or one, [n] or [n, 1]; "
            f"for {tuple(x.shape)} it gives {shape}"
        )

    @torch.inference_mode(False)
    @torch.enable_grad()
    def margin_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.clone().requires_grad_()  # autograd takes no tensor that was made in inference mode, but its copy
        margin = self.log_odds(x)
        (gradient,) = torch.autograd.grad(margin.sum(), x)
        return margin.detach(), gradient

    def state(self) -> dict[str, Any]:
        weights = {name: value.detach().cpu().clone() for name, value in self.module.state_dict().items()}
        return {"model": self.model, "options": self.options, "columns": self.columns, "weights": weights}


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """torch's own stream, which initial weights and dropout draw from, starts at `seed`; afterwards it is as before."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
