# Fetches the raw files of a data set and checks their digests; the receipt names them.


rule download:
    output:
        receipt="results/raw/{dataset}/receipt.json",
    log:
        "logs/download/{dataset}.log",
    benchmark:
        "results/benchmarks/download/{dataset}.tsv"
    localrule: True  # on a cluster, where Snakemake runs: nodes may have no network
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=lambda wildcards: code("download", f"data.{wildcards.dataset}"),
        dataset="{dataset}",
    script:
        "../scripts/download.py"
