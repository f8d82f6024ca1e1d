"""Write what the results were made from and with."""

from pathlib import Path

from recourse_segregation import contracts, provenance
from recourse_segregation.job import job

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    record = provenance.record(
        project=Path(snakemake.params.project),
        digest=snakemake.params.digest,
        config=snakemake.params.config,
        benchmarks=snakemake.input.benchmarks,
        exhibits=snakemake.params.exhibits,
        results=snakemake.input.results,
    )
    contracts.write_json(record, snakemake.output.provenance)
