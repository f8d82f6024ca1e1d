"""Laugel et al. (2018), Growing Spheres: sample ever larger shells around the individual."""

from __future__ import annotations

import torch
from torch import Tensor

from ..options import Count, Flag, Positive
from ._base import Method, nowhere
from ._shells import nearest_in_shells


class GrowingSpheres(Method):
    """The nearest accepted sample (L2) of the first shell [r, r + step) that has one.

    Mutable continuous columns are sampled in the shell, mutable binaries and one-hot groups at random.

    shrink: first halve the step until the first sphere holds no accepted sample (the paper's first phase).
    sparse: afterwards put back, smallest change first, each feature that is not needed (the paper's last phase).
    CARLA has neither, and they are off by default.
    """

    def __init__(
        self,
        step: Positive = 0.2,
        samples: Count = 1000,
        shells: Count = 1000,
        shrink: Flag = False,
        sparse: Flag = False,
    ):
        self.step, self.samples, self.shells = step, samples, shells
        self.shrink, self.sparse = shrink, sparse

    def search(self, x: Tensor) -> Tensor:
        continuous = [c for (c,) in self.schema.indices("continuous")]
        levels = [c for kind in ("binary", "categorical") for c in self.schema.indices(kind)]

        def candidates(rows: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
            origin = x[rows].unsqueeze(1)
            people = origin.expand(*points.shape[:2], -1).clone()
            people[..., continuous] = points.clamp(0, 1)
            for columns in levels:
                # `project` turns the largest of a one-hot group, or a binary above 1/2, into the level
                people[..., columns] = torch.rand((*points.shape[:2], len(columns)), generator=self.generator).to(x)
            people = self.project(people.flatten(0, 1)).view(people.shape)
            distance = (people - origin).norm(dim=2)
            accepted = self.classifier.accepts(people.flatten(0, 1)).view(distance.shape)
            return people, distance.masked_fill_(~accepted, torch.inf)

        result, centres = nowhere(x), x[:, continuous]
        if not self.shrink:
            nearest_in_shells(centres, candidates, self.step, self.samples, self.shells, self.generator, result)
        else:
            self._shrink_then_grow(centres, candidates, result)
        return self._sparsify(x, result) if self.sparse else result

    def _shrink_then_grow(self, centres: Tensor, candidates, result: Tensor) -> None:
        """Halve everyone's step while their first sphere holds an accepted sample, then grow by that step."""
        active, step = torch.arange(len(centres), device=centres.device), self.step
        while len(active) and step > 1e-6:
            inside = torch.full_like(result[active], torch.nan)
            nearest_in_shells(
                centres[active],
                lambda rows, points, a=active: candidates(a[rows], points),
                step,
                self.samples,
                1,
                self.generator,
                inside,
            )
            some = torch.isfinite(inside).all(1)
            result[active[some]] = inside[some]
            rest = active[~some]
            if len(rest):
                # Nothing within this first sphere: the shells that follow have its width.
                grown = result[rest]
                nearest_in_shells(
                    centres[rest],
                    lambda rows, points, r=rest: candidates(r[rows], points),
                    step,
                    self.samples,
                    self.shells,
                    self.generator,
                    grown,
                )
                better = torch.isfinite(grown).all(1)
                result[rest[better]] = grown[better]
            active, step = active[some], step / 2

    def _sparsify(self, x: Tensor, result: Tensor) -> Tensor:
        """Put back each individual's changed features, smallest change first, while it stays accepted."""
        found = torch.isfinite(result).all(1)
        origin, point = x[found], result[found].clone()
        features = [c for kind in ("continuous", "binary", "categorical") for c in self.schema.indices(kind)]
        change = torch.stack([(point - origin)[:, c].abs().amax(1) for c in features], 1)
        order = change.argsort(1)
        member = torch.zeros(len(features), x.shape[1], dtype=torch.bool, device=x.device)
        for i, columns in enumerate(features):
            member[i, columns] = True
        for k in range(len(features)):
            trial = torch.where(member[order[:, k]], origin, point)
            point = torch.where(self.classifier.accepts(trial).unsqueeze(1), trial, point)
        result = result.clone()
        result[found] = point
        return result
