# Draws, splits, encodes and scales the individuals of one population, for one block of seeds.


rule prepare:
    input:
        receipt=lambda wildcards: f"results/raw/{config['populations'][wildcards.population]['dataset']}/receipt.json",
    output:
        population="results/{population}/seeds-{seeds}/population.parquet",
    log:
        "logs/prepare/{population}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/prepare/{population}.seeds-{seeds}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=lambda wildcards: code("prepare", f"data.{config['populations'][wildcards.population]['dataset']}"),
        population=lookup("populations/{population}", within=config),
        seeds=lambda wildcards: settings.seeds_in(wildcards.seeds),
    script:
        "../scripts/prepare.py"
