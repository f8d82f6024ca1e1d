"""A conditional variational autoencoder over the mutable features, optionally with a fairness adversary.

Without the adversary it is the density model of C-CHVAE (Pawelczyk et al. 2020); with it, that of IBR (Gao and
Lakkaraju 2023): the adversary predicts the sensitive attribute from the latent, and the encoder is paid for
its confusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from .. import progress
from ..network import MLP, Adam, Parameters, as_one, stacked_batches


@dataclass
class VAE:
    """Encoder q(z | x), a Gaussian with diagonal covariance, and decoder p(x | z, condition), a sigmoid mean."""

    encoder: MLP
    decoder: MLP
    latent: int

    def encode(self, x: Tensor) -> Tensor:
        """[n, m] -> the latent mean [n, latent]."""
        return self.encoder(x)[:, : self.latent]

    def decode(self, z: Tensor, condition: Tensor) -> Tensor:
        """[n, latent], [n, c] -> [n, m] in (0, 1)."""
        return torch.sigmoid(self.decoder(torch.cat([z, condition], 1)))

    def decode_around(self, z: Tensor, condition: Tensor) -> Tensor:
        """The same for p latents of each individual: [n, p, latent], [n, c] -> [n, p, m]."""
        return torch.sigmoid(self.decoder.around(z, condition))


@dataclass(frozen=True)
class Adversary:
    """Settings of the adversary: its hidden sigmoid layers, Adam learning rate and the weight γ of its entropy.

    cross_entropy: weigh its cross-entropy instead (an ablation): not only doubt is paid for, but error.
    """

    weight: float
    hidden: Sequence[int]
    learning_rate: float
    cross_entropy: bool


@torch.inference_mode()
def train(
    x: Sequence[Tensor],
    condition: Sequence[Tensor],
    generators: Sequence[torch.Generator],
    *,
    hidden: Sequence[int],
    latent: int,
    kl_weight: float,
    epochs: int,
    batch: int,
    learning_rate: float,
    weight_decay: float,
    adversary: Adversary | None = None,
    group: Sequence[Tensor] | None = None,
) -> list[tuple[VAE, dict[str, float]]]:
    """Fit a VAE to each of s samples of the same shape, all at once; none depends on the others.

    x: mutable features [n, m] in [0, 1] of each. condition: what the decoder also sees [n, c]. group: 0/1 [n], which
    the adversary predicts. The KL weight β rises linearly from 0 to `kl_weight` over the epochs. Each batch: one step
    of the VAE on sum(BCE) + β sum(KL) - γ sum(entropy of the adversary), then one of the adversary on its own
    cross-entropy.

    Returns for each the VAE and its final losses per individual (reconstruction, kl, adversary cross-entropy).
    """
    x, condition = torch.stack(list(x)), torch.stack(list(condition))
    device, (_, n, m) = x.device, x.shape
    encoder = MLP((m, *hidden, 2 * latent))
    decoder = MLP((latent + condition.shape[2], *reversed(hidden), m))
    parameters = Parameters(encoder, decoder, generator=generators, device=device)
    optimisers = [Adam(parameters, learning_rate, weight_decay)]
    critic, labels = None, x.new_zeros(len(x), n, 0)
    if adversary is not None:
        critic = MLP((latent, *adversary.hidden, 1), activation="sigmoid")
        critic_parameters = Parameters(critic, generator=generators, device=device)
        optimisers.append(Adam(critic_parameters, adversary.learning_rate))
        labels = torch.stack(list(group)).to(x.dtype).unsqueeze(2)

    stack = encoder, decoder, critic
    members = [(encoder[i], decoder[i], critic and critic[i]) for i in range(len(x))]
    for epoch in progress.steps(range(epochs), "training the VAE, epochs"):
        beta = kl_weight * epoch / epochs
        noise = torch.stack([torch.randn(n, latent, generator=g) for g in generators]).to(device)
        for parts in stacked_batches(batch, generators, x, condition, noise, labels):
            if as_one(parts[0].shape[1]):
                _gradients(*stack, *parts, beta, adversary)
            else:
                for member, own in zip(members, zip(*parts, strict=True), strict=True):
                    _gradients(*member, *own, beta, adversary)
            for optimiser in optimisers:
                optimiser.step()

    parameters.check("VAE")
    fitted = zip(members, x, condition, labels, generators, strict=True)
    return [(VAE(e, d, latent), _losses(e, d, c, latent, *data)) for (e, d, c), *data in fitted]


def _gradients(
    encoder: MLP,
    decoder: MLP,
    critic: MLP | None,
    x: Tensor,
    condition: Tensor,
    noise: Tensor,
    label: Tensor,
    beta: float,
    adversary: Adversary | None,
) -> None:
    """The gradients of one batch, of a whole stack or of one member, left where the optimisers look for them."""
    code = encoder.forward(x)
    mean, log_variance = code.chunk(2, -1)
    deviation = torch.exp(0.5 * log_variance)
    spread = deviation * noise
    z = mean + spread
    output = decoder.forward(torch.cat([z, condition], -1))
    gradient_z = decoder.backward(torch.sigmoid(output).sub_(x))[..., : z.shape[-1]]
    if critic is not None:
        logit = critic.forward(z)
        probability = torch.sigmoid(logit)
        if adversary.cross_entropy:  # d(-γ CE)/d(logit) = γ (y - p)
            push = (label - probability).mul_(adversary.weight)
        else:  # d(-γ H)/d(logit) = γ logit p (1 - p)
            push = torch.ops.aten.sigmoid_backward(logit, probability).mul_(adversary.weight)
        gradient_z = gradient_z + critic.backward(push, weights=False)
        critic.backward((probability - label).div_(label.shape[-2]), inputs=False)
    of_log_variance = gradient_z.mul(spread).addcmul_(deviation, deviation, value=beta).sub_(beta).mul_(0.5)
    encoder.backward(torch.cat([torch.add(gradient_z, mean, alpha=beta), of_log_variance], -1), inputs=False)


def _losses(
    encoder: MLP,
    decoder: MLP,
    critic: MLP | None,
    latent: int,
    x: Tensor,
    condition: Tensor,
    labels: Tensor,
    generator: torch.Generator,
) -> dict[str, float]:
    n = len(x)
    mean, log_variance = encoder(x).chunk(2, -1)
    z = mean + torch.exp(0.5 * log_variance) * torch.randn(n, latent, generator=generator).to(x.device)
    decoded = VAE(encoder, decoder, latent).decode(z, condition)
    losses = {
        "reconstruction": binary_cross_entropy(decoded, x, reduction="sum").item() / n,
        "kl": 0.5 * (log_variance.exp() + mean * mean - 1 - log_variance).sum().item() / n,
    }
    if critic is not None:
        losses["adversary"] = binary_cross_entropy(torch.sigmoid(critic(z)), labels).item()
    return losses
