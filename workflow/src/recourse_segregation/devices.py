"""Where torch computes."""

from __future__ import annotations

import torch

from .errors import ConfigError


def resolve(name: str) -> torch.device:
    """`auto` (CUDA if there is one), `cpu` or `cuda` -> the device.

    Raises ConfigError when CUDA is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("run.device: cuda is asked for, but torch sees no CUDA device; use auto or cpu")
    return torch.device(name)
