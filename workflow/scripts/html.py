"""Render executed notebooks as pages that read offline, with an index."""

from pathlib import Path

from recourse_segregation import contracts, names, pages
from recourse_segregation.job import job


def main(notebooks: list[Path], run: str, folder: Path) -> None:
    described = contracts.read_run(run)
    names.use(described["labels"])
    study = described["studies"][contracts.MAIN]
    populations, methods = map(names.population, study["populations"]), map(names.method, study["methods"])
    about = f"Populations: {', '.join(populations)}. Methods: {', '.join(methods)}. Seeds: {study['seeds']}."
    for notebook in notebooks:
        pages.render(notebook, folder / f"{notebook.stem}.html")
    pages.index(notebooks, folder / "index.html", about)


if __name__ == "__main__":
    with job(snakemake.log[0], "html"):
        main(
            notebooks=[Path(notebook) for notebook in snakemake.input.notebooks],
            run=snakemake.input.run,
            folder=Path(snakemake.output.index).parent,
        )
