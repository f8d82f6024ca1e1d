"""What users of other Snakemake workflows try first: another folder, a module, one setting from the command line.

That `make` alone lists its words is in tests/unit/test_progress.py, that the terminal has a line a job in test_run.py.
"""

import re

import pandas as pd
import pytest
import yaml

from recourse_segregation import contracts
from workflow_tools import ROOT, as_a_reader, copied, planned, shown

pytestmark = pytest.mark.slow


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


def test_the_readme_s_module_works_as_it_stands(tmp_path):
    (block,) = shown("../README.md", "python")
    copied(tmp_path / "recourse-segregation")
    (tmp_path / "Snakefile").write_text(block, encoding="utf-8")
    said = as_a_reader(tmp_path, "snakemake --cores 1 --dry-run mine")
    assert "input: segregation/results/measures.parquet\n" in said
    assert "law-sex" not in said


DELIVERED = [
    *(f"results/{name}.parquet" for name in ("measures", "diagnostics", "classifiers")),
    *(f"results/{name}.csv" for name in ("comparison", "claims", "claims_evidence")),
    *("results/run.json", "results/provenance.json", "results/notebooks/index.html"),
    *("results/notebooks/segregation.html", "results/exhibits/segregation", "results/exhibits/half"),
]


def test_a_deliverable_that_is_gone_is_made_again(finished, tmp_path):
    whole, _ = finished
    aside = {whole / name: tmp_path / str(number) for number, name in enumerate(DELIVERED)}
    for place, other in aside.items():
        place.rename(other)
    try:
        said = planned(whole)
    finally:
        for place, other in aside.items():
            other.rename(place)
    (wanted,) = re.findall(r"^rule all:\n    input: (.*)", said, re.MULTILINE)
    assert set(DELIVERED) <= set(wanted.split(", "))
    missing = {
        file for files in re.findall(r"reason: Missing output files: ([^;\n]*)", said) for file in files.split(", ")
    }
    assert missing == set(DELIVERED)


def test_a_study_of_one_s_own_has_a_page(finished):
    """`half` of the tiny configuration has no notebook; its scenario is shown with what changes in it."""
    results = finished[0] / "results"
    page = (results / "notebooks" / "half.html").read_text(encoding="utf-8")
    assert "<title>The study half</title>" in page
    assert "Scenario: Half of them" in page
    changes = pd.read_csv(results / "exhibits" / "half" / "changes-half.csv")
    assert set(changes["method"]) == {"wachter", "face"}
    assert {file.name for file in (results / "exhibits" / "half").glob("*.csv")} == {
        "changes-half.csv",
        "quality-half.csv",
    }


def test_the_catalogue_of_workflows_is_told_how_it_is_used():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert usage.keys() == {"mandatory-flags", "software-stack-deployment", "report"}
    assert usage["mandatory-flags"].keys() == {"desc", "flags"}
    assert usage["software-stack-deployment"]["conda"] is True
    assert usage["report"] is True
    assert (ROOT / "envs" / "environment.yaml").exists()
