"""Are the numbers of two results folders the same? A run of the code before a change, and one of the code after it.

    python benchmarks/same_numbers.py OLD_RESULTS NEW_RESULTS

`measures.parquet` is compared value by value, CSV files byte by byte. Seconds differ between any two runs: files that
hold them are named, and do not count. Exits with 1 if anything else differs.

The key map: folders of before the redesign repeat the rows before recourse of everyone and of the accepted under every
method, and call the control `none`. Now these rows stand there once, under `none`, and the control is `nobody`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

KEY = ["population", "seed", "classifier", "method", "scenario", "phase", "scope", "metric"]
FILES = ("comparison.csv", "claims.csv", "claims_evidence.csv", "exhibits/**/*.csv")
SECONDS = ("exhibits/recourse_quality/effort.csv",)
SHOWN = 50  # differences at most
#: whose rows of `none` are those of the control, or have a column of that name; elsewhere it means before recourse
OF_CONTROL = tuple(f"exhibits/controls/{name}.csv" for name in ("controls", "against_placebo", "calibration"))


def mapped(measures: pd.DataFrame) -> pd.DataFrame:
    """A `measures` table in the layout of today, whichever it has, by its key.

    Raises ValueError where methods differ in a row that they share.
    """
    before = (measures["phase"] == "before") & measures["scope"].isin(["everyone", "accepted"])
    if set(measures.loc[before, "method"]) != {"none"}:
        renamed = measures.assign(method=measures["method"].replace("none", "nobody"))
        once = renamed[before].assign(method="none").drop_duplicates()
        measures = pd.concat([once, renamed[~before]])
    if measures.duplicated(KEY).any():
        raise ValueError("methods differ in rows before recourse, which they share")
    return measures.set_index(KEY)[["value", "n", "note"]].sort_index()


def different_values(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """What differs between two tables of measures."""
    apart = [f"measures.parquet: {key} is in one folder only" for key in old.index.symmetric_difference(new.index)]
    both = old.index.intersection(new.index)
    old, new = old.loc[both], new.loc[both]
    same = (old == new) | (old.isna() & new.isna())
    for key in both[~same.all(axis=1)]:
        apart.append(f"measures.parquet: {key}: {[*map(str, old.loc[key])]} was, {[*map(str, new.loc[key])]} is")
    return apart


def content(path: Path, name: str) -> bytes:
    """The bytes of a CSV file, with the control called as it is today."""
    written = path.read_bytes()
    return written.replace(b",none,", b",nobody,") if name in OF_CONTROL else written


def main(old: Path, new: Path) -> int:
    tables = [mapped(pd.read_parquet(folder / "measures.parquet")) for folder in (old, new)]
    apart = different_values(*tables)
    names = {path.relative_to(folder).as_posix() for folder in (old, new) for f in FILES for path in folder.glob(f)}
    for name in sorted(names):
        missing = [folder for folder in (old, new) if not (folder / name).exists()]
        if missing:
            apart.append(f"{name}: missing in {missing[0]}")
        elif content(old / name, name) != content(new / name, name):
            if name in SECONDS:
                print(f"{name}: other seconds, as in any two runs")
            else:
                apart.append(f"{name}: differs")
    print(f"{len(apart):,} differences" if apart else f"all equal: {len(tables[0]):,} values, {len(names)} files")
    print("".join(f"{line}\n" for line in apart[:SHOWN]), end="")
    return int(bool(apart))


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
