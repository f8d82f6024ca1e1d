"""Test the claims of the paper, with a verdict on each."""

from recourse_segregation import claims as tested
from recourse_segregation import contracts
from recourse_segregation.job import job


def main(measures: str, run: str, study: str, stated: str, claims: str, evidence: str) -> None:
    judged = contracts.of_study(contracts.read(measures, "measures"), contracts.read_run(run)["studies"][study])
    verdicts, tests = tested.evaluate(measures=judged, claims=tested.read(stated))
    contracts.write_csv(verdicts, claims)
    contracts.write_csv(tests.round(6), evidence)


if __name__ == "__main__":
    with job(snakemake.log[0], "claims"):
        main(
            measures=snakemake.input.measures,
            run=snakemake.input.run,
            study=snakemake.params.study,
            stated=snakemake.input.claims,
            claims=snakemake.output.claims,
            evidence=snakemake.output.evidence,
        )
