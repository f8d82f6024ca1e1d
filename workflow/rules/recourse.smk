# Gives recourse to everybody who is rejected, with one method, for each seed of a block. Editing a method, or
# a module that it imports, reruns the cells of that method only.


rule recourse:
    input:
        population="results/{population}/seeds-{seeds}/population.parquet",
        classifier="results/{population}/seeds-{seeds}/{classifier}/classifier.pt",
    output:
        recourse="results/{population}/seeds-{seeds}/{classifier}/{method}/recourse.parquet",
        diagnostics="results/{population}/seeds-{seeds}/{classifier}/{method}/diagnostics.parquet",
    log:
        "logs/recourse/{population}.{classifier}.{method}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/recourse/{population}.{classifier}.{method}.seeds-{seeds}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=lambda wildcards: tracking.code("recourse", f"methods.{plan.method_file(config, wildcards.method)}"),
        file=lambda wildcards: plan.method_file(config, wildcards.method),
        options=lambda wildcards: plan.options_for(config, "methods", wildcards.method, wildcards.population),
        measure=lambda wildcards: plan.seen_by(config, wildcards.method, wildcards.population),
        device=config["run"]["device"],
    script:
        "../scripts/recourse.py"
