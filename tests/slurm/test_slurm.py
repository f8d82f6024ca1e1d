"""The workflow on a real Slurm: the same numbers, and nothing lost with a job or a node."""

import re
from pathlib import Path

import cluster as slurm
import pytest

from workflow_tools import differing, made, snakemake, start_snakemake, with_raw_files

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(slurm.missing()), reason=slurm.missing())]

CONFIGS = (Path(__file__).with_name("small.yaml"),)
#: The profile, asking the queue more often than a real cluster likes.
PROFILE = ("--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2")
PROFILE += ("--seconds-between-status-checks", "1", "--latency-wait", "20")


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The same run without a cluster."""
    folder = tmp_path_factory.mktemp("local")
    process = snakemake(folder, "--cores", "2", "train_all", configs=CONFIGS)
    assert process.returncode == 0, process.stdout[-6000:]
    return folder


@pytest.fixture
def cluster(tmp_path):
    with slurm.started(tmp_path / "cluster") as running:
        yield running


def asked(job: dict[str, str]) -> tuple[int, int, int]:
    """CPUs, MB and minutes that a job asked for."""
    return (*(int(re.search(rf"{what}=(\d+)", job["Tres"])[1]) for what in ("cpu", "mem")), int(job["TimeLimit"]))


def test_every_job_goes_through_the_queue_and_changes_no_digit(cluster, finished, tmp_path):
    """The tiny workflow, whole, as the profile groups it; `finished` ran without a cluster."""
    folder = with_raw_files(tmp_path / "run")
    process = snakemake(folder, *PROFILE)
    assert process.returncode == 0, process.stdout[-6000:]
    jobs = cluster.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    # CPUs, memory and time of the groups: summed over what runs at once, and over what waits for each other
    groups = {
        "people": [(5, 4000, 15)],
        "cells": [(8, 9600, 32)] * 4,
        "tables": [(2, 1200, 10)],
        "notebooks": [(6, 12000, 5)] * 2 + [(3, 6000, 5)],
        "pages": [(1, 600, 10)],
    }
    assert sorted(map(asked, jobs)) == sorted(job for members in groups.values() for job in members)
    assert differing(folder, finished[0]) == []


def test_a_lost_node_and_a_killed_job_cost_time_and_nothing_else(cluster, local, tmp_path):
    folder, log = tmp_path / "run", tmp_path / "log"
    folder.mkdir()
    process = start_snakemake(
        folder, log, *PROFILE, "--group-components", "people=1", "--", "train_all", configs=CONFIGS
    )
    try:
        lost = cluster.wait_for_a_job("n1", process)
        cluster.lose("n1")
        killed = cluster.wait_for_a_job("n2", process)
        cluster.kill(killed)
        assert process.wait(600) == 0, log.read_text(encoding="utf-8")[-6000:]
    finally:
        process.kill()
        process.wait()
    ends = {}
    for job in cluster.jobs():
        ends.setdefault(job["JobId"], []).append(job["JobState"])
    assert ends[lost][0] == "NODE_FAIL"
    assert ends[killed][-1] == "FAILED"
    assert all(states[-1] == "COMPLETED" for job, states in ends.items() if job != killed)
    again = max(cluster.jobs(), key=lambda job: int(job["JobId"]))
    assert asked(again) == (1, 2 * 800, 2 * 10), "a second try asks for more"
    assert sum(name.endswith("classifier.pt") for name in made(folder)) == 2
    assert differing(folder, local) == []
