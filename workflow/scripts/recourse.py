"""Give recourse to all rejected individuals with one method, for a block of seeds."""

from collections.abc import Mapping
from typing import Any

from recourse_segregation import classifiers, contracts
from recourse_segregation.devices import resolve
from recourse_segregation.job import job
from recourse_segregation.recourse import generate


def main(
    population: str,
    classifier: str,
    recourse: str,
    diagnostics: str,
    classifier_name: str,
    method: str,
    file: str,
    options: Mapping[str, Any],
    measure: Mapping[str, Any],
    device: str,
) -> None:
    people = contracts.people(contracts.read(population, "population"))
    trained = classifiers.load(classifier, resolve(device))
    offered, quantities = generate(
        list(people.values()),
        [trained[seed] for seed in people],
        classifier_name=classifier_name,
        method=method,
        file=file,
        options=options,
        measure=measure,
    )
    print(quantities.to_string(index=False))
    contracts.write(offered, recourse, "recourse", next(iter(people.values())).encoding)
    contracts.write(quantities, diagnostics, "diagnostics")


if __name__ == "__main__":
    wildcards, params = snakemake.wildcards, snakemake.params
    with job(snakemake.log[0], "recourse", **wildcards):
        main(
            **snakemake.input,
            **snakemake.output,
            classifier_name=wildcards.classifier,
            method=wildcards.method,
            file=params.file,
            options=params.options,
            measure=params.measure,
            device=params.device,
        )
