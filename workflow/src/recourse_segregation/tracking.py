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


def closure(file: Path) -> set[Path]:
    """`file`, be it a notebook, and every module of this package that it imports, directly or through others."""
    seen: set[Path] = set()
    todo = {file.resolve()}
    while todo:
        path = todo.pop()
        seen.add(path)
        todo |= _imported(path) - seen
    return seen


@cache
def digest(*files: Path) -> str:
    """sha256 over what `files` say, and every module of this package that they import."""
    return _sha256("".join(map(_meaning, sorted(set().union(*map(closure, files))))))


def code(script: str, *modules: str) -> str:
    """The digest of a script and of modules that it loads by name (`methods.face`).

    As a parameter of its rule, it makes Snakemake run the rule again when one of them changes.
    """
    return digest(_PROJECT / "workflow" / "scripts" / f"{script}.py", *map(module, modules))


def code_digest(root: Path) -> str:
    """sha256 over the names of the files that decide the results, in the folder `root`, and over what they say."""
    files = {f.relative_to(root).as_posix(): f for part in CODE for f in [root / part, *(root / part).rglob("*")]}
    chosen = [name for name, file in files.items() if file.is_file() and not _IGNORED.intersection(file.parts)]
    return _sha256("".join(f"{name}\0{_meaning(files[name])}" for name in sorted({*chosen} - NOT_CODE)))


def file_digest(file: Path) -> str:
    """sha256 of the bytes of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def module(name: str) -> Path:
    """The file of a module of this package: `methods.face`."""
    return _PACKAGE.joinpath(*name.split(".")).with_suffix(".py")


@cache
def _meaning(file: Path) -> str:
    """sha256 of what of a file can change a result.

    Python: its syntax without docstrings; rules: their words without comments; YAML: its values; else its bytes.
    """
    content = file.read_bytes()
    match file.suffix or file.name:
        case ".py":
            tree = ast.parse(content)
            for node in ast.walk(tree):
                documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                if documented and ast.get_docstring(node, clean=False) is not None:
                    del node.body[0]
            return _sha256(repr(_syntax(tree)))
        case ".smk" | "Snakefile":
            tokens = tokenize.tokenize(io.BytesIO(content).readline)
            return _sha256(repr([t.string for t in tokens if t.type not in (tokenize.COMMENT, tokenize.NL)]))
        case ".yaml":
            return _sha256(repr(yaml.safe_load(content)))
    return file_digest(file)


def _syntax(node: object) -> object:
    """A syntax tree as tuples. Not `ast.dump`: it and `ast.unparse` say other things in other versions of Python."""
    if isinstance(node, ast.AST):
        fields = [(name, _syntax(value)) for name, value in ast.iter_fields(node) if value not in (None, [])]
        return type(node).__name__, *fields
    return [_syntax(item) for item in node] if isinstance(node, list) else node


@cache
def _imported(path: Path) -> frozenset[Path]:
    """The modules of this package that a module, or the code of a notebook, imports."""
    code = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(code)["cells"] if cell["cell_type"] == "code"]
        code = "\n".join("".join(cell["source"]) for cell in cells)
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            folder = path.parents[node.level - 1] if node.level else _PACKAGE.parent
            target = folder.joinpath(*(node.module or "").split("."))
            for place in [target, *(target / alias.name for alias in node.names)]:
                found += [place.with_suffix(".py"), place / "__init__.py"]
    watching = {_PROJECT / name for name in NOT_CODE}
    return frozenset(file.resolve() for file in found if file.is_file() and file.resolve() not in watching)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
