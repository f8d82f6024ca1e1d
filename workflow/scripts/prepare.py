"""Draw, split, encode and scale one population for a block of seeds."""

import json
from pathlib import Path

import pandas as pd

from recourse_segregation import contracts, data, progress, sources
from recourse_segregation.job import job
from recourse_segregation.population import prepare


def main(name: str, settings: dict, seeds: list[int], receipt: Path, output: Path) -> None:
    dataset = data.load(settings["dataset"])
    sources.check(receipt.parent, json.loads(receipt.read_text(encoding="utf-8"))["files"])
    frame = dataset.read(receipt.parent) if dataset.read else None
    drawn = []
    for seed in progress.steps(seeds, "seeds"):
        with progress.about(seed=seed):
            drawn.append(prepare(name, dataset, settings["sensitive"], seed, settings["rows"], frame))
    contracts.write(pd.concat([p.table for p in drawn]), output, "population", drawn[0].schema)


if __name__ == "__main__":
    wildcards, params = snakemake.wildcards, snakemake.params
    with job(snakemake.log[0], f"prepare, population {wildcards.population}, seeds {wildcards.seeds}"):
        main(
            wildcards.population,
            params.population,
            params.seeds,
            Path(snakemake.input.receipt),
            Path(snakemake.output.population),
        )
