"""The description (YAML) of a CSV file of the user's own: see docs/adding_a_dataset.md.

`dataset` is what stands under `dataset` of a population: the name of a data set of the package, or the path of a
description from the project's folder. Imports no pandas: descriptions are read every time Snakemake starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .. import checking

#: the project's folder, where paths in the configuration start
PROJECT = Path(__file__).parents[4]


def is_path(dataset: str) -> bool:
    """Whether it is the path of a description; else it is a data set of the package."""
    return Path(dataset).suffix in (".yaml", ".yml")


def name(dataset: str) -> str:
    """What the data set is called: `law`, or for `datasets/loans.yaml` `loans`."""
    return Path(dataset).stem if is_path(dataset) else dataset


def module(dataset: str) -> str:
    """The module that reads it: `data.law`."""
    return "data.own" if is_path(dataset) else f"data.{dataset}"


def read(dataset: str) -> dict[str, Any]:
    """The description at a path, with its defaults filled in; `file` is an address or a path from the project's folder.

    Raises ConfigError naming the description, and line and key of everything that is wrong.
    """
    found = checking.read_yaml(PROJECT / dataset, checking.schema("dataset"), _contradictions)
    if not _is_address(found["file"]):
        found["file"] = str(Path(dataset).parent / found["file"])
    return found


def of_population(dataset: str, sensitive: str) -> dict[str, Any] | None:
    """What the individuals of a population are made by; None for a data set of the package.

    The description but titles and the digest (the download is about that), and of the sensitive attributes only that of
    the population.
    """
    if not is_path(dataset):
        return None
    found = read(dataset)
    found["sensitive"] = {sensitive: found["sensitive"][sensitive]}
    return {key: value for key, value in found.items() if key not in ("title", "licence", "citation", "sha256")}


def own_file(dataset: str) -> list[Path]:
    """The user's file, from the project's folder; none if it is downloaded."""
    file = read(dataset)["file"] if is_path(dataset) else "https://"
    return [] if _is_address(file) else [Path(file)]


def raw_file(dataset: str) -> dict[str, Any] | None:
    """Name, sha256 and addresses of the described file, as `RawFile` has them; None for a data set of the package."""
    if not is_path(dataset):
        return None
    found = read(dataset)
    if _is_address(found["file"]):
        return {"name": Path(urlsplit(found["file"]).path).name, "sha256": found["sha256"], "urls": [found["file"]]}
    file = PROJECT / found["file"]
    sha256 = found.get("sha256") or hashlib.sha256(file.read_bytes()).hexdigest()
    return {"name": file.name, "sha256": sha256, "urls": []}


def _is_address(file: str) -> bool:
    """Whether a described file is downloaded."""
    return file.startswith("https://")


def _contradictions(found: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Columns with two uses of which a column can have one only."""
    divided = [column for column, entry in found["sensitive"].items() if "above" in entry]
    alone = {"label.column": [found["label"]["column"]], "id": [found.get("id")], "ignore": found["ignore"]}
    features = {key: found[key] for key in ("sensitive", "immutable", "categorical", "levels")}
    features["continuous"] = [*found["continuous"], *divided]
    pairs = [("label.column", "id"), ("label.column", "ignore"), ("id", "ignore"), *product(alone, features)]
    uses = alone | features
    for one, other in [*pairs, ("continuous", "categorical"), ("continuous", "levels")]:
        for column in uses[one]:
            if column in uses[other]:
                yield (other,), f"{column!r} is also under {one}, and can be one of the two only"
