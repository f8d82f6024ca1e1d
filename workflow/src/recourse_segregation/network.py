"""Small multilayer perceptrons with explicit gradients.

The networks here have a few thousand weights and see batches of 32: the cost of a training step is the
number of tensor operations, not arithmetic. So all weights of a model share one flat vector (one optimiser
update each step), each layer's gradient is written out rather than recorded by autograd, and a weight matrix
is stored with its wider dimension contiguous, which makes thin matrix products up to four times as fast. For the
same reason networks of the same shape, one a seed, are trained as one `stack`: every operation then works on all of
them, and each member's numbers are those that it would have alone. Call everything under `torch.inference_mode()`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from . import progress
from .errors import DataError


class MLP:
    """x [n, sizes[0]] -> W_k(... act(W_1 x + b_1) ...) + b_k [n, sizes[-1]]; the last layer is linear.

    activation: `relu`, `sigmoid` or `tanh`. `layers` holds a weight [in, out] and a bias [out] each; `Parameters` binds
    them. A stack of s networks takes [s, n, sizes[0]], with weights [s, in, out] and biases [s, 1, out]; `network[i]`
    is its member i, on the same memory.
    """

    def __init__(self, sizes: Sequence[int], activation: str = "relu"):
        self.sizes = tuple(sizes)
        self.activation = activation
        self.layers: list[tuple[Tensor, Tensor]] = []
        self._activate, self._deactivate = _ACTIVATIONS[activation]
        self._affine, self._product = torch.addmm, torch.mm
        # Per layer: the weight transposed, its gradient as it is stored and whether that is transposed, and the bias's.
        self._backward: list[tuple[Tensor, Tensor, bool, Tensor]] = []
        self._inputs: list[Tensor] = []

    def bind(self, weight: Tensor, bias: Tensor, of_weight: Tensor, of_bias: Tensor) -> None:
        """Take one layer's weight, bias and their gradients from flat vectors [size], or [s, size] of a stack.

        The wider dimension of the weight is contiguous.
        """
        a, b = self.sizes[len(self.layers)], self.sizes[len(self.layers) + 1]
        transposed = a > b
        shape = (b, a) if transposed else (a, b)
        weight, of_weight = weight.unflatten(-1, shape), of_weight.unflatten(-1, shape)
        if transposed:
            weight = weight.mT
        if weight.dim() == 3:
            self._affine, self._product = _stacked_affine, torch.bmm
            bias, of_bias = bias.unsqueeze(1), of_bias.unsqueeze(1)
        self.layers.append((weight, bias))
        self._backward.append((weight.mT, of_weight, transposed, of_bias))

    def __getitem__(self, member: int) -> MLP:
        one = MLP(self.sizes, self.activation)
        one.layers = [(weight[member], bias[member, 0]) for weight, bias in self.layers]
        one._backward = [(w[member], of_w[member], t, of_b[member, 0]) for w, of_w, t, of_b in self._backward]
        return one

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs, nothing remembered."""
        for weight, bias in self.layers[:-1]:
            x = self._activate(self._affine(bias, x, weight))
        weight, bias = self.layers[-1]
        return self._affine(bias, x, weight)

    def around(self, x: Tensor, common: Tensor) -> Tensor:
        """Outputs [a, p, out] for inputs whose last columns are common to p rows: x [a, p, k], common [a, c].

        Twice as fast as a call for the many rows of a search: what is common is multiplied once, and from the second
        layer on the rows are contiguous, which suits layers with few outputs.
        """
        (weight, bias), *rest = self.layers
        k = x.shape[2]
        shift = torch.addmm(bias, common, weight[k:]).unsqueeze(1)
        out = torch.baddbmm(shift, x, weight[:k].expand(len(x), -1, -1)).flatten(0, 1).mT
        for weight, bias in rest:
            out = torch.addmm(bias.unsqueeze(1), weight.mT, self._activate(out))
        return out.mT.unflatten(0, x.shape[:2])

    def forward(self, x: Tensor) -> Tensor:
        """Outputs; the activations are kept for `backward`."""
        self._inputs = [x]
        for weight, bias in self.layers[:-1]:
            x = self._activate(self._affine(bias, x, weight))
            self._inputs.append(x)
        weight, bias = self.layers[-1]
        return self._affine(bias, x, weight)

    def backward(self, gradient: Tensor, weights: bool = True, inputs: bool = True) -> Tensor | None:
        """From dL/d(output) [n, sizes[-1]] to dL/d(input) [n, sizes[0]], for the last `forward`.

        weights: overwrite the weights' gradients (otherwise leave them). inputs: return dL/d(input).
        """
        for i in range(len(self.layers) - 1, -1, -1):
            x = self._inputs[i]
            transpose, of_weight, transposed, of_bias = self._backward[i]
            if weights:
                if transposed:
                    self._product(gradient.mT, x, out=of_weight)
                else:
                    self._product(x.mT, gradient, out=of_weight)
                torch.sum(gradient, -2, keepdim=gradient.dim() == 3, out=of_bias)
            if i == 0:
                return self._product(gradient, transpose) if inputs else None
            gradient = self._deactivate(self._product(gradient, transpose), x)


def _stacked_affine(bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    if weight.shape[-1] == 1:  # the matrix product of a single member would be another routine, which rounds otherwise
        return torch.sum(x * weight.mT, -1, keepdim=True).add_(bias)
    return torch.baddbmm(bias, x, weight)


#: name -> the activation in place, and dL/dx from dL/d(activation) and the activation
_ACTIVATIONS = {
    "relu": (torch.relu_, lambda gradient, h: torch.ops.aten.threshold_backward(gradient, h, 0)),
    "sigmoid": (torch.sigmoid_, lambda gradient, h: torch.ops.aten.sigmoid_backward(gradient, h)),
    "tanh": (torch.tanh_, lambda gradient, h: torch.ops.aten.tanh_backward(gradient, h)),
}


class Parameters:
    """One flat vector of weights (and one of gradients) behind several MLPs.

    With a generator, weights and biases start uniform in +-1/sqrt(fan-in), torch's own choice for a linear layer;
    without one they are 0. With a list of generators the MLPs become stacks of as many members, each drawn from its
    own generator as it would be alone.
    """

    def __init__(
        self,
        *networks: MLP,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ):
        stacked = isinstance(generator, Sequence)
        generators = generator if stacked else [generator]
        layers = [(m, a, b) for m in networks for a, b in zip(m.sizes[:-1], m.sizes[1:], strict=True)]
        sizes = [size for _, a, b in layers for size in (a * b, b)]
        members = []
        for source in generators:
            parts = [torch.zeros(size, dtype=dtype) for size in sizes]
            if source is not None:
                bounds = [1 / math.sqrt(a) for _, a, _ in layers for _ in range(2)]
                parts = [p.uniform_(-bound, bound, generator=source) for p, bound in zip(parts, bounds, strict=True)]
            members.append(parts)
        # A whole number of vector registers, so that no element is updated by the scalar code for what is left over:
        # it may round otherwise, and which elements are left over depends on the number of members.
        padding = -len(generators) * sum(sizes) % 64
        flat = [part for same in zip(*members, strict=True) for part in same]
        self.values = torch.cat([*flat, torch.zeros(padding, dtype=dtype)]).to(device)
        self.gradients = torch.zeros_like(self.values)
        ends = [len(generators) * size for size in sizes] + [padding]
        vectors = zip(self.values.split(ends)[:-1], self.gradients.split(ends)[:-1], strict=True)
        if stacked:
            vectors = ((v.view(len(generators), -1), g.view(len(generators), -1)) for v, g in vectors)
        for (network, _, _), (weight, of_weight), (bias, of_bias) in zip(layers, *[iter(vectors)] * 2, strict=True):
            network.bind(weight, bias, of_weight, of_bias)

    def check(self, what: str) -> None:
        """Raise DataError if the training of `what` went astray: a weight is not finite."""
        if not torch.isfinite(self.values).all():
            raise DataError(f"the training of the {what} diverged: a weight is not finite; lower its learning_rate")


class Adam:
    """Adam (Kingma and Ba 2015) on a flat vector, with torch's defaults; weight decay is added to the gradient."""

    def __init__(self, parameters: Parameters, learning_rate: float, weight_decay: float = 0.0):
        self.parameters = parameters
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self._mean, self._square = (torch.zeros_like(parameters.values) for _ in range(2))
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
            beta1=0.9,
            beta2=0.999,
            weight_decay=self.weight_decay,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )


class RMSprop:
    """RMSprop (Tieleman and Hinton 2012) on a flat vector, with torch's defaults."""

    def __init__(self, parameters: Parameters, learning_rate: float):
        self.parameters, self.learning_rate = parameters, learning_rate
        self._square = torch.zeros_like(parameters.values)

    def step(self) -> None:
        gradient = self.parameters.gradients
        self._square.mul_(0.99).addcmul_(gradient, gradient, value=1 - 0.99)
        self.parameters.values.addcdiv_(gradient, self._square.sqrt().add_(1e-8), value=-self.learning_rate)


def batches(n: int, size: int, generator: torch.Generator, *tensors: Tensor):
    """One epoch: the tensors in a fresh random order, `size` rows at a time (the last batch may be smaller)."""
    order = torch.randperm(n, generator=generator).to(tensors[0].device)
    yield from zip(*(t[order].split(size) for t in tensors), strict=True)


def train_stacks(
    groups: Sequence[tuple[Sequence[MLP], float, float]],
    data: Sequence[Tensor],
    noise: int,
    generators: Sequence[torch.Generator],
    batch: int,
    epochs: int,
    gradients: Callable[[int, Sequence[MLP], Sequence[Tensor]], Iterator[None]],
    losses: Callable[[Sequence[MLP], Sequence[Tensor]], dict[str, float]],
    what: str,
) -> list[tuple[Sequence[MLP], dict[str, float]]]:
    """Train networks on s samples at once, each as it would be alone: its networks and its final losses.

    groups: networks that one Adam steps, its learning rate and its weight decay; in a batch they step in this order.
    data: [s, n, ...] each, to which `noise` standard normal columns are added, fresh in every epoch. gradients(epoch,
    networks, rows of the data), for all members at once or for one, yields once for each group: its gradients then are
    where its optimiser looks for them, and after its step the next group's are asked for. losses(networks, data): of
    one member.

    Raises DataError if a group diverges.
    """
    device, n = data[0].device, data[0].shape[1]
    networks = [network for group, _, _ in groups for network in group]
    parameters = [Parameters(*group, generator=generators, device=device) for group, _, _ in groups]
    optimisers = [Adam(own, rate, decay) for own, (_, rate, decay) in zip(parameters, groups, strict=True)]
    members = [[network[i] for network in networks] for i in range(len(generators))]
    for epoch in progress.steps(range(epochs), f"training the {what}, epochs"):
        drawn = torch.stack([torch.randn(n, noise, generator=g) for g in generators]).to(device)
        orders = [torch.randperm(n, generator=g).to(device) for g in generators]
        shuffled = [torch.stack([t[order] for t, order in zip(s, orders, strict=True)]) for s in (*data, drawn)]
        for parts in zip(*(stack.split(batch, 1) for stack in shuffled), strict=True):
            if parts[0].shape[1] % 32 == 0:
                passes = [gradients(epoch, networks, parts)]
            else:
                # Rows that do not fill vector registers are left to scalar code, which may round otherwise; so members
                # take them one by one, and no number depends on how many there are.
                each = zip(members, zip(*parts, strict=True), strict=True)
                passes = [gradients(epoch, member, own) for member, own in each]
            for optimiser in optimisers:
                for one in passes:
                    next(one)
                optimiser.step()
    for own in parameters:
        own.check(what)
    last = [torch.randn(n, noise, generator=g).to(device) for g in generators]
    return [(member, losses(member, own)) for member, *own in zip(members, *data, last, strict=True)]
