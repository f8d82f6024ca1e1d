# Trains one classifier for each seed of a block; writes its weights, its predictions and a summary of both.


rule train:
    input:
        population="results/{population}/seeds-{seeds}/population.parquet",
    output:
        classifier="results/{population}/seeds-{seeds}/{classifier}/classifier.pt",
        predictions="results/{population}/seeds-{seeds}/{classifier}/predictions.parquet",
        summary="results/{population}/seeds-{seeds}/{classifier}/summary.parquet",
    log:
        "logs/train/{population}.{classifier}.seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/train/{population}.{classifier}.seeds-{seeds}.tsv"
    priority: 2  # see download
    conda:
        ENVIRONMENT
    params:
        code=lambda wildcards: tracking.code("train", *plan.model_modules(config, wildcards.classifier)),
        model=lambda wildcards: plan.model_file(config, wildcards.classifier),
        stream=lambda wildcards: plan.stream(config, wildcards.classifier),
        options=lambda wildcards: plan.options_for(config, "classifiers", wildcards.classifier, wildcards.population),
        device=config["run"]["device"],
    script:
        "../scripts/train.py"
