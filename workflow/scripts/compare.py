"""Set our numbers beside the published ones, with a verdict on each."""

from recourse_segregation import comparison, contracts
from recourse_segregation.job import job

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    study = contracts.read_run(snakemake.input.run)["studies"][contracts.MAIN] | {"scenarios": [contracts.DEFAULT]}
    table = comparison.compare(
        measures=contracts.of_study(contracts.read(snakemake.input.measures, "measures"), study),
        published=comparison.read_published(snakemake.input.published),
        **snakemake.params.tolerances,
    )
    contracts.write_csv(table, snakemake.output.comparison)
