"""Our numbers beside the published ones: one row for every published number, each with a verdict.

What is compared. Segregation indices are those of everyone in the training population, quality metrics those
of the recourse found (scope `recipients`). The published rows of the exhibit `real` stand beside the mean
over all seeds run; those of `synthetic` were computed for one seed, so seed 0 stands beside them, with the
mean and its standard error over all seeds in columns of their own. The published synthetic Atkinson index
before recourse uses neighbourhoods fitted on the accepted only and the one after uses those of everyone:
`atkinson_released` does the same and is what it is compared with.

The change. For an index: after recourse - before, paired within a seed. A quality metric has no before: its
change is taken from Wachter's value on the same population, and Wachter's own rows have none. A change of
less than half the last printed digit of the published number is no change, and equals only no change.

The verdicts, in this order:

- `not run`: this run has no such population, classifier, method or seed.
- `undefined`: the metric has no value here; the rule repeats why.
- `matches`: |ours - published| is at most `tolerance` plus half of the last printed digit; for cost and cost
  gap `quality_tolerance` times the published number takes the place of `tolerance`.
- `same direction`: both changes have the same sign.
- `differs`: none of these.

A number may match although the changes have opposite signs, where they are smaller than the tolerance: the
column `direction` says `same` or `other` whatever the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import DataError

VERDICTS = ("matches", "same direction", "differs", "undefined", "not run")

#: exhibit -> the classifier that its published numbers are for
CLASSIFIERS = {"synthetic": "linear", "real": "mlp"}

INDICES = ("centralization_released", "centralization", "atkinson", "average_proximity", "spatial_proximity")
QUALITY = ("invalidation", "cost", "cost_gap", "ynn", "diversity", "closeness")
_RELATIVE = ("cost", "cost_gap")
_REFERENCE = "wachter"
_PUBLISHED = ["exhibit", "population", "method", "phase", "metric", "value", "source"]
# A decimal like 0.341 is not exact in binary; without this, a difference of exactly the tolerance may fail.
_ROUNDING = 1e-9


def read_published(path: Path | str) -> pd.DataFrame:
    """The published numbers, with `half_digit` = half of the last printed digit of each.

    Raises DataError naming the column, line or name that is wrong.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if list(table.columns) != _PUBLISHED:
        raise DataError(f"{path}: expected the columns {', '.join(_PUBLISHED)}; found {', '.join(table.columns)}")
    for column, known in {
        "exhibit": tuple(CLASSIFIERS),
        "phase": ("before", "after"),
        "metric": INDICES + QUALITY,
    }.items():
        for line, name in enumerate(table[column], start=2):
            if name not in known:
                raise DataError(f"{path}, line {line}: {column} {name!r} is not one of {', '.join(known)}")
    key = ["exhibit", "population", "method", "phase", "metric"]
    if table.duplicated(key).any():
        raise DataError(f"{path}, line {int(np.argmax(table.duplicated(key))) + 2}: the same number for a second time")
    for line, value in enumerate(table["value"], start=2):
        try:
            float(value)
        except ValueError:
            raise DataError(f"{path}, line {line}: {value!r} is not a number") from None
    half_digit = [0.5 * 10.0 ** -len(value.partition(".")[2]) for value in table["value"]]
    return table.assign(value=table["value"].astype("float64"), half_digit=half_digit)


def compare(
    measures: pd.DataFrame, published: pd.DataFrame, tolerance: float = 0.003, quality_tolerance: float = 0.1
) -> pd.DataFrame:
    """One row for each row of `published`, in its order (see the module's text for the rules).

    measures: a `measures` table (see `contracts`). published: what `read_published` returns. tolerance:
    absolute. quality_tolerance: relative, for cost and cost gap.

    Columns: exhibit, population, classifier, method, phase, metric, our_metric, published, allowed (the largest
    difference that matches), ours, ours_mean, ours_se (over all seeds; missing with one seed), seeds (that have
    a value), found (share of the rejected for whom the method found a recourse, over the seeds of `ours`),
    change_from (`before` or `wachter`), change_published, change_ours, change_se (over all seeds), direction
    (`same`, `other` or empty), verdict, rule, source.
    """
    run = _Run(measures, published)
    rows = [_compare(run, row, tolerance, quality_tolerance) for row in published.itertuples(index=False)]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    numbers = table.select_dtypes("float64").columns
    return table.assign(**{c: table[c].round(6) for c in numbers})


_COLUMNS = [
    *("exhibit", "population", "classifier", "method", "phase", "metric", "our_metric"),
    *("published", "allowed", "ours", "ours_mean", "ours_se", "seeds", "found"),
    *(
        "change_from",
        "change_published",
        "change_ours",
        "change_se",
        "direction",
        "verdict",
        "rule",
        "source",
    ),
]


def mean_and_error(values: pd.Series) -> tuple[float, float]:
    """Mean over seeds and its standard error; NaN seeds are left out, and one seed has no error (NaN)."""
    values = values.dropna()
    return float(values.mean()), float(values.sem()) if len(values) > 1 else np.nan


@dataclass(frozen=True)
class _Run:
    """Looks numbers up in both tables."""

    measures: pd.DataFrame
    published: pd.DataFrame

    def cell(self, row, method: str, phase: str) -> pd.DataFrame:
        """Our value and note by seed, for the population, classifier and metric of a published row."""
        m = self.measures
        metric = _our_metric(row)
        wanted = (m["population"] == row.population) & (m["classifier"] == CLASSIFIERS[row.exhibit])
        wanted &= (m["metric"] == metric) & (m["phase"] == phase)
        wanted &= m["scope"] == ("recipients" if metric in (*QUALITY, "found") else "everyone")
        if phase == "after":  # the rows before are repeated under every method
            wanted &= m["method"] == method
        return m[wanted].drop_duplicates("seed").set_index("seed")[["value", "note"]].sort_index()

    def printed(self, row, method: str, phase: str) -> float:
        """The published value of another method or phase; NaN if there is none."""
        p = self.published
        same = (p["exhibit"] == row.exhibit) & (p["population"] == row.population) & (p["metric"] == row.metric)
        values = p.loc[same & (p["method"] == method) & (p["phase"] == phase), "value"]
        return float(values.iloc[0]) if len(values) else np.nan


def _our_metric(row) -> str:
    return "atkinson_released" if (row.exhibit, row.metric) == ("synthetic", "atkinson") else row.metric


def _compare(run: _Run, row, tolerance: float, quality_tolerance: float) -> dict[str, object]:
    classifier = CLASSIFIERS[row.exhibit]
    allowed = row.half_digit + (quality_tolerance * abs(row.value) if row.metric in _RELATIVE else tolerance)
    result: dict[str, object] = {c: np.nan for c in _COLUMNS} | {
        "exhibit": row.exhibit,
        "population": row.population,
        "classifier": classifier,
        "method": row.method,
        "phase": row.phase,
        "metric": row.metric,
        "our_metric": _our_metric(row),
        "published": row.value,
        "allowed": allowed,
        "seeds": 0,
        "change_from": "",
        "direction": "",
        "source": row.source,
    }
    cell = run.cell(row, row.method, row.phase)
    chosen = cell.loc[cell.index == 0] if row.exhibit == "synthetic" else cell
    who = f"{row.method} on {row.population}" if row.phase == "after" else row.population
    if chosen.empty:
        reason = "seed 0 was not run" if len(cell) else f"this run has no {who} with the {classifier} classifier"
        return result | {"verdict": "not run", "rule": reason}

    result["seeds"] = int(cell["value"].notna().sum())
    result["ours_mean"], result["ours_se"] = mean_and_error(cell["value"])
    result["ours"] = ours = float(chosen["value"].mean())
    if row.phase == "after":
        found = run.cell(row._replace(metric="found"), row.method, "after")["value"]
        result["found"] = float(found[found.index.isin(chosen.index)].mean())
        result |= _changes(run, row, cell, chosen.index)
    reasons = "; ".join(dict.fromkeys(n for n in chosen.loc[chosen["value"].isna(), "note"] if n))
    if np.isnan(ours):
        return result | {"verdict": "undefined", "rule": reasons}

    difference = abs(ours - row.value)
    near = difference <= allowed + _ROUNDING
    rule = f"|ours - published| = {difference:.5f} {'≤' if near else '>'} {allowed:.5f}"
    if near:
        verdict = "matches"
    elif result["direction"] == "same":
        verdict = "same direction"
    else:
        verdict = "differs"
    if not near and result["direction"]:
        rule += (
            f"; change from {result['change_from']}: {_signed(result['change_ours'], row.half_digit)} ours, "
            f"{_signed(result['change_published'], row.half_digit)} published"
        )
    if reasons:
        rule += f"; over {int(chosen['value'].notna().sum())} of {len(chosen)} seeds ({reasons})"
    return result | {"verdict": verdict, "rule": rule}


def _changes(run: _Run, row, cell: pd.DataFrame, seeds: pd.Index) -> dict[str, object]:
    """The columns about the change of a row after recourse; nothing where there is none to take it from."""
    quality = row.metric in QUALITY
    if quality and row.method == _REFERENCE:
        return {}
    method, phase = (_REFERENCE, "after") if quality else ("none", "before")
    paired = cell["value"] - run.cell(row, method, phase)["value"]
    printed = row.value - run.printed(row, method, phase)
    ours = float(paired[paired.index.isin(seeds)].mean())
    found = {
        "change_from": _REFERENCE if quality else "before",
        "change_published": printed,
        "change_ours": ours,
        "change_se": mean_and_error(paired)[1],
    }
    if np.isnan(printed) or np.isnan(ours):
        return found
    same = _sign(ours, row.half_digit) == _sign(printed, row.half_digit)
    return found | {"direction": "same" if same else "other"}


def _sign(change: float, half_digit: float) -> int:
    return 0 if abs(change) < half_digit else int(np.sign(change))


def _signed(change: float, half_digit: float) -> str:
    return "none" if _sign(change, half_digit) == 0 else f"{change:+.4f}"
