"""A conditional subspace variational autoencoder (Klys et al. 2018), the density model of CRUDS.

Latent z for what the label does not explain, latent w for what it does; an adversary tries to read the label
from z and the encoder is paid for its confusion.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from ..network import MLP, Adam, Parameters, batches


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

    def decode(self, z: Tensor, w: Tensor, condition: Tensor) -> Tensor:
        """[n, latent], [n, latent], [n, c] -> [n, m], not bounded."""
        return self.decoder(torch.cat([z, w, condition], 1))

    def decode_with_gradient(self, z: Tensor, w: Tensor, condition: Tensor):
        """As `decode`, with the function that turns dL/dx [n, m] into dL/dw [n, latent]."""
        x = self.decoder.forward(torch.cat([z, w, condition], 1))

        def gradient(of_x: Tensor) -> Tensor:
            return self.decoder.backward(of_x, weights=False)[:, self.latent : 2 * self.latent]

        return x, gradient


@torch.inference_mode()
def train(
    x: Tensor,
    condition: Tensor,
    label: Tensor,
    generator: torch.Generator,
    hidden: int = 256,
    latent: int = 2,
    epochs: int = 100,
    batch: int = 32,
    learning_rate: float = 5e-3,
    reconstruction_weight: float = 40.0,
    z_weight: float = 0.2,
    w_weight: float = 1.0,
    entropy_weight: float = 110.0,
    adversary_weight: float = 100.0,
) -> tuple[CSVAE, dict[str, float]]:
    """Fit a CSVAE.

    x: mutable features [n, m]. condition: immutable features [n, c]. label: 0/1 [n]. Each batch: one Adam step
    on 40 MSE + 0.2 KL(q(z|x) || N(0, I)) + KL(q(w|x,y) || p(w|y)) + 110 negative entropy of the adversary,
    then one of the adversary on 100 cross-entropy (all batch means).

    Returns the CSVAE and its final losses (reconstruction = MSE, kl_z, kl_w, adversary).
    """
    device, (n, m) = x.device, x.shape
    y = label.to(x.dtype).view(-1, 1)
    x_to_z = MLP((m, hidden, 2 * latent))
    xy_to_w = MLP((m + 1, hidden, 2 * latent))
    # ASSUME: for a binary label, a network from y to (mean, log variance) of w is a table of two rows.
    y_to_w = MLP((1, 2 * latent))
    decoder = MLP((2 * latent + condition.shape[1], hidden, m))
    parameters = Parameters(x_to_z, xy_to_w, y_to_w, decoder, generator=generator, device=device)
    optimiser = Adam(parameters, learning_rate)
    critic = MLP((latent, hidden, 1))
    critic_parameters = Parameters(critic, generator=generator, device=device)
    critic_optimiser = Adam(critic_parameters, learning_rate)

    for _ in range(epochs):
        noise = torch.randn(n, 2 * latent, generator=generator).to(device)
        for part, given, wanted, eps in batches(n, batch, generator, x, condition, y, noise):
            rows = len(part)
            code = x_to_z.forward(part)
            z_mean, z_log = code[:, :latent], code[:, latent:]
            z_spread = torch.exp(0.5 * z_log).mul_(eps[:, :latent])
            code = xy_to_w.forward(torch.cat([part, wanted], 1))
            w_mean, w_log = code[:, :latent], code[:, latent:]
            w_spread = torch.exp(0.5 * w_log).mul_(eps[:, latent:])
            prior = y_to_w.forward(wanted)
            p_mean, p_log = prior[:, :latent], prior[:, latent:]
            z, w = z_mean + z_spread, w_mean + w_spread

            output = decoder.forward(torch.cat([z, w, given], 1))
            gradient = decoder.backward(output.sub_(part).mul_(2 * reconstruction_weight / (rows * m)))
            logit = critic.forward(z)
            probability = torch.sigmoid(logit)
            # d(-H)/d(logit) = logit p (1 - p)
            push = torch.ops.aten.sigmoid_backward(logit, probability).mul_(entropy_weight / rows)
            gradient_z = gradient[:, :latent] + critic.backward(push, weights=False)
            gradient_w = gradient[:, latent : 2 * latent]

            a, b = z_weight / rows, w_weight / rows
            of_log = gradient_z.mul(z_spread).add_(z_log.exp().sub_(1), alpha=a).mul_(0.5)
            x_to_z.backward(torch.cat([torch.add(gradient_z, z_mean, alpha=a), of_log], 1), inputs=False)
            precision = torch.exp(-p_log)
            distance = w_mean - p_mean
            shift = distance * precision
            excess = torch.exp(w_log).mul_(precision).sub_(1)
            of_log = gradient_w.mul(w_spread).add_(excess, alpha=b).mul_(0.5)
            xy_to_w.backward(torch.cat([torch.add(gradient_w, shift, alpha=b), of_log], 1), inputs=False)
            of_log = torch.addcmul(excess, shift, distance).mul_(-0.5 * b)
            y_to_w.backward(torch.cat([shift.mul_(-b), of_log], 1), inputs=False)
            optimiser.step()
            critic.backward((probability - wanted).mul_(adversary_weight / rows), inputs=False)
            critic_optimiser.step()

    model = CSVAE(x_to_z, decoder, y_to_w, latent)
    code_z, code_w, prior = x_to_z(x), xy_to_w(torch.cat([x, y], 1)), y_to_w(y)
    z_mean, z_log, w_mean, w_log = *code_z.split(latent, 1), *code_w.split(latent, 1)
    p_mean, p_log = prior.split(latent, 1)
    noise = torch.randn(n, 2 * latent, generator=generator).to(device)
    z = z_mean + torch.exp(0.5 * z_log) * noise[:, :latent]
    w = w_mean + torch.exp(0.5 * w_log) * noise[:, latent:]
    kl_w = p_log - w_log + (w_log.exp() + (w_mean - p_mean).square()) * torch.exp(-p_log) - 1
    return model, {
        "reconstruction": mse_loss(model.decode(z, w, condition), x).item(),
        "kl_z": 0.5 * (z_log.exp() + z_mean.square() - 1 - z_log).sum().item() / n,
        "kl_w": 0.5 * kl_w.sum().item() / n,
        "adversary": binary_cross_entropy_with_logits(critic(z), y).item(),
    }
