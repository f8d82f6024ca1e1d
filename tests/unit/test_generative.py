"""Hand-written gradients, optimisers and training against torch's own, and that density models learn what they are for.

Training is that of `benchmarks/references.py`, by autograd.
"""

import math
from itertools import product
from types import SimpleNamespace
from unittest import mock

import pytest
import references
import torch
from common import options
from references import plain
from torch.distributions import Normal
from torch.nn.functional import binary_cross_entropy_with_logits

from recourse_segregation import methods
from recourse_segregation.generative import csvae, mdn, vae
from recourse_segregation.network import MLP, Adam, Parameters, RMSprop, batches
from recourse_segregation.seeds import torch_generator

VAE = {"latent": 2, "kl_weight": 0.3, "batch": 32, "learning_rate": 1e-3, "weight_decay": 1e-6}
CSVAE = {**methods.load("cruds")(**options("cruds")).training, "hidden": 16}
MDN = {"components": 5, "hidden": (16, 16), "learning_rate": 5e-3, "floor": 1e-2}


def drawn(*sizes: int, activation: str = "relu", seed: int = 0) -> MLP:
    network = MLP(sizes, activation)
    Parameters(network, generator=torch.Generator().manual_seed(seed))
    return network


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def gradients(network: MLP) -> list[torch.Tensor]:
    """Those of weights [out, in] and biases, layer by layer."""
    return [
        part
        for _, of_weight, transposed, of_bias in network._backward
        for part in (of_weight if transposed else of_weight.t(), of_bias)
    ]


every_network = pytest.mark.parametrize(
    ("sizes", "activation"), [*product([(3, 2), (3, 7, 2), (5, 3, 8, 4)], ["relu", "sigmoid", "tanh"])]
)


@every_network
def test_gradients_equal_autograd(activation, sizes):
    network = drawn(*sizes, activation=activation)
    model = plain(network).requires_grad_()
    x = noise(6, sizes[0]).requires_grad_()
    model(x).square().sum().backward()
    with torch.inference_mode():
        output = network.forward(x.detach().clone())
        torch.testing.assert_close(output, model(x).detach())
        torch.testing.assert_close(network(x.detach().clone()), output)
        torch.testing.assert_close(network.backward(2 * output), x.grad)
        torch.testing.assert_close(gradients(network), [weight.grad for weight in model.parameters()])
        for ours in gradients(network):
            ours.zero_()
        network.forward(x.detach().clone())
        network.backward(2 * output, weights=False)
        assert not any(ours.any() for ours in gradients(network))
        assert network.backward(2 * output, inputs=False) is None


@pytest.mark.parametrize("common", [0, 1, 2])
@every_network
def test_many_rows_around_what_is_common_to_them(sizes, activation, common):
    network = drawn(*sizes, activation=activation)
    x, shared = noise(6, 11, sizes[0] - common), noise(6, common, seed=2)
    with torch.inference_mode():
        expected = network(torch.cat([x, shared.unsqueeze(1).expand(-1, 11, -1)], 2).flatten(0, 1))
        torch.testing.assert_close(network.around(x, shared), expected.view(6, 11, -1))


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [(Adam, torch.optim.Adam, {"weight_decay": 0.1}), (Adam, torch.optim.Adam, {}), (RMSprop, torch.optim.RMSprop, {})],
)
def test_optimisers_equal_torch(ours, theirs, options):
    parameters = Parameters(MLP((4, 3)), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    reference = torch.nn.Parameter(parameters.values.clone())
    step, optimiser = ours(parameters, 0.01, **options), theirs([reference], lr=0.01, **options)
    for i in range(20):
        reference.grad = noise(*reference.shape, seed=i).double()
        parameters.gradients.copy_(reference.grad)
        optimiser.step()
        with torch.inference_mode():
            step.step()
    torch.testing.assert_close(parameters.values, reference.detach(), rtol=1e-10, atol=1e-12)


def test_weights_start_uniform_in_one_over_root_fan_in():
    weight, bias = drawn(100, 50, 2).layers[0]
    assert 0.099 < weight.abs().max() <= 0.1
    assert bias.abs().max() <= 0.1


def adversary(weight: float, cross_entropy: bool = False) -> vae.Adversary:
    return vae.Adversary(weight, (8, 8, 8), 0.01, cross_entropy)


def data(n: int = 96, m: int = 4, seed: int = 0):
    generator = torch_generator(seed, "data")
    x = torch.rand(n, m, generator=generator)
    group = (torch.rand(n, generator=generator) < 0.4).float()
    condition = torch.stack([group, (torch.rand(n, generator=generator) < 0.5).float()], 1)
    return x, condition, group


def by_autograd(train, *given, networks: list[MLP], noise: int = 0, dtype=torch.float32, cross_entropy: bool = False):
    """The model that a loop of `references` trains from the weights and with the draws of seed 1 of ours.

    networks: in the order of their drawing. noise: columns of which two are drawn for each code of a person.
    cross_entropy: pay for the error of the adversary, not for its doubt.
    """
    generator = torch_generator(1)
    Parameters(*networks, generator=generator, dtype=dtype)
    modules = iter([plain(network).requires_grad_() for network in networks])
    draws, labels = [], []

    def loader(batch: int, *tensors: torch.Tensor):
        n = len(tensors[0])
        for *rows, drawn in batches(n, batch, generator, *tensors, torch.randn(n, noise, generator=generator)):
            draws[:], labels[:] = drawn.split(2, 1), rows[-1:]
            yield rows

    def error(logits: torch.Tensor):
        return SimpleNamespace(entropy=lambda: binary_cross_entropy_with_logits(logits, labels[0], reduction="none"))

    with (
        mock.patch.multiple(references, mlp=lambda *_: next(modules), loader=loader),
        mock.patch.object(references, "Bernoulli", error if cross_entropy else references.Bernoulli),
        # none is left for the losses that are reported at the end
        mock.patch.object(Normal, "rsample", lambda code: code.mean + code.stddev * (draws.pop(0) if draws else 0)),
    ):
        return train(*given)[0]


def same(ours, theirs, *parts: str, tolerance: float = 2e-4) -> None:
    for part in parts:
        own, other = plain(getattr(ours, part)).state_dict(), getattr(theirs, part).state_dict()
        torch.testing.assert_close(own, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("adversarial", ["", "entropy", "cross-entropy"])
def test_vae_trains_as_autograd_does(adversarial):
    x, condition, group = data()
    chosen = VAE | {"hidden": (16, 8), "kl_weight": 0.7, "epochs": 3, "learning_rate": 1e-2, "weight_decay": 1e-3}
    error = adversarial == "cross-entropy"
    rival = adversary(3.0, error) if adversarial else None
    [(ours, _)] = vae.train([x], [condition], [torch_generator(1)], [group], **chosen, adversary=rival)
    chosen |= {"adversary_weight": 3.0, "adversary_hidden": (8, 8, 8), "adversary_learning_rate": 0.01}
    given = x, condition, chosen, group if adversarial else None
    networks = [MLP((2, 8, 8, 8, 1), "sigmoid"), MLP((4, 16, 8, 4)), MLP((4, 8, 16, 4))][0 if adversarial else 1 :]
    columns = 4 if adversarial else 2
    theirs = by_autograd(references.train_vae, *given, networks=networks, noise=columns, cross_entropy=error)
    same(ours, theirs, "encoder", "decoder")


def test_csvae_trains_as_autograd_does():
    x, condition, label = data()
    [(ours, _)] = csvae.train([x], [condition], [label], [torch_generator(1)], **CSVAE | {"epochs": 3})
    given = x, condition, options("cruds", hidden=16, epochs=3), label
    networks = [MLP(sizes) for sizes in ((4, 16, 4), (5, 16, 4), (1, 4), (6, 16, 4), (4, 16, 1))]
    theirs = by_autograd(references.train_csvae, *given, networks=networks, noise=4)
    same(ours, theirs, "encoder", "prior", "decoder")


def test_mdn_trains_as_autograd_does():
    x, condition, _ = data()
    chosen = MDN | {"hidden": (6,), "epochs": 4, "learning_rate": 1e-2}
    ours, _ = mdn.train(x, condition, torch_generator(1), **chosen)
    given, networks = (x, condition, chosen | {"deviation_floor": 1e-2}), [MLP((2, 6, 5 * 9), "tanh")]
    theirs = by_autograd(references.train_mdn, *given, networks=networks, dtype=torch.float64)
    same(ours, theirs, "network", tolerance=1e-8)
    theirs.network = plain(ours.network)
    for profile in condition.unique(dim=0):
        density = ours.log_density(x, profile)
        torch.testing.assert_close(density, theirs.log_density(x, profile), rtol=1e-9, atol=1e-9)


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
            torch.testing.assert_close(getattr(alone, part).layers, getattr(beside, part).layers, rtol=0, atol=0)
    assert not torch.equal(*(model.encoder.layers[0][0] for model, _ in together[:2]))


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
    assert losses["adversary_cross_entropy"] > 0.6


def test_a_latent_that_carries_nothing_leaves_the_adversary_at_the_entropy_of_the_group():
    x, condition, group = data(256)
    chosen = {"hidden": (16,), "kl_weight": 5.0, "epochs": 60, "adversary": adversary(0.0), "group": [group]}
    [(_, losses)] = vae.train([x], [condition], [torch_generator(1)], **VAE | chosen)
    share = group.mean().item()
    assert losses["group_entropy"] == pytest.approx(-share * math.log(share) - (1 - share) * math.log(1 - share))
    assert losses["adversary_cross_entropy"] == pytest.approx(losses["group_entropy"], abs=0.02)
    assert losses["kl"] < 0.01
    assert losses["elbo"] == pytest.approx(losses["reconstruction"] + 5 * 59 / 60 * losses["kl"])
    [(_, losses)] = csvae.train([x], [condition], [group], [torch_generator(1)], **CSVAE | {"epochs": 10})
    assert losses["adversary_cross_entropy"] < losses["label_entropy"] / 2, "the label is one of the immutables it sees"
