"""Train one classifier on one population for a block of seeds."""

import pandas as pd

from recourse_segregation import classifiers, contracts, progress
from recourse_segregation.devices import resolve
from recourse_segregation.job import job
from recourse_segregation.seeds import torch_generator

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    name, params, output = snakemake.wildcards.classifier, snakemake.params, snakemake.output
    people = contracts.people(contracts.read(snakemake.input.population, "population"))
    trained, predictions, summaries = {}, [], []
    for seed, everyone in progress.steps(people.items(), "seeds"):
        with progress.working_on(seed=seed):
            generator = torch_generator(seed, "train", params.stream)
            trained[seed] = classifiers.train(
                everyone, generator, params.model, resolve(params.device), **params.options
            )
            predictions.append(classifiers.predictions(trained[seed], everyone))
            summaries.append(classifiers.summary(everyone, name, predictions[-1]))
    classifiers.save(trained, output.classifier)
    contracts.write(pd.concat(predictions), output.predictions, "predictions")
    contracts.write(pd.concat(summaries), output.summary, "classifiers")
