"""Give recourse to all rejected individuals with one method, for a block of seeds."""

from recourse_segregation import classifiers, contracts
from recourse_segregation.devices import resolve
from recourse_segregation.job import job
from recourse_segregation.recourse import generate

with job(snakemake.log[0], snakemake.rule, **snakemake.wildcards):
    params, output = snakemake.params, snakemake.output
    people = contracts.people(contracts.read(snakemake.input.population, "population"))
    trained = classifiers.load(snakemake.input.classifier, resolve(params.device))
    recourse, diagnostics = generate(
        populations=list(people.values()),
        classifiers=[trained[seed] for seed in people],
        classifier_name=snakemake.wildcards.classifier,
        method=snakemake.wildcards.method,
        file=params.file,
        options=params.options,
        measure=params.measure,
    )
    print(diagnostics.to_string(index=False))
    contracts.write(recourse, output.recourse, "recourse", next(iter(people.values())).encoding)
    contracts.write(diagnostics, output.diagnostics, "diagnostics")
