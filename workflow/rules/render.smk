# Sets our numbers beside the published ones, executes the notebooks and renders them as pages to read offline.
# What is marked `report` is shown by `make report`, with its caption from workflow/report.


rule compare:
    input:
        measures="results/measures.parquet",
        studies="results/studies.json",
        published=ROOT / "workflow/resources/published.csv",
    output:
        comparison="results/comparison.csv",
    log:
        "logs/compare.log",
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("compare"),
        tolerances=lookup("comparison", within=config),
    script:
        "../scripts/compare.py"


rule claims:
    input:
        measures="results/measures.parquet",
        studies="results/studies.json",
        claims=ROOT / "workflow/resources/claims.yaml",
        schema=ROOT / "workflow/schemas/claims.schema.yaml",
    output:
        claims="results/claims.csv",
        evidence="results/claims_evidence.csv",
    log:
        "logs/claims.log",
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("claims"),
        study=settings.claims_study(config),
    script:
        "../scripts/claims.py"


rule notebook:
    input:
        notebook=ROOT / "notebooks/{notebook}.ipynb",
        tables=[
            "results/measures.parquet",
            "results/diagnostics.parquet",
            "results/classifiers.parquet",
            "results/comparison.csv",
            "results/claims.csv",
            "results/claims_evidence.csv",
        ],
        studies="results/studies.json",
        people=per_block("results/{population}/seeds-{seeds}/population.parquet", FIRST_BLOCKS),
        after=per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/after.parquet", PICTURED),
    output:
        notebook="results/notebooks/{notebook}.ipynb",
        exhibits=report(
            directory("results/exhibits/{notebook}"),
            patterns=["{name}.{kind,svg|csv}"],
            caption="../report/exhibit.rst",
            category=lambda wildcards: opening(wildcards.notebook)[0],
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
    threads: 1
    params:
        code=code("notebook", "exhibits", "theory"),
        about=lambda wildcards: opening(wildcards.notebook)[1],
    script:
        "../scripts/notebook.py"


rule html:
    input:
        notebooks=expand("results/notebooks/{notebook}.ipynb", notebook=NOTEBOOKS),
        measures="results/measures.parquet",
        studies="results/studies.json",
    output:
        index="results/notebooks/index.html",
        pages=[
            report(
                f"results/notebooks/{notebook}.html",
                caption="../report/page.rst",
                category=opening(notebook)[0],
                labels={"what": "page", "file": "html"},
            )
            for notebook in NOTEBOOKS
        ],
    log:
        "logs/html.log",
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("html"),
    script:
        "../scripts/html.py"


def benchmarks(cells):
    """The benchmark files of the jobs that cells need, each once."""
    patterns = [getattr(rules, stage).benchmark for stage in ("prepare", "train", "recourse", "simulate", "measure")]
    names = [
        vars(cell) | {"scenario": settings.measured_as(config, scenario, cell.population)}
        for cell in cells
        for scenario in cell.scenarios
    ]
    return list(dict.fromkeys(p.format(**name) for p in [*patterns, rules.measure_before.benchmark] for name in names))


def exhibit_benchmarks(notebook):
    """Those of the jobs that an exhibit needs by itself: its own, and those of its study (else the main one)."""
    study = notebook if notebook in config["run"]["studies"] else settings.MAIN
    cells = [] if notebook == "theory" else settings.cells(config, study)
    return [*benchmarks(cells), rules.notebook.benchmark.format(notebook=notebook)]


# The benchmark files are not inputs: where results were made elsewhere they are missing, and a page that is rendered
# again would make every job run again for the sake of its seconds.
rule provenance:
    input:
        measures="results/measures.parquet",
        comparison="results/comparison.csv",
        claims="results/claims.csv",
        index="results/notebooks/index.html",
    output:
        provenance="results/provenance.json",
    log:
        "logs/provenance.log",
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("provenance"),
        digest=tracking.code_digest(Path(workflow.basedir)),
        config=config,
        root=str(ROOT),
        benchmarks=[
            *expand(
                rules.download.benchmark, dataset=sorted({settings.dataset_name(config, name) for name, _ in BLOCKS})
            ),
            *per_classifier(rules.train.benchmark),
            *(file for notebook in NOTEBOOKS for file in exhibit_benchmarks(notebook)),
            *benchmarks(CELLS),
        ],
        exhibits={notebook: exhibit_benchmarks(notebook) for notebook in NOTEBOOKS},
    script:
        "../scripts/provenance.py"
