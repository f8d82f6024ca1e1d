"""Fetch the raw files of one data set next to its receipt."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recourse_segregation import contracts, data, sources
from recourse_segregation.job import job


def main(dataset: str, receipt: str, raw_file: Mapping[str, Any] | None, own: str | None, mirror: str | None) -> None:
    files = data.load(dataset).files if raw_file is None else (data.RawFile(**raw_file),)
    for file in files:
        place = Path(receipt).parent / file.name
        sources.fetch(dataset, file, place, mirror=mirror, own=Path(own) if own else None)
    contracts.write_json({"dataset": dataset, "files": {file.name: file.sha256 for file in files}}, receipt)


if __name__ == "__main__":
    with job(snakemake.log[0], "download", **snakemake.wildcards):
        main(
            dataset=snakemake.wildcards.dataset,
            receipt=snakemake.output.receipt,
            raw_file=snakemake.params.raw_file,
            own=snakemake.input[0] if snakemake.input else None,
            mirror=os.environ.get("RECOURSE_DATA_MIRROR") or None,
        )
