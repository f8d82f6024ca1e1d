"""What of a run is done, running and left: from what Snakemake would do, and from what it has written so far.

    python workflow/scripts/status.py [FOLDER]            # `make status`
    python workflow/scripts/status.py --configs [FOLDER]  # the configuration files of the last run there

Only looks: a run may go on meanwhile.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "src"))

from recourse_segregation.progress import duration  # noqa: E402

_JOB = re.compile(r"^ *(?:local)?rule (\w+):\n((?: {4,}[\w-]+: .*\n)+)", re.MULTILINE)
_ERROR = re.compile(r"^ *Error in rule \w+:\n(?: +.*\n)*? +output: (.*)\n", re.MULTILINE)
_CONFIGS = re.compile(r"^ *Config file\(s\): (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """One job of a plan; its paths are relative to the folder of the run."""

    stage: str
    outputs: tuple[str, ...]
    log: str
    benchmark: str

    @property
    def name(self) -> str:
        """`recourse/law-sex.mlp.face.seeds-0-4`"""
        return self.log.removeprefix("logs/").removesuffix(".log")


def jobs(plan: str) -> list[Job]:
    """The jobs that the text of a dry run announces, in the order of the corridor."""
    found = []
    for stage, lines in _JOB.findall(plan):
        fields = dict(line.strip().split(": ", 1) for line in lines.splitlines())
        if "output" in fields:  # targets have none
            outputs = tuple(fields["output"].split(", "))
            found.append(Job(stage, outputs, fields.get("log", stage), fields.get("benchmark", "")))
    return found


def started(folder: Path) -> dict[str, float]:
    """Each file that a job was to write when it was last heard of, and the time (Unix) at which that job started."""
    top = folder / ".snakemake" / "incomplete"  # names are in base64, long ones cut into folders that start with @
    found = {}
    for mark in (p for p in top.rglob("*") if p.is_file()):
        name = "".join(part.removeprefix("@") for part in mark.relative_to(top).parts)
        with contextlib.suppress(FileNotFoundError):  # it has just finished
            found[base64.urlsafe_b64decode(name).decode()] = mark.stat().st_mtime
    return found


def last_run(folder: Path) -> str:
    """What Snakemake said in its last run in a folder; nothing if there was none."""
    logs = sorted((folder / ".snakemake" / "log").glob("*.snakemake.log"), reverse=True)
    texts = (log.read_text(encoding="utf-8", errors="replace") for log in logs)
    return next((text for text in texts if _CONFIGS.search(text)), "")


def configs(run: str) -> list[str]:
    """The configuration files of a run, from what it said; without one, the paper's."""
    line = _CONFIGS.search(run)
    paths = re.findall(r"'([^']+)'", line[1]) if line else []
    return [os.path.relpath(p, ROOT) if Path(p).is_relative_to(ROOT) else p for p in paths] or ["config.yaml"]


def at_work(folder: Path) -> bool:
    """Whether a Snakemake, or a job of one, works in this folder on this machine."""
    for process in psutil.process_iter(["cwd", "cmdline"]):
        command = process.info["cmdline"] or [""]
        python = Path(command[0]).name.startswith("python") and any("snakemake" in word for word in command[1:])
        if python and process.info["cwd"] == str(folder):
            return True
    return False


def describe(folder: Path, every: list[Job], left: Iterable[Job], run: str, working: bool) -> str:
    """The table of stages, and below it what is running or interrupted and what failed.

    every, left: the jobs of the whole plan and those not done yet; run: what the last run said; working: whether
    Snakemake is at work.
    """
    todo, marks = set(left), started(folder)
    since = {job: marks[o] for job in every if job in todo for o in job.outputs if o in marks}
    lines = _table(folder, every, todo, set(since) if working else set())
    again = sum(all((folder / o).exists() for o in job.outputs) for job in todo - set(since))
    if again:
        lines.append(f"\nof those left, with results of an earlier run: {again}")
    if since:
        lines.append("\nrunning" if working else "\ninterrupted (or at work on another machine); run again to resume")
        lines += [_line(folder, job, duration(time.time() - start)) for job, start in since.items()]
    broken = {output for outputs in _ERROR.findall(run) for output in outputs.split(", ")}
    failed = [job for job in every if job in todo - set(since) and broken & set(job.outputs)]
    if failed:
        lines += ["\nfailed in the last run", *(_line(folder, job, job.log) for job in failed)]
    return "\n".join(lines)


def _table(folder: Path, every: list[Job], todo: set[Job], running: set[Job]) -> list[str]:
    """How many jobs of each stage are done, running and left, and how long those took that are done."""
    rows, work = [], 0.0
    for stage in dict.fromkeys(job.stage for job in every):
        own = {job for job in every if job.stage == stage}
        done, waiting = own - todo, (own & todo) - running
        seconds = [s for job in done if (s := _seconds(folder / job.benchmark)) is not None]
        mean = sum(seconds) / len(seconds) if seconds else 0.0
        work += mean * len(waiting)
        rows.append((stage, len(done), len(own & running), len(waiting), f"{mean:.1f}" if seconds else "–"))
    rows.append(("all", *(sum(row[i] for row in rows) for i in (1, 2, 3)), ""))
    rows.insert(0, ("stage", "done", "running", "left", "seconds a job"))
    lines = [f"{row[0]:<16}{row[1]:>6}{row[2]:>9}{row[3]:>6}{row[4]:>15}".rstrip() for row in rows]
    if work >= 1:
        lines.append(f"\nleft, by the seconds of the jobs that are done: {duration(work)} of work for one core")
    return lines


def _line(folder: Path, job: Job, about: str) -> str:
    """A job, something about it, and the end of its log."""
    try:
        said = (folder / job.log).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        said = []
    return "\n    ".join([f"  {job.name} ({about})", *said[-1:]])


def _seconds(benchmark: Path) -> float | None:
    try:
        return float(benchmark.read_text(encoding="utf-8").splitlines()[1].split("\t")[0])
    except (OSError, IndexError, ValueError):
        return None


def plan(folder: Path, files: list[str], *arguments: str) -> list[Job]:
    """The jobs of a dry run in `folder` with these configuration files."""
    command = [sys.executable, "-m", "snakemake", "--directory", folder, "--configfile", *files]
    command += ["--dry-run", "--nolock", *arguments]
    process = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)
    if process.returncode:
        sys.exit(process.stdout + process.stderr)
    return jobs(process.stdout + process.stderr)


def main(folder: Path) -> None:
    run = last_run(folder)
    files = configs(run)
    working = at_work(folder)
    print(f"{folder}, {' '.join(files)}{'' if run else ' (nothing was run here yet)'}\n")
    print(describe(folder, plan(folder, files, "--forceall"), plan(folder, files), run, working))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configs", action="store_true", help="only say the configuration files of the last run")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT, help="where it runs (default: here)")
    given = parser.parse_args()
    if not given.folder.is_dir():
        parser.error(f"{given.folder}: no such folder; nothing was run there")
    if given.configs:
        print(*configs(last_run(given.folder.resolve())))
    else:
        main(given.folder.resolve())
