"""Laugel et al. (2018), Growing Spheres: sample ever larger shells around the individual."""

from __future__ import annotations

import torch
from torch import Tensor

from ..options import Count, Flag, Positive
from ._method import Method, not_found
from ._shells import nearest_in_shells


class GrowingSpheres(Method):
    """The nearest accepted sample (L2) of the first shell [r, r + step) that has one.

    Mutable continuous columns are sampled in the shell, mutable binaries and one-hot groups at random.

    shrink: first halve the step until the first sphere holds no accepted sample (the paper's first phase).
    sparse: afterwards put back, smallest change first, each feature that is not needed (the paper's last phase).
    CARLA has neither.
    """

    def __init__(self, *, step: Positive, samples: Count, shells: Count, shrink: Flag, sparse: Flag):
        self.step, self.samples, self.shells = step, samples, shells
        self.shrink, self.sparse = shrink, sparse

    def search(self, x: Tensor) -> Tensor:
        result = self._shrink_then_grow(x) if self.shrink else self._grow(x, self.step, self.shells)
        return self._sparsify(x, result) if self.sparse else result

    def _grow(self, x: Tensor, step: float, shells: int) -> Tensor:
        continuous = [c for (c,) in self.encoding.indices("continuous")]
        levels = [c for kind in ("binary", "categorical") for c in self.encoding.indices(kind)]

        def candidates(rows: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
            people = x[rows].unsqueeze(1).expand(*points.shape[:2], -1).clone()
            people[..., continuous] = points.clamp(0, 1)
            for columns in levels:
                # `project` turns the largest of a one-hot group, or a binary above 1/2, into the level
                people[..., columns] = torch.rand((*points.shape[:2], len(columns)), generator=self.generator).to(x)
            people = self.project(people.flatten(0, 1)).view(people.shape)
            return people, self.classifier.accepts(people.flatten(0, 1)).view(points.shape[:2])

        return nearest_in_shells(x, x[:, continuous], candidates, step, self.samples, shells, self.generator)

    def _shrink_then_grow(self, x: Tensor) -> Tensor:
        """Halve everyone's step while their first sphere holds an accepted sample, then grow by that step."""
        result, active, step = not_found(x), torch.arange(len(x), device=x.device), self.step
        while len(active) and step > 1e-6:
            inside = self._grow(x[active], step, 1)
            some = torch.isfinite(inside).all(1)
            result[active[some]] = inside[some]
            rest = active[~some]
            if len(rest):
                # Nothing within this first sphere: the shells that follow have its width.
                grown = self._grow(x[rest], step, self.shells)
                better = torch.isfinite(grown).all(1)
                result[rest[better]] = grown[better]
            active, step = active[some], step / 2
        return result

    def _sparsify(self, x: Tensor, result: Tensor) -> Tensor:
        """Put back each individual's changed features, smallest change first, while it stays accepted."""
        found = torch.isfinite(result).all(1)
        origin, point = x[found], result[found].clone()
        features = [c for kind in ("continuous", "binary", "categorical") for c in self.encoding.indices(kind)]
        change = torch.stack([(point - origin)[:, c].abs().amax(1) for c in features], 1)
        order = change.argsort(1)
        member = torch.zeros(len(features), x.shape[1], dtype=torch.bool, device=x.device)
        for i, columns in enumerate(features):
            member[i, columns] = True
        for k in range(len(features)):
            trial = torch.where(member[order[:, k]], origin, point)
            point = torch.where(self.classifier.accepts(trial).unsqueeze(1), trial, point)
        result[found] = point
        return result
