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


def content(folder: Path, name: str) -> bytes | None:
    """The bytes of a CSV file, with the control called as it is today; None if there is none."""
    if not (folder / name).exists():
        return None
    written = (folder / name).read_bytes()
    return written.replace(b",none,", b",nobody,") if name in OF_CONTROL else written


def main(old: Path, new: Path) -> int:
    was, now = (mapped(pd.read_parquet(folder / "measures.parquet")) for folder in (old, new))
    both = pd.concat({"was": was, "is": now}, axis=1)
    same = ((both["was"] == both["is"]) | (both["was"].isna() & both["is"].isna())).all(axis=1)
    if not same.all():
        print(both[~same].head(50).to_string())
    names = {path.relative_to(folder).as_posix() for folder in (old, new) for f in FILES for path in folder.glob(f)}
    differing = [name for name in sorted(names) if content(old, name) != content(new, name)]
    print("".join(f"{name}: {'seconds ' * (name in SECONDS)}differ\n" for name in differing), end="")
    apart = (~same).sum() + len(set(differing) - set(SECONDS))
    print(f"{apart:,} differences" if apart else f"all equal: {len(both):,} values, {len(names)} files")
    return int(apart > 0)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
