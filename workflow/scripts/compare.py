"""Set our numbers beside the published ones, with a verdict on each."""

from recourse_segregation import comparison, contracts
from recourse_segregation.job import job

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    settings, reruns, output = snakemake.params.settings, snakemake.params.reruns, snakemake.output
    studies = contracts.read_run(snakemake.input.run)["studies"]
    measures = contracts.read(snakemake.input.measures, "measures")
    as_published = {"scenarios": [contracts.DEFAULT]}
    compared = comparison.compare(
        measures=contracts.of_study(measures, studies[contracts.MAIN] | as_published),
        published=comparison.read_published(snakemake.input.published),
        tolerance=settings["tolerance"],
        quality_tolerance=settings["quality_tolerance"],
    )
    again = studies[settings["study"] if reruns else contracts.MAIN] | as_published
    candidates = comparison.candidates(compared, comparison.predict(contracts.of_study(measures, again), reruns))
    contracts.write_csv(candidates.round(6), output.candidates)
    contracts.write_csv(comparison.judge(compared, candidates, settings["reruns"]), output.comparison)
