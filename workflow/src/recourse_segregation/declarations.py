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


# --- options ----------------------------------------------------------------------------------------


@cache
def method_options(method: str) -> dict[str, Any]:
    """JSON schema of a method's options: the keyword arguments of its class."""
    tree = parse(_PACKAGE / "methods" / f"{method}.py")
    functions = (item for node in tree.body if isinstance(node, ast.ClassDef) for item in node.body)
    found = [f for f in functions if isinstance(f, ast.FunctionDef) and f.name == "__init__"]
    return _options(found[0] if found else None, 1, f"methods/{method}.py")


@cache
def model_options(model: str | None) -> dict[str, Any]:
    """JSON schema of a model's options: those of its `build`, and for a torch module those of training.

    None stands for the built-in networks: the arguments of `classifiers.BuiltIn.fit`.
    """
    tree = parse(_PACKAGE / "classifiers.py")
    fit = next(f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and f.name == "fit")
    built_in = _options(fit, len(fit.args.posonlyargs), "classifiers.py")
    if model is None:
        return built_in
    where = f"models/{model}.py"
    schema = _options(build(model), 1, where)
    training = {k: v for k, v in built_in["properties"].items() if k != "hidden"} if has_gradients(model) else {}
    for name in schema["properties"].keys() & {"device", *training}:
        raise ConfigError(f"{where}: {name!r} is an option of training; give the one of `build` another name")
    schema["properties"] |= training
    schema["required"] += training
    return schema


def _options(function: ast.FunctionDef | None, skipped: int, where: str) -> dict[str, Any]:
    """JSON schema of the arguments of a function after the first ones, which are not options."""
    schema: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}, "required": []}
    if function is None:
        return schema
    positional = [*function.args.posonlyargs, *function.args.args]
    optional = {a.arg for a in positional[len(positional) - len(function.args.defaults) :]}
    optional |= {a.arg for a, d in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True) if d}
    for argument in [*positional, *function.args.kwonlyargs][skipped:]:
        kind = ast.unparse(argument.annotation) if argument.annotation else ""
        known = getattr(options, kind, None)
        if known is None:
            raise ConfigError(
                f"{where}: the option {argument.arg!r} must be annotated with a type of options.py "
                f"(Count, Probability, Positive, NonNegative, Sizes, Flag or Text), not {kind or 'nothing'}"
            )
        schema["properties"][argument.arg] = dict(known.__metadata__[0])
        schema["required"] += [argument.arg] if argument.arg not in optional else []
    return schema


# --- data sets --------------------------------------------------------------------------------------


def sensitive(dataset: str) -> list[str] | None:
    """The sensitive attributes of a data set under data/; None where its source does not list them."""
    tree = parse(_PACKAGE / "data" / f"{dataset}.py")
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "Dataset"]
    given = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "sensitive"]
    if len(given) != 1 or not isinstance(given[0], ast.Dict):
        return None
    names = [key.value if isinstance(key, ast.Constant) else None for key in given[0].keys]
    return None if None in names else names
