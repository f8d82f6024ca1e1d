"""Random search in growing shells, shared by Growing Spheres (in feature space), C-CHVAE and IBR (in latent space)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .. import progress

# Candidates drawn at a time: at most, which bounds memory whatever the number of individuals, and at least (several
# shells at once), because below that a step costs its overhead.
_MOST, _LEAST = 1 << 17, 1 << 13


def shell_noise(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
    """Directions uniform on the unit sphere of the last dimension."""
    noise = torch.randn(shape, generator=generator)
    return (noise / noise.norm(dim=-1, keepdim=True).clamp_min(1e-12)).to(device)


def nearest_in_shells(
    centres: Tensor,
    candidates: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    width: float,
    samples: int,
    shells: int,
    generator: torch.Generator,
    result: Tensor,
    judged: int = _MOST,
) -> Tensor:
    """Fill `result` [n, d] with each individual's nearest accepted candidate of the first shell that has one.

    centres: [n, l], where each individual's shells [r, r + width) are centred; radii are uniform in them.
    candidates(rows [a], points [a, p, l]) -> individuals [a, p, d] and their distance [a, p] to the individual,
    infinite where the classifier rejects. judged: so many of them are judged at a time.
    """
    device = centres.device
    active, shell = torch.arange(len(centres), device=device), 0
    at_once = max(1, _MOST // samples)
    while len(active) and shell < shells:
        progress.left(len(active), len(centres), f"searching from shell {shell:,}")
        several = min(max(1, _LEAST // (len(active) * samples)), shells - shell)
        inner = torch.arange(shell, shell + several, device=device).repeat_interleave(samples)
        people_at_once = max(1, judged // (several * samples))
        remaining = []
        for rows in active.split(at_once):
            shape = (len(rows), several * samples, centres.shape[1])
            direction = shell_noise(shape, generator, device)
            radius = torch.rand(shape[:2], generator=generator).to(device).add_(inner).mul_(width)
            points = torch.addcmul(centres[rows].unsqueeze(1), direction, radius.unsqueeze(-1))
            found = []
            for part, near in zip(rows.split(people_at_once), points.split(people_at_once), strict=True):
                people, distance = candidates(part, near)
                nearest, index = distance.view(len(part), several, samples).min(2)
                some, first = torch.isfinite(nearest).max(1)
                here = torch.arange(len(part), device=device)
                chosen = first * samples + index[here, first]
                result[part[some]] = people[here, chosen][some]
                found.append(some)
            found = torch.cat(found)
            remaining.append(rows[~found])
        active, shell = torch.cat(remaining), shell + several
    return result
