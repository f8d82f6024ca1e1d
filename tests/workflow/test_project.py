"""The project as a whole: style, environments, how it is used, and what is committed."""

import json
import re
import sys

import pytest
import yaml

from conftest import CONFIG
from recourse_segregation import contracts, plan, tracking
from workflow_tools import ROOT, as_a_reader, copied, jobs, planned, shown, snakemake

RESULTS = ROOT / "results"


@pytest.mark.parametrize(
    "check", ["ruff check .", "ruff format --check .", "snakefmt --check Snakefile workflow/rules"]
)
def test_style(check):
    as_a_reader(ROOT, f"{sys.executable} -m {check}")


@pytest.mark.slow
def test_snakemake_lint(tmp_path):
    process = snakemake(tmp_path, "--lint", configs=())
    assert process.returncode == 0, process.stdout


@pytest.mark.slow
def test_dry_run_of_the_paper_s_configuration(tmp_path):
    counts = jobs(planned(tmp_path, configs=()))
    run, studies = CONFIG["run"], CONFIG["studies"]
    chosen = [run, *(studies[name] for name in run["studies"])]
    cells = {
        (population, classifier, method, block)
        for study in chosen
        for population in study["populations"]
        for classifier in study.get("classifiers", plan.population_of(CONFIG, population)["decided_by"])
        for method in study["methods"]
        for block in range(0, study.get("seeds", run["seeds"]), run["block_size"])
    }
    assert counts["prepare"] == len({(population, block) for population, _, _, block in cells})
    assert len({counts[rule] for rule in ("recourse", "simulate", "measure")}) == 1
    assert counts["recourse"] == len(cells), "a cell that several studies need is run once"
    assert counts["notebook"] == len(plan.pages(CONFIG))


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


def test_the_licence_the_citation_and_the_usage_for_the_catalogue_of_workflows_are_there():
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["preferred-citation"]["title"] == "On the Impact of Algorithmic Recourse on Social Segregation"
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert usage.keys() == {"mandatory-flags", "software-stack-deployment", "report"}
    assert usage["mandatory-flags"].keys() == {"desc", "flags"}
    assert usage["software-stack-deployment"]["conda"] is True
    assert usage["report"] is True
    assert (ROOT / "envs" / "environment.yaml").exists()


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


@pytest.mark.slow
def test_it_runs_in_any_folder_and_from_any_folder(tmp_path):
    assert "rule train:" in as_a_reader(ROOT, f"snakemake train_all --dry-run --cores 1 --directory {tmp_path}/mine")
    one_setting = """--config 'run={"seeds": 2, "populations": ["synthetic"], "studies": []}'"""
    said = as_a_reader(tmp_path, f"snakemake --dry-run --cores 1 -s {ROOT}/Snakefile {one_setting}")
    assert "seeds-0-1/population.parquet" in said
    assert "seeds-0-4" not in said


#: what another workflow says in place of config.yaml
SMALL = """
run: {populations: [synthetic], methods: [wachter, nobody], seeds: 1, studies: []}
prepare: {rows: 300}
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["", '    config: config\n    prefix: "theirs"\n'])
def test_another_workflow_can_use_it_as_a_module(how, tmp_path):
    """As it is, without a change; and run, with a prefix and what the other workflow's configuration says."""
    (tmp_path / "config.yaml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "Snakefile").write_text(
        ('configfile: "config.yaml"\n' if how else "")
        + f"module segregation:\n    snakefile: {str(ROOT / 'Snakefile')!r}\n{how}\n"
        "use rule * from segregation as segregation_*\n\n"
        "rule mine:\n    default_target: True\n    input: rules.segregation_measure_all.input\n",
        encoding="utf-8",
    )
    said = as_a_reader(tmp_path, f"snakemake --cores 2 {'' if how else '--dry-run'}")
    assert ("law-sex" in said) == (how == ""), "its own configuration, or what the other says"
    if how:
        table = contracts.read(tmp_path / "theirs" / "results" / "measures.parquet", "measures")
        assert set(table["method"]) == {contracts.BEFORE, "wachter", "nobody"}
        assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_the_readme_s_module_works_as_it_stands(tmp_path):
    (block,) = shown("../README.md", "python")
    copied(tmp_path / "recourse-segregation")
    (tmp_path / "Snakefile").write_text(block, encoding="utf-8")
    said = as_a_reader(tmp_path, "snakemake --cores 1 --dry-run mine")
    assert "input: segregation/results/measures.parquet\n" in said
    assert "law-sex" not in said
