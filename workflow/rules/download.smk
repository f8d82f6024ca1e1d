# Fetches the raw files of a data set and checks their digests; the receipt names them. A file of the user's own is
# copied: when its contents change, not its time, it is copied again.


rule download:
    input:
        lambda wildcards: [ancient(project(file)) for file in description.own_file(DATASETS[wildcards.dataset])],
    output:
        receipt="results/raw/{dataset}/receipt.json",
    log:
        "logs/download/{dataset}.log",
    benchmark:
        "results/benchmarks/download/{dataset}.tsv"
    priority: 4  # what is ready with the largest inputs comes first: the longest jobs, once all is drawn and trained
    localrule: True  # on a cluster, where Snakemake runs: nodes may have no network
    conda:
        ENVIRONMENT
    params:
        code=lambda wildcards: tracking.code("download", description.module(DATASETS[wildcards.dataset])),
        raw_file=lambda wildcards: description.raw_file(DATASETS[wildcards.dataset]),
    script:
        "../scripts/download.py"
