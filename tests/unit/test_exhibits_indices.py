"""The page `indices`, from hand-made measures with known answers."""

import numpy as np
import pandas as pd
import pytest
from test_exhibits_studies import run

from made_up_run import METHODS, cell
from recourse_segregation import names
from recourse_segregation.exhibits import indices, segregation
from recourse_segregation.measure import PROFILE

NEAR_AND_FAR = (5, 500)


def profiled(method, change):
    """The scenario `profile` of a method: the excess rises by `change` at k = 5 and falls by it at k = 500."""
    rows = cell(method, change, scenario="profile")
    own = rows[(rows["metric"] == "isolation") & (rows["scope"] == "everyone")]
    parts = []
    for index in PROFILE:
        for k, sign in zip(NEAR_AND_FAR, (1, -1), strict=True):
            value = own["value"].where(own["phase"] == "before", 0.5 + sign * change)
            parts.append(own.assign(metric=f"{index}_k{k}_excess", value=value))
    return pd.concat([rows, *parts])


@pytest.fixture
def controlled():
    """Every index falls most by swapping in, and by 0.3 with the methods, by 0.03 if groups are shuffled; but average
    proximity changes with shuffled groups too, MMD likes one point best, and information does not see the swap."""
    real = {"nobody": 0.0, "swap_in": -0.4, "collapse": -0.1} | dict.fromkeys(METHODS, -0.3)
    blind = {"average_proximity": {"swap_in": 0.9, "collapse": 0.6, "nobody": 0.5} | dict.fromkeys(METHODS, 0.8)}
    swapped = {"exposure": 0.9, "information": 0.6, "average_proximity": 0.9}
    cells = []
    for method, change in real.items():
        other = {"average_proximity": blind["average_proximity"][method], "exposure": 0.5 - change}
        other |= swapped if method == "swap_in" else {"mmd": 0.05} if method == "collapse" else {}
        cells.append(cell(method, change, **other))
        placebo = {name: other[name] for name in ("average_proximity",)}
        cells.append(cell(method, change / 10, scenario="placebo", **placebo))
        cells.append(profiled(method, change))
    return run(*cells, scenarios=["default", "placebo", "profile"])


def test_an_index_that_a_control_misleads_is_not_reported(controlled):
    found = indices.detection(segregation.seeds(controlled, "everyone", indices.SHOWN)).set_index("metric")
    assert set(names.INDICES) - set(found.index) == {"exposure", "centralization_released"}
    good = found.loc["isolation"]
    assert good[["populations", "mixed", "fooled", "cells", "seen", "more", "report"]].tolist() == [
        1,
        1,
        0,
        2,
        2,
        0,
        True,
    ]
    assert good["share"] == pytest.approx(0.1)
    assert found.loc["average_proximity", "share"] == pytest.approx(1)
    assert found.loc["information", "mixed"] == 0
    assert found.loc["mmd", "fooled"] == 1
    assert set(found.index[~found["report"]]) == {"average_proximity", "information", "mmd"}
    said = indices.answer(found.reset_index()).data
    for part in (
        "Report Centralization: no control misleads it, and it sees most, in 2 of 2",
        "Isolation, Dissimilarity",
        "by Average proximity: with shuffled",
        "places: Information.",
        "that for Information, MMD",
    ):
        assert part in said
    assert "<td><b>yes</b></td>" in indices.show_detection(found.reset_index()).data.replace(
        ' style="text-align: left"', ""
    )


def test_no_index_may_pass(controlled):
    found = indices.detection(segregation.seeds(controlled, "everyone", indices.SHOWN))
    assert "No index passes" in indices.answer(found.assign(report=False)).data
    assert "too few seeds" in indices.answer(found.assign(seen=0)).data


def test_the_profile_is_of_the_excess_by_neighbours(controlled):
    table = indices.profile(controlled)
    assert table["metric"].unique().tolist() == list(PROFILE)
    own = table[(table["metric"] == "information") & (table["method"] == "swap_in")]
    assert own["k"].tolist() == list(NEAR_AND_FAR)
    assert own["change"].tolist() == pytest.approx([-0.4, 0.4])
    assert own["before"].tolist() == [0.5, 0.5]
    shown = indices.show_profile(table, ["isolation"]).data
    for part in ("<th>k = 5</th>", "Before", "0.500", "−0.400", "+0.400"):
        assert part in shown
    assert "Dissimilarity" not in shown
    figure = indices.figure(table)
    assert len(figure.axes) == len(PROFILE)
    lines = [line for line in figure.axes[0].lines if line.get_label() == "swap_in"]
    np.testing.assert_allclose(lines[0].get_ydata(), [-0.4, 0.4])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("isolation_k50", "Isolation, k = 50"),
        ("information_k5_excess", "Information, k = 5, excess"),
        ("mine_k5", "mine_k5"),
        ("isolation", "Isolation"),
    ],
)
def test_a_profile_has_names(name, label):
    assert names.in_line(name) == label
    assert names.metric(name).segregation == (name != "mine_k5")
