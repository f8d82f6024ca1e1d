# Sets our numbers beside the published ones, executes the notebooks and renders them as pages to read offline.


rule compare:
    input:
        measures="results/measures.parquet",
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


rule notebook:
    input:
        notebook=ROOT / "notebooks/{notebook}.ipynb",
        tables=[
            "results/measures.parquet",
            "results/diagnostics.parquet",
            "results/classifiers.parquet",
            "results/comparison.csv",
        ],
        populations=expand(
            "results/{population}/seeds-{seeds}/population.parquet",
            population=config["run"]["populations"],
            seeds=BLOCKS[0],
        ),
        after=[
            path
            for path in per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/after.parquet")
            if path.startswith(f"results/synthetic/seeds-{BLOCKS[0]}/")
        ],
    output:
        notebook="results/notebooks/{notebook}.ipynb",
        exhibits=directory("results/exhibits/{notebook}"),
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
        code=code("notebook", "exhibits"),
    script:
        "../scripts/notebook.py"


rule html:
    input:
        notebooks=expand("results/notebooks/{notebook}.ipynb", notebook=NOTEBOOKS),
        measures="results/measures.parquet",
    output:
        index="results/notebooks/index.html",
        pages=expand("results/notebooks/{notebook}.html", notebook=NOTEBOOKS),
    log:
        "logs/html.log",
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("html"),
    script:
        "../scripts/html.py"


rule provenance:
    input:
        measures="results/measures.parquet",
        comparison="results/comparison.csv",
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
    script:
        "../scripts/provenance.py"
