"""Turn pytest-benchmark's JSON into the table of docs/performance.md.

python benchmarks/report.py benchmarks.json
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
BLOCK = re.compile(r"(<!-- numbers -->\n).*?(<!-- /numbers -->)", re.DOTALL)


def table(benchmarks: list[dict]) -> str:
    """Markdown: a row for each stage and size."""
    lines = [
        "| stage | size | seconds | per | seconds per unit | peak memory, MiB | times a one-by-one loop |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    for entry in benchmarks:
        info, best = entry["extra_info"], entry["stats"]["min"]
        lines.append(
            f"| {info['stage']} | {info['size']:,} | {best:.3g} | {info['unit']} | {info['per_unit']:.2g} "
            f"| {info['mib']:.0f} | {info['ratio']:.3g} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    measured = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["benchmarks"]
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(BLOCK.sub(lambda found: found[1] + table(measured) + found[2], text), encoding="utf-8")
