"""Small multilayer perceptrons with explicit gradients.

The networks here have a few thousand weights and see batches of 32: the cost of a training step is the
number of tensor operations, not arithmetic. So all weights of a model share one flat vector (one optimiser
update each step), each layer's gradient is written out rather than recorded by autograd, and a weight matrix
is stored with its wider dimension contiguous, which makes thin matrix products up to four times as fast. Call
everything under `torch.inference_mode()`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class MLP:
    """x [n, sizes[0]] -> W_k(... act(W_1 x + b_1) ...) + b_k [n, sizes[-1]]; the last layer is linear.

    activation: `relu`, `sigmoid` or `tanh`. `layers` holds a weight [in, out] and a bias [out] each; `Parameters` binds
    them.
    """

    def __init__(self, sizes: Sequence[int], activation: str = "relu"):
        if activation not in _ACTIVATIONS:
            raise ValueError(f"unknown activation {activation!r}")
        self.sizes = tuple(sizes)
        self.activation = activation
        self.layers: list[tuple[Tensor, Tensor]] = []
        self._activate, self._deactivate = _ACTIVATIONS[activation]
        # Per layer: the weight transposed, its gradient as it is stored and whether that is transposed, and the bias's.
        self._backward: list[tuple[Tensor, Tensor, bool, Tensor]] = []
        self._inputs: list[Tensor] = []

    def bind(self, values: Tensor, gradients: Tensor) -> None:
        """Take one layer's weight and bias from flat vectors, the wider dimension of the weight contiguous."""
        a, b = self.sizes[len(self.layers)], self.sizes[len(self.layers) + 1]
        weight, gradient = values[: a * b], gradients[: a * b]
        transposed = a > b
        weight = weight.view(b, a).t() if transposed else weight.view(a, b)
        gradient = gradient.view(b, a) if transposed else gradient.view(a, b)
        self.layers.append((weight, values[a * b :]))
        self._backward.append((weight.t(), gradient, transposed, gradients[a * b :]))

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs, nothing remembered."""
        for weight, bias in self.layers[:-1]:
            x = self._activate(torch.addmm(bias, x, weight))
        weight, bias = self.layers[-1]
        return torch.addmm(bias, x, weight)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs; the activations are kept for `backward`."""
        self._inputs = [x]
        for weight, bias in self.layers[:-1]:
            x = self._activate(torch.addmm(bias, x, weight))
            self._inputs.append(x)
        weight, bias = self.layers[-1]
        return torch.addmm(bias, x, weight)

    def backward(self, gradient: Tensor, weights: bool = True, inputs: bool = True) -> Tensor | None:
        """From dL/d(output) [n, sizes[-1]] to dL/d(input) [n, sizes[0]], for the last `forward`.

        weights: overwrite the weights' gradients (otherwise leave them). inputs: return dL/d(input).
        """
        for i in range(len(self.layers) - 1, -1, -1):
            x = self._inputs[i]
            transpose, of_weight, transposed, of_bias = self._backward[i]
            if weights:
                if transposed:
                    torch.mm(gradient.t(), x, out=of_weight)
                else:
                    torch.mm(x.t(), gradient, out=of_weight)
                torch.sum(gradient, 0, out=of_bias)
            if i == 0:
                return torch.mm(gradient, transpose) if inputs else None
            gradient = self._deactivate(torch.mm(gradient, transpose), x)


#: name -> the activation in place, and dL/dx from dL/d(activation) and the activation
_ACTIVATIONS = {
    "relu": (torch.relu_, lambda gradient, h: torch.ops.aten.threshold_backward(gradient, h, 0)),
    "sigmoid": (torch.sigmoid_, lambda gradient, h: torch.ops.aten.sigmoid_backward(gradient, h)),
    "tanh": (torch.tanh_, lambda gradient, h: torch.ops.aten.tanh_backward(gradient, h)),
}


class Parameters:
    """One flat vector of weights (and one of gradients) behind several MLPs.

    With a generator, weights and biases start uniform in +-1/sqrt(fan-in), torch's own choice for a linear layer;
    without one they are 0.
    """

    def __init__(
        self,
        *networks: MLP,
        generator: torch.Generator | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ):
        shapes = [(m, a, b) for m in networks for a, b in zip(m.sizes[:-1], m.sizes[1:], strict=True)]
        total = sum(a * b + b for _, a, b in shapes)
        values = torch.zeros(total, dtype=dtype)
        if generator is not None:
            start = 0
            for _, a, b in shapes:
                bound = 1 / math.sqrt(a)
                values[start : start + a * b + b].uniform_(-bound, bound, generator=generator)
                start += a * b + b
        self.values = values.to(device)
        self.gradients = torch.zeros_like(self.values)
        start = 0
        for network, a, b in shapes:
            end = start + a * b + b
            network.bind(self.values[start:end], self.gradients[start:end])
            start = end


class Adam:
    """Adam (Kingma and Ba 2015) on a flat vector; weight decay is added to the gradient."""

    def __init__(
        self,
        parameters: Parameters,
        learning_rate: float,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ):
        self.parameters = parameters
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.betas, self.epsilon = betas, epsilon
        self._mean = torch.zeros_like(parameters.values)
        self._square = torch.zeros_like(parameters.values)
        self._steps = torch.zeros((), device=parameters.values.device)

    def step(self) -> None:
        self._steps.add_(1)
        # What torch.optim.Adam(fused=True) calls; calling it through the optimiser costs four times as much.
        torch._fused_adam_(
            [self.parameters.values],
            [self.parameters.gradients],
            [self._mean],
            [self._square],
            [],
            [self._steps],
            lr=self.learning_rate,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=self.weight_decay,
            eps=self.epsilon,
            amsgrad=False,
            maximize=False,
        )


class RMSprop:
    """RMSprop (Tieleman and Hinton 2012) on a flat vector, with torch's defaults (0.99, 1e-8)."""

    def __init__(self, parameters: Parameters, learning_rate: float, smoothing: float = 0.99, epsilon: float = 1e-8):
        self.parameters = parameters
        self.learning_rate, self.smoothing, self.epsilon = learning_rate, smoothing, epsilon
        self._square = torch.zeros_like(parameters.values)

    def step(self) -> None:
        gradient = self.parameters.gradients
        self._square.mul_(self.smoothing).addcmul_(gradient, gradient, value=1 - self.smoothing)
        denominator = self._square.sqrt().add_(self.epsilon)
        self.parameters.values.addcdiv_(gradient, denominator, value=-self.learning_rate)


def batches(n: int, size: int, generator: torch.Generator, *tensors: Tensor):
    """One epoch: the tensors in a fresh random order, `size` rows at a time (the last batch may be smaller)."""
    order = torch.randperm(n, generator=generator).to(tensors[0].device)
    yield from zip(*(t[order].split(size) for t in tensors), strict=True)
