# Measures the population before (once a cell of population and classifier) and after each method, and
# collects everything in tidy tables.


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
    threads: 1
    params:
        code=code("measure_before"),
        neighbourhoods=lookup("populations/{population}/neighbourhoods", within=config),
        radius_quantile=lookup("populations/{population}/radius_quantile", within=config),
    script:
        "../scripts/measure_before.py"


rule measure:
    input:
        population="results/{population}/seeds-{seeds}/population.parquet",
        predictions="results/{population}/seeds-{seeds}/{classifier}/predictions.parquet",
        neighbourhoods="results/{population}/seeds-{seeds}/{classifier}/neighbourhoods.parquet",
        before="results/{population}/seeds-{seeds}/{classifier}/before.parquet",
        recourse="results/{population}/seeds-{seeds}/{classifier}/{method}/recourse.parquet",
        after="results/{population}/seeds-{seeds}/{classifier}/{method}/after.parquet",
    output:
        measures="results/{population}/seeds-{seeds}/{classifier}/{method}/measures.parquet",
    log:
        "logs/measure/{population}.{classifier}.{method}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/measure/{population}.{classifier}.{method}.seeds-{seeds}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("measure"),
    script:
        "../scripts/measure.py"


rule collect:
    input:
        measures=per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/measures.parquet"),
        diagnostics=per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/diagnostics.parquet"),
        classifiers=per_cell("results/{population}/seeds-{seeds}/{classifier}/summary.parquet", TRAINED),
    output:
        measures="results/measures.parquet",
        diagnostics="results/diagnostics.parquet",
        classifiers="results/classifiers.parquet",
    log:
        "logs/collect.log",
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("collect"),
    script:
        "../scripts/collect.py"
