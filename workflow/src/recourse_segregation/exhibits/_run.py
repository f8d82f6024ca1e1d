"""The tables of a run, read when they are asked for, and how an exhibit is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from IPython.display import HTML, Image, display
from matplotlib.figure import Figure
from PIL import Image as Picture

from .. import contracts, files, names
from ..errors import DataError

#: the columns of a CSV table that may have no text at all
_TEXTS = ("change_from", "direction", "reason", "rule", "reference", "interval", "note", "indices")


class Run:
    """The tables of a run, from its results folder: each is read when it is first asked for.

    studies: name -> populations, methods, scenarios, seeds, variant_of, options. study: its own are the measures,
    diagnostics and classifiers, with population, method and scenario as ordered categories (see `contracts.of_study`).

    A table that is missing, or not as in `contracts`, raises DataError.
    """

    def __init__(
        self, folder: Path, studies: Mapping[str, Mapping[str, Any]], study: str = contracts.MAIN, *scenarios: str
    ) -> None:
        if study not in studies:
            raise DataError(
                f"{folder}: the study {study!r} was not run, only {', '.join(studies)}; add it to run.studies"
            )
        own = studies[study]
        self.folder, self.studies, self.described = (
            folder,
            studies,
            own | ({"scenarios": scenarios} if scenarios else {}),
        )

    measures = cached_property(lambda run: run._of_study("measures"))
    diagnostics = cached_property(lambda run: run._of_study("diagnostics"))
    classifiers = cached_property(lambda run: run._of_study("classifiers"))
    comparison = cached_property(lambda run: _csv(run.folder / "comparison.csv", "compare"))
    comparison_candidates = cached_property(lambda run: _csv(run.folder / "comparison_candidates.csv", "compare"))
    claims = cached_property(lambda run: _csv(run.folder / "claims.csv", "claims"))
    smallest_effect = cached_property(lambda run: contracts.read_run(run.folder / "run.json")["smallest_effect"])
    claims_evidence = cached_property(lambda run: _csv(run.folder / "claims_evidence.csv", "claims"))
    overlap = cached_property(lambda run: _csv(run.folder / "overlap.csv", "claims"))
    specifications = cached_property(
        lambda run: contracts.read(run.folder / "specifications.parquet", "specifications")
    )

    def study(self, name: str, *scenarios: str) -> Run:
        """The same run with the tables of another study, in these scenarios only if some are given.

        Raises DataError when it was not run.
        """
        return Run(self.folder, self.studies, name, *scenarios)

    def first_block(self, population: str) -> Path:
        """The folder of the block of seeds that starts with seed 0.

        Raises DataError when there is none.
        """
        seeds = max((s["seeds"] for s in self.studies.values() if population in s["populations"]), default=0)
        blocks = {int(p.name.split("-")[2]): p for p in (self.folder / population).glob("seeds-0-*")}
        fitting = [last for last in sorted(blocks) if last < seeds]  # not one left over from a larger run
        if not fitting:
            raise DataError(f"{self.folder / population}: no seeds-0-… folder; run the workflow for {population}")
        return blocks[fitting[-1]]

    def _of_study(self, table: str) -> pd.DataFrame:
        path = self.folder / f"{table}.parquet"
        if not path.exists():
            raise DataError(f"{path} is missing; run the rule collect")
        return contracts.of_study(contracts.read(path, table), self.described)


def load(results: Path | str) -> Run:
    """The run in a results folder, with its main study; its labels are used from here on (see `names`).

    Raises DataError when it cannot be read what the run is.
    """
    run = contracts.read_run(Path(results) / "run.json")
    names.use(run["labels"])
    return Run(Path(results), run["studies"])


def ordered(table: pd.DataFrame, **orders: Sequence[str]) -> pd.DataFrame:
    """The rows with one of the values that are listed for a column, which becomes an ordered category."""
    for column, order in orders.items():
        kept = table[table[column].isin(order)]
        categories = pd.Categorical(kept[column].astype("str"), list(order), ordered=True)
        table = kept.assign(**{column: categories})
    return table


def summarised(
    table: pd.DataFrame, key: Sequence[str], columns: Sequence[str], describe: Callable[[pd.DataFrame], tuple]
) -> pd.DataFrame:
    """The columns of `key`, and what `describe` says about the rows of each of its values, in their order."""
    parts = table.groupby(list(key), sort=False)
    found = pd.DataFrame([describe(part) for _, part in parts], columns=columns)
    return table[list(key)].drop_duplicates(ignore_index=True).join(found)


def means(table: pd.DataFrame, key: Sequence[str], value: str = "value") -> pd.DataFrame:
    """The columns of `key`, mean and standard error (se) of a value over seeds, and the number of seeds that have it.

    One seed has no error (NaN).
    """
    return table.groupby(list(key))[value].agg(mean="mean", se="sem", seeds="count").reset_index()


def save(
    figure: Figure | Mapping[str, Figure] | None, table: pd.DataFrame, folder: Path | str, name: str, about: str = ""
) -> Any:
    """Write `name`.csv (6 decimals), `name`.svg and `name`.png of the figure, with the same bytes every time.

    figure: of several, each is `name`-{key} and shown at once. about: what the picture shows, for those who cannot see
    it. Returns the picture for the notebook to show (None without one), or a line that says so if no row is there.
    """
    folder = Path(folder)
    contracts.write_csv(table.round(6), folder / f"{name}.csv")
    if table.empty:
        return HTML("<p>This run has nothing to show here.</p>")
    if isinstance(figure, Mapping):
        for key, one in figure.items():
            display(_picture(one, folder, f"{name}-{key}", f"{about}: {key}" if about else ""))
        return None
    return None if figure is None else _picture(figure, folder, name, about)


def _picture(figure: Figure, folder: Path, name: str, about: str) -> Any:
    # Text stays text in the SVG, and 64 colours do for a PNG: both are read in pages and kept in the repository.
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        drawing = BytesIO()
        figure.savefig(drawing, format="svg", metadata={"Date": None}, dpi=150)
    files.write(folder / f"{name}.svg", drawing.getvalue())
    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None}, dpi=100)
    few = Picture.open(drawn).convert("RGB").quantize(64, kmeans=3, dither=Picture.Dither.NONE)
    few.save(small, format="png", optimize=True)
    files.write(folder / f"{name}.png", small.getvalue())
    width = round(figure.get_figwidth() * 84)
    return Image(filename=folder / f"{name}.png", format="png", width=width, alt=about or name)


def _csv(path: Path, rule: str) -> pd.DataFrame:
    """A table in which an empty text is empty, and an empty number missing."""
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(_TEXTS, "str"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); run the rule {rule}") from error
    texts = table.select_dtypes(exclude=["number", "bool"]).columns
    return table.fillna(dict.fromkeys(texts, ""))
