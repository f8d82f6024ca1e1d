"""Execute one notebook on the tables of this run."""

from pathlib import Path

import papermill

from recourse_segregation import pages
from recourse_segregation.job import job


def main(template: Path, executed: Path, exhibits: Path) -> None:
    exhibits.mkdir(parents=True, exist_ok=True)
    parameters = {"results": "results", "exhibits": str(exhibits)}
    content = papermill.execute_notebook(template, None, parameters, kernel_name="python3", progress_bar=False)
    pages.write(content, executed)


if __name__ == "__main__":
    with job(snakemake.log[0], f"notebook {snakemake.wildcards.notebook}"):
        main(
            Path(snakemake.input.notebook),
            Path(snakemake.output.notebook),
            Path(snakemake.output.exhibits),
        )
