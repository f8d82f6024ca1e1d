"""What results were made from and with: the code, the configuration, the packages, the machine, the cost."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from .tracking import CODE, file_digest

PACKAGES = ("torch", "numpy", "pandas", "scipy", "scikit-learn", "seaborn", "papermill", "snakemake")

RESULTS = ("measures.parquet", "comparison.csv", "claims.csv", "claims_evidence.csv")


def record(
    root: Path,
    digest: str,
    config: dict[str, Any],
    benchmarks: list[Path],
    exhibits: dict[str, list[Path]],
    results: Path,
) -> dict[str, Any]:
    """The provenance of the results in `results`, made by the code in `root` (of that `digest`) with `config`.

    benchmarks: Snakemake's benchmark files `<stage>/<job>.tsv` of all jobs; exhibits: those of the jobs that each
    notebook needs by itself. A file that is not there is a job that this run did not have to do.
    """
    spent = {file: pd.read_csv(file, sep="\t", na_values="-") for file in benchmarks if file.exists()}
    return {
        "code": {"sha256": digest, "of": list(CODE), "commit": _commit(root)},
        "config": config,
        "packages": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": psutil.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        },
        "stages": stages(spent),
        "exhibits": {
            notebook: {"seconds": round(sum(float(spent[file]["s"].sum()) for file in files if file in spent), 1)}
            for notebook, files in exhibits.items()
        },
        "results": {name: file_digest(results / name) for name in RESULTS},
    }


def stages(spent: dict[Path, pd.DataFrame]) -> dict[str, dict[str, float]]:
    """Jobs, seconds (sum and longest) and peak memory (MiB) of each stage; spent: what is in its benchmark files."""
    if not spent:
        return {}
    runs = pd.concat([table.assign(stage=file.parent.name) for file, table in spent.items()])
    found = runs.groupby("stage").agg(
        jobs=("s", "size"), seconds=("s", "sum"), longest_seconds=("s", "max"), peak_mib=("max_rss", "max")
    )
    return found.round(1).to_dict("index")


def _commit(root: Path) -> str:
    """The commit that is checked out, "-dirty" if its code was edited, "unknown" without git."""
    try:
        head = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        status = ["git", "-C", str(root), "status", "--porcelain", "--", *CODE]
        dirty = subprocess.run(status, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}-dirty" if dirty else head
