"""Indices of one's own: how they are registered, what they may ask for, and what they may return."""

import os
import re
import subprocess
import sys
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from common import CONFIG, ROOT

from recourse_segregation import measure, names
from recourse_segregation.errors import MetricError
from recourse_segregation.metrics import Estimate, Undefined, segregation
from recourse_segregation.metrics.indices import DIRECTIONS, GIVEN, INDICES, index
from workflow_tools import shown

SETTINGS = CONFIG["measure"] | {"neighbourhoods": 8}
PAGE = (ROOT / "docs" / "adding_an_index.md").read_text(encoding="utf-8")


@pytest.fixture
def registry():
    """The registered indices, as they are again after the test."""
    with mock.patch.dict(INDICES):
        yield INDICES


def defined(source, **known):
    """The function that a source defines."""
    module = {**vars(segregation), **known}
    exec(source, module)
    return module[re.search(r"^def (\w+)", source, re.MULTILINE)[1]]


@pytest.fixture
def correlation_ratio(registry):
    """The example of the page, registered from where the page says."""
    (source,) = shown("adding_an_index.md", "python")
    return defined(source)


def measured(people, accepted=None):
    """The rows of everyone and of the accepted (by default whoever has the favourable label) before recourse."""
    train = people.training_part()
    accepted = train.labels == 1 if accepted is None else accepted
    return measure.before(train, accepted, measure.fit_neighbourhoods(train, accepted, SETTINGS), SETTINGS)


def returning(value):
    """Register an index called `mine` that returns a value, or raises it."""

    def mine(minority):
        """Made up."""
        if isinstance(value, Exception):
            raise value
        return value

    return index("Mine", higher="more segregated")(mine)


def test_the_indices_of_the_project_are_registered_in_the_order_of_the_measures():
    own = "atkinson", "centralization", "centralization_released", "average_proximity", "spatial_proximity"
    assert set(INDICES) == {*own, *names.FAMILY}
    assert {name for name, i in INDICES.items() if i.segregation < 0} == {"average_proximity", "exposure"}
    assert set(names.INDICES) == set(INDICES)
    assert names.ADDED == ()


def test_a_function_stays_what_it_is(registry):
    def mine(areas, minority, power=2):
        """Made up."""
        return 0.5

    assert index("Mine", higher="less segregated", digits=2)(mine) is mine
    found = registry["mine"]
    assert (found.function, found.segregation, found.digits) == (mine, -1, 2)
    assert found.needs == ("areas", "minority"), "what has a default and is not given stays as it is"


def test_an_index_is_registered_once(registry):
    returning(0.5)
    where = r"test_indices\.py, line \d+: the index 'mine' is there already, in .*rename"
    with pytest.raises(MetricError, match=where):
        returning(0.5)


@pytest.mark.parametrize(
    ("signature", "higher", "says"),
    [
        ("(minority): 'Made up.'", "", r"needs a direction.*'more segregated', 'less segregated'"),
        ("(minority): 'Made up.'", "worse", "needs a direction.* not 'worse'"),
        ("(minority): return 0.5", "more segregated", "needs a docstring"),
        ("(minority, income): 'Made up.'", "more segregated", "asks for income; it can ask for features, minority"),
    ],
)
def test_what_an_index_lacks_is_said(signature, higher, says, registry):
    with pytest.raises(MetricError, match=f"'mine' {says}"):
        index("Mine", **{"higher": higher} if higher else {})(defined(f"def mine{signature}"))
    assert "mine" not in registry


@pytest.mark.parametrize("name", GIVEN)
def test_everything_that_can_be_asked_for_is_given(name, registry, people):
    seen = []
    source = f"def mine({name}):\n    'Made up.'\n    seen.append({name})\n    return 0.5\n"
    index("Mine", higher="more segregated")(defined(source, seen=seen))
    rows = measured(people["levels"]).query("metric == 'mine'")
    assert rows["value"].tolist() == [0.5, 0.5]
    assert len(seen) == 2
    if name in ("features", "minority", "areas"):
        assert [len(value) for value in seen] == rows["n"].tolist()


def test_what_several_indices_need_is_computed_once(people):
    with mock.patch.object(segregation, "proximity_sums", wraps=segregation.proximity_sums) as sums:
        measured(people["levels"])
    assert sums.call_count == 2, "once for everyone, once for the accepted"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", None, np.array([0.5, 0.5])])
def test_what_is_no_finite_number_is_an_error(value, registry, people):
    returning(value)
    with pytest.raises(MetricError, match=r"the metric 'mine' of everyone \(\d+ individuals\) is .*finite number"):
        measured(people["levels"])


@pytest.mark.parametrize(
    ("value", "note"),
    [
        *((number, "") for number in (1, np.float32(0.5), np.int64(2), np.float64(0.25))),
        (Undefined("everybody is alike"), "everybody is alike"),
        (Estimate(0.5, 0.01, "10 of 20 people"), "estimated from 10 of 20 people, standard error 0.01"),
    ],
)
def test_a_number_of_any_kind_or_why_there_is_none_is_measured(value, note, registry, people):
    before = measured(people["levels"])
    returning(value)
    table = measured(people["levels"])
    rows = table[table["metric"] == "mine"]
    expected = np.nan if isinstance(value, Undefined) else float(value)
    np.testing.assert_array_equal(rows["value"], [expected] * 2)
    assert rows["note"].tolist() == [note] * 2
    others = table[table["metric"] != "mine"].reset_index(drop=True)
    assert others.equals(before), "the other rows stay as they are, in their order"


def test_no_index_is_asked_about_one_group_alone(registry, people):
    source = "def mine(minority):\n    'Made up.'\n    assert 0 < minority.sum() < len(minority)\n    return 0.5\n"
    index("Mine", higher="more segregated")(defined(source))
    majority = ~people["levels"].training_part().minority
    rows = measured(people["levels"], majority).query("scope == 'accepted'")
    assert rows["metric"].tolist() == [*INDICES]
    assert rows["value"].isna().all()
    assert set(rows["note"]) == {f"the minority is empty: among {majority.sum()} individuals none belongs to it"}


def fresh(code: str) -> subprocess.CompletedProcess:
    """Run code in which `add(name)` registers an index before anything else of the package is there."""
    start = (
        "from recourse_segregation.metrics import segregation\n"
        "def add(name):\n"
        "    exec(f'def {name}(minority):\\n    \"Made up.\"\\n    return 0.5', globals())\n"
        "    segregation.index('Mine', higher='less segregated')(globals()[name])\n"
    )
    command = [sys.executable, "-c", start + code]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "src")}
    )


def test_an_added_index_is_named_wherever_all_indices_are():
    process = fresh(
        "add('mine')\n"
        "from recourse_segregation import claims, names\n"
        "from recourse_segregation.exhibits import conventions, tradeoff, variants\n"
        "for listed in (names.INDICES, variants.METRICS, variants.ABLATION, conventions.DRAWN,\n"
        "               tradeoff.METRICS, tradeoff.INDICES):\n"
        "    assert listed[-1] == 'mine', listed\n"
        "assert names.metric('mine') == names.Metric('Mine', '', -1)\n"
    )
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("name", ["cost", "atkinson_released"])
def test_an_index_cannot_have_the_name_of_another_metric(name):
    process = fresh(f"add({name!r})\nimport recourse_segregation.names")
    assert f"MetricError: the index {name!r} has the name of another metric; rename its function" in process.stderr


def test_the_example_of_the_page(correlation_ratio, people):
    """As PySAL has it, and measured."""
    from segregation.singlegroup import CorrelationR

    rng = np.random.default_rng(0)
    areas = rng.integers(0, 12, 400)
    minority = rng.random(400) < rng.random(12)[areas]
    table = pd.DataFrame({"minority": minority}).groupby(areas)["minority"].agg(["sum", "size"])
    oracle = CorrelationR(table, group_pop_var="sum", total_pop_var="size").statistic
    assert correlation_ratio(areas, minority) == pytest.approx(oracle, abs=1e-12)

    rows = measured(people["levels"]).query("metric == 'correlation_ratio'")
    assert rows["value"].between(0, 1).all()
    assert rows["scope"].tolist() == ["everyone", "accepted"]


def test_the_page_lists_what_an_index_can_ask_for():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert dict(rows) == GIVEN
    assert all(f"`{direction}`" in PAGE for direction in DIRECTIONS)
    assert "numpy_generator" in vars(segregation), "the page says that it can be used"
