"""Random search in growing shells, shared by Growing Spheres (in feature space), C-CHVAE and IBR (in latent space)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .. import progress
from ._method import not_found

# Candidates drawn at a time: at most, which bounds memory whatever the number of individuals, and at least (several
# shells at once), because below that a step costs its overhead.
_MOST, _LEAST = 1 << 17, 1 << 13


def nearest_in_shells(
    x: Tensor,
    centres: Tensor,
    candidates: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    width: float,
    samples: int,
    shells: int,
    generator: torch.Generator,
    judged: int = _MOST,
    first: Tensor | None = None,
) -> Tensor:
    """Each individual's nearest (L2) accepted candidate of the first shell that has one: [n, d], NaN rows without any.

    x: the individuals [n, d]. centres: [n, l], where each one's shells [r, r + width) are centred; radii are uniform in
    them. candidates(rows [a], points [a, p, l]) -> individuals [a, p, d] and whether they are accepted, bool [a, p].
    judged: so many of them are judged at a time. first: the shell that each search starts with, int64 [n]; `shells` for
    no search at all. Shells are drawn independently, so leaving out some that hold nothing accepted changes nobody's
    distribution of results.
    """
    device = x.device
    shell = x.new_zeros(len(x), dtype=torch.int64) if first is None else first.clone()
    result, active = not_found(x), (shell < shells).nonzero().squeeze(1)
    at_once = max(1, _MOST // samples)
    while len(active):
        progress.left(len(active), len(x), f"searching from shell {int(shell[active].min()):,}")
        several = min(max(1, _LEAST // (len(active) * samples)), shells - int(shell[active].max()))
        inner = torch.arange(several, device=device).repeat_interleave(samples)
        people_at_once = max(1, judged // (several * samples))
        remaining = []
        for rows in active.split(at_once):
            shape = (len(rows), several * samples, centres.shape[1])
            noise = torch.randn(shape, generator=generator)
            direction = (noise / noise.norm(dim=-1, keepdim=True).clamp_min(1e-12)).to(device)  # uniform on the sphere
            radius = (
                torch.rand(shape[:2], generator=generator).to(device).add_(shell[rows].unsqueeze(1) + inner).mul_(width)
            )
            points = torch.addcmul(centres[rows].unsqueeze(1), direction, radius.unsqueeze(-1))
            for part, near in zip(rows.split(people_at_once), points.split(people_at_once), strict=True):
                people, accepted = candidates(part, near)
                accepted = accepted.view(-1, several, samples)
                in_shell = accepted.any(2)
                some = in_shell.any(1)
                if some.any():  # most shells of most searches have nobody, who then needs no distance
                    first = in_shell[some].int().argmax(1)
                    here = torch.arange(len(first), device=device)
                    shown = people.unflatten(1, (several, samples))[some][here, first]
                    distance = (shown - x[part[some]].unsqueeze(1)).norm(dim=2)
                    nearest = distance.masked_fill_(~accepted[some][here, first], torch.inf).argmin(1)
                    result[part[some]] = shown[here, nearest]
                remaining.append(part[~some])
        active = torch.cat(remaining)
        shell[active] += several
        active = active[shell[active] < shells]
    return result
