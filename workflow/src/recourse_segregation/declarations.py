"""What a method or a model says of itself in its source, read without importing it (or torch).

A method that asks the classifier for its gradient says `needs_gradients = True` in its class, one that looks at how
segregation is measured `needs_measures = True`; a model says what its `build` returns: `Module` (of torch, which has
gradients) or `BaseEstimator` (of scikit-learn, which has none).
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

from . import options
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
    found = _function(parse(_PACKAGE / "models" / f"{model}.py"), "build")
    if not found or [a.arg for a in found.args.args[:1]] != ["columns"] or _returned(found) not in (MODULE, ESTIMATOR):
        raise ConfigError(
            f"models/{model}.py must define a function `build`, whose first argument is `columns`, how many there are, "
            f"and which says what it returns: `-> {MODULE}` (from torch.nn) or `-> {ESTIMATOR}` (from sklearn.base)"
        )
    return found


def has_gradients(model: str) -> bool:
    """Is the model a torch module (or else a scikit-learn estimator)?"""
    return _returned(build(model)) == MODULE


@cache
def _says(method: str, line: str) -> bool:
    """Does this line stand in a class of the method's file?"""
    classes = (node for node in parse(_PACKAGE / "methods" / f"{method}.py").body if isinstance(node, ast.ClassDef))
    return any(ast.unparse(node) == line for found in classes for node in found.body)


def _function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    """The first function of that name, in a class or not."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name)
    return next(found, None)


def _returned(function: ast.FunctionDef) -> str:
    """The annotation of what a function returns, without the package that it is from."""
    return ast.unparse(function.returns).strip("'\"").rpartition(".")[2] if function.returns else ""


# --- options ----------------------------------------------------------------------------------------


@cache
def method_options(method: str) -> dict[str, Any]:
    """JSON schema of a method's options: the keyword arguments of its class."""
    found = _function(parse(_PACKAGE / "methods" / f"{method}.py"), "__init__")
    return _options(found, f"methods/{method}.py", "self")


@cache
def model_options(model: str | None) -> dict[str, Any]:
    """JSON schema of a model's options: those of its `build`, and for a torch module those of training.

    None stands for the built-in networks: the arguments of `classifiers.BuiltIn.fit`.
    """
    fit = _function(parse(_PACKAGE / "classifiers.py"), "fit")
    built_in = _options(fit, "classifiers.py", *(argument.arg for argument in fit.args.posonlyargs))
    if model is None:
        return built_in
    where = f"models/{model}.py"
    schema = _options(build(model), where, "columns")
    own = ("hidden", "rejected")  # what only the built-in networks have
    training = {k: v for k, v in built_in["properties"].items() if k not in own} if has_gradients(model) else {}
    for name in schema["properties"].keys() & {"device", *training}:
        raise ConfigError(f"{where}: {name!r} is an option of training; give the one of `build` another name")
    schema["properties"] |= training
    schema["required"] += training
    return schema


def _options(function: ast.FunctionDef | None, where: str, *others: str) -> dict[str, Any]:
    """JSON schema of the arguments of a function but those that are no options; all must be given."""
    properties = {}
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs] if function else []
    for argument in (argument for argument in arguments if argument.arg not in others):
        kind = ast.unparse(argument.annotation) if argument.annotation else ""
        known = getattr(options, kind, None)
        if known is None:
            raise ConfigError(
                f"{where}: the option {argument.arg!r} must be annotated with a type of options.py "
                "(Count, Probability, OptionalShare, Positive, NonNegative, Sizes, Flag or Text), "
                f"not {kind or 'nothing'}"
            )
        properties[argument.arg] = known.__metadata__[0]
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": list(properties)}


# --- data sets --------------------------------------------------------------------------------------


def sensitive(dataset: str) -> list[str] | None:
    """The sensitive attributes of a data set under data/; None where its source does not list them."""
    for node in ast.walk(parse(_PACKAGE / "data" / f"{dataset}.py")):
        if isinstance(node, ast.keyword) and node.arg == "sensitive" and isinstance(node.value, ast.Dict):
            names = [key.value if isinstance(key, ast.Constant) else None for key in node.value.keys]
            return None if None in names else names
    return None
