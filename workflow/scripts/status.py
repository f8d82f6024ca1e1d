"""What of a run is done, running, left and missing: from what Snakemake would do, and from the logs of the jobs.

python workflow/scripts/status.py [FOLDER]    # `make status`; only looks: a run may go on meanwhile
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
from tqdm import tqdm

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "src"))

from recourse_segregation import files  # noqa: E402

_JOB = re.compile(r"^ *(?:local)?rule (\w+):\n((?: {4,}[\w-]+: .*\n)+)", re.MULTILINE)
_END = re.compile(r"^(?:done in (.+) s|(?:unexpected )?error in (?s:.*))\Z", re.MULTILINE)
STATES = ["done", "running", "interrupted", "failed", "left"]


def plan(folder: Path, *arguments: str) -> dict[str, dict[str, str]]:
    """What a dry run says of each job, by the log of the job (of a target: by its name)."""
    command = [sys.executable, "-m", "snakemake", "--directory", str(folder), *arguments, "--dry-run", "--nolock"]
    process = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if process.returncode:
        sys.exit(process.stdout)
    found = _JOB.findall(process.stdout)
    jobs = [{"stage": stage, **dict(re.findall(r"([\w-]+): (.*)", fields))} for stage, fields in found]
    return {job.get("log", job["stage"]): job for job in jobs}


def look(log: Path, since: float) -> tuple[str, float, str]:
    """State, seconds (of the last time) and last words of a job that is to be done; since: the run at work began."""
    text = log.read_text("utf-8", "replace").strip() if log.is_file() else "done in nan s"
    end = _END.search(text)
    if end is None:
        return "running" if log.stat().st_mtime >= since else "interrupted", float("nan"), text.rpartition("\n")[-1]
    return "left" if end[1] else "failed", float(end[1] or "nan"), end[0]


def describe(folder: Path, every: dict[str, dict[str, str]], todo: dict[str, dict[str, str]], since: float) -> str:
    """The states of the jobs of each stage, the time left, what is missing, and the last words of what has begun."""
    results = every.pop("all")["input"].split(", ")
    jobs = pd.DataFrame([look(folder / log, since) for log in every], list(every), ["state", "seconds", "said"])
    jobs.loc[~jobs.index.isin(todo), "state"] = "done"
    stage = pd.Series({log: job["stage"] for log, job in every.items()})
    table = pd.crosstab(stage, jobs["state"], margins=True, margins_name="all")
    table = table.reindex([*stage.unique(), "all"], columns=STATES, fill_value=0)
    table["seconds a job"] = jobs.groupby(stage)["seconds"].mean().round(1)
    work = table["seconds a job"] * table[["interrupted", "failed", "left"]].sum(axis=1)
    work["all"] = work.sum(min_count=1)
    table["left, on one core"] = work.map(tqdm.format_interval, na_action="ignore")
    parts = [table.to_string(na_rep="–", index_names=False)]
    if missing := [file for file in results if not (folder / file).exists()]:
        parts.append("\n  ".join([f"missing: {len(missing)} of {len(results)} results", *missing[:5]]))
    for state in ("running", "interrupted", "failed"):
        if len(said := jobs.loc[jobs["state"] == state, "said"]):
            parts.append("\n".join([state, *(f"  {log}\n    {text or 'begun'}" for log, text in said.items())]))
    return "\n\n".join(parts)


if __name__ == "__main__":
    folder = Path(*sys.argv[1:2] or [ROOT]).resolve()
    if not folder.is_dir():
        sys.exit(f"{folder}: no such folder; nothing was run there")
    lock = folder / "results" / files.LOCK
    given = lock.read_text("utf-8").strip() if lock.is_file() else ""
    since = lock.stat().st_mtime if files.claimed(lock.parent) else float("inf")
    every, todo = (plan(folder, *shlex.split(given), *more) for more in (["--forceall"], []))
    print(f"{folder} {given}".rstrip() + f"\n\n{describe(folder, every, todo, since)}")
