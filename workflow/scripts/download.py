"""Fetch the raw files of one data set next to its receipt."""

import os
from pathlib import Path

from recourse_segregation import contracts, data, sources
from recourse_segregation.job import job


def main(dataset: str, described: dict | None, own: Path | None, receipt: Path, mirror: str | None) -> None:
    files = data.load(dataset).files if described is None else (data.RawFile(**described),)
    for file in files:
        sources.fetch(dataset, file, receipt.parent / file.name, mirror, own=own)
    contracts.write_json({"dataset": dataset, "files": {file.name: file.sha256 for file in files}}, receipt)


if __name__ == "__main__":
    with job(snakemake.log[0], f"download, data set {snakemake.params.dataset}"):
        main(
            snakemake.params.dataset,
            snakemake.params.described,
            Path(snakemake.input[0]) if snakemake.input else None,
            Path(snakemake.output.receipt),
            os.environ.get("RECOURSE_DATA_MIRROR") or None,
        )
