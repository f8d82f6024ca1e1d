"""German credit (Statlog): is an applicant a good or a bad credit risk?"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .dataset import Dataset, Feature, RawFile, Sensitive, divided
from .reading import level, number, prepared, read_table

# The 20 attributes of german.data in order: None for a number, else the level each code stands for. Only
# codes that occur are listed: A47 (vacation) and A95 (female, single) are documented but not in the file.
_ATTRIBUTES: dict[str, dict[str, str] | None] = {
    "checking_account": {"A11": "below 0 DM", "A12": "0 to 200 DM", "A13": "200 DM or more", "A14": "none"},
    "duration_months": None,
    "credit_history": {
        "A30": "none taken, or all paid back",
        "A31": "all at this bank paid back",
        "A32": "paid back duly till now",
        "A33": "delays in the past",
        "A34": "critical account",
    },
    "purpose": {
        "A40": "new car",
        "A41": "used car",
        "A42": "furniture",
        "A43": "radio or television",
        "A44": "domestic appliances",
        "A45": "repairs",
        "A46": "education",
        "A48": "retraining",
        "A49": "business",
        "A410": "other",
    },
    "credit_amount": None,
    "savings": {
        "A61": "below 100 DM",
        "A62": "100 to 500 DM",
        "A63": "500 to 1000 DM",
        "A64": "1000 DM or more",
        "A65": "unknown or none",
    },
    "employment_since": {
        "A71": "unemployed",
        "A72": "below 1 year",
        "A73": "1 to 4 years",
        "A74": "4 to 7 years",
        "A75": "7 years or more",
    },
    "installment_rate": None,
    "personal_status": {"A91": "A91", "A92": "A92", "A93": "A93", "A94": "A94"},
    "other_debtors": {"A101": "none", "A102": "co-applicant", "A103": "guarantor"},
    "residence_since": None,
    "property": {
        "A121": "real estate",
        "A122": "savings agreement or life insurance",
        "A123": "car or other",
        "A124": "unknown or none",
    },
    "age": None,
    "other_installment_plans": {"A141": "bank", "A142": "stores", "A143": "none"},
    "housing": {"A151": "rent", "A152": "own", "A153": "for free"},
    "existing_credits": None,
    "job": {
        "A171": "unskilled, non-resident",
        "A172": "unskilled, resident",
        "A173": "skilled",
        "A174": "highly qualified",
    },
    "dependants": None,
    "telephone": {"A191": "none", "A192": "registered"},
    "foreign_worker": {"A202": "no", "A201": "yes"},
}
# Attribute 9 joins sex and marital status. A91: male, divorced or separated; A92: female, divorced, separated
# or married; A93: male, single; A94: male, married or widowed. (Groemping 2019 doubts this coding.)
_SEX = {"A91": "male", "A92": "female", "A93": "male", "A94": "male"}
# ASSUME: marital status is reduced to single or not. Kept as four levels, A92 would be the same column as
# "female", and no woman would have a man of the same profile beside her.
_MARITAL_STATUS = {"A91": "not single", "A92": "not single", "A93": "single", "A94": "not single"}
# ASSUME: nobody can be advised to change these; everything else may move.
_IMMUTABLE = {"sex", "marital_status", "age", "foreign_worker"}


def _feature(name: str, codes: dict[str, str] | None) -> Feature:
    levels = tuple(dict.fromkeys(codes.values())) if codes else ()
    kind = {0: "continuous", 2: "binary"}.get(len(levels), "categorical")
    return Feature(name, kind, levels, immutable=name in _IMMUTABLE)


_SPLIT = {"sex": _SEX, "marital_status": _MARITAL_STATUS}
_FEATURES = tuple(
    _feature(name, codes)
    for attribute, meaning in _ATTRIBUTES.items()
    for name, codes in (_SPLIT.items() if attribute == "personal_status" else [(attribute, meaning)])
)
_COLUMNS = (*_ATTRIBUTES, "label")
_FIELDS = {
    **{name: level(codes) if codes else number() for name, codes in _ATTRIBUTES.items()},
    "label": level({"1": 1, "2": 0}),  # the file's 1 is good, 2 is bad
}


def _read(folder: Path) -> pd.DataFrame:
    """All 1,000 rows, attribute 9 replaced by `sex` and `marital_status`."""
    path = folder / "german.data"
    frame = read_table(path, _COLUMNS, _FIELDS, separator=" ", header=False)
    frame = frame.assign(**{name: frame["personal_status"].map(codes) for name, codes in _SPLIT.items()})
    return prepared(frame, _FEATURES, path)


DATASET = Dataset(
    name="german",
    title="German credit",
    licence="CC BY 4.0",
    citation=(
        "Hofmann, H. (1994). Statlog (German Credit Data). UCI Machine Learning Repository. "
        "https://doi.org/10.24432/C5NC77"
    ),
    files=(
        RawFile(
            name="german.data",
            sha256="b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",
            urls=(
                "https://archive.ics.uci.edu/static/public/144/statlog+german+credit+data.zip",
                "https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/german/german.data",
                "https://raw.githubusercontent.com/amirhk/mace/"
                "01e6a405ff74e24dc3438a005cd60892154d189d/_data_other/uci_german.csv",
                "https://raw.githubusercontent.com/gregoire-moreau/COMP551-Final-Project/"
                "719d24f644d301fb6616e2140b5025d04bec7e18/german.data",
                "https://raw.githubusercontent.com/uknowwho/pafer/2156a51ab19a41b359307d5488c1b5d836aea59f/german.data",
            ),
        ),
    ),
    read=_read,
    features=_FEATURES,
    sensitive={
        # ASSUME: the paper's attribute is not known; both usual ones are offered.
        "sex": Sensitive(feature="sex", levels=("male", "female"), minority="female"),
        "age": divided("age", above=25, minority="up to 25"),  # as is usual in the fairness literature
    },
)
