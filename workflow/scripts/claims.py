"""Test the claims of the paper, with a verdict on each, and one in each specification that could be defended."""

import pandas as pd

from recourse_segregation import claims, contracts, data, names, population, specifications, statistics
from recourse_segregation.job import job

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    params, run = snakemake.params, contracts.read_run(snakemake.input.run)
    names.use(run["labels"])
    measures = contracts.read(snakemake.input.measures, "measures")
    stated = claims.read(snakemake.input.claims)

    people, shared = [contracts.read(file, "population") for file in snakemake.input.people], []
    for name, dataset in params.datasets.items():
        own = pd.concat([table for table in people if table["population"].iat[0] == name])
        drawn = dataset in data.names() and data.load(dataset).draw is not None
        shared.append((name, own["seed"].nunique(), population.overlap(own, drawn)))
    shared = pd.DataFrame(shared, columns=["population", "seeds", "overlap"])

    judged = shared.set_index("population")["overlap"].dropna().to_dict(), run["smallest_effect"]
    study, choices = run["studies"][params.study], claims.choices(snakemake.input.claims)
    verdicts, tests = claims.evaluate(contracts.of_study(measures, study), stated, *judged)
    seeds = [run["studies"][name]["seeds"] for name in (contracts.MAIN, params.study)]
    # the main cells, with the scenarios and the seeds that other studies add
    scenarios = [name for one in choices["scenarios"] for name in (one, statistics.placebo(one))]
    main = run["studies"][contracts.MAIN] | {"scenarios": scenarios, "seeds": max(seeds)}
    table = specifications.specify(contracts.of_study(measures, main), stated, choices, seeds, *judged)
    contracts.write_csv(verdicts, snakemake.output.claims)
    contracts.write_csv(tests.round(6), snakemake.output.evidence)
    contracts.write_csv(shared.round(6), snakemake.output.overlap)
    contracts.write(table, snakemake.output.specifications, "specifications")
