"""What a notebook says of itself in its first cell: its title, what it shows, and the files that it reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .errors import ConfigError


def opening(path: Path) -> tuple[str, str]:
    """The title, and the paragraph that says what is shown.

    Raises ConfigError if the first cell does not begin with them.
    """
    found = re.match(r"# (.+)\n\n((?:.+\n?)+)", _first_cell(path))
    if found is None:
        raise ConfigError(f"{path}: the first cell must begin with a line `# Title`, an empty line and a paragraph")
    return found[1], found[2].strip()


def reads(path: Path) -> list[str]:
    """The files that the line `Inputs:` names.

    Raises ConfigError if there is no such line.
    """
    line = re.search(r"^Inputs: .*$", _first_cell(path), re.MULTILINE)
    if line is None:
        raise ConfigError(f"{path}: the first cell needs a line such as: Inputs: `measures.parquet`, `run.json`.")
    return re.findall(r"`([\w-]+\.(?:parquet|csv|json))`", line[0])


def _first_cell(path: Path) -> str:
    return "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
