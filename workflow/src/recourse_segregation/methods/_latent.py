"""The latent search that C-CHVAE and IBR share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from .. import progress
from ..generative import vae
from ..population import Population
from ._method import Method
from ._shells import nearest_in_shells

_JUDGED = 1 << 11  # candidates at a time: a hidden layer of 256 then stays in the cache
# The map: its stages, each twice as far as the one before, and its points, at most. A point in doubt is divided into so
# many along an axis. At least so many are where none is accepted, and never more than give as many points again.
_STAGES, _MAPPED, _PARTS, _DOUBTED = 5, 1 << 20, 8, 64


class LatentSearch(Method):
    """Sample shells around the latent mean of x, decode, take the accepted sample nearest to x (L2)."""

    training: dict[str, Any]  # keyword arguments of `vae.train`
    width: float  # of a shell, with so many samples; at most so many shells
    samples: int
    shells: int
    map_thinning: int  # samples that a person would draw for each point of the map; 0: no map
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
        def candidates(rows: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
            people = self._decoded(x[rows], points)
            return people, self.classifier.accepts(people.flatten(0, 1)).view(points.shape[:2])

        centres = self.vae.encode(x[:, self.mutable])
        # A grid over more than two dimensions has too many points.
        first = self.first_shells(x, centres) if self.map_thinning and centres.shape[1] == 2 else None
        draw = self.width, self.samples, self.shells, self.generator
        return nearest_in_shells(x, centres, candidates, *draw, _JUDGED, first)

    def first_shells(self, x: Tensor, centres: Tensor) -> Tensor:
        """The shell that each search may start with, int64 [n]; `shells` for those for whom there is nothing.

        x: [n, d]. centres: their latents [n, 2]. With the same immutables the same latents decode to somebody accepted.
        A map of the latents, one for each such profile, shows which: those who have no accepted point within their
        outermost shell are given up, the others start a cell before their nearest one. Where the shells left out hold
        nothing accepted, what is found has the distribution that it has without a map. The map is drawn in stages, each
        for those who have found nothing within half as far.

        What is approximate: an accepted region between the points goes unseen unless `_accepted` guesses it from their
        margins. At the reach of a stage they are as dense as the samples of one search, thinned by `map_thinning`: most
        of what they miss is so small that the samples find it in some searches only. Where the map would cost more than
        the searches that it saves, or more memory than is sensible, nothing is concluded from it.
        """
        first = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        profiles, profile = self.profiles(x)
        for number in progress.steps(range(len(profiles)), "mapping where recourse is, profiles"):
            people = (profile == number).nonzero().squeeze(1)
            for stage in reversed(range(_STAGES)):
                shells = math.ceil(self.shells / 2**stage)
                reach = shells * self.width
                step = math.sqrt(2 * math.pi * reach * self.width / self.samples * self.map_thinning)
                low, high = centres[people].amin(0) - reach, centres[people].amax(0) + reach
                if ((high - low) / step + 2).prod() > min(_MAPPED, len(people) * shells * self.samples):
                    break  # they are too far apart: searching costs less than a map of all that is between them
                axes = [
                    torch.arange(a, b + step, step, device=x.device)
                    for a, b in zip(low.tolist(), high.tolist(), strict=True)
                ]
                nearest = torch.full((len(people),), torch.inf, device=x.device)
                for part in self._accepted(x[people[:1]], axes, step).split(_JUDGED):
                    distance = torch.cdist(centres[people], part, compute_mode="donot_use_mm_for_euclid_dist")
                    nearest = torch.minimum(nearest, distance.amin(1)) if len(part) else nearest
                cell = step * math.sqrt(2)
                far = nearest > reach + cell
                first[people] = torch.where(far, shells, ((nearest - cell) / self.width).clamp(0, shells - 1).long())
                people = people[far]
                if not len(people):
                    break
        return first

    def _accepted(self, person: Tensor, axes: Sequence[Tensor], step: float) -> Tensor:
        """The points [k, 2] of a grid that decode to somebody accepted, with the immutables of person [1, d].

        Rejected points are divided, and their parts looked at as well, if they are beside an accepted one or if their
        margin would be positive a step away; where nothing is accepted, the most hopeful are. How much the margin
        changes in a step is, along an axis, the smaller difference from the two neighbours: the other may lie beyond a
        jump, where a category changes.
        """

        def margin(points: Tensor) -> Tensor:
            parts = (self._decoded(person, part.unsqueeze(0)).squeeze(0) for part in points.split(_JUDGED))
            return torch.cat([self.classifier.margin(part) for part in parts])

        grid = torch.cartesian_prod(*axes)
        value = margin(grid).view(len(axes[0]), len(axes[1]))
        change = torch.zeros_like(value)
        for axis in range(2):
            beyond = torch.full_like(value.narrow(axis, 0, 1), torch.inf)
            difference = torch.cat([beyond, value.diff(dim=axis).abs(), beyond], axis)
            change += torch.minimum(*(difference.narrow(axis, side, value.shape[axis]) for side in (0, 1)))
        accepted = value > 0
        beside = max_pool2d(accepted.to(value)[None], 3, 1, 1)[0] > 0
        # NaN: a difference of two infinities.
        hope = (value + change).nan_to_num(-torch.inf).masked_fill(beside, torch.inf)
        hope, accepted = hope.masked_fill(accepted, -torch.inf).flatten(), accepted.flatten()
        doubted = min(max(int((hope > 0).sum()), _DOUBTED * int(not accepted.any())), _MAPPED // _PARTS**2, len(hope))
        parts = step * ((torch.arange(_PARTS, device=grid.device) + 0.5) / _PARTS - 0.5)
        divided = (grid[hope.topk(doubted).indices].unsqueeze(1) + torch.cartesian_prod(parts, parts)).flatten(0, 1)
        return torch.cat([grid[accepted], divided[margin(divided) > 0]])

    def _decoded(self, x: Tensor, points: Tensor) -> Tensor:
        """The individuals [a, p, d] that the latents [a, p, l] decode to, with the immutables of x [a, d]."""
        return self.combine(x.unsqueeze(1), self.vae.decode_around(points, x[:, self.condition]))
