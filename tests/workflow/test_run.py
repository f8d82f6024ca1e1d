"""The tiny configuration from raw files to pages, twice: complete, bit-identical, and cheap to run again."""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from recourse_segregation import contracts, methods
from workflow_tools import ROOT, TINY, differing, snakemake, with_raw_files, write_receipt

pytestmark = pytest.mark.slow


def test_two_runs_are_bit_identical(finished):
    assert differing(*finished) == []


def test_pages_and_pictures_are_bit_identical_too(finished):
    """But for the page that shows seconds."""
    one, two = (
        {
            f.relative_to(folder / "results").as_posix(): f.read_bytes()
            for part in ("exhibits", "notebooks")
            for f in (folder / "results" / part).rglob("*.*")
            if "recourse_quality" not in f.as_posix() and not f.name.startswith(".")
        }
        for folder in finished
    )
    assert one.keys() == two.keys()
    assert {name.rpartition(".")[2] for name in one} == {"csv", "html", "ipynb", "png", "svg"}
    assert [name for name in one if one[name] != two[name]] == []


def test_every_cell_is_measured(finished):
    measures = contracts.read(finished[0] / "results" / "measures.parquet", "measures")
    cells = measures.groupby(["population", "seed", "method", "scenario"]).size()
    assert cells.nunique() == 1
    studies = contracts.read_studies(finished[0] / "results" / "studies.json")
    assert list(studies) == ["main", "tradeoff", "ablation", "conventions", "choices", "controls"]
    for study in studies.values():
        own = contracts.of_study(measures, study)
        counts = own.groupby(["population", "seed", "method", "scenario"]).size()
        assert len(counts) == study["seeds"] * np.prod([len(study[k]) for k in ("populations", "methods", "scenarios")])
    missing = measures[measures["value"].isna()]
    assert (missing["note"] != "").all()


def test_the_do_nothing_control_changes_nothing(finished):
    measures = contracts.read(finished[0] / "results" / "measures.parquet", "measures")
    mine = measures.query("method == 'nobody' and scope != 'recipients' and metric != 'atkinson_released'")
    wide = mine.pivot_table(
        index=["population", "scenario", "seed", "scope", "metric"], columns="phase", values="value"
    )
    assert len(wide) == 3 * 2 * 2 * 5  # synthetic as it is and as a placebo, law as it is
    assert (wide["before"] == wide["after"]).all()
    moved = measures.query("method == 'wachter' and scope == 'everyone' and metric == 'average_proximity'")
    assert moved.groupby("phase")["value"].mean().nunique() == 2


def test_the_cost_of_every_job_is_on_record(finished):
    results = finished[0] / "results"
    record = json.loads((results / "provenance.json").read_text(encoding="utf-8"))
    made = {f.relative_to(results / "benchmarks").with_suffix("").as_posix() for f in results.rglob("*.tsv")}
    assert sum(stage["jobs"] for stage in record["stages"].values()) == len(made)
    assert all(exhibit["seconds"] > 0 for exhibit in record["exhibits"].values())


def test_every_published_row_has_a_verdict(finished):
    ours = pd.read_csv(finished[0] / "results" / "comparison.csv")
    published = pd.read_csv(ROOT / "workflow" / "resources" / "published.csv")
    assert len(ours) == len(published)
    assert ours["verdict"].notna().all()
    assert set(ours.loc[ours["population"] == "gmc-age", "verdict"]) == {"not run"}


def test_every_claim_has_a_verdict(finished):
    claims = pd.read_csv(finished[0] / "results" / "claims.csv")
    assert claims["verdict"].notna().all()
    assert set(claims["population"]) == {"all", "synthetic", "law-sex"}
    evidence = pd.read_csv(finished[0] / "results" / "claims_evidence.csv")
    assert set(evidence["holds"]) == {"undecided"}, "two seeds decide nothing"


def test_pages_are_rendered(finished):
    folder = finished[0] / "results" / "notebooks"
    index = (folder / "index.html").read_text(encoding="utf-8")
    pages = ["populations", "synthetic", "segregation", "recourse_quality", "theory", "comparison"]
    for page in [*pages, "tradeoff", "ablation", "conventions", "choices", "controls"]:
        assert f'href="{page}.html"' in index
        assert (folder / f"{page}.ipynb").exists()
        assert "Traceback" not in (folder / f"{page}.html").read_text(encoding="utf-8")
    assert "Populations: Synthetic, Law school by sex." in index
    assert list((finished[0] / "results" / "exhibits").rglob("*.svg"))


def test_nothing_is_left_to_do(finished):
    process = snakemake(finished[0], "--dry-run", "--cores", "1")
    assert "Nothing to be done" in process.stdout


def test_editing_a_method_reruns_its_cells_only(finished):
    method = ROOT / "workflow" / "src" / "recourse_segregation" / "methods" / "face.py"
    text = method.read_text(encoding="utf-8")
    try:
        method.write_text(text + "# a word that changes no number\n", encoding="utf-8")
        assert "Nothing to be done" in snakemake(finished[1], "--dry-run", "--cores", "1").stdout
        method.write_text(text + "EDITED = True\n", encoding="utf-8")
        process = snakemake(finished[1], "--dry-run", "--cores", "1")
    finally:
        method.write_text(text, encoding="utf-8")
    cells = re.findall(r"rule recourse:.*?wildcards: ([^\n]*)", process.stdout, re.DOTALL)
    assert len(cells) == 3  # FACE on two populations, and its variant
    assert all("method=face" in cell for cell in cells)
    os.utime(method)
    assert "Nothing to be done" in snakemake(finished[1], "--dry-run", "--cores", "1").stdout


def test_adding_a_seed_runs_only_that_seed(finished, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("run: {seeds: 3}\n", encoding="utf-8")
    process = snakemake(finished[1], "--dry-run", "--cores", "1", configs=(ROOT / "config.yaml", TINY, more))
    cells = re.findall(r"rule recourse:.*?wildcards: ([^\n]*)", process.stdout, re.DOTALL)
    assert {cell.split("method=")[1] for cell in cells} >= set(methods.names())
    assert all("seeds=2-2" in cell for cell in cells)


def test_results_do_not_depend_on_the_block_of_seeds(finished, tmp_path):
    """Two seeds in one job give what they give in two."""
    chosen = ["growing_spheres", "ibr", "ebr"]
    one_by_one = tmp_path / "one_by_one.yaml"
    run = {"populations": ["synthetic"], "methods": chosen, "block_size": 1, "studies": []}
    one_by_one.write_text(yaml.safe_dump({"run": run}), encoding="utf-8")
    process = snakemake(tmp_path, "--cores", "2", "measure_all", configs=(ROOT / "config.yaml", TINY, one_by_one))
    assert process.returncode == 0, process.stdout[-4000:]
    joined = contracts.read(finished[0] / "results" / "measures.parquet", "measures")
    joined = joined.query("population == 'synthetic' and method in @chosen and scenario == 'default'")
    apart = contracts.read(tmp_path / "results" / "measures.parquet", "measures")
    order = ["method", "seed", "phase", "scope", "metric"]
    pd.testing.assert_frame_equal(
        apart.sort_values(order).reset_index(drop=True), joined.sort_values(order).reset_index(drop=True)
    )


def test_a_failing_job_names_population_and_seeds(tmp_path):
    """A raw file that is not what its publisher describes: one clear line, and nothing is written."""
    folder = with_raw_files(tmp_path)
    file = next((folder / "results" / "raw" / "law").glob("*.csv"))
    file.write_text(file.read_text(encoding="utf-8").replace("LSAT", "LST"), encoding="utf-8")
    write_receipt(file.parent)
    process = snakemake(folder, "--cores", "1", "--until", "prepare")
    assert process.returncode != 0
    assert "error in prepare, population law-sex, seeds 0-1" in process.stdout
    assert "LSAT" in process.stdout
    assert not (folder / "results" / "law-sex" / "seeds-0-1" / "population.parquet").exists()
