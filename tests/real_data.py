"""The real data sets, where their raw files are at hand: in the folder that RECOURSE_DATA_MIRROR names."""

import os
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from recourse_segregation import data
from recourse_segregation.data.reading import Checked
from workflow_tools import ROOT

MIRROR = Path(os.environ.get("RECOURSE_DATA_MIRROR") or ROOT.parent / "shared" / "datasets")


@cache
def frame(name: str) -> pd.DataFrame | None:
    """The prepared frame of a data set; None if it has no files. Skips the test where they are not at hand."""
    dataset = data.load(name)
    digests = {raw.name: raw.sha256 for raw in dataset.files}
    folders = [f for f in MIRROR.glob("*") if all((f / file).is_file() for file in digests)] if digests else [MIRROR]
    if not folders:
        pytest.skip(f"the raw files of {dataset.title} are not at hand (RECOURSE_DATA_MIRROR)")
    return dataset.read(Checked(folders[0], digests)) if dataset.read else None
