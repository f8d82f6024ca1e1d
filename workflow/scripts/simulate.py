"""Implement the recourse of one cell in each of its scenarios, for a block of seeds."""

from pathlib import Path

import pandas as pd

from recourse_segregation import contracts, progress
from recourse_segregation.job import job
from recourse_segregation.seeds import numpy_generator
from recourse_segregation.simulation import implement


def main(population: Path, predictions: Path, recourse: Path, scenarios: dict[str, dict], after: Path) -> None:
    people = contracts.people(contracts.read(population, "population"))
    predicted = contracts.read(predictions, "predictions")
    offered = contracts.read(recourse, "recourse")
    results = []
    for scenario, settings in scenarios.items():
        for seed, everyone in people.items():
            with progress.about(scenario=scenario, seed=seed):
                train = everyone.training_part()
                accepted = contracts.accepted(predicted, train)
                mine = offered[offered["seed"] == seed]
                implemented = implement(train, accepted, mine, numpy_generator(seed, "simulate"), **settings)
                implemented.insert(2, "scenario", scenario)
                results.append(implemented)
    contracts.write(pd.concat(results), after, "after", train.encoding)


if __name__ == "__main__":
    wildcards, inputs = snakemake.wildcards, snakemake.input
    about = (
        f"simulate, population {wildcards.population}, classifier {wildcards.classifier}, "
        f"method {wildcards.method}, seeds {wildcards.seeds}"
    )
    with job(snakemake.log[0], about):
        main(
            inputs.population,
            inputs.predictions,
            inputs.recourse,
            snakemake.params.scenarios,
            snakemake.output.after,
        )
