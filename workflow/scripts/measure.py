"""Measure one cell after recourse, for a block of seeds."""

from collections.abc import Mapping

import pandas as pd

from recourse_segregation import contracts, measure, progress
from recourse_segregation.job import job


def main(inputs: Mapping[str, str], names: dict[str, str], groups: str, measures: str) -> None:
    tables = {
        name: contracts.read(inputs[name], contract)
        for name, contract in {
            "predictions": "predictions",
            "neighbourhoods": "neighbourhoods",
            "before": "measures",
            "recourse": "recourse",
            "after": "after",
        }.items()
    }
    people = contracts.populations(contracts.read(inputs["population"], "population"))
    results = []
    for seed, everyone in progress.steps(people.items(), "seeds"):
        with progress.about(seed=seed):
            train = measure.grouped(everyone.training_part(), groups)
            part = {name: table[table["seed"] == seed] for name, table in tables.items()}
            measured = measure.after(
                train,
                contracts.accepted(part["predictions"], train),
                part["recourse"],
                part["after"],
                part["before"],
                measure.neighbourhoods_from(part["neighbourhoods"], train.schema),
            )
            results.append(measure.in_cell(measured, {"population": train.name, "seed": seed, **names}))
    contracts.write(pd.concat(results), measures, "measures")


if __name__ == "__main__":
    wildcards = snakemake.wildcards
    about = (
        f"measure, population {wildcards.population}, classifier {wildcards.classifier}, "
        f"method {wildcards.method}, scenario {wildcards.scenario}, seeds {wildcards.seeds}"
    )
    with job(snakemake.log[0], about):
        names = {name: getattr(wildcards, name) for name in ("classifier", "method", "scenario")}
        main(dict(snakemake.input), names, snakemake.params.groups, snakemake.output.measures)
