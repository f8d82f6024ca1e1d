# Sets our numbers beside the published ones, executes the notebooks and renders them as pages to read offline.
# What is marked `report` is shown by `make report`, with its caption from workflow/report.
# Of each page, its notebook: the generic one for a study that has none of its own.
NOTEBOOKS = {}
for name in [*plan.PAGES[:-2], *config["run"]["studies"], *plan.PAGES[-2:]]:
    own = PROJECT / "notebooks" / f"{name}.ipynb"
    NOTEBOOKS[name] = own if own.exists() else own.with_name(f"{plan.GENERIC}.ipynb")


def read_by(notebook):
    """The files of a run that a notebook says it reads; of those that each cell has, the first seeds of some cells."""
    first = [cell for cell in CELLS if cell.seeds.startswith("0-") and cell.method in config["run"]["methods"]]
    synthetic = [cell for cell in first if cell.population == "synthetic"]
    of_cells = {
        "population.parquet": per_cell("results/{population}/seeds-{seeds}/population.parquet", first),
        "after.parquet": per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/after.parquet", synthetic),
    }
    return [f for name in notebooks.reads(NOTEBOOKS[notebook]) for f in of_cells.get(name, [f"results/{name}"])]


def benchmarks(cells):
    """The benchmark files of the jobs that cells need."""
    stages = [
        "prepare/{population}.seeds-{seeds}",
        "train/{population}.{classifier}.seeds-{seeds}",
        "measure_before/{population}.{classifier}.seeds-{seeds}",
        *(stage + "/{population}.{classifier}.{method}.seeds-{seeds}" for stage in ("recourse", "simulate", "measure")),
    ]
    return [file for stage in stages for file in per_cell(f"results/benchmarks/{stage}.tsv", cells)]


def benchmarks_of(notebook):
    """Those of the jobs that an exhibit needs by itself: its own, and those of its study (else the main one)."""
    study = notebook if notebook in config["run"]["studies"] else plan.MAIN
    cells = plan.cells(config, study) if notebooks.reads(NOTEBOOKS[notebook]) else []
    return [f"results/benchmarks/notebook/{notebook}.tsv", *benchmarks(cells)]


rule compare:
    input:
        measures="results/measures.parquet",
        run="results/run.json",
        published=project("workflow/resources/published.csv"),
    output:
        comparison="results/comparison.csv",
    log:
        "logs/compare.log",
    conda:
        ENVIRONMENT
    params:
        code=tracking.code("compare"),
        tolerances=lookup("comparison", within=config),
    script:
        "../scripts/compare.py"


rule claims:
    input:
        measures="results/measures.parquet",
        run="results/run.json",
        claims=project("workflow/resources/claims.yaml"),
        schema=project("workflow/schemas/claims.schema.yaml"),
    output:
        claims="results/claims.csv",
        evidence="results/claims_evidence.csv",
    log:
        "logs/claims.log",
    conda:
        ENVIRONMENT
    params:
        code=tracking.code("claims"),
        study=plan.claims_study(config),
    script:
        "../scripts/claims.py"


rule notebook:
    input:
        notebook=lambda wildcards: project(NOTEBOOKS[wildcards.notebook]),
        tables=lambda wildcards: read_by(wildcards.notebook),
    output:
        notebook="results/notebooks/{notebook}.ipynb",
        exhibits=report(
            directory("results/exhibits/{notebook}"),
            patterns=["{name}.{kind,svg|csv}"],
            caption="../report/exhibit.rst",
            category=lambda wildcards: notebooks.opening(NOTEBOOKS[wildcards.notebook])[0],
            labels={"what": "{name}", "file": "{kind}"},
        ),
    log:
        "logs/notebook/{notebook}.log",
    benchmark:
        "results/benchmarks/notebook/{notebook}.tsv"
    wildcard_constraints:
        notebook="|".join(NOTEBOOKS),
    conda:
        ENVIRONMENT
    params:
        code=lambda wildcards: f'{tracking.code("notebook")} {tracking.digest(NOTEBOOKS[wildcards.notebook])}',
        about=lambda wildcards: notebooks.opening(NOTEBOOKS[wildcards.notebook])[1],
    script:
        "../scripts/notebook.py"


rule html:
    input:
        notebooks=expand("results/notebooks/{notebook}.ipynb", notebook=NOTEBOOKS),
        run="results/run.json",
        look=[project("workflow/resources/index.md"), project("workflow/resources/page.html.j2")],
    output:
        index="results/notebooks/index.html",
        pages=[
            report(
                f"results/notebooks/{notebook}.html",
                caption="../report/page.rst",
                category=notebooks.opening(file)[0],
                labels={"what": "page", "file": "html"},
            )
            for notebook, file in NOTEBOOKS.items()
        ],
    log:
        "logs/html.log",
    conda:
        ENVIRONMENT
    params:
        code=tracking.code("html"),
    script:
        "../scripts/html.py"


rule provenance:
    input:
        results=[
            "results/measures.parquet",
            "results/comparison.csv",
            "results/claims.csv",
            "results/claims_evidence.csv",
        ],
        index="results/notebooks/index.html",
        benchmarks=[
            *(f"results/benchmarks/download/{plan.dataset(config, name)}.tsv" for name in plan.populations(config)),
            *per_cell("results/benchmarks/train/{population}.{classifier}.seeds-{seeds}.tsv", TRAINED),
            *benchmarks(CELLS),
            *expand("results/benchmarks/notebook/{notebook}.tsv", notebook=NOTEBOOKS),
        ],
    output:
        provenance="results/provenance.json",
    log:
        "logs/provenance.log",
    conda:
        ENVIRONMENT
    params:
        code=tracking.code("provenance"),
        digest=tracking.code_digest(PROJECT),
        config=config,
        project=os.path.relpath(PROJECT),
        exhibits={notebook: benchmarks_of(notebook) for notebook in NOTEBOOKS},
    script:
        "../scripts/provenance.py"
