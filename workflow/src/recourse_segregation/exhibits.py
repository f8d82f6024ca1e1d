"""The exhibits: what the notebooks show, made from the tidy tables of a run.

A function here either makes a tidy table (one row a number, written as CSV), or lays one out as HTML to be
read (`show_*`). Figures are in `plots`. Missing values are shown as a dash with a footnote that says why; a
standard error over seeds is there only if there are two seeds or more. Methods and populations keep the order
in which they appear in the table of measures.
"""

from __future__ import annotations

import html
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import contracts, plots
from .comparison import CLASSIFIERS, VERDICTS, mean_and_error
from .errors import DataError
from .plots import classifier_name, method_name, metric, population_name
from .population import Schema

#: verdict -> sign, so that it can be told apart without colour
SIGNS = dict(zip(VERDICTS, ("●", "◐", "○", "", ""), strict=True))

_CELL = ["population", "classifier", "method"]


@dataclass(frozen=True)
class Run:
    """The tables of a run, from its results folder."""

    folder: Path
    measures: pd.DataFrame
    diagnostics: pd.DataFrame
    classifiers: pd.DataFrame
    comparison: pd.DataFrame

    @property
    def populations(self) -> list[str]:
        return list(dict.fromkeys(self.measures["population"]))

    def first_block(self, population: str) -> Path:
        """The folder of the block of seeds that starts with seed 0.

        Raises DataError when there is none.
        """
        last = self.measures["seed"].max()
        blocks = {int(p.name.split("-")[2]): p for p in (self.folder / population).glob("seeds-0-*")}
        fitting = [end for end in sorted(blocks) if end <= last]
        if not fitting:
            raise DataError(f"{self.folder / population}: no seeds-0-… folder; run the workflow for {population}")
        return blocks[fitting[-1]]


def load(results: Path | str) -> Run:
    """The run in a results folder.

    Raises DataError when a table is missing or not as in `contracts`.
    """
    folder = Path(results)
    tables = {n: contracts.read(folder / f"{n}.parquet", n) for n in ("measures", "diagnostics", "classifiers")}
    try:
        comparison = pd.read_csv(folder / "comparison.csv", dtype={"change_from": "str", "direction": "str"})
    except OSError as error:
        raise DataError(f"{folder / 'comparison.csv'}: {error.strerror}; run the rule compare") from error
    return Run(folder, **tables, comparison=comparison.fillna({"change_from": "", "direction": ""}))


def save(figure: Figure | None, table: pd.DataFrame, folder: Path | str, name: str, about: str = "") -> Any:
    """Write `name`.csv (6 decimals), `name`.svg and `name`.png of the figure, with the same bytes every time.

    about: what the picture shows, for those who cannot see it. Returns the picture for the notebook to show
    (None without a figure), or a line that says so if the table has no rows.
    """
    from IPython.display import HTML, Image

    folder = Path(folder)
    contracts.write_csv(table.round(6), folder / f"{name}.csv")
    if table.empty:
        return HTML("<p>This run has nothing to show here.</p>")
    if figure is None:
        return None
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, dpi=200)
        figure.savefig(folder / f"{name}.png", metadata={"Software": None}, dpi=120)
    width = round(figure.get_figwidth() * 84)
    return Image(filename=folder / f"{name}.png", format="png", width=width, alt=about or name)


# --- the people -----------------------------------------------------------------------------------


def people(run: Run) -> pd.DataFrame:
    """Who is in the data, a row a population, split and group; shares of all seeds together.

    Columns: population, split, minority, group, individuals (mean over seeds), favourable (share),
    favourable_se.
    """
    once = run.classifiers.drop_duplicates(["population", "seed", "split", "group"])
    once = once.assign(share=once["favourable"] / once["individuals"])
    rows = []
    for key, part in once.groupby(["population", "split", "minority", "group"]):
        share, error = mean_and_error(part["share"])
        rows.append((*key, part["individuals"].mean(), share, error))
    columns = ["population", "split", "minority", "group", "individuals", "favourable", "favourable_se"]
    return _ordered(pd.DataFrame(rows, columns=columns), ["population"], run.classifiers)


def features(run: Run) -> pd.DataFrame:
    """The features of each population: columns population, feature, kind, can_change, sensitive."""
    rows = []
    for population in run.populations:
        path = run.first_block(population) / "population.parquet"
        schema: Schema = contracts.schema_of(contracts.read(path, "population"))
        rows += [(population, f.name, f.kind, not f.immutable, f.name == schema.sensitive) for f in schema.features]
    return pd.DataFrame(rows, columns=["population", "feature", "kind", "can_change", "sensitive"])


def rejected(run: Run) -> pd.DataFrame:
    """Who is rejected in the training data, a row a population, classifier, group and seed.

    Columns: population, classifier, minority, group, seed, individuals, rejected, share.
    """
    train = run.classifiers[run.classifiers["split"] == "train"]
    train = train.assign(rejected=train["individuals"] - train["accepted"])
    train = train.assign(share=train["rejected"] / train["individuals"])
    wanted = ["population", "classifier", "minority", "group", "seed", "individuals", "rejected", "share"]
    return _ordered(train[wanted].sort_values(["minority", "seed"]), wanted[:2], run.classifiers)


def accuracy(run: Run) -> pd.DataFrame:
    """Share of right predictions: population, classifier, split, accuracy, accuracy_se, seeds."""
    cells = ["population", "classifier", "split"]
    counts = run.classifiers.groupby([*cells, "seed"], sort=False)[["correct", "individuals"]].sum()
    shares = counts["correct"] / counts["individuals"]
    rows = [(*key, *mean_and_error(part), len(part)) for key, part in shares.groupby(cells, sort=False)]
    table = pd.DataFrame(rows, columns=[*cells, "accuracy", "accuracy_se", "seeds"])
    return _ordered(table, ["population", "classifier"], run.classifiers)


def show_people(table: pd.DataFrame, features: pd.DataFrame) -> Any:
    """`people` and `features` as one table, a row a group."""
    rows = []
    for population, part in table.groupby("population", sort=False):
        own = features[features["population"] == population]
        for group, of_group in part.groupby("group", sort=False):
            splits = of_group.set_index("split")
            minority = bool(of_group["minority"].iloc[0])
            train, test = splits.loc["train"], splits.loc["test"]
            rows.append(
                {
                    "Population": population_name(population),
                    "Group": _unbroken(f"{group} ({'minority' if minority else 'majority'})"),
                    "Train": f"{train['individuals']:,.0f}",
                    "Test": f"{test['individuals']:,.0f}",
                    "Favourable label, train": _number(train["favourable"], train["favourable_se"]),
                    "Favourable label, test": _number(test["favourable"], test["favourable_se"]),
                    "Can change": ", ".join(own.loc[own["can_change"], "feature"]),
                    "Fixed": ", ".join(own.loc[~own["can_change"], "feature"]),
                }
            )
    return _html([_Layout(rows, repeat=("Population", "Can change", "Fixed"))])


def show_rejected(table: pd.DataFrame) -> Any:
    """`rejected` summarised over seeds, a row a population, classifier and group."""
    rows = []
    for (population, classifier, group), part in table.groupby(["population", "classifier", "group"], sort=False):
        low, high = part["rejected"].min(), part["rejected"].max()
        rows.append(
            {
                "Population": population_name(population),
                "Classifier": classifier_name(classifier),
                "Group": f"{group} ({'minority' if part['minority'].iloc[0] else 'majority'})",
                "Rejected per seed": f"{low}" if low == high else f"{low} to {high}",
                "Share of the group": _number(*mean_and_error(part["share"])),
            }
        )
    return _html([_Layout(rows, repeat=("Population", "Classifier"))])


def show_accuracy(table: pd.DataFrame) -> Any:
    """`accuracy`, a row a population and classifier."""
    rows = []
    for (population, classifier), part in table.groupby(["population", "classifier"], sort=False):
        splits = part.set_index("split")
        rows.append(
            {"Population": population_name(population), "Classifier": classifier_name(classifier)}
            | {
                f"Accuracy, {split}": _number(splits.loc[split, "accuracy"], splits.loc[split, "accuracy_se"])
                for split in ("train", "test")
            }
        )
    return _html([_Layout(rows, repeat=("Population",))])


# --- the synthetic population ---------------------------------------------------------------------

SYNTHETIC = "synthetic"
_SYNTHETIC_METRICS = (
    *("centralization_released", "atkinson_released", "average_proximity"),
    *("found", "invalidation", "cost", "cost_gap", "ynn"),
)


def _is_synthetic(measures: pd.DataFrame) -> pd.Series:
    return (measures["population"] == SYNTHETIC) & (measures["classifier"] == CLASSIFIERS[SYNTHETIC])


def synthetic_people(run: Run) -> pd.DataFrame:
    """Where everyone of seed 0 stands before and after each method: panel, group, role, and the two features.

    role: accepted, to move (before); accepted, moved, declined, unresolved (after). Empty if the run has no
    synthetic population.
    """
    own = run.measures[_is_synthetic(run.measures)]
    if own.empty:
        return pd.DataFrame(columns=["panel", "group", "role", "x1", "x2"])
    block = run.first_block(SYNTHETIC)
    before = contracts.populations(contracts.read(block / "population.parquet", "population"))[0].training_part()
    columns = list(before.schema.mutable_columns)
    panels = []
    for method in dict.fromkeys(own["method"]):
        path = block / CLASSIFIERS[SYNTHETIC] / method / "after.parquet"
        after = contracts.read(path, "after").query("seed == 0")
        moved = int((after["status"] == "moved").sum())
        if not panels:
            kept = set(after.loc[after["status"] == "accepted", "individual"])
            role = np.where(before.table["individual"].isin(kept), "accepted", "to move")
            title = f"Before: {int((role == 'to move').sum())} rejected"
            panels.append(before.table[["group", *columns]].assign(panel=title, role=role))
        panels.append(
            after[["group", *columns]].assign(panel=f"{method_name(method)}: {moved} moved", role=after["status"])
        )
    return pd.concat(panels, ignore_index=True)[["panel", "group", "role", *columns]]


def synthetic_figure(people: pd.DataFrame) -> Figure | None:
    """The panels of `synthetic_people`."""
    return None if people.empty else plots.people(people, list(people.columns[3:5]))


def synthetic(run: Run) -> pd.DataFrame:
    """Seed 0 beside the published numbers: columns method, metric, ours, published, note; method `none` is
    before."""
    m = run.measures
    own = m[_is_synthetic(m) & (m["seed"] == 0) & m["metric"].isin(_SYNTHETIC_METRICS)]
    own = own[own["scope"] == np.where(own["metric"].isin(plots.QUALITY), "recipients", "everyone")]
    before = own[own["phase"] == "before"].drop_duplicates("metric").assign(method="none")
    ours = pd.concat([before, own[(own["phase"] == "after") & (own["method"] != "none")]])
    published = run.comparison[run.comparison["exhibit"] == SYNTHETIC][["method", "our_metric", "published"]]
    table = ours.merge(published, how="left", left_on=["method", "metric"], right_on=["method", "our_metric"]).rename(
        columns={"value": "ours"}
    )
    return table[["method", "metric", "ours", "published", "note"]]


def show_synthetic(table: pd.DataFrame) -> Any:
    """`synthetic`, a row a method: ours, and the published number in parentheses."""
    if table.empty:
        return None
    notes, rows = _Footnotes(), []
    for method, part in table.groupby("method", sort=False):
        row = {"Method": "Before" if method == "none" else method_name(method)}
        by_metric = part.set_index("metric")
        for name in _SYNTHETIC_METRICS:
            if name not in by_metric.index:
                row[metric(name).label] = ""
                continue
            cell = by_metric.loc[name]
            ours = notes.dash(cell["note"]) if np.isnan(cell["ours"]) else _number(cell["ours"])
            published = "" if np.isnan(cell["published"]) else f" ({_number(cell['published'])})"
            row[metric(name).label] = _Markup(ours + published)
        rows.append(row)
    return _html([_Layout(rows)], notes)


# --- segregation ----------------------------------------------------------------------------------


def seed_changes(run: Run, scope: str) -> pd.DataFrame:
    """Every index before and after, seed by seed.

    Columns: population, classifier, method, metric, seed, before, after, change, note.
    """
    m = run.measures
    m = m[(m["scope"] == scope) & m["metric"].isin(plots.INDICES)]
    key = [*_CELL, "metric", "seed"]
    before, after = (m[m["phase"] == p].set_index(key)[["value", "note"]] for p in ("before", "after"))
    table = after.merge(before, on=key, how="left", suffixes=("_after", "_before")).reset_index()
    table = table.rename(columns={"value_before": "before", "value_after": "after"})
    table["change"] = table["after"] - table["before"]
    table["note"] = table["note_before"].where(table["note_before"] != "", table["note_after"])
    table["metric"] = pd.Categorical(table["metric"], plots.INDICES)
    table = _ordered(table.sort_values(["metric", "seed"], kind="stable"), _CELL, run.measures)
    return table.astype({"metric": "str"})[[*key, "before", "after", "change", "note"]]


def changes(table: pd.DataFrame) -> pd.DataFrame:
    """`seed_changes` summarised over seeds.

    Columns: population, classifier, method, metric, before, before_se, after, after_se, change, change_se,
    seeds (with a value), more_segregated (seeds in which the change is towards more segregation), note.
    """
    rows = []
    for key, part in table.groupby([*_CELL, "metric"], sort=False):
        row = dict(zip([*_CELL, "metric"], key, strict=True))
        for name in ("before", "after", "change"):
            row[name], row[f"{name}_se"] = mean_and_error(part[name])
        row["seeds"] = int(part["change"].notna().sum())
        row["more_segregated"] = int((part["change"] * metric(row["metric"]).segregation > 0).sum())
        rows.append(row | {"note": _reason(part["change"], part["note"])})
    return pd.DataFrame(rows)


def show_changes(table: pd.DataFrame) -> Any:
    """`changes`, a table a population: before → after, and the paired change below."""

    def cell(row: pd.Series, notes: _Footnotes) -> str:
        if not row["seeds"]:
            return notes.dash(row["note"])
        digits = metric(row["metric"]).digits
        change = _number(row["change"], row["change_se"], digits, sign=True)
        votes = f" ({row['more_segregated']}/{row['seeds']})" if row["seeds"] > 1 else ""
        levels = f"{_number(row['before'], digits=digits)} → {_number(row['after'], digits=digits)}"
        return f"{levels}{notes.mark(row['note'])}<br><b>{change}</b>{votes}"

    return _by_method(table, plots.INDICES, cell)


# --- quality of the recourse ----------------------------------------------------------------------


def seed_qualities(run: Run) -> pd.DataFrame:
    """Every quality metric, seed by seed: population, classifier, method, metric, seed, value, note."""
    m = run.measures
    m = m[(m["phase"] == "after") & (m["scope"] == "recipients") & m["metric"].isin(plots.QUALITY)]
    m = m.assign(metric=pd.Categorical(m["metric"], plots.QUALITY)).sort_values(["metric", "seed"], kind="stable")
    return _ordered(m, _CELL, run.measures).astype({"metric": "str"})[[*_CELL, "metric", "seed", "value", "note"]]


def qualities(table: pd.DataFrame) -> pd.DataFrame:
    """`seed_qualities` summarised over seeds.

    Columns: population, classifier, method, metric, mean, se, seeds (with a value), note.
    """
    rows = []
    for key, part in table.groupby([*_CELL, "metric"], sort=False):
        seeds = int(part["value"].notna().sum())
        rows.append((*key, *mean_and_error(part["value"]), seeds, _reason(part["value"], part["note"])))
    return pd.DataFrame(rows, columns=[*_CELL, "metric", "mean", "se", "seeds", "note"])


def show_qualities(table: pd.DataFrame) -> Any:
    """`qualities`, a table a population."""

    def cell(row: pd.Series, notes: _Footnotes) -> str:
        if not row["seeds"]:
            return notes.dash(row["note"])
        return _number(row["mean"], row["se"]) + notes.mark(row["note"])

    return _by_method(table, plots.QUALITY, cell)


def effort(run: Run) -> pd.DataFrame:
    """Seconds that a method takes for one seed.

    Columns: population, classifier, method, quantity (fit_seconds, search_seconds), mean, se, seeds.
    """
    d = run.diagnostics[run.diagnostics["quantity"].isin(["fit_seconds", "search_seconds"])]
    rows = [
        (*key, *mean_and_error(part), len(part)) for key, part in d.groupby([*_CELL, "quantity"], sort=False)["value"]
    ]
    return pd.DataFrame(rows, columns=[*_CELL, "quantity", "mean", "se", "seeds"])


def outcomes(run: Run) -> pd.DataFrame:
    """What became of the rejected, all seeds together: population, classifier, method, outcome, individuals.

    outcome: rejected (all of them), found, or why no recourse was found (the reasons that occur in this run).
    """
    d = run.diagnostics[run.diagnostics["quantity"].isin(["rejected", "found", *contracts.REASONS])]
    total = d.groupby([*_CELL, "quantity"], sort=False)["value"].sum().astype("int64").reset_index()
    occurring = total.groupby("quantity")["value"].transform("sum") > 0
    total = total[occurring | total["quantity"].isin(["rejected", "found"])]
    return total.rename(columns={"quantity": "outcome", "value": "individuals"}).reset_index(drop=True)


def show_effort(effort: pd.DataFrame, outcomes: pd.DataFrame) -> Any:
    """`effort` and `outcomes`, a table a population."""
    seconds = {"fit_seconds": "Fit, seconds", "search_seconds": "Search, seconds"}
    names = list(dict.fromkeys(outcomes["outcome"]))
    layouts = []
    for (population, classifier), part in effort.groupby(["population", "classifier"], sort=False):
        rows = []
        for method, of_method in part.groupby("method", sort=False):
            row = {"Method": method_name(method)}
            for quantity, label in seconds.items():
                cell = of_method[of_method["quantity"] == quantity]
                row[label] = _number(cell["mean"].iloc[0], cell["se"].iloc[0], digits=2) if len(cell) else "–"
            same = (outcomes[_CELL] == [population, classifier, method]).all(axis=1)
            counts = outcomes[same].set_index("outcome")["individuals"]
            rows.append(row | {name.capitalize(): f"{counts.get(name, 0):,}" for name in names})
        layouts.append(_Layout(rows, _title(population, classifier)))
    return _html(layouts)


# --- ours and the published numbers ---------------------------------------------------------------


def verdicts(comparison: pd.DataFrame) -> pd.DataFrame:
    """How many published numbers get each verdict.

    Columns: population, verdict, rows, same_direction and other_direction (rows whose change is, or is not,
    in the published direction; rows without a change are in neither).
    """
    rows = []
    for population, part in comparison.groupby("population", sort=False):
        for verdict in VERDICTS:
            directions = part.loc[part["verdict"] == verdict, "direction"]
            same, other = int((directions == "same").sum()), int((directions == "other").sum())
            rows.append((population, verdict, len(directions), same, other))
    return pd.DataFrame(rows, columns=["population", "verdict", "rows", "same_direction", "other_direction"])


def show_verdicts(table: pd.DataFrame) -> Any:
    """`verdicts`, a row a population."""
    rows = []
    for population, part in table.groupby("population", sort=False):
        row = {"Population": population_name(population), "Published numbers": f"{part['rows'].sum()}"}
        for cell in part.itertuples():
            about = f" ({cell.other_direction} in the other direction)" if cell.other_direction else ""
            name = f"{SIGNS[cell.verdict]} {cell.verdict}".strip()
            row[name] = f"{cell.rows}" + (about if cell.verdict == "matches" else "")
        rows.append(row)
    return _html([_Layout(rows)])


def comparison_figure(comparison: pd.DataFrame, exhibit: str) -> Figure | None:
    """The published numbers of an exhibit and ours, for the populations of this run; None without any."""
    ran = comparison[(comparison["exhibit"] == exhibit) & (comparison["verdict"] != "not run")]
    return None if ran.empty else plots.published(ran)


def show_comparison(table: pd.DataFrame) -> Any:
    """The rows of one or more exhibits of the comparison, a table a population."""
    layouts = []
    for (population, classifier), part in table.groupby(["population", "classifier"], sort=False):
        one_seed = (part["ours"].fillna(0) != part["ours_mean"].fillna(0)).any()  # ours are not the means themselves
        rows = []
        for row in part.itertuples():
            after, changed = row.phase == "after", bool(row.change_from)
            rows.append(
                {
                    "Method": method_name(row.method) if after else "Before",
                    "Metric": metric(row.our_metric).label.replace("\n", ", "),
                    "Published": _number(row.published),
                    "Ours": _number(row.ours, np.nan if one_seed else row.ours_se),
                    **({"All seeds": _number(row.ours_mean, row.ours_se)} if one_seed else {}),
                    "Change,\npublished": _number(row.change_published, sign=True) if changed else "",
                    "Change,\nours": _number(row.change_ours, sign=True) if changed else "",
                    "Found": _number(row.found, digits=2) if after else "",
                    "Verdict": _unbroken(f"{SIGNS[row.verdict]} {row.verdict}".strip()),
                    "Rule": re.sub(r"^\|.*?(?=;|$)", lambda found: _unbroken(found.group()), row.rule),
                }
            )
        layouts.append(_Layout(rows, _title(population, classifier), repeat=("Method",)))
    return _html(layouts)


# --- layout ---------------------------------------------------------------------------------------


class _Markup(str):
    """Text that is HTML already; any other text is escaped."""


@dataclass(frozen=True)
class _Layout:
    """A table as it is read: a row maps column to text.

    repeat: columns that are left blank where they repeat the row above.
    """

    rows: Sequence[dict[str, str]]
    title: str = ""
    repeat: tuple[str, ...] = ()


@dataclass
class _Footnotes:
    """Reasons, each with a letter."""

    reasons: list[str] = field(default_factory=list)

    def mark(self, reason: str) -> str:
        """The letter of a reason; nothing for no reason."""
        if not reason:
            return _Markup("")
        if reason not in self.reasons:
            self.reasons.append(reason)
        return _Markup(f"<sup>{self._letter(self.reasons.index(reason))}</sup>")

    def dash(self, reason: str) -> str:
        """What is shown for a missing value."""
        return _Markup("–" + self.mark(reason))

    def html(self) -> str:
        lines = (f"<sup>{self._letter(i)}</sup> {html.escape(r)}" for i, r in enumerate(self.reasons))
        return f'<p class="notes">{"<br>".join(lines)}</p>' if self.reasons else ""

    @staticmethod
    def _letter(index: int) -> str:
        times, place = divmod(index, 26)
        return string.ascii_lowercase[place] * (times + 1)


def _by_method(table: pd.DataFrame, metrics: Sequence[str], cell: Callable[[pd.Series, _Footnotes], str]) -> Any:
    """A table a population and classifier: methods down, metrics across."""
    notes, layouts = _Footnotes(), []
    for (population, classifier), part in table.groupby(["population", "classifier"], sort=False):
        rows = []
        for method, of_method in part.groupby("method", sort=False):
            by_metric = {row["metric"]: row for _, row in of_method.iterrows()}
            rows.append(
                {"Method": method_name(method)}
                | {
                    metric(name).label: _Markup(cell(by_metric[name], notes)) if name in by_metric else "–"
                    for name in metrics
                }
            )
        layouts.append(_Layout(rows, _title(population, classifier)))
    return _html(layouts, notes)


def _html(layouts: Sequence[_Layout], notes: _Footnotes | None = None) -> Any:
    from IPython.display import HTML

    return HTML("\n".join(map(_table, layouts)) + (notes.html() if notes else ""))


def _table(layout: _Layout) -> str:
    columns = list(layout.rows[0])
    left = [not all(_looks_numeric(row[c]) for row in layout.rows) for c in columns]
    lines = [f"<caption>{html.escape(layout.title)}</caption>"] if layout.title else []
    lines.append("<thead>" + _line("th", [_escape(c) for c in columns], left) + "</thead><tbody>")
    above: dict[str, str] = {}
    for row in layout.rows:
        blank = {c for c in layout.repeat if row[c] == above.get(c)}
        lines.append(_line("td", ["" if c in blank else _escape(v) for c, v in row.items()], left, bool(blank)))
        above = row
    return '<table class="exhibit">' + "\n".join([*lines, "</tbody></table>"])


def _line(tag: str, cells: Sequence[str], left: Sequence[bool], joined: bool = False) -> str:
    inside = "".join(
        f'<{tag} style="text-align:{"left" if to_left else "right"}">{cell}</{tag}>'
        for cell, to_left in zip(cells, left, strict=True)
    )
    return f'<tr class="joined">{inside}</tr>' if joined else f"<tr>{inside}</tr>"


def _looks_numeric(cell: str) -> bool:
    return cell[:1] in "0123456789+−–"  # or empty


def _escape(text: str) -> str:
    return text if isinstance(text, _Markup) else html.escape(text).replace("\n", "<br>")


def _unbroken(text: str) -> str:
    return text.replace(" ", "\u00a0")


def _number(value: float, error: float = np.nan, digits: int = 3, sign: bool = False) -> str:
    """`0.341 ± 0.003`, unbroken; without an error the value alone, without a value a dash."""
    if np.isnan(value):
        return "–"
    rounded = round(value, digits) + 0.0  # no -0.000
    text = f"{rounded:+.{digits}f}" if sign and rounded else f"{rounded:.{digits}f}"
    text += "" if np.isnan(error) else f" ± {error:.{digits}f}"
    return _unbroken(text.replace("-", "−"))


def _reason(values: pd.Series, notes: pd.Series) -> str:
    """Why values are missing, and for how many seeds if not for all; nothing if none is missing."""
    missing = values.isna()
    if not missing.any():
        return ""
    reasons = "; ".join(dict.fromkeys(n for n in notes[missing] if n)) or "no value"
    return reasons if missing.all() else f"mean over {(~missing).sum()} of {len(values)} seeds; others: {reasons}"


def _title(population: str, classifier: str) -> str:
    return f"{population_name(population)}, {classifier_name(classifier)}"


def _ordered(table: pd.DataFrame, columns: Sequence[str], reference: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order in which the values of `columns` appear in `reference`, else as they were."""
    table = table.reset_index(drop=True)
    ranks = {c: {value: i for i, value in enumerate(dict.fromkeys(reference[c]))} for c in columns}
    order = pd.DataFrame({c: table[c].map(ranks[c]) for c in columns}).sort_values(list(columns), kind="stable")
    return table.loc[order.index].reset_index(drop=True)
