"""Test the claims of the paper, with a verdict on each."""

from recourse_segregation import claims, contracts
from recourse_segregation.job import job


def main(measures: str, studies: str, study: str, stated: str, output: str, evidence: str) -> None:
    judged = contracts.of_study(contracts.read(measures, "measures"), contracts.read_studies(studies)[study])
    verdicts, tests = claims.evaluate(judged, claims.read(stated))
    contracts.write_csv(verdicts, output)
    contracts.write_csv(tests.round(6), evidence)


if __name__ == "__main__":
    with job(snakemake.log[0], "claims"):
        main(
            snakemake.input.measures,
            snakemake.input.studies,
            snakemake.params.study,
            snakemake.input.claims,
            snakemake.output.claims,
            snakemake.output.evidence,
        )
