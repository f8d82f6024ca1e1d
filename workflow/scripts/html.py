"""Render executed notebooks as pages that read offline, with an index."""

from collections.abc import Sequence
from pathlib import Path

from recourse_segregation import contracts, names, pages
from recourse_segregation.job import job


def main(notebooks: Sequence[Path], run: str, folder: Path) -> None:
    described = contracts.read_run(run)
    names.use(described["labels"])
    study = described["studies"][contracts.MAIN]
    populations, methods = (
        ", ".join(map(name, study[key])) for key, name in (("populations", names.population), ("methods", names.method))
    )
    for notebook in notebooks:
        pages.render(notebook, folder / f"{notebook.stem}.html")
    about = f"Populations: {populations}. Methods: {methods}. Seeds: {study['seeds']}."
    pages.index(notebooks, folder / "index.html", about)


if __name__ == "__main__":
    with job(snakemake.log[0], "html"):
        main(
            notebooks=[Path(notebook) for notebook in snakemake.input.notebooks],
            run=snakemake.input.run,
            folder=Path(snakemake.output.index).parent,
        )
