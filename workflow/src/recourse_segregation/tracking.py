"""Which source files a stage is made of, so that editing one reruns what depends on it and nothing else.

Snakemake tracks scripts but not the modules they import. A digest of what they say, unlike their times, survives a
clone or a checkout; it passes over what changes no number: comments, docstrings, line breaks, logs and progress. Reads
import statements only; imports nothing.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import tokenize
from functools import cache
from pathlib import Path

import yaml

_PACKAGE = Path(__file__).resolve().parent
_PROJECT = _PACKAGE.parents[2]

#: What decides the results: everything here goes into the digest of the code,
CODE = ("Snakefile", "config.yaml", "envs", "notebooks", "workflow")
#: but for what only watches: no number depends on it, so editing it reruns nothing.
NOT_CODE = {f"workflow/src/{_PACKAGE.name}/{name}.py" for name in ("job", "progress", "terminal")}
NOT_CODE.add("workflow/scripts/status.py")
_IGNORED = {"__pycache__", ".ipynb_checkpoints"}


@cache
def closure(file: Path) -> frozenset[Path]:
    """`file`, be it a notebook, and every module of this package that it imports, directly or through others."""
    seen: set[Path] = set()
    todo = [file.resolve()]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += _imported(path)
    return frozenset(seen)


@cache
def digest(*files: Path) -> str:
    """sha256 over what `files` say, and every module of this package that they import."""
    found = sorted(set().union(*map(closure, files)))
    return hashlib.sha256(b"".join(hashlib.sha256(meaning(path)).digest() for path in found)).hexdigest()


def code_digest(root: Path) -> str:
    """sha256 over the names of the files that decide the results, in the folder `root`, and over what they say."""
    result = hashlib.sha256()
    files = [f for part in CODE for f in [root / part, *(root / part).rglob("*")] if f.is_file()]
    for file in sorted(files):
        name = file.relative_to(root).as_posix()
        if name not in NOT_CODE and not _IGNORED.intersection(file.parts):
            result.update(f"{name}\0{hashlib.sha256(meaning(file)).hexdigest()}".encode())
    return result.hexdigest()


def file_digest(file: Path) -> str:
    """sha256 of the bytes of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def module(name: str) -> Path:
    """The file of a module of this package: `methods.face`; of a package, its `__init__`."""
    path = _PACKAGE.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def meaning(file: Path) -> bytes:
    """What of a file can change a result.

    Python: its syntax without docstrings; rules: their words without comments; YAML: its values; notebooks: their
    cells; anything else: its bytes.
    """
    content = file.read_bytes()
    match file.suffix or file.name:
        case ".py":
            return repr(_syntax(ast.parse(content))).encode()
        case ".smk" | "Snakefile":
            tokens = tokenize.tokenize(io.BytesIO(content).readline)
            return repr([t.string for t in tokens if t.type not in (tokenize.COMMENT, tokenize.NL)]).encode()
        case ".yaml":
            return repr(yaml.safe_load(content)).encode()
        case ".ipynb":
            cells = json.loads(content)["cells"]
            return repr([(cell["cell_type"], "".join(cell["source"])) for cell in cells]).encode()
    return content


def _syntax(node: object) -> object:
    """A syntax tree as nested tuples, without places, docstrings and empty fields (which Python versions add)."""
    if isinstance(node, list):
        return [_syntax(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    fields = dict(ast.iter_fields(node))
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    return type(node).__name__, *((name, _syntax(value)) for name, value in fields.items() if value not in (None, []))


def _code(path: Path) -> str:
    """The Python of a module, or of the code cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


@cache
def _imported(path: Path) -> list[Path]:
    found = []
    for node in ast.walk(ast.parse(_code(path))):
        if not isinstance(node, ast.ImportFrom):
            continue
        parts = node.module.split(".") if node.module else []
        if node.level:
            folder = path.parents[node.level - 1]
        elif parts[:1] == [_PACKAGE.name]:
            folder, parts = _PACKAGE, parts[1:]
        else:
            continue
        target = folder.joinpath(*parts)
        found += [target.with_suffix(".py"), target / "__init__.py"]
        for alias in node.names:
            found += [target / f"{alias.name}.py", target / alias.name / "__init__.py"]
    watching = {_PROJECT / name for name in NOT_CODE}
    return [p.resolve() for p in found if p.is_file() and p.resolve() not in watching]
