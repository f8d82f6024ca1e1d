"""Which source files a stage is made of, so that editing one reruns what depends on it and nothing else.

Snakemake tracks scripts but not the modules they import. A digest of their contents, unlike their times, survives a
clone or a checkout. Reads import statements only; imports nothing.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

#: What only tells of the work (logs, progress, status): no number depends on it, so editing it reruns nothing.
TELLING = frozenset({_PACKAGE / "job.py", _PACKAGE / "progress.py"})


@cache
def closure(file: Path) -> frozenset[Path]:
    """`file` and every module of this package that it imports, directly or through others, but those that only tell."""
    seen: set[Path] = set()
    todo = [file.resolve()]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        todo += _imported(path)
    return frozenset(seen)


@cache
def digest(*files: Path) -> str:
    """sha256 over the contents of `files` and of every module of this package that they import."""
    found = sorted(set().union(*map(closure, files)))
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in found)).hexdigest()


@cache
def _imported(path: Path) -> list[Path]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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
    return [p.resolve() for p in found if p.is_file() and p.resolve() not in TELLING]


def module(name: str) -> Path:
    """The file of a module of this package: `methods.face`; of a package, its `__init__`."""
    path = _PACKAGE.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


#: What decides the results: everything here goes into the digest of the code.
CODE = ("Snakefile", "config.yaml", "envs", "notebooks", "workflow")
_IGNORED = {"__pycache__", ".ipynb_checkpoints"}


def code_digest(root: Path) -> str:
    """sha256 over the names and contents of the files that decide the results, in the folder `root`."""
    result = hashlib.sha256()
    telling = {file.relative_to(_PACKAGE.parents[2]) for file in TELLING}
    for part in CODE:
        top = root / part
        files = [top] if top.is_file() else [f for f in top.rglob("*") if f.is_file()]
        for file in sorted(files, key=lambda f: f.relative_to(root).as_posix()):
            if not _IGNORED.intersection(file.parts) and file.relative_to(root) not in telling:
                result.update(f"{file.relative_to(root).as_posix()}\0{file_digest(file)}".encode())
    return result.hexdigest()


def file_digest(file: Path) -> str:
    """sha256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
