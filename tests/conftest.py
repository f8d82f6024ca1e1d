"""Made-up populations and classifiers, and complete runs, that the tests share."""

import os
import signal
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pytest
from common import CONFIG as CONFIG
from common import ROOT as ROOT

from recourse_segregation import classifiers, declarations, methods, models
from recourse_segregation.data import Dataset, Feature, Sensitive
from recourse_segregation.population import Population, prepare
from recourse_segregation.seeds import torch_generator
from workflow_tools import STAGES, copied, snakemake, start_snakemake, with_raw_files

# How long an example takes depends on what else the machine does: no reason to fail.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

#: how the small classifiers of the tests are trained
QUICK = {"learning_rate": 0.02, "epochs": 60, "batch": 32, "rejected": None}

CONTINUOUS = (Feature("income", "continuous"), Feature("debt", "continuous"), Feature("score", "continuous"))
LEVELS = (
    Feature("sex", "binary", ("men", "women"), immutable=True),
    Feature("region", "categorical", ("north", "south", "west"), immutable=True),
    Feature("owner", "binary", ("no", "yes")),
    Feature("job", "categorical", ("none", "clerk", "manager", "other")),
)


def made_up(features: tuple[Feature, ...], rows: int = 400) -> Dataset:
    """A data set whose label depends on income, debt and job, with a group that is poorer on average."""

    def draw(random_state: np.random.RandomState) -> pd.DataFrame:
        women = random_state.rand(rows) < 0.4
        income = random_state.gamma(2.0, 1.0, rows) + 0.8 * ~women
        debt = random_state.rand(rows)
        job = random_state.randint(0, 4, rows)
        return pd.DataFrame(
            {
                "label": (income - 2 * debt + 0.5 * (job == 2) + random_state.normal(0, 0.3, rows) > 0.9).astype(int),
                "income": income,
                "debt": debt,
                "score": random_state.rand(rows),
                "sex": np.where(women, "women", "men"),
                "region": random_state.choice(["north", "south", "west"], rows),
                "owner": np.where(random_state.rand(rows) < 0.5, "yes", "no"),
                "job": np.array(["none", "clerk", "manager", "other"])[job],
            }
        )

    return Dataset(
        name="made_up",
        title="Made up",
        licence="none",
        citation="none",
        features=features,
        sensitive={"sex": Sensitive("sex", ("men", "women"), minority="women")},
        draw=draw,
    )


def population(kind: str = "levels", seed: int = 0, rows: int = 400) -> Population:
    """`levels`: with immutables, binaries and one-hot groups; `continuous`: sex is the only other column."""
    features = (*CONTINUOUS, *LEVELS) if kind == "levels" else (*CONTINUOUS, LEVELS[0])
    return prepare("made-up", made_up(features, rows), "sex", seed, rows, 0.25)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """write("models/forest.py", source): put a file into a folder that stands for the package, beside its methods."""
    for other in ("classifiers.py", "data", *(f"methods/{method}.py" for method in methods.names())):
        (tmp_path / other).parent.mkdir(exist_ok=True)
        (tmp_path / other).symlink_to(Path(classifiers.__file__).parent / other)
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(declarations, "_PACKAGE", tmp_path)
    for package in (methods, models):
        folder = tmp_path / package.__name__.rpartition(".")[2]
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])

    def forget() -> None:
        for file in (file for file in tmp_path.glob("m*/*.py") if not file.is_symlink()):
            sys.modules.pop(f"recourse_segregation.{file.parent.name}.{file.stem}", None)
        for read in (declarations.build, declarations.method_options, declarations.model_options, declarations._says):
            read.cache_clear()

    def put(name: str, source: str) -> None:
        forget()
        (tmp_path / name).write_text(source, encoding="utf-8")

    yield put
    forget()


@pytest.fixture(scope="session")
def people() -> dict[str, Population]:
    return {kind: population(kind) for kind in ("levels", "continuous")}


@pytest.fixture(scope="session")
def trained(people) -> dict[tuple[str, str], classifiers.Classifier]:
    """(population kind, classifier) -> a classifier that rejects some and accepts some."""
    return {
        (kind, name): classifiers.train(people[kind], torch_generator(0, "train", name), hidden=hidden, **QUICK)
        for kind in people
        for name, hidden in {"linear": (), "mlp": (16,)}.items()
    }


@pytest.hookimpl(tryfirst=True)  # before the plugin reads the groups
def pytest_collection_modifyitems(items):
    """With several workers (`pytest -n`): tests that share a long run, or the one Slurm, go to the same worker."""
    for item in items:
        if {"finished", "cluster"}.intersection(item.fixturenames):
            item.add_marker(pytest.mark.xdist_group("runs"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Two complete runs of the tiny configuration, at the same time, that differ in all that must not matter.

    One on one core, as a whole, whose terminal is kept in the file `terminal`; the other on two, stage by stage, of a
    copy of the project (`project`, beside it) in a folder with an awkward name, where it is tomorrow already and text
    is ASCII.
    """
    whole = with_raw_files(tmp_path_factory.mktemp("whole"))
    process = start_snakemake(whole, whole / "terminal", "--cores", "1", LC_ALL="C.UTF-8", TZ="UTC")
    try:
        base = tmp_path_factory.mktemp("parts")
        parts, project = with_raw_files(base / "größer, in Teilen"), copied(base / "project")
        elsewhere = {"LC_ALL": "C", "TZ": "Pacific/Kiritimati"}
        for stage in (*STAGES, "all"):
            stages = snakemake(parts, "--cores", "2", stage, project=project, **elsewhere)
            assert stages.returncode == 0, stages.stdout[-6000:]
        assert process.wait(1800) == 0, (whole / "terminal").read_text(encoding="utf-8")[-6000:]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    return [whole, parts]
