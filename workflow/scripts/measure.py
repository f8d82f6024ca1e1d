"""Measure one cell after recourse in each of its scenarios, for a block of seeds."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from recourse_segregation import contracts, measure, progress
from recourse_segregation.job import job
from recourse_segregation.population import Population


def main(
    population: str,
    predictions: str,
    recourse: str,
    after: str,
    neighbourhoods: str,
    measures: str,
    classifier: str,
    method: str,
    scenarios: Mapping[str, Mapping[str, Any]],
) -> None:
    people = contracts.people(contracts.read(population, "population"))
    predicted = contracts.read(predictions, "predictions")
    offered = contracts.read(recourse, "recourse")
    now = dict(iter(contracts.read(after, "after").groupby(["scenario", "seed"])))
    homes = dict(iter(contracts.read(neighbourhoods, "neighbourhoods").groupby(["scenario", "seed"])))
    results = []
    for scenario, settings in scenarios.items():
        for seed, everyone in progress.steps(people.items(), f"scenario {scenario}, seeds"):
            with progress.working_on(scenario=scenario, seed=seed):
                train = measure.grouped(everyone.training_part(), settings["groups"])
                measured = measure.after(
                    train,
                    contracts.accepted(predicted, train),
                    offered[offered["seed"] == seed],  # no row where nobody is rejected
                    Population(train.encoding, now[scenario, seed].reset_index(drop=True)),
                    measure.neighbourhoods_from(homes[scenario, seed], train.encoding),
                    settings,
                )
                names = (train.name, seed, classifier, method, scenario)
                results.append(measure.in_cell(measured, dict(zip(contracts.IDENTITY, names, strict=True))))
    contracts.write(pd.concat(results), measures, "measures")


if __name__ == "__main__":
    wildcards = snakemake.wildcards
    with job(snakemake.log[0], "measure", **wildcards):
        main(
            **snakemake.input,
            **snakemake.output,
            classifier=wildcards.classifier,
            method=wildcards.method,
            scenarios=snakemake.params.scenarios,
        )
