"""Running Snakemake in a folder of its own, with the raw files made up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from fixtures import make_raw
from recourse_segregation import contracts, tracking

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
#: targets, from left to right
STAGES = ("prepare_all", "train_all", "recourse_all", "measure_all")

#: Seconds are in these, so they differ between runs.
TIMED = ("diagnostics.parquet", "provenance.json", "effort.csv")


def snakemake(folder: Path, *arguments: str, configs: tuple[Path, ...] = (TINY,), **env: str):
    """Run Snakemake on the project in `folder`, with these files over config.yaml; returns the finished process."""
    return subprocess.run(**_call(folder, arguments, configs, env), stdout=subprocess.PIPE, text=True, timeout=1800)


def start_snakemake(folder: Path, log: Path, *arguments: str, configs: tuple[Path, ...], **env: str):
    """Start Snakemake as `snakemake` does, in a process group of its own; what it says goes to the end of `log`."""
    with log.open("ab") as stream:
        return subprocess.Popen(**_call(folder, arguments, configs, env), stdout=stream, start_new_session=True)


def _call(folder: Path, arguments: tuple[str, ...], configs: tuple[Path, ...], env: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += [*(["--configfile", *configs] if configs else []), *arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, **env}
    return {"args": list(map(str, command)), "cwd": ROOT, "env": env, "stderr": subprocess.STDOUT}


def tables(folder: Path) -> dict[str, Path]:
    """What a run in `folder` made, by name, but for what holds seconds."""
    files = [f for f in (folder / "results").rglob("*") if f.suffix in (".parquet", ".csv", ".json", ".pt")]
    return {f.relative_to(folder).as_posix(): f for f in files if f.name not in TIMED and not f.name.startswith(".")}


def differing(one: Path, two: Path) -> list[str]:
    """The names of the tables that only one of two runs has, or whose bytes differ."""
    a, b = tables(one), tables(two)
    assert a, f"no tables in {one}"
    return sorted(name for name in a.keys() | b.keys() if not (name in a and name in b and same(a[name], b[name])))


def same(one: Path, two: Path) -> bool:
    return one.read_bytes() == two.read_bytes()


def with_raw_files(folder: Path) -> Path:
    """A folder where the law data set is already there: made up, so the receipt is too."""
    raw = folder / "results" / "raw" / "law"
    raw.mkdir(parents=True)
    make_raw.write("law", raw, rows=400)
    write_receipt(raw)
    return folder


def write_receipt(raw: Path) -> None:
    """Say that the files in a folder are what was downloaded, and what that cost."""
    files = {path.name: tracking.file_digest(path) for path in raw.iterdir() if path.suffix != ".json"}
    contracts.write_json({"dataset": raw.name, "files": files}, raw / "receipt.json")
    cost = raw.parents[1] / "benchmarks" / "download" / f"{raw.name}.tsv"
    cost.parent.mkdir(parents=True, exist_ok=True)
    cost.write_text("s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n", encoding="utf-8")
    with cost.open("a", encoding="utf-8") as stream:
        stream.write("0.1\t0:00:00" + "\t-" * 6 + "\t0.00\t0\n")
