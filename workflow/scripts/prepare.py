"""Draw, split, encode and scale one population for a block of seeds."""

import json
from pathlib import Path

import pandas as pd

from recourse_segregation import contracts, data, progress
from recourse_segregation.data.reading import Checked
from recourse_segregation.job import job
from recourse_segregation.population import prepare

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    receipt, params = Path(snakemake.input.receipt), snakemake.params
    digests = json.loads(receipt.read_text(encoding="utf-8"))["files"]
    if params.description is None:
        dataset = data.load(params.dataset)
    else:
        (file,) = digests
        dataset = data.load_own(
            params.dataset, params.description, Checked(receipt.with_name(file), digests).read_bytes()
        )
        print(*dataset.features, sep="\n")  # what each column was taken for, into the log
    frame = dataset.read(Checked(receipt.parent, digests)) if dataset.read else None
    drawn = []
    for seed in progress.steps(params.seeds, "seeds"):
        with progress.working_on(seed=seed):
            drawn.append(
                prepare(
                    name=snakemake.wildcards.population,
                    dataset=dataset,
                    sensitive=params.sensitive,
                    seed=seed,
                    frame=frame,
                    groups=params.groups,
                    **params.settings,
                )
            )
    table = pd.concat([people.table for people in drawn])
    contracts.write(table, snakemake.output.population, "population", drawn[0].encoding)
