"""Set our numbers beside the published ones, with a verdict on each."""

from recourse_segregation import comparison, contracts
from recourse_segregation.job import job


def main(measures: str, run: str, published: str, tolerances: dict[str, float], output: str) -> None:
    study = contracts.read_run(run)["studies"][contracts.MAIN]
    table = comparison.compare(
        measures=contracts.of_study(contracts.read(measures, "measures"), study),
        published=comparison.read_published(published),
        **tolerances,
    )
    contracts.write_csv(table, output)


if __name__ == "__main__":
    with job(snakemake.log[0], "compare"):
        main(
            measures=snakemake.input.measures,
            run=snakemake.input.run,
            published=snakemake.input.published,
            tolerances=snakemake.params.tolerances,
            output=snakemake.output.comparison,
        )
