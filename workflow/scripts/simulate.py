"""Implement the recourse of one cell in each of its scenarios, for a block of seeds."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from recourse_segregation import contracts, progress
from recourse_segregation.job import job
from recourse_segregation.seeds import numpy_generator
from recourse_segregation.simulation import implement


def main(
    population: str, predictions: str, recourse: str, after: str, scenarios: Mapping[str, Mapping[str, Any]]
) -> None:
    people = contracts.people(contracts.read(population, "population"))
    predicted = contracts.read(predictions, "predictions")
    offered = contracts.read(recourse, "recourse")
    results = []
    for scenario, settings in scenarios.items():
        for seed, everyone in people.items():
            with progress.working_on(scenario=scenario, seed=seed):
                train = everyone.training_part()
                accepted = contracts.accepted(predicted, train)
                own = offered[offered["seed"] == seed]
                implemented = implement(train, accepted, own, numpy_generator(seed, "simulate"), **settings)
                results.append(implemented.table.assign(scenario=scenario))
    contracts.write(pd.concat(results), after, "after", train.encoding)


if __name__ == "__main__":
    with job(snakemake.log[0], "simulate", **snakemake.wildcards):
        main(**snakemake.input, **snakemake.output, scenarios=snakemake.params.scenarios)
