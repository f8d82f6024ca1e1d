"""A mixture density network (Bishop 1994): p(x | condition) as a mixture of Gaussians with diagonal covariance.

The condition takes few distinct values (profiles of immutables), and within a profile the log-density of
every component is linear in (x^2, x). So the likelihood is one matrix product a profile, and its gradient
needs only the sufficient statistics sum(r), sum(r x), sum(r x^2) of the responsibilities r: the network
itself is evaluated once a profile, not once an individual.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import progress
from ..network import MLP, Adam, Parameters

_ROWS = 1 << 12  # whose density is computed at a time: bounds memory


@dataclass
class MDN:
    """A fitted mixture density network; x and condition are standardised inside, densities are of x as given."""

    network: MLP
    components: int
    floor: float
    x_mean: Tensor
    x_scale: Tensor
    condition_mean: Tensor
    condition_scale: Tensor

    def mixture(self, condition: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One profile [c] -> log weights [k], means [k, m], standard deviations [k, m] (of standardised x)."""
        log_weight, mean, deviation, _ = _split(
            self.network(((condition.double() - self.condition_mean) / self.condition_scale).view(1, -1)),
            self.components,
            self.floor,
        )
        return log_weight[0], mean[0], deviation[0]

    @torch.inference_mode()
    def log_density(self, x: Tensor, condition: Tensor) -> Tensor:
        """log p(x | condition) of x [n, m] under one profile [c]: float64 [n]."""
        log_weight, mean, deviation = self.mixture(condition)
        natural, constant = _natural(mean, deviation).t(), _constant(log_weight, mean, deviation)
        scaled = [(part.double() - self.x_mean) / self.x_scale for part in x.split(_ROWS)]
        density = torch.cat([torch.logsumexp(_statistics(part) @ natural + constant, 1) for part in scaled])
        return density - self.x_scale.log().sum()

    @torch.inference_mode()
    def sample(self, n: int, condition: Tensor, generator: torch.Generator, released: bool = False) -> Tensor:
        """n draws from p(. | condition) for one profile [c]: float32 [n, m].

        released: take each component's standard deviation for its variance, as the paper's code does.
        """
        log_weight, mean, deviation = self.mixture(condition)
        mean, deviation = mean * self.x_scale + self.x_mean, deviation * self.x_scale
        if released:
            deviation = deviation.sqrt()
        component = torch.multinomial(log_weight.exp().cpu(), n, replacement=True, generator=generator)
        noise = torch.randn(n, mean.shape[1], generator=generator, dtype=torch.float64).to(mean.device)
        component = component.to(mean.device)
        return (mean[component] + deviation[component] * noise).float()


def _split(output: Tensor, components: int, floor: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Network output [p, k (1 + 2 m)] -> log weights [p, k], means and deviations [p, k, m], raw scales."""
    p, k = len(output), components
    log_weight = torch.log_softmax(output[:, :k], 1)
    mean, log_scale = output[:, k:].view(p, 2, k, -1).unbind(1)
    return log_weight, mean, torch.exp(log_scale) + floor, log_scale


def _statistics(x: Tensor) -> Tensor:
    return torch.cat([x * x, x], 1)


def _natural(mean: Tensor, deviation: Tensor) -> Tensor:
    precision = deviation.pow(-2)
    return torch.cat([-0.5 * precision, mean * precision], -1)


def _constant(log_weight: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    quadratic = 0.5 * (mean / deviation).square() + deviation.log()
    return log_weight - quadratic.sum(-1) - 0.5 * mean.shape[-1] * math.log(2 * math.pi)


@torch.inference_mode()
def train(
    x: Tensor,
    condition: Tensor,
    generator: torch.Generator,
    *,
    components: int,
    hidden: Sequence[int],
    epochs: int,
    learning_rate: float,
    floor: float,
) -> tuple[MDN, dict[str, float]]:
    """Fit p(x | condition) by maximum likelihood: one Adam step on all individuals an epoch, in float64.

    x: [n, m], condition: [n, c]. floor: the smallest standard deviation of a component, in standard deviations of the
    feature. Returns the model and its final negative log-likelihood per individual.
    """
    # ASSUME: on counts and other discrete features the likelihood is unbounded without a floor.
    # ASSUME: tanh units and standardised inputs, the defaults of the `cde` package, and full batches.
    device, (n, m), k = x.device, x.shape, components
    x_mean, x_scale = _moments(x)
    condition_mean, condition_scale = _moments(condition)
    profiles, member = torch.unique(condition, dim=0, return_inverse=True)
    inputs = (profiles.double() - condition_mean) / condition_scale
    scaled = (x.double() - x_mean) / x_scale
    statistics = [_statistics(scaled[member == p]) for p in range(len(profiles))]
    network = MLP((condition.shape[1], *hidden, k * (1 + 2 * m)), activation="tanh")
    parameters = Parameters(network, generator=generator, device=device, dtype=torch.float64)
    optimiser = Adam(parameters, learning_rate)

    for _ in progress.steps(range(epochs + 1), "training the MDN, epochs"):
        log_weight, mean, deviation, log_scale = _split(network.forward(inputs), k, floor)
        natural, constant = _natural(mean, deviation), _constant(log_weight, mean, deviation)
        total, counts, sums = 0.0, [], []
        for p, rows in enumerate(statistics):
            responsibility = torch.addmm(constant[p], rows, natural[p].t())
            largest = responsibility.amax(1, keepdim=True)
            density = responsibility.sub_(largest).exp_().sum(1, keepdim=True)
            responsibility.div_(density)
            total = total + (largest + density.log()).sum()
            counts.append(responsibility.sum(0))
            sums.append(responsibility.t() @ rows)
        loss = -total / n
        count, (squares, firsts) = torch.stack(counts), torch.stack(sums).split(m, -1)
        each = count.unsqueeze(-1)
        variance = deviation * deviation
        gradient_weight = log_weight.exp() * count.sum(1, keepdim=True) - count
        gradient_mean = (each * mean - firsts) / variance
        second = squares - 2 * mean * firsts + each * mean * mean
        # deviation = exp(s) + floor, so d/ds = d/d(deviation) * exp(s)
        gradient_scale = (each - second / variance) / deviation * log_scale.exp()
        gradient = torch.cat([gradient_weight, torch.stack([gradient_mean, gradient_scale], 1).flatten(1)], 1).div_(n)
        network.backward(gradient, inputs=False)
        optimiser.step()

    parameters.check("MDN")
    model = MDN(network, k, floor, x_mean, x_scale, condition_mean, condition_scale)
    return model, {"negative_log_likelihood": (loss + x_scale.log().sum()).item()}


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each column, 1 where a column is constant."""
    x = x.double()
    scale = x.std(0, correction=0)
    return x.mean(0), torch.where(scale > 0, scale, torch.ones_like(scale))
