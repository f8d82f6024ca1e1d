# Draws, splits, encodes and scales the individuals of one population, for one block of seeds.


rule prepare:
    input:
        receipt=lambda wildcards: f"results/raw/{settings.dataset_name(config, wildcards.population)}/receipt.json",
    output:
        population="results/{population}/seeds-{seeds}/population.parquet",
    log:
        "logs/prepare/{population}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/prepare/{population}.seeds-{seeds}.tsv"
    priority: 3  # see download
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=lambda wildcards: code(
            "prepare", settings.dataset_module(config, settings.dataset_name(config, wildcards.population))
        ),
        population=lookup("populations/{population}", within=config),
        description=lambda wildcards: settings.description(config, wildcards.population),
        seeds=lambda wildcards: settings.seeds_in(wildcards.seeds),
    script:
        "../scripts/prepare.py"
