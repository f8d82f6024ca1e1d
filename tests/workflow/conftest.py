"""Complete runs that the workflow tests share."""

from __future__ import annotations

import pytest

from workflow_tools import snakemake, with_raw_files


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Two complete runs of the tiny configuration: with one core in one folder, with two in another."""
    folders = []
    for cores in (1, 2):
        folder = with_raw_files(tmp_path_factory.mktemp(f"cores-{cores}"))
        process = snakemake(folder, "--cores", str(cores))
        assert process.returncode == 0, process.stdout[-6000:]
        folders.append(folder)
    return folders
