"""The latent search that C-CHVAE and IBR share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ..generative import vae
from ..population import Population
from ._method import Method
from ._shells import nearest_in_shells

_JUDGED = 1 << 11  # candidates at a time: a hidden layer of 256 then stays in the cache


class LatentSearch(Method):
    """Sample shells around the latent mean of x, decode, take the accepted sample nearest to x (L2)."""

    training: dict[str, Any]  # keyword arguments of `vae.train`
    width: float  # of a shell, with so many samples; at most so many shells
    samples: int
    shells: int
    sensitive_in_decoder: bool  # beside the other immutables

    @classmethod
    def prepare_all(
        cls, methods: Sequence[LatentSearch], populations: Sequence[Population], x: Sequence[Tensor]
    ) -> None:
        for method in methods:
            method.condition = ~method.mutable
            method.condition[method.encoding.sensitive_index] = method.sensitive_in_decoder
        fitted = vae.train(
            [rows[:, m.mutable] for m, rows in zip(methods, x, strict=True)],
            [rows[:, m.condition] for m, rows in zip(methods, x, strict=True)],
            [m.generator for m in methods],
            group=[rows[:, m.encoding.sensitive_index] for m, rows in zip(methods, x, strict=True)],
            **methods[0].training,
        )
        for method, (model, losses) in zip(methods, fitted, strict=True):
            method.vae, method.diagnostics = model, losses

    def search(self, x: Tensor) -> Tensor:
        condition = x[:, self.condition]

        def candidates(rows: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
            people = self.combine(x[rows].unsqueeze(1), self.vae.decode_around(points, condition[rows]))
            return people, self.classifier.accepts(people.flatten(0, 1)).view(points.shape[:2])

        centres = self.vae.encode(x[:, self.mutable])
        return nearest_in_shells(x, centres, candidates, self.width, self.samples, self.shells, self.generator, _JUDGED)
