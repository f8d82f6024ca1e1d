"""Implement the recourse of one cell, for a block of seeds."""

from pathlib import Path

import pandas as pd

from recourse_segregation import contracts, progress
from recourse_segregation.job import job
from recourse_segregation.seeds import numpy_generator
from recourse_segregation.simulation import implement


def main(population: Path, predictions: Path, recourse: Path, settings: dict, after: Path) -> None:
    people = contracts.populations(contracts.read(population, "population"))
    predicted = contracts.read(predictions, "predictions")
    offered = contracts.read(recourse, "recourse")
    results = []
    for seed, everyone in people.items():
        with progress.about(seed=seed):
            train = everyone.training_part()
            accepted = contracts.accepted(predicted, train)
            mine = offered[offered["seed"] == seed]
            results.append(implement(train, accepted, mine, numpy_generator(seed, "simulate"), **settings))
    contracts.write(pd.concat(results), after, "after", train.schema)


if __name__ == "__main__":
    wildcards, inputs = snakemake.wildcards, snakemake.input
    about = (
        f"simulate, population {wildcards.population}, classifier {wildcards.classifier}, "
        f"method {wildcards.method}, scenario {wildcards.scenario}, seeds {wildcards.seeds}"
    )
    with job(snakemake.log[0], about):
        main(
            inputs.population,
            inputs.predictions,
            inputs.recourse,
            snakemake.params.settings,
            snakemake.output.after,
        )
