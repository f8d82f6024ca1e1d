"""Implement the recourse of one cell in each of its scenarios, for a block of seeds."""

import pandas as pd

from recourse_segregation import contracts, progress
from recourse_segregation.job import job
from recourse_segregation.seeds import numpy_generator
from recourse_segregation.simulation import implement

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    people = contracts.people(contracts.read(snakemake.input.population, "population"))
    predictions = contracts.read(snakemake.input.predictions, "predictions")
    recourse = contracts.read(snakemake.input.recourse, "recourse")
    tables = []
    for scenario, settings in snakemake.params.scenarios.items():
        for seed, everyone in people.items():
            with progress.working_on(scenario=scenario, seed=seed):
                train = everyone.training_part()
                implemented = implement(
                    population=train,
                    accepted=contracts.accepted(predictions, train),
                    recourse=recourse[recourse["seed"] == seed],
                    generator=numpy_generator(seed, "simulate"),
                    **settings,
                )
                tables.append(implemented.table.assign(scenario=scenario))
    contracts.write(pd.concat(tables), snakemake.output.after, "after", train.encoding)
