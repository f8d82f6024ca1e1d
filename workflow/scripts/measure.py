"""Measure one cell after recourse in each of its scenarios, for a block of seeds."""

import pandas as pd

from recourse_segregation import contracts, measure, progress
from recourse_segregation.job import job
from recourse_segregation.population import Population

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    people = contracts.people(contracts.read(snakemake.input.population, "population"))
    predictions = contracts.read(snakemake.input.predictions, "predictions")
    recourse = contracts.read(snakemake.input.recourse, "recourse")
    after = contracts.read(snakemake.input.after, "after")
    maps = contracts.read(snakemake.input.neighbourhoods, "neighbourhoods")
    tables = []
    for seed, everyone in progress.steps(people.items(), "seeds"):
        known = {}  # what several scenarios share is measured once
        said = everyone, contracts.accepted(predictions, everyone)
        for scenario, settings in snakemake.params.scenarios.items():
            with progress.working_on(scenario=scenario, seed=seed):
                train = measure.grouped(everyone.training_part(), settings["groups"])
                now, fitted = (t[(t["scenario"] == scenario) & (t["seed"] == seed)] for t in (after, maps))
                measured = measure.after(
                    population=train,
                    accepted=contracts.accepted(predictions, train),
                    recourse=recourse[recourse["seed"] == seed],
                    implemented=Population(train.encoding, now.reset_index(drop=True)),  # nobody, if all dropped out
                    neighbourhoods=measure.neighbourhoods_from(fitted, train.encoding),
                    settings=settings,
                    known=known,
                    used=said,
                )
                cell = {name: snakemake.wildcards[name] for name in ("population", "classifier", "method")}
                tables.append(measured.assign(**cell, seed=seed, scenario=scenario))
    contracts.write(pd.concat(tables), snakemake.output.measures, "measures")
