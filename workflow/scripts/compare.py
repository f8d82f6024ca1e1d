"""Set our numbers beside the published ones, with a verdict on each."""

from recourse_segregation import comparison, contracts
from recourse_segregation.job import job


def main(measures: str, published: str, tolerances: dict[str, float], output: str) -> None:
    table = comparison.compare(contracts.read(measures, "measures"), comparison.read_published(published), **tolerances)
    contracts.write_csv(table, output)


if __name__ == "__main__":
    with job(snakemake.log[0], "compare"):
        main(
            snakemake.input.measures,
            snakemake.input.published,
            snakemake.params.tolerances,
            snakemake.output.comparison,
        )
