"""Draw, split, encode and scale one population for a block of seeds."""

import json
from pathlib import Path

import pandas as pd

from recourse_segregation import contracts, data, progress
from recourse_segregation.data.reading import Checked
from recourse_segregation.job import job
from recourse_segregation.population import prepare


def main(name: str, settings: dict, description: dict | None, seeds: list[int], receipt: Path, output: Path) -> None:
    digests = json.loads(receipt.read_text(encoding="utf-8"))["files"]
    raw = Checked(receipt.parent, digests)
    if description is None:
        dataset = data.load(settings["dataset"])
    else:
        (file,) = digests
        own = Checked(receipt.parent / file, digests, called=description["file"])
        dataset = data.load_own(settings["dataset"], description, own)
        print(*dataset.features, sep="\n")  # what each column was taken for, into the log
    frame = dataset.read(raw) if dataset.read else None
    drawn = []
    for seed in progress.steps(seeds, "seeds"):
        with progress.about(seed=seed):
            drawn.append(prepare(name, dataset, settings["sensitive"], seed, settings["rows"], frame))
    contracts.write(pd.concat([p.table for p in drawn]), output, "population", drawn[0].encoding)


if __name__ == "__main__":
    wildcards, params = snakemake.wildcards, snakemake.params
    with job(snakemake.log[0], f"prepare, population {wildcards.population}, seeds {wildcards.seeds}"):
        main(
            wildcards.population,
            params.population,
            params.description,
            params.seeds,
            Path(snakemake.input.receipt),
            Path(snakemake.output.population),
        )
