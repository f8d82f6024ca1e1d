"""Write what the results were made from and with."""

from pathlib import Path

from recourse_segregation import contracts, provenance
from recourse_segregation.job import job

if __name__ == "__main__":
    with job(snakemake.log[0], "provenance"):
        inputs, params = snakemake.input, snakemake.params
        record = provenance.record(
            project=Path(params.project),
            digest=params.digest,
            config=dict(params.config),
            benchmarks=list(inputs.benchmarks),
            exhibits=dict(params.exhibits),
            results=list(inputs.results),
        )
        contracts.write_json(record, snakemake.output.provenance)
