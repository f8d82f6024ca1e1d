"""Measure one cell after recourse, for a block of seeds."""

from collections.abc import Mapping

import pandas as pd

from recourse_segregation import contracts, measure
from recourse_segregation.job import job


def main(inputs: Mapping[str, str], classifier: str, method: str, measures: str) -> None:
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
    results = []
    for seed, everyone in contracts.populations(contracts.read(inputs["population"], "population")).items():
        train = everyone.training_part()
        part = {name: table[table["seed"] == seed] for name, table in tables.items()}
        measured = measure.after(
            train,
            contracts.accepted(part["predictions"], train),
            part["recourse"],
            part["after"],
            part["before"],
            measure.neighbourhoods_from(part["neighbourhoods"], train.schema),
        )
        cell = {"population": train.name, "seed": seed, "classifier": classifier, "method": method}
        results.append(measure.in_cell(measured, cell))
    contracts.write(pd.concat(results), measures, "measures")


if __name__ == "__main__":
    wildcards = snakemake.wildcards
    about = (
        f"measure, population {wildcards.population}, classifier {wildcards.classifier}, "
        f"method {wildcards.method}, seeds {wildcards.seeds}"
    )
    with job(snakemake.log[0], about):
        main(dict(snakemake.input), wildcards.classifier, wildcards.method, snakemake.output.measures)
