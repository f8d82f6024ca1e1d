"""Test the claims of the paper, with a verdict on each."""

from recourse_segregation import claims, contracts
from recourse_segregation.job import job

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    study = contracts.read_run(snakemake.input.run)["studies"][snakemake.params.study]
    verdicts, tests = claims.evaluate(
        measures=contracts.of_study(contracts.read(snakemake.input.measures, "measures"), study),
        claims=claims.read(snakemake.input.claims),
    )
    contracts.write_csv(verdicts, snakemake.output.claims)
    contracts.write_csv(tests.round(6), snakemake.output.evidence)
