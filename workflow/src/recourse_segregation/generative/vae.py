"""A conditional variational autoencoder over the mutable features, optionally with a fairness adversary.

Without the adversary it is the density model of C-CHVAE (Pawelczyk et al. 2020); with it, that of IBR (Gao and
Lakkaraju 2023): the adversary predicts the sensitive attribute from the latent, and the encoder is paid for
its confusion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Bernoulli
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits

from ..network import MLP, train_stacks


@dataclass
class VAE:
    """Encoder q(z | x), a Gaussian with diagonal covariance, and decoder p(x | z, condition), a sigmoid mean."""

    encoder: MLP
    decoder: MLP
    latent: int

    def encode(self, x: Tensor) -> Tensor:
        """[n, m] -> the latent mean [n, latent]."""
        return self.encoder(x)[:, : self.latent]

    def decode_around(self, z: Tensor, condition: Tensor) -> Tensor:
        """p latents of each individual: [n, p, latent], [n, c] -> [n, p, m] in (0, 1)."""
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
    group: Sequence[Tensor],
    *,
    hidden: Sequence[int],
    latent: int,
    kl_weight: float,
    epochs: int,
    batch: int,
    learning_rate: float,
    weight_decay: float,
    adversary: Adversary | None = None,
) -> list[tuple[VAE, dict[str, float]]]:
    """Fit a VAE to each of s samples of the same shape, all at once; none depends on the others.

    x: mutable features [n, m] in [0, 1] of each. condition: what the decoder also sees [n, c]. group: 0/1 [n], which
    the adversary predicts. The KL weight β rises linearly from 0 to `kl_weight` over the epochs. Each batch: one step
    of the adversary on its sum(cross-entropy), then, with latents drawn afresh, one of the VAE on sum(BCE) + β sum(KL)
    - γ sum(entropy of the adversary). Both decay their weights.

    Returns for each the VAE and what it ends with, nats per individual: reconstruction (BCE), kl, elbo (the BCE + β KL
    of the last epoch, which public logs add up over a batch), and with an adversary adversary_cross_entropy and
    group_entropy, the cross-entropy of who knows nothing but the size of the group.
    """
    x, condition, group = (torch.stack(list(tensors)) for tensors in (x, condition, group))
    data = x, condition, group.to(x.dtype).unsqueeze(2)
    m = x.shape[2]
    networks = MLP((m, *hidden, 2 * latent)), MLP((latent + condition.shape[2], *reversed(hidden), m))
    groups, noise = [(networks, learning_rate, weight_decay)], latent
    if adversary is not None:
        critic = MLP((latent, *adversary.hidden, 1), activation="sigmoid")
        groups.insert(0, ([critic], adversary.learning_rate, weight_decay))
        noise = 2 * latent

    def gradients(epoch: int, networks: Sequence[MLP], data: Sequence[Tensor]) -> Iterator[None]:
        return _gradients(networks, data, kl_weight * epoch / epochs, adversary)

    def losses(networks: Sequence[MLP], data: Sequence[Tensor]) -> dict[str, float]:
        return _losses(networks, data, kl_weight * (epochs - 1) / epochs)

    fitted = train_stacks(groups, data, noise, generators, batch, epochs, gradients, losses, "VAE")
    return [(VAE(encoder, decoder, latent), losses) for (*_, encoder, decoder), losses in fitted]


def _gradients(
    networks: Sequence[MLP], data: Sequence[Tensor], beta: float, adversary: Adversary | None
) -> Iterator[None]:
    *critics, encoder, decoder = networks
    x, condition, label, noise = data
    mean, log_variance = encoder.forward(x).chunk(2, -1)
    deviation = torch.exp(0.5 * log_variance)
    for critic in critics:
        logit = critic.forward(mean + deviation * noise[..., : mean.shape[-1]])
        critic.backward(torch.sigmoid(logit).sub_(label), inputs=False)
        yield
    spread = deviation * noise[..., -mean.shape[-1] :]
    z = mean + spread
    output = decoder.forward(torch.cat([z, condition], -1))
    gradient_z = decoder.backward(torch.sigmoid(output).sub_(x))[..., : z.shape[-1]]
    for critic in critics:
        logit = critic.forward(z)
        probability = torch.sigmoid(logit)
        if adversary.cross_entropy:  # d(-γ CE)/d(logit) = γ (y - p)
            push = (label - probability).mul_(adversary.weight)
        else:  # d(-γ H)/d(logit) = γ logit p (1 - p)
            push = torch.ops.aten.sigmoid_backward(logit, probability).mul_(adversary.weight)
        gradient_z = gradient_z + critic.backward(push, weights=False)
    of_log_variance = gradient_z.mul(spread).addcmul_(deviation, deviation, value=beta).sub_(beta).mul_(0.5)
    encoder.backward(torch.cat([torch.add(gradient_z, mean, alpha=beta), of_log_variance], -1), inputs=False)
    yield


def _losses(networks: Sequence[MLP], data: Sequence[Tensor], beta: float) -> dict[str, float]:
    *critics, encoder, decoder = networks
    x, condition, label, noise = data
    mean, log_variance = encoder(x).chunk(2, -1)
    z = mean + torch.exp(0.5 * log_variance) * noise[:, -mean.shape[1] :]
    decoded = torch.sigmoid(decoder(torch.cat([z, condition], 1)))
    reconstruction = binary_cross_entropy(decoded, x, reduction="sum").item() / len(x)
    kl = 0.5 * (log_variance.exp() + mean * mean - 1 - log_variance).sum().item() / len(x)
    losses = {"reconstruction": reconstruction, "kl": kl, "elbo": reconstruction + beta * kl}
    for critic in critics:
        losses["adversary_cross_entropy"] = binary_cross_entropy_with_logits(critic(z), label).item()
        losses["group_entropy"] = Bernoulli(label.mean()).entropy().item()
    return losses
