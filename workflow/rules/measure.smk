# Measures the population before (once a classifier) and after each method, in every scenario, and collects everything
# in tidy tables.


rule measure_before:
    input:
        population="results/{population}/seeds-{seeds}/population.parquet",
        predictions="results/{population}/seeds-{seeds}/{classifier}/predictions.parquet",
    output:
        neighbourhoods="results/{population}/seeds-{seeds}/{classifier}/neighbourhoods.parquet",
        measures="results/{population}/seeds-{seeds}/{classifier}/before.parquet",
    log:
        "logs/measure_before/{population}.{classifier}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/measure_before/{population}.{classifier}.seeds-{seeds}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=tracking.code("measure_before"),
        scenarios=lambda wildcards: scenarios_of("measure", **wildcards),
    script:
        "../scripts/measure_before.py"


rule measure:
    input:
        population="results/{population}/seeds-{seeds}/population.parquet",
        predictions="results/{population}/seeds-{seeds}/{classifier}/predictions.parquet",
        recourse="results/{population}/seeds-{seeds}/{classifier}/{method}/recourse.parquet",
        after="results/{population}/seeds-{seeds}/{classifier}/{method}/after.parquet",
        neighbourhoods="results/{population}/seeds-{seeds}/{classifier}/neighbourhoods.parquet",
    output:
        measures="results/{population}/seeds-{seeds}/{classifier}/{method}/measures.parquet",
    log:
        "logs/measure/{population}.{classifier}.{method}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/measure/{population}.{classifier}.{method}.seeds-{seeds}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=tracking.code("measure"),
        scenarios=lambda wildcards: scenarios_of("measure", **wildcards),
    script:
        "../scripts/measure.py"


rule collect:
    input:
        measures=[
            *per_cell("results/{population}/seeds-{seeds}/{classifier}/before.parquet"),
            *per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/measures.parquet"),
        ],
        diagnostics=per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/diagnostics.parquet"),
        classifiers=per_cell("results/{population}/seeds-{seeds}/{classifier}/summary.parquet", TRAINED),
    output:
        measures="results/measures.parquet",
        diagnostics="results/diagnostics.parquet",
        classifiers="results/classifiers.parquet",
        run="results/run.json",
    log:
        "logs/collect.log",
    conda:
        ENVIRONMENT
    params:
        code=tracking.code("collect"),
        run=plan.described_run(config),
    script:
        "../scripts/collect.py"
