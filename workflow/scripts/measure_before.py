"""Measure the training population before recourse in every scenario, and keep the neighbourhoods for after it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from recourse_segregation import contracts, measure, progress
from recourse_segregation.job import job


def main(
    population: str,
    predictions: str,
    neighbourhoods: str,
    measures: str,
    classifier: str,
    scenarios: Mapping[str, Mapping[str, Any]],
) -> None:
    people = contracts.people(contracts.read(population, "population"))
    predicted = contracts.read(predictions, "predictions")
    homes, tables = [], []
    for seed, everyone in progress.steps(people.items(), "seeds"):
        known: dict[tuple, tuple] = {}  # scenarios that are measured alike are measured once
        for scenario, settings in scenarios.items():
            with progress.working_on(scenario=scenario, seed=seed):
                train = measure.grouped(everyone.training_part(), settings["groups"])
                if tuple(settings.items()) not in known:
                    accepted = contracts.accepted(predicted, train)
                    fitted = measure.fit_neighbourhoods(train, accepted, settings)
                    known[tuple(settings.items())] = fitted, measure.before(train, accepted, fitted, settings)
                fitted, measured = known[tuple(settings.items())]
                homes.append(measure.neighbourhood_table(fitted, seed, scenario, train.encoding))
                names = (train.name, seed, classifier, contracts.BEFORE, scenario)
                tables.append(measure.in_cell(measured, dict(zip(contracts.IDENTITY, names, strict=True))))
    contracts.write(pd.concat(homes), neighbourhoods, "neighbourhoods", train.encoding)
    contracts.write(pd.concat(tables), measures, "measures")


if __name__ == "__main__":
    with job(snakemake.log[0], "measure_before", **snakemake.wildcards):
        main(
            **snakemake.input,
            **snakemake.output,
            classifier=snakemake.wildcards.classifier,
            scenarios=snakemake.params.scenarios,
        )
