"""The project as a whole: style, environments, dry runs, and what is committed."""

import json
import re
import sys

import pytest
import yaml

from recourse_segregation import plan, tracking
from workflow_tools import ROOT, as_a_reader, jobs, planned, snakemake

RESULTS = ROOT / "results"


@pytest.mark.parametrize(
    "command", ["ruff check .", "ruff format --check .", "snakefmt --check Snakefile workflow/rules"]
)
def test_style(command):
    as_a_reader(ROOT, f"{sys.executable} -m {command}")


@pytest.mark.slow
def test_snakemake_lint(tmp_path):
    process = snakemake(tmp_path, "--lint", configs=())
    assert process.returncode == 0, process.stdout


@pytest.mark.slow
def test_dry_run_of_the_paper_s_configuration(tmp_path):
    counts = jobs(planned(tmp_path, configs=()))
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    chosen = [config["run"], *(config["studies"][name] for name in config["run"]["studies"])]
    cells = {
        (population, method) for study in chosen for population in study["populations"] for method in study["methods"]
    }
    assert counts["prepare"] == len(config["run"]["populations"])
    assert len({counts[rule] for rule in ("recourse", "simulate", "measure")}) == 1
    assert counts["recourse"] == len(cells), "a cell that several studies need is run once"
    assert counts["notebook"] == 6 + len(config["run"]["studies"])


def pins(lines: list[str]) -> dict[str, str]:
    matches = (re.match(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", line) for line in lines)
    return {m[1].lower(): m[2] for m in matches if m}


def test_the_environments_agree():
    folder = ROOT / "envs"
    wanted = pins((folder / "requirements.in").read_text(encoding="utf-8").splitlines())
    locked = pins((folder / "requirements.lock").read_text(encoding="utf-8").splitlines())
    torch = pins((folder / "requirements-torch.txt").read_text(encoding="utf-8").splitlines())
    assert wanted.items() <= locked.items()
    assert "torch" not in locked
    assert "+" not in torch["torch"], "a local build has no place in a lock"
    conda = yaml.safe_load((folder / "environment.yaml").read_text(encoding="utf-8"))["dependencies"]
    names = {"pytorch": "torch", "matplotlib-base": "matplotlib", "snakemake-minimal": "snakemake"}
    in_conda = dict(entry.split("=") for entry in conda)
    assert in_conda.pop("python") == "3.11"
    assert {names.get(name, name): version for name, version in in_conda.items()} == {**wanted, **torch}


def test_the_licence_and_the_citation_are_there():
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["preferred-citation"]["title"] == "On the Impact of Algorithmic Recourse on Social Segregation"


def test_published_numbers_have_a_source():
    lines = (ROOT / "workflow" / "resources" / "published.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "exhibit,population,method,phase,metric,value,source"
    assert all(line.split(",")[-1] for line in lines)


# Committed results

committed = pytest.mark.skipif(not (RESULTS / "provenance.json").exists(), reason="no results are committed")


@committed
def test_committed_results_were_made_by_the_committed_code():
    record = json.loads((RESULTS / "provenance.json").read_text(encoding="utf-8"))
    assert record["code"]["sha256"] == tracking.code_digest(ROOT), "code changed: run `make reproduce` and commit"
    for name, digest in record["results"].items():
        assert tracking.file_digest(RESULTS / name) == digest, f"results/{name} is not what that run wrote"


@committed
def test_the_readme_shows_the_committed_results():
    as_a_reader(ROOT, f"{sys.executable} docs/update_numbers.py --check")


@committed
def test_committed_results_name_no_machine_and_load_nothing():
    for file in [*RESULTS.glob("notebooks/*"), RESULTS / "provenance.json"]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|work|tmp|Users)/", text), f"{file.name} holds a path of a machine"
        if file.suffix == ".html":
            assert not re.search(r"""<(script|link|img)[^>]+(src|href)=["']https?:""", text), file.name


def test_the_command_of_every_exhibit_can_be_run(tmp_path):
    """Those of the README's table, together where they differ in the exhibit only."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"\| `snakemake -c2 (results/notebooks/(\w+)\.ipynb)([^`]*)` \|", text)
    own = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} - {plan.GENERIC}
    assert {name for _, name, _ in commands} == own
    for more in {more for _, _, more in commands}:
        targets = [target for target, _, others in commands if others == more]
        planned(tmp_path, *targets, *more.split(), configs=())
