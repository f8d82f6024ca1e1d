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

from ..network import MLP, Adam, Parameters, batches


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


@dataclass(frozen=True)
class Adversary:
    """Settings of the adversary: its hidden sigmoid layers, Adam learning rate and the weight γ of its entropy.

    cross_entropy: weigh its cross-entropy instead (an ablation): not only doubt is paid for, but error.
    """

    weight: float
    hidden: Sequence[int] = (8, 8, 8)
    learning_rate: float = 0.01
    cross_entropy: bool = False


@torch.inference_mode()
def train(
    x: Tensor,
    condition: Tensor,
    generator: torch.Generator,
    hidden: Sequence[int] = (256,),
    latent: int = 2,
    kl_weight: float = 0.3,
    epochs: int = 500,
    batch: int = 32,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-6,
    adversary: Adversary | None = None,
    group: Tensor | None = None,
) -> tuple[VAE, dict[str, float]]:
    """Fit a VAE; the KL weight rises linearly from 0 to `kl_weight` over the epochs.

    x: mutable features [n, m] in [0, 1]. condition: what the decoder also sees [n, c]. group: 0/1 [n], which
    the adversary predicts. Each batch: one step of the VAE on
    sum(BCE) + β sum(KL) - γ sum(entropy of the adversary), then one of the adversary on its cross-entropy.

    Returns the VAE and its final losses per individual (reconstruction, kl, adversary cross-entropy).
    """
    device, (n, m) = x.device, x.shape
    encoder = MLP((m, *hidden, 2 * latent))
    decoder = MLP((latent + condition.shape[1], *reversed(hidden), m))
    parameters = Parameters(encoder, decoder, generator=generator, device=device)
    optimiser = Adam(parameters, learning_rate, weight_decay)
    if adversary is not None:
        critic = MLP((latent, *adversary.hidden, 1), activation="sigmoid")
        critic_parameters = Parameters(critic, generator=generator, device=device)
        critic_optimiser = Adam(critic_parameters, adversary.learning_rate)
        labels = group.to(x.dtype).view(-1, 1)
    else:
        labels = x.new_zeros(n, 0)

    for epoch in range(epochs):
        beta = kl_weight * epoch / epochs
        noise = torch.randn(n, latent, generator=generator).to(device)
        for part, given, eps, label in batches(n, batch, generator, x, condition, noise, labels):
            code = encoder.forward(part)
            mean, log_variance = code[:, :latent], code[:, latent:]
            deviation = torch.exp(0.5 * log_variance)
            spread = deviation * eps
            z = mean + spread
            output = decoder.forward(torch.cat([z, given], 1))
            gradient_z = decoder.backward(torch.sigmoid(output).sub_(part))[:, :latent]
            if adversary is not None:
                logit = critic.forward(z)
                probability = torch.sigmoid(logit)
                if adversary.cross_entropy:  # d(-γ CE)/d(logit) = γ (y - p)
                    push = (label - probability).mul_(adversary.weight)
                else:  # d(-γ H)/d(logit) = γ logit p (1 - p)
                    push = torch.ops.aten.sigmoid_backward(logit, probability).mul_(adversary.weight)
                gradient_z = gradient_z + critic.backward(push, weights=False)
            of_log_variance = gradient_z.mul(spread).addcmul_(deviation, deviation, value=beta).sub_(beta).mul_(0.5)
            gradient = torch.cat([torch.add(gradient_z, mean, alpha=beta), of_log_variance], 1)
            encoder.backward(gradient, inputs=False)
            optimiser.step()
            if adversary is not None:
                critic.backward((probability - label).div_(len(label)), inputs=False)
                critic_optimiser.step()

    model = VAE(encoder, decoder, latent)
    code = encoder(x)
    mean, log_variance = code[:, :latent], code[:, latent:]
    z = mean + torch.exp(0.5 * log_variance) * torch.randn(n, latent, generator=generator).to(device)
    losses = {
        "reconstruction": binary_cross_entropy(model.decode(z, condition), x, reduction="sum").item() / n,
        "kl": 0.5 * (log_variance.exp() + mean * mean - 1 - log_variance).sum().item() / n,
    }
    if adversary is not None:
        losses["adversary"] = binary_cross_entropy(torch.sigmoid(critic(z)), labels).item()
    return model, losses
