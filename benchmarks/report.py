"""Turn pytest-benchmark's JSON into the table of docs/performance.md.

python benchmarks/report.py benchmarks.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import blocks

COLUMNS = ["stage", "size:", "seconds:", "per", "seconds per unit:", "peak memory, MiB:", "times a one-by-one loop:"]


def row(measured: dict) -> list[str]:
    """A stage at one size."""
    info, best = measured["extra_info"], measured["stats"]["min"]
    number = [f"{info['per_unit']:.2g}", f"{info['mib']:.0f}", f"{info['ratio']:.3g}"]
    return [info["stage"], f"{info['size']:,}", f"{best:.3g}", info["unit"], *number]


if __name__ == "__main__":
    benchmarks = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["benchmarks"]
    blocks.put("docs/performance.md", "numbers", blocks.table(COLUMNS, map(row, benchmarks)))
