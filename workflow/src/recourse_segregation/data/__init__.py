"""The data sets: one file each, found by its file name, which defines `DATASET`; and CSV files of the user's own.

Importing this package imports neither pandas nor numpy: the configuration asks it what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .dataset import Dataset, Feature, RawFile, Sensitive, divided

__all__ = ["Dataset", "Feature", "RawFile", "Sensitive", "divided", "load", "load_own", "names"]


def names() -> list[str]:
    """Names of the data sets of the package, in alphabetical order."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(path.stem for path in files if "\nDATASET = " in path.read_text(encoding="utf-8"))


def load(name: str) -> Dataset:
    """The data set of the package called `name`.

    Raises ConfigError for an unknown name.
    """
    if name not in names():
        raise ConfigError(f"unknown data set {name!r}; there are: {', '.join(names())}")
    return import_module(f"{__name__}.{name}").DATASET


def load_own(path: str, description: Mapping[str, Any], content: bytes) -> Dataset:
    """The data set of a CSV file of the user's own, from its content and its description; see `own.load`."""
    return import_module(f"{__name__}.own").load(path, description, content)
