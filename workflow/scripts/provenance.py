"""Write what the results were made from and with."""

from pathlib import Path

from recourse_segregation import contracts, provenance
from recourse_segregation.job import job

if __name__ == "__main__":
    with job(snakemake.log[0], "provenance"):
        params = snakemake.params
        record = provenance.record(
            root=Path(params.root),
            digest=params.digest,
            config=dict(params.config),
            benchmarks=[Path(file) for file in params.benchmarks],
            exhibits={notebook: [Path(file) for file in files] for notebook, files in params.exhibits.items()},
            results=Path(snakemake.output.provenance).parent,
        )
        contracts.write_json(record, snakemake.output.provenance)
