"""Independent random streams: every draw comes from (seed, stage, method) and from nothing else."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive(seed: int, *scope: str) -> int:
    """A 63-bit seed for the stream named by `seed` and `scope`; unrelated names give unrelated seeds."""
    digest = hashlib.sha256("/".join([str(seed), *scope]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def numpy_generator(seed: int, *scope: str) -> np.random.Generator:
    """The NumPy stream of (seed, scope)."""
    return np.random.default_rng(derive(seed, *scope))


def torch_generator(seed: int, *scope: str) -> torch.Generator:
    """The torch stream of (seed, scope). It lives on the CPU: draws are moved, so devices see the same numbers."""
    import torch

    return torch.Generator().manual_seed(derive(seed, *scope))
