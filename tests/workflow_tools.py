"""Running Snakemake in a folder of its own, with the raw files made up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fixtures import make_raw
from recourse_segregation import contracts, tracking

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"


def snakemake(folder: Path, *arguments: str, configs: tuple[Path, ...] = (ROOT / "config.yaml", TINY), **env: str):
    """Run Snakemake on the project in `folder`; returns the finished process with its output."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--configfile", *configs, *arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        env={**os.environ, "PATH": path, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
    )


def with_raw_files(folder: Path) -> Path:
    """A folder where the law data set is already there: made up, so the receipt is too."""
    raw = folder / "results" / "raw" / "law"
    raw.mkdir(parents=True)
    make_raw.write("law", raw, rows=400)
    write_receipt(raw)
    return folder


def write_receipt(raw: Path) -> None:
    """Say that the files in a folder are what was downloaded."""
    files = {path.name: tracking.file_digest(path) for path in raw.iterdir() if path.suffix != ".json"}
    contracts.write_json({"dataset": raw.name, "files": files}, raw / "receipt.json")
