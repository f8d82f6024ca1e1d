"""Tables between stages, the sources they depend on, and what is recorded of a run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from recourse_segregation import contracts, provenance, tracking
from recourse_segregation.errors import DataError
from recourse_segregation.job import job

ROOT = Path(__file__).parents[2]


def test_a_population_survives_its_file(tmp_path, people):
    people = people["levels"]
    contracts.write(people.table, tmp_path / "p.parquet", "population", people.encoding)
    again = contracts.people(contracts.read(tmp_path / "p.parquet", "population"))[0]
    assert again.encoding == people.encoding
    pd.testing.assert_frame_equal(again.table, people.table, check_dtype=False)
    assert (again.features == people.features).all()


def test_a_table_with_other_columns_is_not_written(tmp_path):
    table = pd.DataFrame({"seed": [0], "individual": [1], "margin": [0.5]})
    with pytest.raises(DataError, match="a predictions table has the columns seed, individual, margin, accepted"):
        contracts.write(table, tmp_path / "t.parquet", "predictions")
    assert not list(tmp_path.iterdir())


def test_half_a_file_is_not_read(tmp_path):
    table = pd.DataFrame({"seed": [0], "individual": [1], "margin": [0.5], "accepted": [True]})
    path = tmp_path / "t.parquet"
    contracts.write(table, path, "predictions")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"t\.parquet: not a readable predictions table.*delete it"):
        contracts.read(path, "predictions")


def test_a_table_that_lacks_columns_is_not_read(tmp_path):
    pd.DataFrame({"seed": [0]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="lacks individual, margin, accepted"):
        contracts.read(tmp_path / "t.parquet", "predictions")


def test_equal_tables_are_equal_files(tmp_path, people):
    people = people["levels"]
    for name in ("a", "b"):
        contracts.write(people.table, tmp_path / name, "population", people.encoding)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def names(paths) -> set[str]:
    return {p.relative_to(tracking._PACKAGE).as_posix() for p in paths if tracking._PACKAGE in p.parents}


def test_a_method_depends_on_what_it_imports_and_on_no_other_method():
    ibr = names(tracking.closure(tracking.module("methods.ibr")))
    assert {"methods/_latent.py", "methods/_shells.py", "generative/vae.py", "network.py"} <= ibr
    assert "methods/cchvae.py" not in ibr
    assert "generative/mdn.py" not in ibr
    stage = names(tracking.closure(ROOT / "workflow" / "scripts" / "recourse.py"))
    assert {"recourse.py", "contracts.py", "methods/__init__.py", "methods/_method.py"} <= stage
    assert not {"methods/wachter.py", "metrics/segregation.py"} & stage


def test_what_only_tells_of_the_work_decides_no_result(tmp_path):
    """Editing the log or the progress of jobs reruns nothing."""
    assert all(file.is_file() for file in tracking.TELLING)
    for script in (ROOT / "workflow" / "scripts").glob("*.py"):
        assert not tracking.TELLING & tracking.closure(script)
    (tmp_path / "workflow" / "src" / "recourse_segregation").mkdir(parents=True)
    digests = []
    for text in ("a", "b"):
        for name in ("job.py", "progress.py"):
            (tmp_path / "workflow" / "src" / "recourse_segregation" / name).write_text(text)
        digests.append(tracking.code_digest(tmp_path))
    assert digests[0] == digests[1]


def test_the_digest_of_a_stage_follows_contents_only(tmp_path):
    file = tmp_path / "stage.py"
    digests = []
    for text in ("a = 1\n", "a = 2\n", "a = 1\n"):
        file.write_text(text)
        for remembered in (tracking._imported, tracking.closure, tracking.digest):
            remembered.cache_clear()
        digests.append(tracking.digest(file))
    assert digests[0] == digests[2] != digests[1]


def test_the_code_digest_follows_names_and_contents(tmp_path):
    (tmp_path / "workflow").mkdir()
    (tmp_path / "Snakefile").write_text("a")
    first = tracking.code_digest(tmp_path)
    (tmp_path / "workflow" / "x.py").write_text("b")
    second = tracking.code_digest(tmp_path)
    (tmp_path / "workflow" / "x.py").write_text("c")
    third = tracking.code_digest(tmp_path)
    (tmp_path / "workflow" / "__pycache__").mkdir()
    (tmp_path / "workflow" / "__pycache__" / "x.pyc").write_text("d")
    assert len({first, second, third}) == 3
    assert tracking.code_digest(tmp_path) == third


def test_stages_sum_benchmark_files(tmp_path):
    (tmp_path / "train").mkdir()
    for i, seconds in enumerate((1.5, 2.5)):
        (tmp_path / "train" / f"{i}.tsv").write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{100 * (i + 1)}\n")
    files = [tmp_path / "train" / f"{i}.tsv" for i in range(3)]  # the last is of a job that was not run
    assert provenance.stages(files) == {"train": {"jobs": 2, "seconds": 4.0, "longest_seconds": 2.5, "peak_mib": 200.0}}


@pytest.mark.parametrize(
    ("error", "says", "logged"),
    [
        (DataError("the column x is gone"), "error in train, seeds 0-4: the column x is gone", "working\nerror in"),
        (KeyError("x"), "unexpected error in train, seeds 0-4: KeyError: 'x'", "working\nTraceback"),
    ],
)
def test_a_job_says_what_went_wrong_and_where(error, says, logged, tmp_path, capsys):
    def work():
        with job(str(tmp_path / "log"), "train, seeds 0-4"):
            print("working")
            raise error

    with pytest.raises(SystemExit):
        work()
    assert says in capsys.readouterr().err
    assert (tmp_path / "log").read_text().startswith(logged)


def test_a_study_costs_what_its_own_jobs_cost(tmp_path):
    """Shared files count once, those of other methods and seeds do not."""
    config = {
        "run": {
            "populations": ["a"],
            "methods": ["m"],
            "seeds": 2,
            "block_size": 2,
            "studies": ["more"],
        },
        "populations": {"a": {"recourse": ["c"], "neighbourhoods": 3, "radius_quantile": 0.1}},
        "scenarios": {"default": {}, "drop": {"unresolved": "drop"}},
        "studies": {
            "more": {"populations": ["a"], "methods": ["m", "n"], "scenarios": ["default", "drop"], "seeds": 4}
        },
    }
    costs = {
        "prepare/a.seeds-0-1": 1,
        "prepare/a.seeds-2-3": 2,
        "recourse/a.c.m.seeds-0-1": 4,
        "recourse/a.c.n.seeds-2-3": 8,
        "simulate/a.c.m.seeds-0-1": 16,
        "measure_before/a.c.default.seeds-0-1": 32,
        "measure/a.c.m.seeds-0-1": 64,
        "measure/a.c.n.seeds-0-1": 128,
        "measure/b.c.m.seeds-0-1": 256,
        "notebook/more": 512,
    }
    for name, seconds in costs.items():
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"s\tmax_rss\n{seconds}\t1\n", encoding="utf-8")
    assert provenance.seconds(tmp_path, config, "main", "pages") == 1 + 4 + 16 + 32 + 64
    assert provenance.seconds(tmp_path, config, "more", "more") == sum(costs.values()) - 256
    assert provenance.seconds(tmp_path, config, None, "more") == 512
