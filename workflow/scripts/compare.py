"""Set our numbers beside the published ones, with a verdict on each."""

from recourse_segregation import comparison, contracts, settings
from recourse_segregation.job import job


def main(measures: str, studies: str, published: str, tolerances: dict[str, float], output: str) -> None:
    main_study = contracts.read_studies(studies)[settings.MAIN]
    ours = contracts.of_study(contracts.read(measures, "measures"), main_study)
    table = comparison.compare(ours, comparison.read_published(published), **tolerances)
    contracts.write_csv(table, output)


if __name__ == "__main__":
    with job(snakemake.log[0], "compare"):
        main(
            snakemake.input.measures,
            snakemake.input.studies,
            snakemake.input.published,
            snakemake.params.tolerances,
            snakemake.output.comparison,
        )
