"""What users of other Snakemake workflows try first: another folder, a module, one setting from the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workflow_tools import ROOT, snakemake

pytestmark = pytest.mark.slow


def planned(folder, *arguments, **others) -> str:
    """What a dry run says."""
    process = snakemake(folder, "--dry-run", "--cores", "1", *arguments, **others)
    assert process.returncode == 0, process.stdout
    return process.stdout


def test_it_runs_in_any_folder_from_any_folder(tmp_path):
    assert "rule recourse:" in planned(tmp_path / "mine", configs=())
    command = [sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", "--dry-run", "--cores", "1"]
    process = subprocess.run(list(map(str, command)), cwd=tmp_path, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    assert not (ROOT / "results" / "raw").exists() or (tmp_path / "results").exists() is False


def test_one_nested_setting_from_the_command_line(tmp_path):
    text = planned(tmp_path, "measure_all", "--config", 'run={"seeds": 2, "populations": ["synthetic"]}', configs=())
    assert "seeds-0-1/population.parquet" in text
    assert "seeds-0-4" not in text.replace("law", "")


@pytest.mark.parametrize("extra", ["", '\n    prefix: "theirs"', "\n    config: config"])
def test_another_workflow_can_use_it_as_a_module(extra, tmp_path):
    (tmp_path / "Snakefile").write_text(
        ("configfile: " + repr(str(ROOT / "config.yaml")) + "\n" if "config:" in extra else "")
        + f"module segregation:\n    snakefile: {str(ROOT / 'Snakefile')!r}{extra}\n\n"
        "use rule * from segregation as segregation_*\n\n"
        "rule mine:\n    default_target: True\n    input: rules.segregation_measure_all.input\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    said = process.stdout + process.stderr
    assert process.returncode == 0, said
    assert "rule segregation_recourse:" in said
    assert ("theirs/results/measures.parquet" in said) == ("prefix" in extra)


@pytest.mark.parametrize(
    "gone",
    [
        *("results/notebooks/segregation.html", "results/comparison.csv", "results/claims.csv", "results/run.json"),
        *("results/exhibits/segregation", "results/measures.parquet", "results/provenance.json"),
    ],
)
def test_a_deliverable_that_is_gone_is_made_again(gone, finished, tmp_path):
    whole, _ = finished
    place, aside = whole / gone, tmp_path / "aside"
    assert "Nothing to be done" in planned(whole)
    place.rename(aside)
    try:
        assert gone in planned(whole)
    finally:
        aside.rename(place)


def test_a_study_of_one_s_own_has_a_page(finished):
    """Of a study without a notebook, `half` in the tiny configuration; its scenario is shown with its changes."""
    page = (finished[0] / "results" / "notebooks" / "half.html").read_text(encoding="utf-8")
    assert "Half of them" in page
    assert (finished[0] / "results" / "exhibits" / "half" / "changes.csv").is_file()


def test_make_alone_lists_its_words_and_installs_nothing(tmp_path):
    for words in ([], ["help"]):
        said = subprocess.run(["make", "-C", str(ROOT), *words], capture_output=True, text=True, check=True).stdout
        assert "quick" in said
        assert "reproduce" in said
        assert "pip" not in said
