# Measures the population before (once a cell of population and classifier) and after each method, in every scenario, and
# collects everything in tidy tables.


rule measure_before:
    input:
        population="results/{population}/seeds-{seeds}/population.parquet",
        predictions="results/{population}/seeds-{seeds}/{classifier}/predictions.parquet",
    output:
        neighbourhoods="results/{population}/seeds-{seeds}/{classifier}/neighbourhoods.{scenario}.parquet",
        measures="results/{population}/seeds-{seeds}/{classifier}/before.{scenario}.parquet",
    log:
        "logs/measure_before/{population}.{classifier}.{scenario}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/measure_before/{population}.{classifier}.{scenario}.seeds-{seeds}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("measure_before"),
        settings=lambda wildcards: settings.measurement(config, wildcards.scenario, wildcards.population),
    script:
        "../scripts/measure_before.py"


rule measure:
    input:
        population="results/{population}/seeds-{seeds}/population.parquet",
        predictions="results/{population}/seeds-{seeds}/{classifier}/predictions.parquet",
        recourse="results/{population}/seeds-{seeds}/{classifier}/{method}/recourse.parquet",
        after="results/{population}/seeds-{seeds}/{classifier}/{method}/after.parquet",
        neighbourhoods=before("results/{population}/seeds-{seeds}/{classifier}/neighbourhoods.{scenario}.parquet"),
        before=before("results/{population}/seeds-{seeds}/{classifier}/before.{scenario}.parquet"),
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
        scenarios=lambda wildcards: settings.measurements(config, scenarios(wildcards), wildcards.population),
    script:
        "../scripts/measure.py"


rule collect:
    input:
        measures=per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/measures.parquet"),
        diagnostics=per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/diagnostics.parquet"),
        classifiers=per_classifier("results/{population}/seeds-{seeds}/{classifier}/summary.parquet"),
    output:
        measures="results/measures.parquet",
        diagnostics="results/diagnostics.parquet",
        classifiers="results/classifiers.parquet",
        studies="results/studies.json",
    log:
        "logs/collect.log",
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("collect"),
        studies=settings.described(config),
    script:
        "../scripts/collect.py"
