"""The columns of every table that crosses a stage. The writer checks them, so that a reader can rely on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import DEFAULT as DEFAULT
from . import MAIN as MAIN
from . import files
from .errors import DataError
from .population import Encoding, Population

#: Why a person has no recourse, in the order in which it is checked; "" for those who have one.
REASONS = (
    "nothing found",
    "not finite",
    "immutable moved",
    "outside [0, 1]",
    "invalid level",
    "not accepted",
)

#: what names a row of `measures`; whatever else becomes part of what a number belongs to is added here
IDENTITY = {"population": "str", "seed": "int64", "classifier": "str", "method": "str", "scenario": "str"}
#: the same without the seed: what a mean over seeds is about
CELL = [name for name in IDENTITY if name != "seed"]
#: what names the recourse that was made: it does not depend on the scenario
RECOURSE = [name for name in CELL if name != "scenario"]

_OF_RECOURSE = {name: kind for name, kind in IDENTITY.items() if name != "scenario"}

#: the `method` of a row that is about nobody's recourse: the population before
BEFORE = "none"

#: an individual of a seed: their row in the prepared frame, train or test, and 1 for the favourable label
_PERSON = {
    "population": "str",
    "seed": "int64",
    "individual": "int64",
    "split": "str",
    "label": "int64",
    "group": "str",
}

#: table -> column -> dtype; tables of individuals have the population's features after these
CONTRACTS: dict[str, dict[str, str]] = {
    # one row per individual and seed
    "population": _PERSON,
    # one row per individual and seed: what the classifier says
    "predictions": {"seed": "int64", "individual": "int64", "margin": "float64", "accepted": "bool"},
    # counts per population, seed, classifier, split and group
    "classifiers": {
        "population": "str",
        "seed": "int64",
        "classifier": "str",
        "split": "str",
        "group": "str",
        "minority": "bool",
        **dict.fromkeys(["individuals", "favourable", "accepted", "correct"], "int64"),
    },
    # one row per rejected individual of train; features are the recourse (NaN where none was found)
    "recourse": {**_OF_RECOURSE, "individual": "int64", "group": "str", "found": "bool", "reason": "str"},
    # one row per cell and quantity: seconds, counts, final losses
    "diagnostics": {**_OF_RECOURSE, "quantity": "str", "value": "float64"},
    # one row per individual of train after recourse, and scenario: a population again, with two columns more
    # status: accepted, moved, declined or unresolved; accepted: now
    "after": {**_PERSON, "scenario": "str", "status": "str", "accepted": "bool"},
    # the neighbourhoods of the population before, reused after: one row per seed, scenario and centre
    # radius_error: the standard error of an estimated radius, 0 where it is exact; bandwidth: of everyone only
    "neighbourhoods": {
        "seed": "int64",
        "scenario": "str",
        "fitted_on": "str",
        "radius": "float64",
        "radius_error": "float64",
        "bandwidth": "float64",
    },
    # the tidy table: n = individuals that the value is over; note says why a value is missing, or how it was estimated
    "measures": {
        **IDENTITY,
        "phase": "str",
        "scope": "str",
        "metric": "str",
        "value": "float64",
        "n": "int64",
        "note": "str",
    },
    # one row per claim and specification (see `specifications`); shuffled: are changes those beyond shuffled groups?
    "specifications": {
        "claim": "str",
        "part": "int64",
        "statement": "str",
        "indices": "str",
        "shuffled": "bool",
        **dict.fromkeys(["scope", "scenario", "populations"], "str"),
        "seeds": "int64",
        "overlap": "bool",
        "relevant": "bool",
        **dict.fromkeys(["tests", "in_favour", "against", "undecided"], "int64"),
        "verdict": "str",
    },
}


def write(table: pd.DataFrame, path: Path | str, contract: str, encoding: Encoding | None = None) -> None:
    """Check a table against its contract and write it as parquet, all of it or nothing.

    encoding: the features that follow the contract's columns; it is stored in the file.

    Raises DataError when there are other columns.
    """
    declared = CONTRACTS[contract]
    features = [] if encoding is None else [c for c in encoding.columns if c in table.columns]
    expected = [*declared, *features]
    if sorted(table.columns) != sorted(expected):
        raise DataError(
            f"{path}: a {contract} table has the columns {', '.join(expected)}; this one has "
            f"{', '.join(map(str, table.columns))}"
        )
    table = table[expected].astype(declared).reset_index(drop=True)
    if encoding is not None:
        table.attrs["encoding"] = encoding.to_json()
    files.write(path, table.to_parquet(None, index=False))


def read(path: Path | str, contract: str) -> pd.DataFrame:
    """Read a table and check that it has its contract's columns.

    Raises DataError when it does not, or is not a parquet file.
    """
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable {contract} table ({error}); delete it and run again") from error
    missing = [c for c in CONTRACTS[contract] if c not in table.columns]
    if missing:
        raise DataError(f"{path}: the {contract} table lacks {', '.join(missing)}; delete it and run again")
    return table


def read_run(path: Path | str) -> dict[str, dict[str, Any]]:
    """What a run is: its `studies`, the `labels` of what they name and more (see `plan.described_run`).

    Raises DataError when the file is missing or not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: what this run is cannot be read ({error}); run the rule collect") from error


def of_study(table: pd.DataFrame, study: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of a table that belong to a study, sorted by its lists.

    population, method and scenario become ordered categoricals in the order of the lists, so that whatever is grouped
    or sorted by them later keeps it. The population before recourse belongs to every study that has it. Of the
    classifiers, a table about recourse has those that it is given to the rejected of, another all that are reported.
    """
    classifiers = study["decided_by" if "method" in table.columns else "classifiers"]
    methods = [BEFORE, *study["methods"]]
    lists = {"population": study["populations"], "method": methods, "scenario": study["scenarios"]}
    lists = {column: names for column, names in lists.items() if column in table.columns}
    chosen = table[table["seed"] < study["seeds"]]
    decided = zip(chosen["population"], chosen["classifier"], strict=True)
    chosen = chosen[[classifier in classifiers.get(population, ()) for population, classifier in decided]]
    for column, names in lists.items():
        chosen = chosen[chosen[column].isin(names)]
    for column, names in lists.items():
        there = [name for name in names if name in set(chosen[column])]
        chosen = chosen.assign(**{column: pd.Categorical(chosen[column], there, ordered=True)})
    return chosen.sort_values(list(lists), kind="stable", ignore_index=True)


def encoding_of(table: pd.DataFrame) -> Encoding:
    """The encoding stored with a table of individuals."""
    return Encoding.from_json(table.attrs["encoding"])


def people(table: pd.DataFrame) -> dict[int, Population]:
    """A population table of several seeds -> seed -> population."""
    encoding = encoding_of(table)
    return {int(seed): Population(encoding, part.reset_index(drop=True)) for seed, part in table.groupby("seed")}


def accepted(predictions: pd.DataFrame, population: Population) -> np.ndarray:
    """Whom the classifier accepts, in the order of the population's individuals: bool [n]."""
    own = predictions[predictions["seed"] == population.seed].set_index("individual")["accepted"]
    return own.loc[population.table["individual"]].to_numpy()


def write_csv(table: pd.DataFrame, path: Path | str) -> None:
    """Write CSV, all of it or nothing."""
    files.write(path, table.to_csv(index=False, lineterminator="\n"))


def write_json(value: object, path: Path | str) -> None:
    """Write JSON, all of it or nothing."""
    files.write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
