"""Put the tables of all cells together."""

from collections.abc import Iterable

import pandas as pd

from recourse_segregation import contracts
from recourse_segregation.job import job


def main(files: Iterable[str], output: str, contract: str) -> None:
    contracts.write(pd.concat([contracts.read(file, contract) for file in files]), output, contract)


if __name__ == "__main__":
    with job(snakemake.log[0], "collect"):
        for name in ("measures", "diagnostics", "classifiers"):
            main(snakemake.input[name], snakemake.output[name], name)
        contracts.write_json(dict(snakemake.params.studies), snakemake.output.studies)
