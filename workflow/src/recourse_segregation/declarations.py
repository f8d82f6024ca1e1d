"""What a method or a model says of itself in its source, read without importing it (or torch).

A method that asks the classifier for its gradient says `needs_gradients = True` in its class, one that looks at how
segregation is measured `needs_measures = True`; a model says what its `build` returns: `Module` (of torch, which has
gradients) or `BaseEstimator` (of scikit-learn, which has none).
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from .errors import ConfigError

_PACKAGE = Path(__file__).parent
MODULE, ESTIMATOR = "Module", "BaseEstimator"


def parse(path: Path) -> ast.Module:
    """The source of a file. Raises ConfigError naming file and line where it is not Python."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise ConfigError(f"{path.parent.name}/{path.name}, line {error.lineno}: {error.msg}") from None


def names(folder: str) -> list[str]:
    """The files under a folder of the package that do not start with `_`, in alphabetical order."""
    return sorted(p.stem for p in (_PACKAGE / folder).glob("[!_]*.py"))


def needs_gradients(method: str) -> bool:
    """Does the method ask the classifier for its gradient?"""
    return _says(method, "needs_gradients = True")


def needs_measures(method: str) -> bool:
    """Does the method look at how segregation is measured?"""
    return _says(method, "needs_measures = True")


def gradient_free() -> list[str]:
    """The methods that ask the classifier for no gradient."""
    return [method for method in names("methods") if not needs_gradients(method)]


@cache
def build(model: str) -> ast.FunctionDef:
    """The function `build` of a model. Raises ConfigError if the file defines none, or does not say what it returns."""
    tree = parse(_PACKAGE / "models" / f"{model}.py")
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "build"]
    if len(found) != 1:
        raise ConfigError(f"models/{model}.py must define one function `build`; it defines {len(found)}")
    arguments = [*found[0].args.posonlyargs, *found[0].args.args]
    if not arguments or arguments[0].arg != "columns":
        raise ConfigError(f"models/{model}.py: the first argument of `build` must be `columns`, how many there are")
    if _returned(found[0]) not in (MODULE, ESTIMATOR):
        raise ConfigError(
            f"models/{model}.py: `build` must say what it returns: `-> Module` (from torch.nn) or "
            f"`-> BaseEstimator` (from sklearn.base), not {_returned(found[0]) or 'nothing'}"
        )
    return found[0]


def has_gradients(model: str) -> bool:
    """Is the model a torch module (or else a scikit-learn estimator)?"""
    return _returned(build(model)) == MODULE


@cache
def _says(method: str, line: str) -> bool:
    """Does this line stand in a class of the method's file?"""
    classes = (node for node in parse(_PACKAGE / "methods" / f"{method}.py").body if isinstance(node, ast.ClassDef))
    return any(ast.unparse(node) == line for found in classes for node in found.body)


def _returned(function: ast.FunctionDef) -> str:
    """The annotation of what a function returns, without the package that it is from."""
    return ast.unparse(function.returns).strip("'\"").rpartition(".")[2] if function.returns else ""
