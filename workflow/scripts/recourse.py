"""Give recourse to all rejected individuals with one method, for a block of seeds."""

from pathlib import Path

from recourse_segregation import classifiers, contracts
from recourse_segregation.devices import resolve
from recourse_segregation.job import job
from recourse_segregation.recourse import generate


def main(
    population: Path,
    classifier: Path,
    names: tuple[str, str],
    base: str,
    options: dict,
    device: str,
    recourse: Path,
    diagnostics: Path,
) -> None:
    trained = classifiers.load(classifier, resolve(device))
    people = contracts.people(contracts.read(population, "population"))
    given = [trained[seed] for seed in people]
    offered, quantities = generate(list(people.values()), given, *names, base, options)
    print(quantities.to_string(index=False))
    encoding = next(iter(people.values())).encoding
    contracts.write(offered, recourse, "recourse", encoding)
    contracts.write(quantities, diagnostics, "diagnostics")


if __name__ == "__main__":
    wildcards, params = snakemake.wildcards, snakemake.params
    about = (
        f"recourse, population {wildcards.population}, classifier {wildcards.classifier}, "
        f"method {wildcards.method}, seeds {wildcards.seeds}"
    )
    with job(snakemake.log[0], about):
        main(
            snakemake.input.population,
            snakemake.input.classifier,
            (wildcards.classifier, wildcards.method),
            params.base,
            params.options,
            params.device,
            snakemake.output.recourse,
            snakemake.output.diagnostics,
        )
