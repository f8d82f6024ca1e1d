# Draws, splits, encodes and scales the individuals of one population, for one block of seeds.


rule prepare:
    input:
        receipt=lambda wildcards: f"results/raw/{plan.dataset(config, wildcards.population)}/receipt.json",
    output:
        population="results/{population}/seeds-{seeds}/population.parquet",
    log:
        "logs/prepare/{population}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/prepare/{population}.seeds-{seeds}.tsv"
    priority: 3  # see download
    conda:
        ENVIRONMENT
    params:
        code=lambda wildcards: tracking.code("prepare", description.module(drawn(wildcards.population)[0])),
        dataset=lambda wildcards: drawn(wildcards.population)[0],
        sensitive=lambda wildcards: drawn(wildcards.population)[1],
        groups=lambda wildcards: plan.population_of(config, wildcards.population).get("groups"),
        description=lambda wildcards: description.of_population(*drawn(wildcards.population)),
        settings=lambda wildcards: plan.settings(config, "prepare", wildcards.population),
        seeds=lambda wildcards: plan.seeds_in(wildcards.seeds),
    script:
        "../scripts/prepare.py"
