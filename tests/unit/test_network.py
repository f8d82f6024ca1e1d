"""Explicit gradients and optimisers against torch's own."""

from __future__ import annotations

import pytest
import torch

from recourse_segregation.network import MLP, Adam, Parameters, RMSprop


def twin(network: MLP) -> tuple[torch.nn.Sequential, list[torch.nn.Parameter]]:
    """The same network in torch, with autograd."""
    units = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh}[network.activation]
    layers = []
    for weight, bias in network.layers:
        layer = torch.nn.Linear(*weight.shape)
        layer.weight.data, layer.bias.data = weight.t().clone(), bias.clone()
        layers += [layer, units()]
    model = torch.nn.Sequential(*layers[:-1])
    return model, list(model.parameters())


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("sizes", [(3, 2), (3, 7, 2), (5, 3, 8, 4)])
def test_gradients_equal_autograd(activation, sizes):
    network = MLP(sizes, activation)
    parameters = Parameters(network, generator=torch.Generator().manual_seed(0))
    model, weights = twin(network)
    x = torch.randn(6, sizes[0], generator=torch.Generator().manual_seed(1), requires_grad=True)
    loss = model(x).square().sum()
    loss.backward()
    with torch.inference_mode():
        output = network.forward(x.detach().clone())
        torch.testing.assert_close(output, model(x).detach())
        torch.testing.assert_close(network(x.detach().clone()), output)
        at_input = network.backward(2 * output)
        torch.testing.assert_close(at_input, x.grad)
        flat = torch.cat(
            [
                part.flatten()
                for _, of_weight, transposed, of_bias in network._backward
                for part in (of_weight if transposed else of_weight.t(), of_bias)
            ]
        )
        torch.testing.assert_close(flat, torch.cat([w.grad.flatten() for w in weights]))
        parameters.gradients.zero_()
        network.forward(x.detach().clone())
        network.backward(2 * output, weights=False)
        assert not parameters.gradients.any()
        assert network.backward(2 * output, inputs=False) is None


@pytest.mark.parametrize("common", [0, 1, 2])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("sizes", [(3, 2), (3, 7, 2), (5, 3, 8, 4)])
def test_many_rows_around_what_is_common_to_them(sizes, activation, common):
    network = MLP(sizes, activation)
    Parameters(network, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(6, 11, sizes[0] - common, generator=generator)
    shared = torch.randn(6, common, generator=generator)
    with torch.inference_mode():
        expected = network(torch.cat([x, shared.unsqueeze(1).expand(-1, 11, -1)], 2).flatten(0, 1))
        torch.testing.assert_close(network.around(x, shared), expected.view(6, 11, -1))


@pytest.mark.parametrize("sizes", [(3, 2), (3, 7, 2), (5, 3, 8, 1)])
def test_a_stack_computes_what_its_members_would_alone(sizes):
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    stack = MLP(sizes)
    Parameters(stack, generator=generators)
    x = torch.randn(3, 32, sizes[0], generator=torch.Generator().manual_seed(9))
    with torch.inference_mode():
        output = stack.forward(x)
        at_input = stack.backward(2 * output)
        for i in range(3):
            alone = MLP(sizes)
            Parameters(alone, generator=torch.Generator().manual_seed(i))
            member = stack[i]
            for ours, theirs in zip(alone.layers, member.layers, strict=True):
                assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
            torch.testing.assert_close(alone.forward(x[i]), output[i])
            torch.testing.assert_close(alone.backward(2 * output[i]), at_input[i])
            for (_, ours, _, ours_bias), (_, theirs, _, theirs_bias) in zip(
                alone._backward, member._backward, strict=True
            ):
                torch.testing.assert_close(ours, theirs)
                torch.testing.assert_close(ours_bias, theirs_bias)


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (Adam, torch.optim.Adam, {"weight_decay": 0.1}),
        (Adam, torch.optim.Adam, {}),
        (RMSprop, torch.optim.RMSprop, {}),
    ],
)
def test_optimisers_equal_torch(ours, theirs, options):
    network = MLP((4, 3))
    parameters = Parameters(network, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    reference = torch.nn.Parameter(parameters.values.clone())
    step, optimiser = ours(parameters, 0.01, **options), theirs([reference], lr=0.01, **options)
    generator = torch.Generator().manual_seed(1)
    for _ in range(20):
        gradient = torch.randn(reference.shape, generator=generator, dtype=torch.float64)
        reference.grad = gradient.clone()
        parameters.gradients.copy_(gradient)
        optimiser.step()
        with torch.inference_mode():
            step.step()
    torch.testing.assert_close(parameters.values, reference.detach(), rtol=1e-10, atol=1e-12)


def test_unknown_activation():
    with pytest.raises(ValueError, match="gelu"):
        MLP((2, 2), "gelu")


def test_weights_start_uniform_in_one_over_root_fan_in():
    network = MLP((100, 50, 2))
    Parameters(network, generator=torch.Generator().manual_seed(0))
    weight, bias = network.layers[0]
    assert weight.abs().max() <= 0.1
    assert weight.abs().max() > 0.099
    assert bias.abs().max() <= 0.1
