"""Train one classifier on one population for a block of seeds."""

from pathlib import Path

import pandas as pd

from recourse_segregation import classifiers, contracts, progress
from recourse_segregation.devices import resolve
from recourse_segregation.job import job
from recourse_segregation.seeds import torch_generator


def main(
    population: Path,
    name: str,
    model: str | None,
    options: dict,
    device: str,
    classifier: Path,
    predictions: Path,
    summary: Path,
) -> None:
    device = resolve(device)
    everybody = contracts.people(contracts.read(population, "population"))
    trained, predicted, summaries = {}, [], []
    for seed, people in progress.steps(everybody.items(), "seeds"):
        with progress.about(seed=seed):
            trained[seed] = classifiers.train(people, torch_generator(seed, "train", name), model, device, **options)
            predicted.append(classifiers.predictions(trained[seed], people))
            summaries.append(classifiers.summary(people, name, predicted[-1]))
    classifiers.save(trained, classifier)
    contracts.write(pd.concat(predicted), predictions, "predictions")
    contracts.write(pd.concat(summaries), summary, "classifiers")


if __name__ == "__main__":
    wildcards, output = snakemake.wildcards, snakemake.output
    about = f"train, population {wildcards.population}, classifier {wildcards.classifier}, seeds {wildcards.seeds}"
    with job(snakemake.log[0], about):
        main(
            snakemake.input.population,
            wildcards.classifier,
            snakemake.params.model,
            snakemake.params.options,
            snakemake.params.device,
            output.classifier,
            output.predictions,
            output.summary,
        )
