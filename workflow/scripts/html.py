"""Render executed notebooks as pages that read offline, with an index."""

from pathlib import Path

from recourse_segregation import contracts, names, pages
from recourse_segregation.job import job


def main(notebooks: list[Path], measures: str, run: str, folder: Path) -> None:
    described = contracts.read_run(run)
    names.use(described["labels"])
    own = contracts.of_study(contracts.read(measures, "measures"), described["studies"][contracts.MAIN])
    own = own[own["phase"] == "after"]
    populations, methods = (
        ", ".join(map(name, own[column].unique()))
        for column, name in (("population", names.population), ("method", names.method))
    )
    for notebook in notebooks:
        pages.render(notebook, folder / f"{notebook.stem}.html")
    about = f"Populations: {populations}. Methods: {methods}. Seeds: {own['seed'].nunique()}."
    pages.index(notebooks, folder / "index.html", about)


if __name__ == "__main__":
    with job(snakemake.log[0], "html"):
        main(
            notebooks=[Path(notebook) for notebook in snakemake.input.notebooks],
            measures=snakemake.input.measures,
            run=snakemake.input.run,
            folder=Path(snakemake.output.index).parent,
        )
