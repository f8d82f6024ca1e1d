"""The data sets: one file each, found by its file name, which defines `DATASET`; and those that a user describes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .dataset import Dataset, Feature, RawFile, Sensitive

__all__ = ["Dataset", "Feature", "RawFile", "Sensitive", "load", "load_described", "names"]

_NOT_DATASETS = {"__init__", "dataset", "own", "reading"}


def names() -> list[str]:
    """Names of the data sets, in alphabetical order."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in _NOT_DATASETS)


def load(name: str) -> Dataset:
    """The data set called `name`.

    Raises ConfigError for an unknown name.
    """
    if name not in names():
        raise ConfigError(f"unknown data set {name!r}; there are: {', '.join(names())}")
    return import_module(f"{__name__}.{name}").DATASET


def load_described(path: str, description: Mapping[str, Any], file: Any) -> Dataset:
    """The data set of the CSV file `file` and its `description`, which is at `path`; see `own.load`."""
    return import_module(f"{__name__}.own").load(path, description, file)
