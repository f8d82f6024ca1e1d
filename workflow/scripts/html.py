"""Render executed notebooks as pages that read offline, with an index."""

from pathlib import Path

from recourse_segregation import contracts, names, pages
from recourse_segregation.job import job

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    run = contracts.read_run(snakemake.input.run)
    names.use(run["labels"])
    main = run["studies"][contracts.MAIN]
    populations = ", ".join(map(names.population, main["populations"]))
    methods = ", ".join(map(names.method, main["methods"]))
    about = f"Populations: {populations}. Methods: {methods}. Seeds: {main['seeds']}."
    notebooks = [Path(file) for file in snakemake.input.notebooks]
    for notebook in notebooks:
        pages.render(notebook, page=notebook.with_suffix(".html"))
    pages.index(notebooks, page=Path(snakemake.output.index), run=about)
