"""Wachter, Mittelstadt and Russell (2017): gradient descent to the other side of the boundary."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .. import progress
from ..options import Count, Flag, NonNegative, Positive
from ._method import Method, not_found


class Wachter(Method):
    """Adam (AMSGrad) on BCE(f(x'), favourable) + λ ‖x' − x‖₁, stopped at the first accepted x'.

    A round has `steps` steps; people still rejected after it go on with half the λ, for at most `rounds`
    rounds. Steps stay inside [0, 1]; immutable columns get no gradient. Binary and one-hot columns are
    projected to a valid level before they are classified, while the gradient passes straight through.

    compatible: reproduce CARLA's iterates instead, for comparison only: nothing is clamped, λ falls by 0.05 after every
    round, binary and one-hot columns never move (rounding them inside the loss kills their gradient), and continuous
    immutables move and are put back at the end, which can undo acceptance.
    """

    needs_gradients = True

    def __init__(self, *, learning_rate: Positive, penalty: NonNegative, steps: Count, rounds: Count, compatible: Flag):
        self.learning_rate, self.penalty, self.steps, self.rounds = learning_rate, penalty, steps, rounds
        self.compatible = compatible

    def search(self, x: Tensor) -> Tensor:
        result = not_found(x)
        active = torch.arange(len(x), device=x.device)
        origin, current = x, x.clone()
        adam = _AMSGrad(x, self.learning_rate)
        penalty = self.penalty
        kinds = [feature.kind for feature in self.encoding.features for _ in feature.columns]
        continuous = torch.tensor([kind == "continuous" for kind in kinds], device=x.device)
        for step in range(self.rounds * self.steps):
            progress.left(len(active), len(x), "descending")
            if step and step % self.steps == 0:
                penalty = penalty - 0.05 if self.compatible else penalty / 2
            point = current if self.compatible else self.project(current)
            margin, slope = self.classifier.margin_and_gradient(point)
            accepted = margin > 0
            if accepted.any():
                result[active[accepted]] = point[accepted]
                going = ~accepted
                active, origin, current, point = active[going], origin[going], current[going], point[going]
                margin, slope = margin[going], slope[going]
                adam.keep(going)
                if not len(active):
                    break
            gradient = torch.sigmoid(-margin).neg_().unsqueeze(1) * slope
            gradient = gradient + penalty * torch.sign(point - origin)
            if self.compatible:
                gradient = gradient * continuous
            else:
                gradient = gradient * self.mutable
                for columns in self.encoding.indices("categorical"):  # one level rises only as the others fall
                    gradient[:, columns] -= gradient[:, columns].mean(1, keepdim=True)
            current = current + adam.step(gradient)
            if not self.compatible:
                current = torch.where(self.mutable, current.clamp(0, 1), origin)
        return torch.where(self.mutable | torch.isnan(result), result, x) if self.compatible else result


class _AMSGrad:
    """AMSGrad (Reddi et al. 2018), every individual with moments of its own; all have taken the same steps."""

    def __init__(self, like: Tensor, learning_rate: float):
        self.mean, self.square, self.largest = (torch.zeros_like(like) for _ in range(3))
        self.learning_rate, self.steps = learning_rate, 0

    def keep(self, rows: Tensor) -> None:
        self.mean, self.square, self.largest = self.mean[rows], self.square[rows], self.largest[rows]

    def step(self, gradient: Tensor) -> Tensor:
        """The move for this gradient."""
        self.steps += 1
        self.mean.lerp_(gradient, 1 - 0.9)
        self.square.mul_(0.999).addcmul_(gradient, gradient, value=1 - 0.999)
        torch.maximum(self.largest, self.square, out=self.largest)
        denominator = (self.largest.sqrt() / math.sqrt(1 - 0.999**self.steps)).add_(1e-8)
        return (self.mean / denominator).mul_(-self.learning_rate / (1 - 0.9**self.steps))
