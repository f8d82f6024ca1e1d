# Sets our numbers beside the published ones, executes the notebooks and renders them as pages to read offline.
# What is marked `report` is shown by `make report`, with its caption from workflow/report.


rule compare:
    input:
        measures="results/measures.parquet",
        run="results/run.json",
        published=project("workflow/resources/published.csv"),
    output:
        comparison="results/comparison.csv",
        candidates="results/comparison_candidates.csv",
    log:
        "logs/compare.log",
    conda:
        ENVIRONMENT
    params:
        code=tracking.code("compare"),
        settings=lookup("comparison", within=config),
        reruns=plan.reruns(config),
    script:
        "../scripts/compare.py"


rule claims:
    input:
        measures="results/measures.parquet",
        run="results/run.json",
        people=per_cell("results/{population}/seeds-{seeds}/population.parquet"),
        claims=project("workflow/resources/claims.yaml"),
        schema=project("workflow/schemas/claims.schema.yaml"),
    output:
        claims="results/claims.csv",
        evidence="results/claims_evidence.csv",
        overlap="results/overlap.csv",
        specifications="results/specifications.parquet",
    log:
        "logs/claims.log",
    conda:
        ENVIRONMENT
    params:
        code=tracking.code("claims"),
        study=plan.claims_study(config),
        shuffled=plan.shuffled(config),
        smallest=config["claims"]["smallest_effect"],
        datasets={name: plan.dataset(config, name) for name in plan.populations(config)},
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
            category=lambda wildcards: title(wildcards.notebook),
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
                category=title(notebook),
                labels={"what": "page", "file": "html"},
            )
            for notebook in NOTEBOOKS
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
            "results/comparison_candidates.csv",
            "results/claims.csv",
            "results/claims_evidence.csv",
            "results/overlap.csv",
            "results/specifications.parquet",
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
