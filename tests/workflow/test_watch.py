"""Watching a run: its report, its status, and what is shown of a job that fails."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from recourse_segregation import contracts
from workflow_tools import ROOT, TINY, snakemake, with_raw_files

pytestmark = pytest.mark.slow


def status(folder: Path) -> str:
    command = [sys.executable, ROOT / "workflow" / "scripts" / "status.py", folder]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory):
    """The report of a run as text."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    process = snakemake(finished[0], "--cores", "1", "--report", str(file))
    assert process.returncode == 0, process.stdout
    return file.read_text(encoding="utf-8")


def variable(report: str, name: str):
    """What the script of the report reads under this name."""
    return json.loads(re.search(rf'<script id="{name}">\s*var \w+ = (.*);\n', report)[1])


def test_every_exhibit_is_in_the_report_with_a_caption_and_labels(finished, report):
    shown, categories = variable(report, "results"), variable(report, "categories")
    folder = finished[0] / "results"
    files = [f for f in folder.glob("exhibits/*/*") if f.suffix in (".svg", ".csv")]
    pages = [f for f in folder.glob("notebooks/*.html") if f.stem != "index"]
    assert len(files) > 20
    assert len(pages) == len(categories) == 12
    assert {f.relative_to(finished[0]).as_posix() for f in [*files, *pages]} == shown.keys()
    for path, result in shown.items():
        kind, _, data = result["data_uri"].partition("base64,")
        assert kind.startswith("data:")
        assert base64.b64decode(data) == (finished[0] / path).read_bytes()
        assert result["labels"]["file"] == path.rsplit(".", 1)[1]
        assert len(re.sub("<[^>]+>", "", result["caption"])) > 80, path
        assert "system-message" not in result["caption"], "the caption is no proper text"
    assert "Which part does what" in categories
    assert "Which part of explicit and implicit" in shown["results/exhibits/ablation/contrasts.svg"]["caption"]


def test_the_report_has_run_times_and_loads_nothing_from_elsewhere(report):
    times = json.dumps(variable(report, "runtimes"))
    for stage in ("prepare", "train", "recourse", "measure", "notebook"):
        assert f'"rule": "{stage}"' in times
    assert not re.search(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*["']?(?:https?:)?//""", report)


def test_nothing_is_left_of_a_finished_run(finished):
    said = status(finished[0])
    assert said.startswith(f"{finished[0]} --configfile {TINY}\n")
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines()[3:]}
    assert rows["notebook"][:5] == ["12", "0", "0", "0", "0"]
    done, *others = map(int, rows.pop("all")[:5])
    assert others == [0, 0, 0, 0], said
    assert done == sum(int(row[0]) for row in rows.values())
    assert float(rows["recourse"][5]) > 0
    assert "missing" not in said


def test_the_terminal_has_a_line_for_each_job_and_the_time_left(finished):
    lines = (finished[0] / "terminal").read_text(encoding="utf-8").splitlines()
    done = [line for line in lines if re.match(r"\d+ of \d+ jobs done, about [\d:]+ left: \w", line)]
    assert len(done) > 100
    assert len(lines) < len(done) + 40, "little else"
    assert max(map(len, lines)) < 200


def test_a_job_that_fails_shows_its_log_and_the_very_seed(tmp_path):
    """The second of two seeds cannot be trained: it is said once by the job, and once by the end of its log."""
    folder = with_raw_files(tmp_path)
    file = folder / "results/law-sex/seeds-0-1/population.parquet"
    assert snakemake(folder, "--cores", "1", file.relative_to(folder)).returncode == 0
    table = contracts.read(file, "population")
    table.loc[table["seed"] == 1, "label"] = 7
    contracts.write(table, file, "population", contracts.encoding_of(table))
    said = snakemake(folder, "--cores", "1", "results/law-sex/seeds-0-1/mlp/classifier.pt").stdout
    line = "unexpected error in train, population law-sex, seeds 0-1, classifier mlp, seed 1: IndexError: "
    log = "logs/train/law-sex.mlp.seeds-0-1.log"
    assert [part.count(line) for part in said.split(f"\nLogfile {log}:\n")] == [1, 1]
    assert f"(traceback in {log})" in said
    assert said.count("Traceback (most recent call last)") == 1, "that of the log; Snakemake's own says nothing"
    (folder / ".snakemake/locks").mkdir(exist_ok=True)  # as if another run went on, or was killed
    (folder / ".snakemake/locks/0.output.lock").write_text("results/law-sex/seeds-0-1/mlp/classifier.pt\n")
    now = status(folder)
    assert re.search(r"^missing: (\d+) of \1 results\n  results/measures.parquet\n", now, re.MULTILINE)
    assert f"failed\n  {log}\n    {line}" in now
