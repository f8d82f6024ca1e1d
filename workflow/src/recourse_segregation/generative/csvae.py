"""A conditional subspace variational autoencoder (Klys et al. 2018), the density model of CRUDS.

Latent z for what the label does not explain, latent w for what it does; an adversary tries to read the label
from z and the immutables, and the encoder is paid for its confusion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.distributions import Bernoulli
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from ..network import MLP, train_stacks


@dataclass
class CSVAE:
    """Encoder q(z | x), decoder p(x | z, w, condition) with a linear mean, and prior p(w | y)."""

    encoder: MLP
    decoder: MLP
    prior: MLP
    latent: int

    def encode(self, x: Tensor) -> Tensor:
        """[n, m] -> the mean of z [n, latent]."""
        return self.encoder(x)[:, : self.latent]

    def sample_w(self, n: int, label: float, generator: torch.Generator) -> Tensor:
        """n draws from p(w | label): [n, latent]."""
        code = self.prior(self.prior.layers[0][0].new_full((1, 1), label))
        noise = torch.randn(n, self.latent, generator=generator).to(code)
        return code[:, : self.latent] + torch.exp(0.5 * code[:, self.latent :]) * noise

    def decode_with_gradient(self, z: Tensor, w: Tensor, condition: Tensor):
        """[n, latent], [n, latent], [n, c] -> x [n, m], not bounded, and the function that turns dL/dx into dL/dw."""
        x = self.decoder.forward(torch.cat([z, w, condition], 1))

        def gradient(of_x: Tensor) -> Tensor:
            return self.decoder.backward(of_x, weights=False)[:, self.latent : 2 * self.latent]

        return x, gradient


@torch.inference_mode()
def train(
    x: Sequence[Tensor],
    condition: Sequence[Tensor],
    label: Sequence[Tensor],
    generators: Sequence[torch.Generator],
    *,
    hidden: int,
    latent: int,
    epochs: int,
    batch: int,
    learning_rate: float,
    weights: Sequence[float],
) -> list[tuple[CSVAE, dict[str, float]]]:
    """Fit a CSVAE to each of s samples of the same shape, all at once; none depends on the others.

    x: mutable features [n, m] of each. condition: immutable features [n, c]. label: 0/1 [n]. Each batch: one Adam step
    on a MSE + b KL(q(z|x) || N(0, I)) + c KL(q(w|x,y) || p(w|y)) + d negative entropy of the adversary, and one of the
    adversary on e cross-entropy; a to e are the `weights`, in their order. As in CARLA the KL divergences are sums over
    the batch, the others its means, and the MSE is that of all columns, immutable ones too, which have no error.

    Returns for each the CSVAE and what it ends with, per individual: reconstruction (MSE), kl of z and kl_w in nats,
    adversary_cross_entropy and label_entropy, the cross-entropy of who knows nothing but how common the label is.
    """
    x, condition, label = (torch.stack(list(tensors)) for tensors in (x, condition, label))
    data = x, condition, label.to(x.dtype).unsqueeze(2)
    m = x.shape[2]
    networks = (
        MLP((m, hidden, 2 * latent)),
        MLP((m + 1, hidden, 2 * latent)),
        # ASSUME: for a binary label, a network from y to (mean, log variance) of w is a table of two rows.
        MLP((1, 2 * latent)),
        MLP((2 * latent + condition.shape[2], hidden, m)),
    )
    groups = (networks, learning_rate, 0.0), ([MLP((latent + condition.shape[2], hidden, 1))], learning_rate, 0.0)

    gradients = partial(_gradients, weights)
    fitted = train_stacks(groups, data, 2 * latent, generators, batch, epochs, gradients, _losses, "CSVAE")
    return [(CSVAE(member[0], member[3], member[2], latent), losses) for member, losses in fitted]


def _gradients(weights: Sequence[float], epoch: int, networks: Sequence[MLP], data: Sequence[Tensor]) -> Iterator[None]:
    x_to_z, xy_to_w, y_to_w, decoder, critic = networks
    x, condition, y, noise = data
    of_x, of_z, of_w, of_entropy, of_cross_entropy = weights
    rows = x.shape[-2]
    eps_z, eps_w = noise.chunk(2, -1)
    z_mean, z_log = x_to_z.forward(x).chunk(2, -1)
    z_spread = torch.exp(0.5 * z_log).mul_(eps_z)
    w_mean, w_log = xy_to_w.forward(torch.cat([x, y], -1)).chunk(2, -1)
    w_spread = torch.exp(0.5 * w_log).mul_(eps_w)
    p_mean, p_log = y_to_w.forward(y).chunk(2, -1)
    z, w = z_mean + z_spread, w_mean + w_spread
    latent = z.shape[-1]

    output = decoder.forward(torch.cat([z, w, condition], -1))
    columns = x.shape[-1] + condition.shape[-1]
    gradient = decoder.backward(output.sub_(x).mul_(2 * of_x / (rows * columns)))
    logit = critic.forward(torch.cat([z, condition], -1))
    probability = torch.sigmoid(logit)
    # d(-H)/d(logit) = logit p (1 - p)
    push = torch.ops.aten.sigmoid_backward(logit, probability).mul_(of_entropy / rows)
    gradient_z = gradient[..., :latent] + critic.backward(push, weights=False)[..., :latent]
    gradient_w = gradient[..., latent : 2 * latent]

    of_log = gradient_z.mul(z_spread).add_(z_log.exp().sub_(1), alpha=of_z).mul_(0.5)
    x_to_z.backward(torch.cat([torch.add(gradient_z, z_mean, alpha=of_z), of_log], -1), inputs=False)
    precision = torch.exp(-p_log)
    distance = w_mean - p_mean
    shift = distance * precision
    excess = torch.exp(w_log).mul_(precision).sub_(1)
    of_log = gradient_w.mul(w_spread).add_(excess, alpha=of_w).mul_(0.5)
    xy_to_w.backward(torch.cat([torch.add(gradient_w, shift, alpha=of_w), of_log], -1), inputs=False)
    of_log = torch.addcmul(excess, shift, distance).mul_(-0.5 * of_w)
    y_to_w.backward(torch.cat([shift.mul_(-of_w), of_log], -1), inputs=False)
    critic.backward((probability - y).mul_(of_cross_entropy / rows), inputs=False)
    yield  # both groups step from here
    yield


def _losses(networks: Sequence[MLP], data: Sequence[Tensor]) -> dict[str, float]:
    x_to_z, xy_to_w, y_to_w, decoder, critic = networks
    x, condition, y, noise = data
    n = len(x)
    eps_z, eps_w = noise.chunk(2, -1)
    z_mean, z_log = x_to_z(x).chunk(2, -1)
    w_mean, w_log = xy_to_w(torch.cat([x, y], -1)).chunk(2, -1)
    p_mean, p_log = y_to_w(y).chunk(2, -1)
    z = z_mean + torch.exp(0.5 * z_log) * eps_z
    w = w_mean + torch.exp(0.5 * w_log) * eps_w
    kl_w = p_log - w_log + (w_log.exp() + (w_mean - p_mean).square()) * torch.exp(-p_log) - 1
    decoded = decoder(torch.cat([z, w, condition], 1))
    logit = critic(torch.cat([z, condition], 1))
    return {
        "reconstruction": mse_loss(torch.cat([decoded, condition], 1), torch.cat([x, condition], 1)).item(),
        "kl": 0.5 * (z_log.exp() + z_mean.square() - 1 - z_log).sum().item() / n,
        "kl_w": 0.5 * kl_w.sum().item() / n,
        "adversary_cross_entropy": binary_cross_entropy_with_logits(logit, y).item(),
        "label_entropy": Bernoulli(y.mean()).entropy().item(),
    }
