"""Measure one cell after recourse in each of its scenarios, for a block of seeds."""

from collections.abc import Mapping, Sequence

import pandas as pd

from recourse_segregation import contracts, measure, progress
from recourse_segregation.job import job


def main(
    inputs: Mapping[str, str],
    neighbourhoods: Sequence[str],
    before: Sequence[str],
    names: dict[str, str],
    scenarios: dict[str, dict[str, str]],
    measures: str,
) -> None:
    tables = {name: contracts.read(inputs[name], name) for name in ("predictions", "recourse", "after")}
    tables["before"] = pd.concat([contracts.read(file, "measures") for file in before])
    tables["homes"] = pd.concat([contracts.read(file, "neighbourhoods") for file in neighbourhoods])
    people = contracts.people(contracts.read(inputs["population"], "population"))
    results = []
    for scenario, alike in scenarios.items():
        for seed, everyone in progress.steps(people.items(), f"scenario {scenario}, seeds"):
            with progress.about(scenario=scenario, seed=seed):
                train = measure.grouped(everyone.training_part(), alike["groups"])
                part = {name: table[table["seed"] == seed] for name, table in tables.items()}
                measured = measure.after(
                    train,
                    contracts.accepted(part["predictions"], train),
                    part["recourse"],
                    part["after"].query("scenario == @alike['simulated_as']"),
                    part["before"].query("scenario == @alike['measured_as']"),
                    measure.neighbourhoods_from(
                        part["homes"].query("scenario == @alike['measured_as']"), train.encoding
                    ),
                )
                cell = {"population": train.name, "seed": seed, **names, "scenario": scenario}
                results.append(measure.in_cell(measured, cell))
    contracts.write(pd.concat(results), measures, "measures")


if __name__ == "__main__":
    wildcards, inputs = snakemake.wildcards, snakemake.input
    about = (
        f"measure, population {wildcards.population}, classifier {wildcards.classifier}, "
        f"method {wildcards.method}, seeds {wildcards.seeds}"
    )
    with job(snakemake.log[0], about):
        main(
            dict(inputs),
            inputs.neighbourhoods,
            inputs.before,
            {name: getattr(wildcards, name) for name in ("classifier", "method")},
            snakemake.params.scenarios,
            snakemake.output.measures,
        )
