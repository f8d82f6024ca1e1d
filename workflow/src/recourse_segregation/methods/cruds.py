"""Downs et al. (2020), CRUDS: move only the part of the latent that explains the label."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .. import progress
from ..generative import csvae
from ..options import Count, Flag, NonNegative, Positive
from ..population import Population
from ._method import Method, not_found


class CRUDS(Method):
    """A conditional subspace VAE; z of x is held fixed and w descends to the accepted side.

    w starts at a random draw from the model's own prior of the favourable label, p(w | y = 1); with
    `start_from_prior` off, uniform in the unit square, as CARLA's does.

    `steps` steps of RMSprop on BCE(f(x'), favourable) + `penalty` ‖x' − x‖²; of all accepted iterates the one
    with the lowest loss is kept. Decoded individuals are projected into [0, 1] (CARLA's are not).

    The weights are those of the parts of the VAE's loss (`csvae.train`), `cross_entropy_weight` of its adversary's own.
    """

    needs_gradients = True

    def __init__(
        self,
        *,
        hidden: Count,
        latent: Count,
        epochs: Count,
        batch: Count,
        learning_rate: Positive,
        reconstruction_weight: NonNegative,
        z_weight: NonNegative,
        w_weight: NonNegative,
        entropy_weight: NonNegative,
        cross_entropy_weight: NonNegative,
        steps: Count,
        search_rate: Positive,
        penalty: NonNegative,
        start_from_prior: Flag,
    ):
        self.training = {
            "hidden": hidden,
            "latent": latent,
            "epochs": epochs,
            "batch": batch,
            "learning_rate": learning_rate,
            "weights": (reconstruction_weight, z_weight, w_weight, entropy_weight, cross_entropy_weight),
        }
        self.steps, self.search_rate, self.penalty = steps, search_rate, penalty
        self.start_from_prior = start_from_prior

    @classmethod
    def prepare_all(cls, methods: Sequence[CRUDS], populations: Sequence[Population], x: Sequence[Tensor]) -> None:
        fitted = csvae.train(
            [rows[:, m.mutable] for m, rows in zip(methods, x, strict=True)],
            [rows[:, ~m.mutable] for m, rows in zip(methods, x, strict=True)],
            [torch.tensor(p.labels, device=rows.device) for p, rows in zip(populations, x, strict=True)],
            [m.generator for m in methods],
            **methods[0].training,
        )
        for method, (model, losses) in zip(methods, fitted, strict=True):
            method.model, method.diagnostics = model, losses

    def search(self, x: Tensor) -> Tensor:
        factual, condition = x[:, self.mutable], x[:, ~self.mutable]
        z = self.model.encode(factual)
        # ASSUME: the favourable label's own prior. The unit square is often where the decoder has never been, and the
        # search then finds nothing (docs/deviations.md).
        if self.start_from_prior:
            w = self.model.sample_w(len(x), 1.0, self.generator)
        else:
            w = torch.rand(z.shape, generator=self.generator).to(x.device)
        square = torch.zeros_like(w)
        best, lowest = not_found(x), torch.full((len(x), 1), torch.inf, device=x.device)
        for _ in progress.steps(range(self.steps), "descending, steps"):
            decoded, gradient_of = self.model.decode_with_gradient(z, w, condition)
            people = self.combine(x, decoded)
            margin, slope = self.classifier.margin_and_gradient(people)
            shift = people[:, self.mutable] - factual
            loss = torch.nn.functional.softplus(-margin) + self.penalty * shift.square().sum(1)
            better = ((margin > 0) & (loss < lowest[:, 0])).unsqueeze(1)
            lowest = torch.where(better, loss.unsqueeze(1), lowest)
            best = torch.where(better, people, best)
            # The gradient passes straight through the projection, so that w can come back into the box.
            pull = torch.sigmoid(-margin).neg_().unsqueeze(1) * slope[:, self.mutable]
            gradient = gradient_of(pull + 2 * self.penalty * shift)
            square.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
            w = w - self.search_rate * gradient / (square.sqrt() + 1e-8)
        return best
