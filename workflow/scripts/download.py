"""Fetch the raw files of one data set next to its receipt."""

import os
from pathlib import Path

from recourse_segregation import contracts, data, sources
from recourse_segregation.job import job

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    dataset, described = snakemake.wildcards.dataset, snakemake.params.raw_file
    folder = Path(snakemake.output.receipt).parent
    files = [data.RawFile(**described)] if described else data.load(dataset).files
    for file in files:
        sources.fetch(
            dataset,
            file,
            folder / file.name,
            mirror=os.environ.get("RECOURSE_DATA_MIRROR") or None,
            own=Path(snakemake.input[0]) if snakemake.input else None,
        )
    receipt = {"dataset": dataset, "files": {file.name: file.sha256 for file in files}}
    contracts.write_json(receipt, snakemake.output.receipt)
