"""The tables of a run, and how an exhibit is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from .. import contracts, files
from ..errors import DataError
from ..statistics import CELL as CELL

#: what names the recourse that was made
METHOD = ["population", "classifier", "method"]

_PARQUET = ("measures", "diagnostics", "classifiers")
#: table -> the rule that writes it
_CSV = {"comparison": "compare", "claims": "claims", "claims_evidence": "claims"}
#: their columns that may have no text at all
_TEXTS = ("change_from", "direction", "rule", "reference", "interval", "note")


@dataclass(frozen=True)
class Run:
    """The tables of a run, from its results folder.

    studies: name -> populations, methods, scenarios, seeds. The tables of numbers and `claims` are about all of them
    until `study` is called.
    """

    folder: Path
    studies: Mapping[str, Mapping[str, Any]]
    measures: pd.DataFrame
    diagnostics: pd.DataFrame
    classifiers: pd.DataFrame
    comparison: pd.DataFrame
    claims: pd.DataFrame
    claims_evidence: pd.DataFrame

    @property
    def populations(self) -> list[str]:
        return list(dict.fromkeys(self.measures["population"]))

    def study(self, name: str) -> Run:
        """The same run with the measures, diagnostics and classifiers of one study, in the order of its lists.

        Raises DataError when the study was not run.
        """
        if name not in self.studies:
            raise DataError(
                f"{self.folder}: the study {name!r} was not run, only {', '.join(self.studies)}; add it to run.studies"
            )
        own = {table: contracts.of_study(getattr(self, table), self.studies[name]) for table in _PARQUET}
        return replace(self, **own)

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


def load(results: Path | str) -> Run:
    """The run in a results folder, with all its studies.

    Raises DataError when a table is missing or not as in `contracts`.
    """
    folder = Path(results)
    tables = {name: contracts.read(folder / f"{name}.parquet", name) for name in _PARQUET}
    tables |= {name: _read_csv(folder / f"{name}.csv", rule) for name, rule in _CSV.items()}
    return Run(folder, contracts.read_studies(folder / "studies.json"), **tables)


def save(figure: Figure | None, table: pd.DataFrame, folder: Path | str, name: str, about: str = "") -> Any:
    """Write `name`.csv (6 decimals), `name`.svg and `name`.png of the figure, with the same bytes every time.

    about: what the picture shows, for those who cannot see it. Returns the picture for the notebook to show
    (None without a figure), or a line that says so if the table has no rows.
    """
    from IPython.display import HTML

    folder = Path(folder)
    contracts.write_csv(table.round(6), folder / f"{name}.csv")
    if table.empty:
        return HTML("<p>This run has nothing to show here.</p>")
    return None if figure is None else _picture(figure, folder, name, about)


def save_all(figures: Mapping[str, Figure], table: pd.DataFrame, folder: Path | str, name: str, about: str = "") -> Any:
    """As `save`, for one table with several figures: `name`-{key}.svg and .png of each, shown below each other."""
    from IPython.display import display

    said = save(None, table, folder, name)
    for key, figure in figures.items():
        display(_picture(figure, Path(folder), f"{name}-{key}", f"{about}: {key}" if about else ""))
    return said


def ordered(table: pd.DataFrame, columns: Sequence[str], reference: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order in which the values of `columns` appear in `reference`, else as they were."""
    table = table.reset_index(drop=True)
    ranks = {c: {value: i for i, value in enumerate(dict.fromkeys(reference[c]))} for c in columns}
    order = pd.DataFrame({c: table[c].map(ranks[c]) for c in columns}).sort_values(list(columns), kind="stable")
    return table.loc[order.index].reset_index(drop=True)


def _picture(figure: Figure, folder: Path, name: str, about: str) -> Any:
    from IPython.display import Image
    from PIL import Image as Picture

    # Text stays text in the SVG, and 64 colours do for a PNG: both are read in pages and kept in the repository.
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        drawing = BytesIO()
        figure.savefig(drawing, format="svg", metadata={"Date": None}, dpi=150)
    files.write(folder / f"{name}.svg", _short(drawing.getvalue().decode("utf-8")))
    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None}, dpi=100)
    few = Picture.open(drawn).convert("RGB").quantize(64, kmeans=3, dither=Picture.Dither.NONE)
    few.save(small, format="png", optimize=True)
    files.write(folder / f"{name}.png", small.getvalue())
    width = round(figure.get_figwidth() * 84)
    return Image(filename=folder / f"{name}.png", format="png", width=width, alt=about or name)


def _short(svg: str) -> str:
    """An SVG without what nobody sees: the space between its tags, and digits below a hundredth of a point in them."""
    svg = re.sub(r">\s+<", "><", svg)
    return re.sub(r"<[^>]*>", lambda tag: re.sub(r"-?\d+\.\d{3,}", _hundredths, " ".join(tag[0].split())), svg)


def _hundredths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}"


def _read_csv(path: Path, rule: str) -> pd.DataFrame:
    """A table in which an empty text is empty, and an empty number missing."""
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(_TEXTS, "str"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); run the rule {rule}") from error
    texts = table.select_dtypes(exclude=["number", "bool"]).columns
    return table.fillna(dict.fromkeys(texts, ""))
