# Draws, splits, encodes and scales the individuals of one population, for one block of seeds.


def people_of(wildcards):
    """The data set of a population and its sensitive attribute."""
    entry = config["populations"][wildcards.population]
    return {"dataset": entry["dataset"], "sensitive": entry["sensitive"]}


rule prepare:
    input:
        receipt=lambda wildcards: f"results/raw/{description.name(people_of(wildcards)['dataset'])}/receipt.json",
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
        code=lambda wildcards: code("prepare", description.module(people_of(wildcards)["dataset"])),
        population=lookup("populations/{population}", within=config),
        description=lambda wildcards: description.of_population(**people_of(wildcards)),
        seeds=lambda wildcards: settings.seeds_in(wildcards.seeds),
    script:
        "../scripts/prepare.py"
