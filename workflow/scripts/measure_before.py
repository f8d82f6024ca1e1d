"""Measure the training population before recourse, and keep the neighbourhoods that the measures after reuse."""

from pathlib import Path

import pandas as pd

from recourse_segregation import contracts, measure, progress
from recourse_segregation.job import job


def main(
    population: Path,
    predictions: Path,
    classifier: str,
    scenario: str,
    settings: dict,
    neighbourhoods: Path,
    measures: Path,
) -> None:
    people = contracts.people(contracts.read(population, "population"))
    predicted = contracts.read(predictions, "predictions")
    homes, tables = [], []
    for seed, everyone in progress.steps(people.items(), "seeds"):
        with progress.about(seed=seed):
            train = measure.grouped(everyone.training_part(), settings["groups"])
            accepted = contracts.accepted(predicted, train)
            fitted = measure.fit_neighbourhoods(
                train, accepted, settings["neighbourhoods"], settings["radius_quantile"]
            )
            homes.append(measure.neighbourhood_table(fitted, seed, scenario, train.encoding))
            cell = {
                "population": train.name,
                "seed": seed,
                "classifier": classifier,
                "method": "none",
                "scenario": scenario,
            }
            tables.append(measure.in_cell(measure.before(train, accepted, fitted).assign(phase="before"), cell))
    contracts.write(pd.concat(homes), neighbourhoods, "neighbourhoods", train.encoding)
    contracts.write(pd.concat(tables), measures, "measures")


if __name__ == "__main__":
    wildcards, params = snakemake.wildcards, snakemake.params
    about = (
        f"measure before, population {wildcards.population}, classifier {wildcards.classifier}, "
        f"scenario {wildcards.scenario}, seeds {wildcards.seeds}"
    )
    with job(snakemake.log[0], about):
        main(
            snakemake.input.population,
            snakemake.input.predictions,
            wildcards.classifier,
            wildcards.scenario,
            params.settings,
            snakemake.output.neighbourhoods,
            snakemake.output.measures,
        )
