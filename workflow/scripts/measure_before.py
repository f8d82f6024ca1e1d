"""Measure the training population before recourse in every scenario, and keep the neighbourhoods for after it."""

import pandas as pd

from recourse_segregation import contracts, measure, progress
from recourse_segregation.job import job

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    people = contracts.people(contracts.read(snakemake.input.population, "population"))
    predictions = contracts.read(snakemake.input.predictions, "predictions")
    cell = {"population": snakemake.wildcards.population, "classifier": snakemake.wildcards.classifier}
    maps, tables = [], []
    for seed, everyone in progress.steps(people.items(), "seeds"):
        own, areas, known, alike = everyone.training_part(), {}, {}, {}  # scenarios share what they have in common
        accepted = contracts.accepted(predictions, own)
        for scenario, settings in snakemake.params.scenarios.items():
            with progress.working_on(scenario=scenario, seed=seed):
                # of the real groups, also where they are shuffled: a placebo is the same index of other labels
                place, key = (settings["neighbourhoods"], settings["radius_quantile"]), str(settings)
                if place not in areas:
                    areas[place] = measure.fit_neighbourhoods(own, accepted, settings)
                fitted = areas[place]
                if key not in alike:
                    train = measure.grouped(own, settings["groups"])
                    alike[key] = measure.before(train, accepted, fitted, settings, known)
                measured = alike[key]
                maps.append(measure.neighbourhood_table(fitted, seed, scenario, everyone.encoding))
                tables.append(measured.assign(**cell, method=contracts.BEFORE, seed=seed, scenario=scenario))
    contracts.write(pd.concat(maps), snakemake.output.neighbourhoods, "neighbourhoods", everyone.encoding)
    contracts.write(pd.concat(tables), snakemake.output.measures, "measures")
