"""What results were made from and with: the code, the configuration, the packages, the machine, the cost."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from . import settings
from .data import description
from .tracking import CODE, file_digest

PACKAGES = ("torch", "numpy", "pandas", "scipy", "scikit-learn", "seaborn", "papermill", "snakemake")

RESULTS = ("measures.parquet", "comparison.csv", "claims.csv", "claims_evidence.csv")


def record(root: Path, digest: str, config: dict[str, Any], results: Path) -> dict[str, Any]:
    """The provenance of the results in `results`, made by the code in `root` (of that `digest`) with `config`.

    Seconds and peak memory of each stage come from Snakemake's benchmark files of what `config` asks for.
    """
    shown = exhibits(results / "notebooks", config)
    asked = [results / "benchmarks" / f"{name}.tsv" for name in sorted(benchmarked(config, shown))]
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
        "stages": stages(asked),
        "exhibits": {
            notebook: {"seconds": seconds(results / "benchmarks", config, study, notebook)}
            for notebook, study in shown.items()
        },
        "results": {name: file_digest(results / name) for name in RESULTS},
    }


def stages(files: Iterable[Path]) -> dict[str, dict[str, float]]:
    """Jobs, seconds (sum and longest) and peak memory (MiB) of each stage, from benchmark files `<stage>/<job>.tsv`.

    A file that is not there is a job that this run did not have to do: its stage counts one less.
    """
    found: dict[str, list[pd.DataFrame]] = {}
    for file in files:
        if file.exists():
            found.setdefault(file.parent.name, []).append(pd.read_csv(file, sep="\t", na_values="-"))
    return {
        stage: {
            "jobs": len(runs),
            "seconds": round(float(runs["s"].sum()), 1),
            "longest_seconds": round(float(runs["s"].max()), 1),
            "peak_mib": round(float(runs["max_rss"].max()), 1),
        }
        for stage, runs in ((stage, pd.concat(parts)) for stage, parts in sorted(found.items()))
    }


def benchmarked(config: dict[str, Any], notebooks: Iterable[str]) -> set[str]:
    """`<stage>/<job>` of every job with a benchmark that `config` asks for."""
    files = _of_cells(config, settings.cells(config)) | {f"notebook/{name}" for name in notebooks}
    for population in settings.populations(config):
        files.add(f"download/{description.name(config['populations'][population]['dataset'])}")
        for block in settings.blocks(config, population):
            trained = config["populations"][population]["classifiers"]
            files |= {f"train/{population}.{classifier}.seeds-{block}" for classifier in trained}
    return files


def exhibits(notebooks: Path, config: dict[str, Any]) -> dict[str, str | None]:
    """Each executed notebook and the study that it shows: its own, else the main one; none for the theory."""
    found = sorted(p.stem for p in notebooks.glob("*.ipynb"))
    shown = {name: name if name in config["run"]["studies"] else settings.MAIN for name in found}
    return shown | {name: None for name in found if name == "theory"}


def seconds(benchmarks: Path, config: dict[str, Any], study: str | None, notebook: str) -> float:
    """Seconds of all jobs that an exhibit needs by itself, one after the other: those of its study and its notebook."""
    files = {f"notebook/{notebook}"} | _of_cells(config, settings.cells(config, study) if study else [])
    found = [benchmarks / f"{name}.tsv" for name in sorted(files)]
    return round(sum(float(pd.read_csv(f, sep="\t", na_values="-")["s"].sum()) for f in found if f.exists()), 1)


def _of_cells(config: dict[str, Any], cells: Iterable[settings.Cell]) -> set[str]:
    files = set()
    for cell in cells:
        where, block = f"{cell.population}.{cell.classifier}", f"seeds-{cell.seeds}"
        measured = {settings.measured_as(config, scenario, cell.population) for scenario in cell.scenarios}
        files |= {
            f"prepare/{cell.population}.{block}",
            f"train/{where}.{block}",
            *(f"measure_before/{where}.{scenario}.{block}" for scenario in measured),
            *(f"{stage}/{where}.{cell.method}.{block}" for stage in ("recourse", "simulate", "measure")),
        }
    return files


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
