"""Complete runs that the workflow tests share."""

from __future__ import annotations

import pytest

from workflow_tools import snakemake, with_raw_files

STAGES = ("prepare_all", "train_all", "recourse_all", "measure_all")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Two complete runs of the tiny configuration that differ in all that must not matter.

    One on one core, as a whole; the other on two, stage by stage, in a folder with an awkward name, where it is
    tomorrow already and text is ASCII.
    """
    whole = with_raw_files(tmp_path_factory.mktemp("whole"))
    process = snakemake(whole, "--cores", "1", LC_ALL="C.UTF-8", TZ="UTC")
    assert process.returncode == 0, process.stdout[-6000:]
    parts = with_raw_files(tmp_path_factory.mktemp("parts") / "größer, in Teilen")
    for stage in (*STAGES, "all"):
        process = snakemake(parts, "--cores", "2", stage, LC_ALL="C", TZ="Pacific/Kiritimati")
        assert process.returncode == 0, process.stdout[-6000:]
    return [whole, parts]
