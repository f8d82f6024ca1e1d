# Implements the recourse: the training population afterwards, in every scenario of the cell.


rule simulate:
    input:
        population="results/{population}/seeds-{seeds}/population.parquet",
        predictions="results/{population}/seeds-{seeds}/{classifier}/predictions.parquet",
        recourse="results/{population}/seeds-{seeds}/{classifier}/{method}/recourse.parquet",
    output:
        after="results/{population}/seeds-{seeds}/{classifier}/{method}/after.parquet",
    log:
        "logs/simulate/{population}.{classifier}.{method}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/simulate/{population}.{classifier}.{method}.seeds-{seeds}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=tracking.code("simulate"),
        scenarios=lambda wildcards: scenarios_of("simulate", **wildcards),
    script:
        "../scripts/simulate.py"
