"""Explicit gradients and optimisers against torch's own."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from references import plain

from recourse_segregation.network import MLP, Adam, Parameters, RMSprop


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


def test_an_unknown_activation_is_named():
    with pytest.raises(KeyError, match="gelu"):
        MLP((2, 2), "gelu")


def test_weights_start_uniform_in_one_over_root_fan_in():
    weight, bias = drawn(100, 50, 2).layers[0]
    assert 0.099 < weight.abs().max() <= 0.1
    assert bias.abs().max() <= 0.1
