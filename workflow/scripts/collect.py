"""Put the tables of all cells together, and say what this run is."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from recourse_segregation import contracts
from recourse_segregation.job import job


def main(files: Mapping[str, Iterable[str]], output: Mapping[str, str], run: Mapping[str, Any]) -> None:
    for name, parts in files.items():
        contracts.write(pd.concat([contracts.read(part, name) for part in parts]), output[name], name)
    contracts.write_json(run, output["run"])


if __name__ == "__main__":
    with job(snakemake.log[0], "collect"):
        files = {name: snakemake.input[name] for name in ("measures", "diagnostics", "classifiers")}
        main(files=files, output=snakemake.output, run=snakemake.params.run)
