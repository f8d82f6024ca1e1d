"""What results were made from and with: the code, the configuration, the packages, the machine, the cost."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from .tracking import CODE, file_digest

PACKAGES = ("torch", "numpy", "pandas", "scipy", "scikit-learn", "seaborn", "papermill", "snakemake")


def record(
    project: Path,
    digest: str,
    config: dict[str, Any],
    benchmarks: Sequence[str],
    exhibits: Mapping[str, Sequence[str]],
    results: Sequence[str],
) -> dict[str, Any]:
    """The provenance of the files `results`, made by the code in `project` (of that `digest`) with `config`.

    benchmarks: Snakemake's benchmark files `<stage>/<job>.tsv` of all jobs. exhibits: those of the jobs that each
    notebook needs by itself. Of each stage, there are its jobs, seconds (sum and longest) and peak memory in MiB.
    """
    tables = {_job(file): pd.read_csv(file, sep="\t", na_values="-") for file in benchmarks}
    spent = pd.concat(tables, names=["stage", "job"])
    stages = spent.groupby("stage").agg(
        jobs=("s", "size"), seconds=("s", "sum"), longest_seconds=("s", "max"), peak_mib=("max_rss", "max")
    )
    return {
        "code": {"sha256": digest, "of": list(CODE), "commit": _commit(project)},
        "config": config,
        "packages": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": psutil.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        },
        "stages": stages.round(1).to_dict("index"),
        "exhibits": {
            notebook: {"seconds": round(sum(float(tables[_job(file)]["s"].sum()) for file in files), 1)}
            for notebook, files in exhibits.items()
        },
        "results": {Path(file).name: file_digest(Path(file)) for file in results},
    }


def _job(file: str) -> tuple[str, str]:
    """Stage and name of the job, wherever the results are."""
    return Path(file).parent.name, Path(file).stem


def _commit(project: Path) -> str:
    """The commit that is checked out, "-dirty" if its code was edited, "unknown" without git."""
    git = ["git", "-C", str(project)]
    try:
        head = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True, stderr=subprocess.DEVNULL).strip()
        edited = subprocess.check_output([*git, "status", "--porcelain", "--", *CODE])
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}-dirty" if edited else head
