"""Running Snakemake in a folder of its own, with the raw files made up."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from snakemake.iocontainers import Namedlist

from fixtures import make_raw
from recourse_segregation import contracts, tracking

ROOT = Path(__file__).parents[1]
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
#: targets, from left to right
STAGES = ("prepare_all", "train_all", "recourse_all", "measure_all")

#: Seconds are in these, so they differ between runs.
TIMED = re.compile(r"diagnostics\.parquet|provenance\.json|effort\.csv|recourse_quality.*\.(html|ipynb|png|svg)")


def snakemake(
    folder: Path, *arguments: str, configs: tuple[Path, ...] = (TINY,), project: Path = ROOT, **env: str
) -> subprocess.CompletedProcess:
    """Run the Snakefile of `project` in `folder`, with these files over config.yaml; the process and its output."""
    call = _call(folder, arguments, configs, project, env)
    return subprocess.run(**call, stdout=subprocess.PIPE, text=True, timeout=1800)


def start_snakemake(
    folder: Path, log: Path, *arguments: str, configs: tuple[Path, ...] = (TINY,), **env: str
) -> subprocess.Popen:
    """Start Snakemake as `snakemake` does, in a process group of its own; what it says goes to the end of `log`."""
    with log.open("ab") as stream:
        return subprocess.Popen(**_call(folder, arguments, configs, ROOT, env), stdout=stream, start_new_session=True)


def planned(folder: Path, *arguments: str, **options: Any) -> str:
    """What Snakemake would do: the output of a dry run."""
    process = snakemake(folder, "--dry-run", "--cores", "1", *arguments, **options)
    assert process.returncode == 0, process.stdout[-6000:]
    return process.stdout


def jobs(output: str) -> dict[str, int]:
    """Rule -> how many of its jobs Snakemake says that it will do, in a dry run's table or in a run's first line."""
    table = re.findall(r"^(\w+) +(\d+)$", output, re.MULTILINE)
    line = re.findall(r"^\d+ jobs: (.*)$", output, re.MULTILINE)
    told = [reversed(part.split()) for part in ", ".join(line).split(", ") if part]
    return {rule: int(count) for rule, count in [*table, *told]}


def copied(folder: Path) -> Path:
    """A copy of the project, to be edited."""
    for part in ("Snakefile", "config.yaml", "envs", "notebooks", "profiles", "workflow"):
        if (ROOT / part).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / part, folder)
        else:
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def shown(page: str, language: str) -> list[str]:
    """The blocks of a language that a page of docs/ shows."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def as_a_reader(folder: Path, command: str) -> str:
    """Run a command line of a page in a folder, in the project's environment; its output."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "RECOURSE_DATA_MIRROR")} | {"PATH": PATH}
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.run(command, shell=True, cwd=folder, env=env, **both, text=True, timeout=900)
    assert process.returncode == 0, process.stdout[-6000:]
    return process.stdout


def _call(
    folder: Path, arguments: tuple[str, ...], configs: tuple[Path, ...], project: Path, env: dict[str, str]
) -> dict[str, Any]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", project / "Snakefile", "--directory", folder]
    command += [*(["--configfile", *configs] if configs else []), *arguments]
    env = {**os.environ, "PATH": PATH, **env}
    return {"args": list(map(str, command)), "cwd": project, "env": env, "stderr": subprocess.STDOUT}


def made(folder: Path) -> dict[str, bytes]:
    """What a run in `folder` made, by name, but for what holds seconds."""
    kinds = (".parquet", ".csv", ".json", ".pt", ".html", ".ipynb", ".png", ".svg")
    files = {f.relative_to(folder).as_posix(): f for f in (folder / "results").rglob("[!.]*") if f.suffix in kinds}
    return {name: file.read_bytes() for name, file in files.items() if not TIMED.search(name)}


def differing(one: Path, two: Path) -> list[str]:
    """The names of the files that only one of two runs has, or whose bytes differ."""
    a, b = made(one), made(two)
    assert a, f"nothing in {one}"
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def with_raw_files(folder: Path) -> Path:
    """A folder where the law data set is already there: made up, so its receipt and what it cost are too."""
    raw = folder / "results" / "raw" / "law"
    files = {path.name: tracking.file_digest(path) for path in make_raw.write("law", raw, rows=400)}
    contracts.write_json({"dataset": "law", "files": files}, raw / "receipt.json")
    cost = folder / "results" / "benchmarks" / "download" / "law.tsv"
    cost.parent.mkdir(parents=True, exist_ok=True)
    columns = ("s", "h:m:s", "max_rss", "max_vms", "max_uss", "max_pss", "io_in", "io_out", "mean_load", "cpu_time")
    cost.write_text("\t".join(columns) + "\n1.0\t0:00:01" + "\t-" * 8 + "\n", encoding="utf-8")
    return folder


def run_script(name: str, log: Path, params: Mapping[str, Any], files: Mapping[str, Path], **wildcards: str) -> None:
    """Run the script of a rule on some files, its inputs and outputs; SystemExit where it fails, see `log`."""
    named = Namedlist(fromdict={key: str(file) for key, file in files.items()})
    job = SimpleNamespace(rule=name, log=[str(log)], input=named, output=named)
    job.params, job.wildcards = Namedlist(fromdict=params), Namedlist(fromdict=wildcards)
    runpy.run_path(str(ROOT / "workflow" / "scripts" / f"{name}.py"), init_globals={"snakemake": job})
