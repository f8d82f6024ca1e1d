"""Execute one notebook on the tables of this run."""

import tempfile
from pathlib import Path

import papermill
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from recourse_segregation import pages
from recourse_segregation.errors import RecourseError
from recourse_segregation.job import job


def main(template: Path, executed: Path, exhibits: Path) -> None:
    exhibits.mkdir(parents=True, exist_ok=True)
    parameters = {"results": str(executed.parents[1]), "exhibits": str(exhibits)}
    if template.stem == "study":  # a study without a notebook of its own
        parameters["study"] = executed.stem
    # Sockets of its own, not ports: kernels that start at the same time may choose the same free port.
    with tempfile.TemporaryDirectory(prefix="kernel-") as sockets:
        transport = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}})
        try:
            content = papermill.execute_notebook(
                template,
                None,
                parameters,
                kernel_name="python3",
                progress_bar=False,
                start_timeout=600,
                config=transport,
            )
        except PapermillExecutionError as error:
            print(error)  # what the cell says, for the log
            raise RecourseError(
                f"{template}, In [{error.exec_count}]: {error.ename}: {error.evalue} (traceback in the log)"
            ) from None
    content.cells[0].source = content.cells[0].source.replace("{study}", executed.stem)
    pages.write(content, executed)


if __name__ == "__main__":
    with job(snakemake.log[0], "notebook", **snakemake.wildcards):
        main(
            template=Path(snakemake.input.notebook),
            executed=Path(snakemake.output.notebook),
            exhibits=Path(snakemake.output.exhibits),
        )
