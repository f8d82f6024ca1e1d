"""Render executed notebooks as pages that read offline, with an index."""

from pathlib import Path

from recourse_segregation import pages
from recourse_segregation.job import job


def main(notebooks: list[Path], folder: Path) -> None:
    for notebook in notebooks:
        pages.render(notebook, folder / f"{notebook.stem}.html")
    pages.index(notebooks, folder / "index.html")


if __name__ == "__main__":
    with job(snakemake.log[0], "html"):
        main([Path(n) for n in snakemake.input.notebooks], Path(snakemake.output.index).parent)
