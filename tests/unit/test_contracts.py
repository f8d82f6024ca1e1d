"""Tables between stages."""

from __future__ import annotations

import pandas as pd
import pytest

from recourse_segregation import contracts
from recourse_segregation.errors import DataError


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
