"""Draw, split, encode and scale one population for a block of seeds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from recourse_segregation import contracts, data, progress
from recourse_segregation.data.reading import Checked
from recourse_segregation.job import job
from recourse_segregation.population import prepare


def main(
    receipt: str,
    output: str,
    name: str,
    dataset: str,
    description: Mapping[str, Any] | None,
    sensitive: str,
    settings: Mapping[str, Any],
    seeds: Sequence[int],
) -> None:
    digests = json.loads(Path(receipt).read_text(encoding="utf-8"))["files"]
    folder = Path(receipt).parent
    if description is None:
        prepared = data.load(dataset)
    else:
        (file,) = digests
        prepared = data.load_own(dataset, description, Checked(folder / file, digests).read_bytes())
        print(*prepared.features, sep="\n")  # what each column was taken for, into the log
    frame = prepared.read(Checked(folder, digests)) if prepared.read else None
    drawn = []
    for seed in progress.steps(seeds, "seeds"):
        with progress.working_on(seed=seed):
            drawn.append(prepare(name, prepared, sensitive, seed, **settings, frame=frame))
    contracts.write(pd.concat([p.table for p in drawn]), output, "population", drawn[0].encoding)


if __name__ == "__main__":
    params = snakemake.params
    with job(snakemake.log[0], "prepare", **snakemake.wildcards):
        main(
            receipt=snakemake.input.receipt,
            output=snakemake.output.population,
            name=snakemake.wildcards.population,
            dataset=params.dataset,
            description=params.description,
            sensitive=params.sensitive,
            settings=params.settings,
            seeds=params.seeds,
        )
