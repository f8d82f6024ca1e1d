# Implements the recourse: the training population afterwards. Scenarios in which people do the same share one file.


rule simulate:
    input:
        population="results/{population}/seeds-{seeds}/population.parquet",
        predictions="results/{population}/seeds-{seeds}/{classifier}/predictions.parquet",
        recourse="results/{population}/seeds-{seeds}/{classifier}/{method}/recourse.parquet",
    output:
        after="results/{population}/seeds-{seeds}/{classifier}/{method}/{scenario}/after.parquet",
    log:
        "logs/simulate/{population}.{classifier}.{method}.{scenario}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/simulate/{population}.{classifier}.{method}.{scenario}.seeds-{seeds}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=code("simulate"),
        settings=lambda wildcards: settings.simulation(config, wildcards.scenario),
    script:
        "../scripts/simulate.py"
