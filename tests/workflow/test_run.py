"""The tiny configuration from raw files to pages, twice: complete, bit-identical, cheap to run again, and watched."""

import base64
import json
import os
import re

import numpy as np
import pandas as pd
import pytest

from recourse_segregation import contracts, methods
from workflow_tools import ROOT, TINY, as_a_reader, differing, jobs, made, planned, snakemake, with_raw_files

pytestmark = pytest.mark.slow
PACKAGE = "workflow/src/recourse_segregation"


def test_two_runs_are_bit_identical(finished):
    """But for what shows seconds."""
    assert differing(*finished) == []
    kinds = {name.rpartition(".")[2] for name in made(finished[0])}
    assert kinds == {"csv", "html", "ipynb", "json", "parquet", "png", "pt", "svg"}


def test_every_cell_is_measured(finished):
    measures = contracts.read(finished[0] / "results" / "measures.parquet", "measures")
    cell = ["population", "seed", "classifier", "method", "scenario"]
    by_method = measures["method"] != contracts.BEFORE
    for rows in (measures[by_method], measures[~by_method]):  # a scenario may ask for more numbers than the others
        assert (rows.groupby(cell).size().groupby("scenario").nunique() == 1).all()
    studies = contracts.read_run(finished[0] / "results" / "run.json")["studies"]
    whole = [
        "main",
        "reruns",
        "tradeoff",
        "ablation",
        "conventions",
        "choices",
        "controls",
        "indices",
        "strictness",
        "half",
    ]
    assert list(studies) == whole
    for study in studies.values():
        own = contracts.of_study(measures, study)
        counts = own.groupby(cell, observed=True).size()
        decided = [(p, classifier) for p in study["populations"] for classifier in study["decided_by"][p]]
        lists = (decided, [contracts.BEFORE, *study["methods"]], study["scenarios"])
        assert len(counts) == study["seeds"] * np.prod(list(map(len, lists)))
    strict = {"mlp-strict-20"} & set(contracts.of_study(measures, studies["main"])["classifier"])
    assert not strict, "the main tables are the published classifiers'"
    missing = measures[measures["value"].isna()]
    assert (missing["note"] != "").all()


def test_the_cost_of_every_job_is_on_record(finished):
    results = finished[0] / "results"
    record = json.loads((results / "provenance.json").read_text(encoding="utf-8"))
    made = {f.relative_to(results / "benchmarks").with_suffix("").as_posix() for f in results.rglob("*.tsv")}
    assert sum(stage["jobs"] for stage in record["stages"].values()) == len(made)
    assert all(exhibit["seconds"] > 0 for exhibit in record["exhibits"].values())


def test_every_published_row_and_every_claim_has_a_verdict(finished):
    ours = pd.read_csv(finished[0] / "results" / "comparison.csv")
    published = pd.read_csv(ROOT / "workflow" / "resources" / "published.csv")
    assert len(ours) == len(published)
    assert published["source"].notna().all()
    assert ours[["verdict", "by_tolerance"]].notna().all().all()
    assert set(ours.loc[ours["population"] == "gmc-age", "by_tolerance"]) == {"not run"}
    again = (ours["population"] == "synthetic") & ours["method"].isin(["none", "wachter"]) & (ours["metric"] != "ynn")
    assert set(ours.loc[again, "reruns"]) == {3}
    assert set(ours.loc[again, "verdict"]) <= {"consistent", "cannot tell", "inconsistent"}
    claims = pd.read_csv(finished[0] / "results" / "claims.csv")
    assert claims["verdict"].notna().all()
    assert set(claims["population"]) == {"all", "synthetic", "law-sex"}
    evidence = pd.read_csv(finished[0] / "results" / "claims_evidence.csv")
    assert set(evidence["holds"]) == {"undecided"}, "two seeds decide nothing"


def test_pages_are_rendered(finished):
    folder = finished[0] / "results" / "notebooks"
    index = (folder / "index.html").read_text(encoding="utf-8")
    pages = ["populations", "synthetic", "segregation", "recourse_quality", "theory", "comparison", "robustness"]
    for page in [*pages, "tradeoff", "ablation", "conventions", "choices", "controls", "half"]:
        assert f'href="{page}.html"' in index
        assert (folder / f"{page}.ipynb").exists()
        assert "Traceback" not in (folder / f"{page}.html").read_text(encoding="utf-8")
    assert "Populations: Synthetic, Law school by sex." in index


DELIVERED = [
    *(f"results/{name}.parquet" for name in ("measures", "diagnostics", "classifiers")),
    *(
        f"results/{name}.csv"
        for name in ("comparison", "comparison_candidates", "claims", "claims_evidence", "overlap")
    ),
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
    missing = re.findall(r"reason: Missing output files: ([^;\n]*)", said)
    assert {file for files in missing for file in files.split(", ")} == set(DELIVERED)


def test_a_study_of_one_s_own_has_a_page(finished):
    """`half` of the tiny configuration has no notebook; its scenario is shown with what changes in it."""
    results = finished[0] / "results"
    page = (results / "notebooks" / "half.html").read_text(encoding="utf-8")
    assert "<title>The study half</title>" in page
    assert "Scenario: Half of them" in page
    changes = pd.read_csv(results / "exhibits" / "half" / "changes-half.csv")
    assert set(changes["method"]) == {"wachter", "face"}
    tables = {file.name for file in (results / "exhibits" / "half").glob("*.csv")}
    assert tables == {"changes-half.csv", "quality-half.csv"}


@pytest.fixture
def project(finished):
    """The copy of the project that the second run was made with; what a test does to it is undone."""
    folder = finished[1].parent / "project"
    before = {file: file.read_bytes() for file in folder.rglob("*.*") if file.is_file()}
    yield folder
    for file, content in before.items():
        if file.read_bytes() != content:
            file.write_bytes(content)


def test_a_word_or_another_time_reruns_nothing(finished, project):
    for name in ("methods/face.py", "measure.py", "exhibits/segregation.py"):
        file = project / PACKAGE / name
        first, _, rest = file.read_text(encoding="utf-8").partition('"""')
        file.write_text(f'{first}"""Said otherwise: {rest}# a word that changes no number\n', encoding="utf-8")
    for name in ("Snakefile", "config.yaml", "workflow/rules/measure.smk", "workflow/scripts/measure.py"):
        with (project / name).open("a", encoding="utf-8") as file:
            file.write("# a word that changes no number\n")
    for file in project.rglob("*.*"):
        os.utime(file)
    assert "Nothing to be done" in planned(finished[1], project=project)


def after_an_edit(finished, project, module: str) -> str:
    """What would be done again when a module of the library does something else."""
    with (project / PACKAGE / module).open("a", encoding="utf-8") as file:
        file.write("EDITED = True\n")
    return planned(finished[1], project=project)


def test_editing_a_method_reruns_its_cells_only(finished, project):
    again = after_an_edit(finished, project, "methods/face.py")
    cells = re.findall(r"rule recourse:.*?wildcards: ([^\n]*)", again, re.DOTALL)
    assert len(cells) == 3  # FACE on two populations, and its variant
    assert all("method=face" in cell for cell in cells)
    assert not jobs(again).keys() & {"prepare", "train", "measure_before"}


def test_editing_an_exhibit_reruns_its_page_only(finished, project):
    again = after_an_edit(finished, project, "exhibits/tradeoff.py")
    assert jobs(again) == {"notebook": 1, "html": 1, "provenance": 1, "all": 1, "total": 4}
    assert "results/notebooks/tradeoff.ipynb" in again


def test_the_page_of_the_theory_needs_no_run(tmp_path):
    assert jobs(planned(tmp_path, "results/notebooks/theory.ipynb")) == {"notebook": 1, "total": 1}


def test_adding_a_seed_runs_only_that_seed(finished, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("run: {seeds: 3}\n", encoding="utf-8")
    cells = re.findall(r"rule recourse:.*?wildcards: ([^\n]*)", planned(finished[0], configs=(TINY, more)), re.DOTALL)
    assert {cell.split("method=")[1] for cell in cells} >= set(methods.names())
    assert all("seeds=2-2" in cell for cell in cells)


def test_results_do_not_depend_on_the_block_of_seeds(finished, tmp_path):
    """A seed in a job of its own gives what it gives beside another."""
    block = "results/synthetic/seeds-{}/linear/{}/measures.parquet"
    chosen = ["growing_spheres", "ibr", "ebr"]
    alone = tmp_path / "alone.yaml"
    alone.write_text("run: {block_size: 1}\n", encoding="utf-8")
    targets = [block.format("1-1", method) for method in chosen]
    process = snakemake(tmp_path, "--cores", "2", *targets, configs=(TINY, alone))
    assert process.returncode == 0, process.stdout[-4000:]
    for method, target in zip(chosen, targets, strict=True):
        both = contracts.read(finished[0] / block.format("0-1", method), "measures")
        own = both.query("seed == 1 and scenario == 'default'").reset_index(drop=True)
        apart = contracts.read(tmp_path / target, "measures").query("scenario == 'default'").reset_index(drop=True)
        pd.testing.assert_frame_equal(apart, own)


# --- watching it: its report, its status, and what is shown of a job that fails -------------------------------


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
    assert len(pages) == len(categories) == 15
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
    said = as_a_reader(ROOT, f"python workflow/scripts/status.py {finished[0]}")
    assert said.startswith(f"{finished[0]} --configfile {TINY}\n")
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines()[3:]}
    assert rows["notebook"][:5] == ["15", "0", "0", "0", "0"]
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
    now = as_a_reader(ROOT, f"python workflow/scripts/status.py {folder}")
    assert re.search(r"^missing: (\d+) of \1 results\n  results/measures.parquet\n", now, re.MULTILINE)
    assert f"failed\n  {log}\n    {line}" in now
