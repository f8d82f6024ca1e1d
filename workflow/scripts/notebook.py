"""Execute one notebook on the tables of this run."""

import tempfile
from pathlib import Path

import papermill
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from recourse_segregation import pages
from recourse_segregation.errors import RecourseError
from recourse_segregation.job import job

if __name__ == "__main__":  # not when nbconvert looks for a package `notebook` and finds this file
    # Sockets of its own, not ports: kernels that start at the same time may choose the same free port.
    with (
        job(snakemake.log[0], snakemake.rule, **snakemake.wildcards),
        tempfile.TemporaryDirectory(prefix="kernel-") as sockets,
    ):
        template, executed = Path(snakemake.input.notebook), Path(snakemake.output.notebook)
        Path(snakemake.output.exhibits).mkdir(parents=True, exist_ok=True)
        parameters = {"results": str(executed.parents[1]), "exhibits": snakemake.output.exhibits}
        if template.stem == "study":  # a study without a notebook of its own
            parameters["study"] = executed.stem
        try:
            content = papermill.execute_notebook(
                template,
                None,
                parameters,
                kernel_name="python3",
                progress_bar=False,
                start_timeout=600,
                config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
            )
        except PapermillExecutionError as error:
            print(error)  # what the cell says, for the log
            raise RecourseError(
                f"{template}, In [{error.exec_count}]: {error.ename}: {error.evalue} (traceback in the log)"
            ) from None
        content.cells[0].source = content.cells[0].source.replace("{study}", executed.stem)
        pages.write(content, executed)
