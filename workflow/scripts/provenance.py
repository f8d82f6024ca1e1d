"""Write what the results were made from and with."""

from pathlib import Path

from recourse_segregation import contracts, provenance
from recourse_segregation.job import job

if __name__ == "__main__":
    with job(snakemake.log[0], "provenance"):
        results = Path(snakemake.output.provenance).parent
        params = snakemake.params
        record = provenance.record(Path(params.root), params.digest, dict(params.config), results)
        contracts.write_json(record, snakemake.output.provenance)
