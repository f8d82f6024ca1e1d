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
    notebook needs by itself.
    """
    spent = {_job(file): pd.read_csv(file, sep="\t", na_values="-") for file in benchmarks}
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
        "stages": stages(spent),
        "exhibits": {
            notebook: {"seconds": round(sum(float(spent[_job(file)]["s"].sum()) for file in files), 1)}
            for notebook, files in exhibits.items()
        },
        "results": {Path(file).name: file_digest(Path(file)) for file in results},
    }


def stages(spent: Mapping[tuple[str, str], pd.DataFrame]) -> dict[str, dict[str, float]]:
    """Jobs, seconds (sum and longest) and peak memory (MiB) of each stage.

    spent: stage and job -> its benchmark file.
    """
    runs = pd.concat([table.assign(stage=stage) for (stage, _), table in spent.items()])
    found = runs.groupby("stage").agg(
        jobs=("s", "size"), seconds=("s", "sum"), longest_seconds=("s", "max"), peak_mib=("max_rss", "max")
    )
    return found.round(1).to_dict("index")


def _job(file: str) -> tuple[str, str]:
    """Stage and name of the job, wherever the results are."""
    return Path(file).parent.name, Path(file).stem


def _commit(project: Path) -> str:
    """The commit that is checked out, "-dirty" if its code was edited, "unknown" without git."""
    try:
        head = subprocess.run(
            ["git", "-C", str(project), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        status = ["git", "-C", str(project), "status", "--porcelain", "--", *CODE]
        dirty = subprocess.run(status, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}-dirty" if dirty else head
