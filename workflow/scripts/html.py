"""Render executed notebooks as pages that read offline, with an index."""

from pathlib import Path

from recourse_segregation import contracts, names, pages, settings
from recourse_segregation.job import job

_NAMES = {"population": names.population, "method": names.method}


def main(notebooks: list[Path], measures: Path, studies: Path, folder: Path) -> None:
    run = contracts.of_study(contracts.read(measures, "measures"), contracts.read_studies(studies)[settings.MAIN])
    run_names = [", ".join(map(name, dict.fromkeys(run[column]))) for column, name in _NAMES.items()]
    about = f"Populations: {run_names[0]}. Methods: {run_names[1]}. Seeds: {run['seed'].nunique()}."
    for notebook in notebooks:
        pages.render(notebook, folder / f"{notebook.stem}.html")
    pages.index(notebooks, folder / "index.html", about)


if __name__ == "__main__":
    with job(snakemake.log[0], "html"):
        main(
            [Path(n) for n in snakemake.input.notebooks],
            Path(snakemake.input.measures),
            Path(snakemake.input.studies),
            Path(snakemake.output.index).parent,
        )
