# Measures the population before (once a cell of population and classifier) and after each method, and
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
        neighbourhoods=measured("results/{population}/seeds-{seeds}/{classifier}/neighbourhoods.{scenario}.parquet"),
        before=measured("results/{population}/seeds-{seeds}/{classifier}/before.{scenario}.parquet"),
        after=simulated("results/{population}/seeds-{seeds}/{classifier}/{method}/{scenario}/after.parquet"),
    output:
        measures="results/{population}/seeds-{seeds}/{classifier}/{method}/{scenario}/measures.parquet",
    log:
        "logs/measure/{population}.{classifier}.{method}.{scenario}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/measure/{population}.{classifier}.{method}.{scenario}.seeds-{seeds}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("measure"),
        groups=lambda wildcards: settings.measurement(config, wildcards.scenario, wildcards.population)["groups"],
    script:
        "../scripts/measure.py"


rule collect:
    input:
        measures=per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/{scenario}/measures.parquet"),
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
