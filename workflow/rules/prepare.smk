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
        code=lambda wildcards: tracking.code(
            "prepare", description.module(config["populations"][wildcards.population]["dataset"])
        ),
        dataset=lookup("populations/{population}/dataset", within=config),
        sensitive=lookup("populations/{population}/sensitive", within=config),
        groups=lambda wildcards: config["populations"][wildcards.population].get("groups"),
        description=lambda wildcards: description.of_population(
            *(config["populations"][wildcards.population][key] for key in ("dataset", "sensitive"))
        ),
        settings=lambda wildcards: plan.settings(config, "prepare", wildcards.population),
        seeds=lambda wildcards: plan.seeds_in(wildcards.seeds),
    script:
        "../scripts/prepare.py"
