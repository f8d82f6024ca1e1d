"""Train one classifier on one population for a block of seeds."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from recourse_segregation import classifiers, contracts, progress
from recourse_segregation.devices import resolve
from recourse_segregation.job import job
from recourse_segregation.seeds import torch_generator


def main(
    population: str,
    classifier: str,
    predictions: str,
    summary: str,
    name: str,
    model: str | None,
    options: Mapping[str, Any],
    device: str,
) -> None:
    people = contracts.people(contracts.read(population, "population"))
    trained, predicted, summaries = {}, [], []
    for seed, everyone in progress.steps(people.items(), "seeds"):
        with progress.working_on(seed=seed):
            generator = torch_generator(seed, "train", name)
            trained[seed] = classifiers.train(everyone, generator, model, resolve(device), **options)
            predicted.append(classifiers.predictions(trained[seed], everyone))
            summaries.append(classifiers.summary(everyone, name, predicted[-1]))
    classifiers.save(trained, classifier)
    contracts.write(pd.concat(predicted), predictions, "predictions")
    contracts.write(pd.concat(summaries), summary, "classifiers")


if __name__ == "__main__":
    params = snakemake.params
    with job(snakemake.log[0], "train", **snakemake.wildcards):
        main(
            population=snakemake.input.population,
            **snakemake.output,
            name=snakemake.wildcards.classifier,
            model=params.model,
            options=params.options,
            device=params.device,
        )
