"""The density models' hand-written gradients against autograd, and that they learn what they are for."""

from __future__ import annotations

import math

import pytest
import torch
from references import plain
from torch.distributions import Bernoulli, Categorical, Independent, MixtureSameFamily, Normal, kl_divergence
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import mse_loss

from conftest import options
from recourse_segregation import methods
from recourse_segregation.generative import csvae, mdn, vae
from recourse_segregation.network import MLP, Parameters, batches
from recourse_segregation.seeds import torch_generator

VAE = {"latent": 2, "kl_weight": 0.3, "batch": 32, "learning_rate": 1e-3, "weight_decay": 1e-6}
CSVAE = {**methods.load("cruds")(**options("cruds")).training, "hidden": 16}
MDN = {"components": 5, "hidden": (16, 16), "learning_rate": 5e-3, "floor": 1e-2}


def adversary(weight: float, cross_entropy: bool = False) -> vae.Adversary:
    return vae.Adversary(weight, (8, 8, 8), 0.01, cross_entropy)


def data(n: int = 96, m: int = 4, seed: int = 0):
    generator = torch_generator(seed, "data")
    x = torch.rand(n, m, generator=generator)
    group = (torch.rand(n, generator=generator) < 0.4).float()
    condition = torch.stack([group, (torch.rand(n, generator=generator) < 0.5).float()], 1)
    return x, condition, group


def modules(*networks: MLP, generator: torch.Generator, dtype=torch.float32) -> torch.nn.ModuleList:
    """The networks for autograd, with the initial weights that `Parameters` would draw."""
    Parameters(*networks, generator=generator, dtype=dtype)
    return torch.nn.ModuleList(map(plain, networks)).requires_grad_()


def adam(model: torch.nn.Module, learning_rate: float, weight_decay: float = 0.0) -> torch.optim.Adam:
    return torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay)


def same(ours: list[MLP], theirs: list[torch.nn.Module], tolerance: float = 2e-4) -> None:
    for own, module in zip(map(plain, ours), theirs, strict=True):
        torch.testing.assert_close(own.state_dict(), module.state_dict(), rtol=tolerance, atol=tolerance)


def descend(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def entropy(logit: torch.Tensor) -> torch.Tensor:
    return Bernoulli(logits=logit).entropy()


def gaussian(code: torch.Tensor) -> Normal:
    mean, log_variance = code.chunk(2, 1)
    return Normal(mean, torch.exp(0.5 * log_variance))


@pytest.mark.parametrize("adversarial", ["", "entropy", "cross-entropy"])
def test_vae_trains_as_autograd_does(adversarial):
    x, condition, group = data()
    chosen = {"hidden": (16, 8), "kl_weight": 0.7, "epochs": 3, "learning_rate": 1e-2, "weight_decay": 1e-3}
    rivalry = adversary(3.0, adversarial == "cross-entropy") if adversarial else None
    given = [x], [condition], [torch_generator(1)]
    [(ours, _)] = vae.train(*given, **VAE | chosen, adversary=rivalry, group=[group])

    generator = torch_generator(1)
    encoder, decoder = model = modules(MLP((4, 16, 8, 4)), MLP((4, 8, 16, 4)), generator=generator)
    optimiser = adam(model, 1e-2, 1e-3)
    if adversarial:
        [critic] = modules(MLP((2, 8, 8, 8, 1), "sigmoid"), generator=generator)
        rival_optimiser = adam(critic, 0.01)
    for epoch in range(3):
        noise = torch.randn(len(x), 2, generator=generator)
        for part, given, eps, label in batches(len(x), 32, generator, x, condition, noise, group.view(-1, 1)):
            q = gaussian(encoder(part))
            z = q.mean + q.stddev * eps
            loss = cross_entropy(decoder(torch.cat([z, given], 1)), part, reduction="sum")
            loss = loss + 0.7 * epoch / 3 * kl_divergence(q, Normal(0.0, 1.0)).sum()
            if adversarial == "entropy":
                loss = loss - 3.0 * entropy(critic(z)).sum()
            elif adversarial == "cross-entropy":
                loss = loss - 3.0 * cross_entropy(critic(z), label, reduction="sum")
            descend(optimiser, loss)
            if adversarial:
                descend(rival_optimiser, cross_entropy(critic(z.detach()), label))
    same([ours.encoder, ours.decoder], model)


def test_csvae_trains_as_autograd_does():
    x, condition, label = data()
    [(ours, _)] = csvae.train([x], [condition], [label], [torch_generator(1)], **CSVAE | {"epochs": 3})

    generator = torch_generator(1)
    networks = MLP((4, 16, 4)), MLP((5, 16, 4)), MLP((1, 4)), MLP((6, 16, 4))
    x_to_z, xy_to_w, y_to_w, decoder = model = modules(*networks, generator=generator)
    [critic] = modules(MLP((2, 16, 1)), generator=generator)
    optimiser, rival_optimiser = adam(model, 5e-3), adam(critic, 5e-3)
    for _ in range(3):
        noise = torch.randn(len(x), 4, generator=generator)
        for part, given, wanted, eps in batches(len(x), 32, generator, x, condition, label.view(-1, 1), noise):
            q_z, q_w = gaussian(x_to_z(part)), gaussian(xy_to_w(torch.cat([part, wanted], 1)))
            z, w = q_z.mean + q_z.stddev * eps[:, :2], q_w.mean + q_w.stddev * eps[:, 2:]
            loss = (
                40 * mse_loss(decoder(torch.cat([z, w, given], 1)), part)
                + 0.2 * kl_divergence(q_z, Normal(0.0, 1.0)).sum(1).mean()
                + kl_divergence(q_w, gaussian(y_to_w(wanted))).sum(1).mean()
                - 110 * entropy(critic(z)).mean()
            )
            descend(optimiser, loss)
            descend(rival_optimiser, 100 * cross_entropy(critic(z.detach()), wanted))
    same([ours.encoder, ours.prior, ours.decoder], [x_to_z, y_to_w, decoder])


def test_mdn_trains_as_autograd_does():
    x, condition, _ = data()
    chosen = {"hidden": (6,), "epochs": 4, "learning_rate": 1e-2}
    ours, _ = mdn.train(x, condition, torch_generator(1), **MDN | chosen)

    [network] = model = modules(MLP((2, 6, 5 * 9), "tanh"), generator=torch_generator(1), dtype=torch.float64)
    optimiser = adam(model, 1e-2)
    inputs = (condition.double() - ours.condition_mean) / ours.condition_scale
    scaled = (x.double() - ours.x_mean) / ours.x_scale
    for _ in range(5):
        output = network(inputs.clone())
        mean, log_scale = output[:, 5:].view(-1, 2, 5, 4).unbind(1)
        parts = Independent(Normal(mean, log_scale.exp() + 1e-2), 1)
        mixture = MixtureSameFamily(Categorical(logits=output[:, :5]), parts)
        descend(optimiser, -mixture.log_prob(scaled.clone()).mean())
    same([ours.network], model, 1e-8)


@pytest.mark.parametrize("model", ["vae", "vae with an adversary", "csvae"])
@pytest.mark.parametrize(("n", "m", "batch"), [(96, 9, 32), (90, 4, 32), (130, 2, 64), (75, 13, 20), (70, 57, 32)])
@pytest.mark.parametrize("members", [2, 5])
def test_what_a_seed_gets_does_not_depend_on_the_others(model, n, m, batch, members):
    """Bit by bit, also where batches do not fill vector registers, and for one output (the adversary's)."""
    samples = [data(n, m, seed) for seed in range(members)]

    def train(chosen: list[int]):
        x, condition, group = zip(*(samples[seed] for seed in chosen), strict=True)
        generators = [torch_generator(seed) for seed in chosen]
        quick = {"epochs": 3, "batch": batch}
        if model == "csvae":
            return csvae.train(x, condition, group, generators, **CSVAE | quick | {"hidden": 24})
        rivalry = adversary(20.0) if model == "vae with an adversary" else None
        return vae.train(x, condition, generators, **VAE | quick, hidden=(24, 16), adversary=rivalry, group=group)

    together = train(list(range(members)))
    for seed in range(members):
        (alone, losses), (beside, losses_beside) = train([seed])[0], together[seed]
        assert losses == losses_beside
        for part in ("encoder", "decoder"):
            assert all(map(torch.equal, weights_of(getattr(alone, part)), weights_of(getattr(beside, part))))
    assert not torch.equal(*(weights_of(model.encoder)[0] for model, _ in together[:2]))


def weights_of(network: MLP) -> list[torch.Tensor]:
    return [part for layer in network.layers for part in layer]


def test_mdn_recovers_a_known_density():
    generator = torch_generator(2)
    condition = (torch.rand(4000, 1, generator=generator) < 0.5).float()
    x = 0.5 + 0.1 * torch.randn(4000, 2, generator=generator) + 0.2 * condition
    model, losses = mdn.train(x, condition, generator, **MDN | {"components": 4, "epochs": 400})
    true = math.log(2 * math.pi * math.e * 0.1**2)  # entropy of the two Gaussian coordinates
    assert losses["negative_log_likelihood"] == pytest.approx(true, abs=0.05)
    for value in (0.0, 1.0):
        profile = torch.tensor([value])
        sample = model.sample(20_000, profile, generator)
        assert sample.mean(0).sub(0.5 + 0.2 * value).abs().max() < 0.02
        assert sample.std(0).sub(0.1).abs().max() < 0.02
        assert -model.log_density(sample, profile).mean().item() == pytest.approx(true, abs=0.05)


def test_mdn_survives_a_constant_and_a_discrete_feature():
    generator = torch_generator(3)
    x = torch.stack([torch.rand(300, generator=generator).round(), torch.full((300,), 0.25)], 1)
    model, losses = mdn.train(x, torch.zeros(300, 1), generator, **MDN, epochs=200)
    assert math.isfinite(losses["negative_log_likelihood"])
    assert torch.isfinite(model.sample(100, torch.zeros(1), generator)).all()


def test_vae_learns_and_its_adversary_forgets_the_group():
    generator = torch_generator(4)
    group = (torch.rand(2000, generator=generator) < 0.5).float()
    x = (0.3 + 0.4 * group.view(-1, 1) + 0.05 * torch.randn(2000, 3, generator=generator)).clamp(0, 1)

    def separation(rivalry: vae.Adversary | None):
        chosen = {"hidden": (32,), "kl_weight": 0.1, "epochs": 30, "adversary": rivalry, "group": [group]}
        [(model, losses)] = vae.train([x], [x.new_zeros(2000, 0)], [torch_generator(5)], **VAE | chosen)
        with torch.inference_mode():
            z = model.encode(x)
        return (z[group == 1].mean(0) - z[group == 0].mean(0)).norm() / z.std(), losses

    (plain, _), (blind, losses) = separation(None), separation(adversary(50.0))
    assert plain > 1
    assert blind < 0.5 * plain
    assert losses["adversary"] > 0.6
