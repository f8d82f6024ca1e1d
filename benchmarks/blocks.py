"""Tables in a document, between markers such as `<!-- numbers -->` and `<!-- /numbers -->`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]


def table(frame: pd.DataFrame) -> str:
    """A Markdown table of texts: the levels of the index to the left, the columns aligned to the right."""
    head = [*frame.index.names, *frame.columns], ["---"] * frame.index.nlevels + ["---:"] * len(frame.columns)
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in (*head, *frame.reset_index().to_numpy()))


def put(document: str, name: str, text: str, check: bool = False) -> None:
    """Rewrite a named block of a document; with `check`, exit with an error if it says something else."""
    path = ROOT / document
    written = path.read_text(encoding="utf-8")
    block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    wanted = block.sub(lambda found: found[1] + text + found[2], written)
    if check and written != wanted:
        sys.exit(f"{document}: the block {name!r} is not what the results say: run python docs/update_numbers.py")
    path.write_text(wanted, encoding="utf-8")
