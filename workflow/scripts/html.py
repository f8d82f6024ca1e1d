"""Render executed notebooks as pages that read offline, with an index."""

from pathlib import Path

from recourse_segregation import contracts, pages, plots
from recourse_segregation.job import job

_NAMES = {"population": plots.population_name, "method": plots.method_name}


def main(notebooks: list[Path], measures: Path, folder: Path) -> None:
    run = contracts.read(measures, "measures")
    names = [", ".join(map(name, dict.fromkeys(run[column]))) for column, name in _NAMES.items()]
    about = f"Populations: {names[0]}. Methods: {names[1]}. Seeds: {run['seed'].nunique()}."
    for notebook in notebooks:
        pages.render(notebook, folder / f"{notebook.stem}.html")
    pages.index(notebooks, folder / "index.html", about)


if __name__ == "__main__":
    with job(snakemake.log[0], "html"):
        main(
            [Path(n) for n in snakemake.input.notebooks],
            Path(snakemake.input.measures),
            Path(snakemake.output.index).parent,
        )
