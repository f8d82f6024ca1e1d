"""A second device without a second device: CPU numbers that say they live on `meta`, which every torch knows.

Within `elsewhere()`, whatever is created on or moved to `DEVICE` is a `Far` tensor. It computes what the CPU computes,
to the bit, but may not meet a tensor of the CPU, except as on CUDA (copies, positions to index with, single numbers),
and what is created without naming a device is on the CPU. So code that forgets the device fails here, as it would on a
GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")
CPU = torch.device("cpu")


class Far(torch.Tensor):
    """A tensor on `DEVICE`; `near` holds its numbers."""

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> Far:
        return torch.Tensor._make_wrapper_subclass(
            cls, near.shape, near.stride(), near.storage_offset(), dtype=near.dtype, device=DEVICE
        )

    def __init__(self, near: torch.Tensor):
        self.near = near

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func}: outside of `elsewhere()`")


class _Operations(TorchDispatchMode):
    """Every operation, after Python is done with it."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        leaves = tree_leaves((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        asked = [leaf for leaf in leaves if isinstance(leaf, torch.device)]
        far = bool(asked and asked[-1] == DEVICE) or (not asked and any(isinstance(t, Far) for t in tensors))
        name = func.name().split(".")[0]
        if name in ("aten::index", "aten::index_put", "aten::index_put_"):
            tensors = [tensors[0], *(t for t in tensors[1:] if isinstance(t, Far) or t.is_floating_point())]
        if name not in ("aten::_to_copy", "aten::copy_") and any(isinstance(t, Far) for t in tensors):
            near = [t for t in tensors if not isinstance(t, Far) and t.dim() > 0]
            if near:
                raise RuntimeError(f"{func}: expected all tensors to be on one device, found {DEVICE} and cpu")
        if far and any(isinstance(leaf, torch.Generator) for leaf in leaves):
            raise RuntimeError(f"{func}: a CPU generator cannot draw on {DEVICE}")
        result = func(*tree_map(_near, args), **tree_map(_near, kwargs))
        return tree_map(lambda r: Far(r) if isinstance(r, torch.Tensor) else r, result) if far else result


def _near(value):
    """An argument as the CPU takes it."""
    if isinstance(value, torch.device):
        return CPU
    return value.near if isinstance(value, Far) else value


class _Calls(TorchFunctionMode):
    """What torch treats apart before an operation is dispatched: numbers from Python, and lists as positions."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if func is torch.tensor:
            device = kwargs.pop("device", None)
            made = func(*args, **kwargs)
            return made if device is None else made.to(device)
        if isinstance(args[0] if args else None, Far):
            if name == "new_tensor":
                return torch.tensor(args[1], dtype=args[0].dtype).to(args[0].device)
            if name == "tolist":
                return args[0].near.tolist()
            if name in ("__getitem__", "__setitem__"):
                where = args[1] if isinstance(args[1], tuple) else (args[1],)
                where = tuple(torch.tensor(w, dtype=torch.long) if isinstance(w, list) else w for w in where)
                args = (args[0], where, *args[2:])
        return func(*args, **kwargs)


@contextmanager
def elsewhere() -> Iterator[None]:
    """The context in which `DEVICE` can be computed on."""
    grad = []  # tensors that stand for others have no version to forget, so inference mode is only `no_grad` here

    def enter(self) -> None:
        grad.append(torch.is_grad_enabled())
        torch.set_grad_enabled(False)

    def leave(self, *problem) -> None:
        torch.set_grad_enabled(grad.pop())

    with mock.patch.multiple(torch.inference_mode, __enter__=enter, __exit__=leave), _Operations(), _Calls():
        yield
