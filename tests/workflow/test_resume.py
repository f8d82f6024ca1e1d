"""Killed, resumed, started twice, on a full disk: nothing lost, nothing half-written."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from workflow_tools import differing, made, snakemake, start_snakemake

pytestmark = pytest.mark.slow

CONFIGS = (Path(__file__).with_name("resume.yaml"),)
COMMAND = ("--cores", "2", "measure_all", "results/notebooks/populations.ipynb")
KILLS = 10


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run that nothing happens to, and the seconds it took."""
    folder, begin = tmp_path_factory.mktemp("undisturbed"), time.monotonic()
    process = snakemake(folder, *COMMAND, configs=CONFIGS)
    assert process.returncode == 0, process.stdout[-6000:]
    return folder, time.monotonic() - begin


def differing_so_far(folder: Path, reference: Path) -> list[str]:
    """Which of the results that a killed run left under their names are not whole."""
    whole = made(reference)
    return [name for name, content in made(folder).items() if content != whole[name]]


def test_a_run_killed_at_random_moments_goes_on_with_the_same_command(undisturbed, tmp_path):
    reference, seconds = undisturbed
    moments = random.Random(0)
    kills, rounds, log = 0, 0, tmp_path / "log"
    while kills < KILLS:
        rounds += 1
        folder = tmp_path / f"run-{rounds}"
        folder.mkdir()
        finished = False
        while not finished:
            process = start_snakemake(folder, log, *COMMAND, configs=CONFIGS)
            try:
                process.wait(moments.uniform(0, seconds / 2) if kills < KILLS else 600)
                assert process.returncode == 0, log.read_text(encoding="utf-8")[-6000:]
                finished = True
            except subprocess.TimeoutExpired:
                assert kills < KILLS, "the last run hangs"
                kills += 1
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)  # Snakemake and its jobs
                    process.wait()
            assert differing_so_far(folder, reference) == []
        assert differing(folder, reference) == []
        assert list((folder / "results").rglob("*.part")) == []


def test_a_second_run_in_the_same_folder_is_refused(undisturbed, tmp_path):
    (reference, _), train = undisturbed, ("--cores", "2", "train_all")
    first = start_snakemake(tmp_path, tmp_path / "log", *train, configs=CONFIGS)
    try:
        while not (tmp_path / "results" / "raw").exists():
            assert first.poll() is None, (tmp_path / "log").read_text(encoding="utf-8")
            time.sleep(0.1)
        second = snakemake(tmp_path, *train, configs=CONFIGS)
        assert second.returncode != 0
        assert f"another run is at work in {tmp_path / 'results'}; wait for it" in second.stdout
        assert "Traceback" not in second.stdout
        assert snakemake(tmp_path, "--dry-run", *train, configs=CONFIGS).returncode == 0, "looking is allowed"
        assert first.wait(600) == 0, (tmp_path / "log").read_text(encoding="utf-8")[-6000:]
    finally:
        if first.poll() is None:
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
    assert differing_so_far(tmp_path, reference) == []


def test_a_full_disk_is_named_and_a_larger_one_goes_on(undisturbed, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", results]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a file system of its own needs root and mount")
    try:
        process = snakemake(tmp_path, *COMMAND, configs=CONFIGS)
        assert process.returncode != 0
        assert "cannot write results/" in process.stdout
        assert "No space left on device. Nothing half-written is left. Make room" in process.stdout
        assert "Traceback" not in process.stdout
        assert differing_so_far(tmp_path, undisturbed[0]) == []
        assert list(results.rglob("*.part")) == []
        subprocess.run(["mount", "-o", "remount,size=50m", results], check=True)
        process = snakemake(tmp_path, *COMMAND, configs=CONFIGS)
        assert process.returncode == 0, process.stdout[-6000:]
        assert differing(tmp_path, undisturbed[0]) == []
    finally:
        subprocess.run(["umount", results], check=True)
