# Does algorithmic recourse segregate? From raw files to the published table:
# download -> prepare -> train -> recourse -> simulate -> measure -> render

from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")


configfile: Path(workflow.current_basedir) / "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/download.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/recourse.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/render.smk"


wildcard_constraints:
    dataset="|".join(DATASETS),
    population="|".join(config["populations"]),
    classifier="|".join(config["classifiers"]),
    method="|".join(config["methods"]),
    seeds=r"\d+-\d+",


rule all:
    default_target: True
    input:
        expand("results/{table}.parquet", table=["measures", "diagnostics", "classifiers"]),
        expand("results/{table}.csv", table=["comparison", "claims", "claims_evidence"]),
        expand("results/exhibits/{notebook}", notebook=NOTEBOOKS),
        expand("results/notebooks/{page}.html", page=[*NOTEBOOKS, "index"]),
        "results/run.json",
        "results/provenance.json",


# One target a stage: everything up to it, for all cells of the configuration.
rule prepare_all:
    input:
        per_cell("results/{population}/seeds-{seeds}/population.parquet", TRAINED),


rule train_all:
    input:
        per_cell("results/{population}/seeds-{seeds}/{classifier}/classifier.pt", TRAINED),


rule recourse_all:
    input:
        per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/recourse.parquet"),


rule measure_all:
    input:
        "results/measures.parquet",
