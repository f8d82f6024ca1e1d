"""Tables between stages."""

import ast

import pandas as pd
import pytest

from conftest import ROOT
from recourse_segregation import contracts
from recourse_segregation.errors import DataError


def test_a_population_survives_its_file(tmp_path, people):
    """And equal tables are equal files."""
    people = people["levels"]
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        contracts.write(people.table, path, "population", people.encoding)
    again = contracts.people(contracts.read(one, "population"))[0]
    assert again.encoding == people.encoding
    pd.testing.assert_frame_equal(again.table, people.table, check_dtype=False)
    assert (again.features == people.features).all()
    assert one.read_bytes() == other.read_bytes()


def test_a_table_with_other_columns_is_not_written(tmp_path):
    table = pd.DataFrame({"seed": [0], "individual": [1], "margin": [0.5]})
    with pytest.raises(DataError, match="a predictions table has the columns seed, individual, margin, accepted"):
        contracts.write(table, tmp_path / "t.parquet", "predictions")
    assert not list(tmp_path.iterdir())


def test_half_a_file_or_one_that_lacks_columns_is_not_read(tmp_path):
    table = pd.DataFrame({"seed": [0], "individual": [1], "margin": [0.5], "accepted": [True]})
    half, lacking = tmp_path / "half.parquet", tmp_path / "lacking.parquet"
    contracts.write(table, half, "predictions")
    half.write_bytes(half.read_bytes()[:-20])
    table[["seed"]].to_parquet(lacking)
    for path, says in ((half, "not a readable predictions table"), (lacking, "lacks individual, margin, accepted")):
        with pytest.raises(DataError, match=rf"{path.name}: .*{says}.*delete it"):
            contracts.read(path, "predictions")


@pytest.mark.parametrize("content", [None, "{"])
def test_a_run_that_cannot_be_read_says_so(content, tmp_path):
    if content:
        (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"run\.json: what this run is cannot be read .*run the rule collect"):
        contracts.read_run(tmp_path / "run.json")


def test_what_names_a_number_is_declared_once():
    """A name that is added to IDENTITY is in every list that holds the others: they are made from it."""
    names = list(contracts.IDENTITY)
    assert list(contracts.CONTRACTS["measures"])[: len(names)] == names
    assert set(contracts.CELL) == {*names} - {"seed"}
    for table in ("recourse", "diagnostics"):
        assert set(names) - set(contracts.CONTRACTS[table]) == {"scenario"}
    spelled = {}
    for file in [f for part in ("src", "scripts") for f in (ROOT / "workflow" / part).rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
            if set(contracts.CELL) <= {item.value for item in items if isinstance(item, ast.Constant)}:
                spelled.setdefault(file.name, []).append(node.lineno)
    assert spelled.keys() == {"contracts.py", "plan.py"}, spelled
    assert all(len(lines) == 1 for lines in spelled.values()), "and where the configuration has their labels"


TABLE = pd.DataFrame(
    [
        (population, seed, method, scenario)
        for scenario in ("default", "drop", "origin")
        for method in (contracts.BEFORE, "ibr", "ebr", "face")
        for seed in (0, 1, 2)
        for population in ("law-sex", "adult-sex", "synthetic")
    ],
    columns=["population", "seed", "method", "scenario"],
)
STUDY = {
    "populations": ["synthetic", "law-sex"],
    "methods": ["ebr", "ibr"],
    "scenarios": ["drop", "default"],
    "seeds": 2,
}


@pytest.mark.filterwarnings("error")
def test_a_study_has_its_rows_in_its_own_order():
    """The population before belongs to every study that has it, and its rows come first."""
    found = contracts.of_study(TABLE, STUDY)
    assert [list(found[c].cat.categories) for c in ("population", "method", "scenario")] == [
        STUDY["populations"],
        [contracts.BEFORE, "ebr", "ibr"],
        STUDY["scenarios"],
    ]
    assert len(found) == len(found.drop_duplicates()) == 2 * 3 * 2 * 2
    assert found.equals(found.sort_values(["population", "method", "scenario", "seed"], ignore_index=True))
    assert set(found["seed"]) == {0, 1}
    after = TABLE[TABLE["method"] != contracts.BEFORE].drop(columns="scenario")
    found = contracts.of_study(after, STUDY)  # a table that has neither
    assert list(found["method"].cat.categories) == STUDY["methods"]
    assert len(found) == 2 * 2 * 2 * 3
