"""Random search in growing shells, shared by Growing Spheres (in feature space), C-CHVAE and IBR (in latent space)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_CANDIDATES = 1 << 17  # candidates judged at a time: bounds memory whatever the number of individuals


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
) -> Tensor:
    """Fill `result` [n, d] with each individual's nearest accepted candidate of the first shell that has one.

    centres: [n, l], where each individual's shells [r, r + width) are centred; radii are uniform in them.
    candidates(rows [a], points [a, samples, l]) -> individuals [a, samples, d] and their distance
    [a, samples] to the individual, infinite where the classifier rejects.
    """
    active = torch.arange(len(centres), device=centres.device)
    at_once = max(1, _CANDIDATES // samples)
    for shell in range(shells):
        remaining = []
        for rows in active.split(at_once):
            shape = (len(rows), samples, centres.shape[1])
            direction = shell_noise(shape, generator, centres.device)
            radius = torch.rand(shape[:2], generator=generator).to(centres.device).add_(shell).mul_(width)
            points = torch.addcmul(centres[rows].unsqueeze(1), direction, radius.unsqueeze(-1))
            people, distance = candidates(rows, points)
            best, index = distance.min(1)
            found = torch.isfinite(best)
            result[rows[found]] = people[found, index[found]]
            remaining.append(rows[~found])
        active = torch.cat(remaining)
        if not len(active):
            break
    return result
