"""Put the tables of all cells together, and say what this run is."""

import pandas as pd

from recourse_segregation import contracts
from recourse_segregation.job import job

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    for name in ("measures", "diagnostics", "classifiers"):
        table = pd.concat([contracts.read(part, name) for part in snakemake.input[name]])
        contracts.write(table, snakemake.output[name], name)
    contracts.write_json(snakemake.params.run, snakemake.output.run)
