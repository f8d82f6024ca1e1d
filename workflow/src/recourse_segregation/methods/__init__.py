"""The recourse methods: one file each, found by its file name; a name that starts with `_` is not a method.

A method file defines one class, a subclass of `Method`, with its options as keyword arguments.
"""

from __future__ import annotations

from importlib import import_module

from .. import declarations
from ..errors import ConfigError
from ._method import Method

__all__ = ["Method", "load", "names"]


def names() -> list[str]:
    """Names of the methods, in alphabetical order."""
    return declarations.names("methods")


def load(name: str) -> type[Method]:
    """The class of the method called `name`.

    Raises ConfigError for an unknown name or a file without exactly one method class.
    """
    if name not in names():
        raise ConfigError(f"unknown method {name!r}; there are: {', '.join(names())}")
    module = import_module(f"{__name__}.{name}")
    own = [value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]
    found = [value for value in own if isinstance(value, type) and issubclass(value, Method)]
    if len(found) != 1:
        raise ConfigError(f"methods/{name}.py must define one subclass of Method; it defines {len(found)}")
    return found[0]
