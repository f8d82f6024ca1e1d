"""Give Me Some Credit (Kaggle 2011): will a borrower be seriously late with a payment within two years?"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .dataset import Dataset, Feature, RawFile, divided
from .reading import level, number, prepared, read_table

_TARGET = "SeriousDlqin2yrs"
_NUMBERS = (
    "RevolvingUtilizationOfUnsecuredLines",
    "age",
    "NumberOfTime30-59DaysPastDueNotWorse",
    "DebtRatio",
    "MonthlyIncome",
    "NumberOfOpenCreditLinesAndLoans",
    "NumberOfTimes90DaysLate",
    "NumberRealEstateLoansOrLines",
    "NumberOfTime60-89DaysPastDueNotWorse",
    "NumberOfDependents",
)
_COLUMNS = ("", _TARGET, *_NUMBERS)  # the first, unnamed column is the row id
_FIELDS = {
    **{name: number() for name in _NUMBERS},
    "MonthlyIncome": number(missing="NA"),
    "NumberOfDependents": number(missing="NA"),
    # The file's 1 is a serious delinquency; here, as in CARLA, 1 is the favourable class.
    _TARGET: level({"0": 1, "1": 0}),
}
_FEATURES = tuple(Feature(name, "continuous", immutable=name == "age") for name in _NUMBERS)


def _read(folder: Path) -> pd.DataFrame:
    """Complete rows within three standard deviations, as CARLA prepares them: 115,527 of 150,000.

    The z-scores (population standard deviation) are taken once, over the complete rows, for all ten features.
    Numbers are parsed correctly rounded; CARLA's stored file comes from an older parser that is sometimes one
    off in the last digit of a double.
    """
    path = folder / "cs-training.csv"
    frame = read_table(path, _COLUMNS, _FIELDS).dropna().rename(columns={_TARGET: "label"})
    values = frame[list(_NUMBERS)]
    z = (values - values.mean()) / values.std(ddof=0)
    outlier = (z.abs() >= 3).any(axis=1)  # a constant column has no z; `prepared` names it
    return prepared(frame[~outlier], _FEATURES, path)


DATASET = Dataset(
    name="give_me_some_credit",
    title="Give Me Some Credit",
    licence="Kaggle competition rules; no open licence",
    citation="Credit Fusion and Cukierski, W. (2011). Give Me Some Credit. Kaggle.",
    files=(
        RawFile(
            name="cs-training.csv",
            sha256="1bd46da486a5708c58c7b01a034fae2a13b327f6f7b62ea7ba4fe3b5824b24ac",
            # The publisher's own page, https://www.kaggle.com/c/GiveMeSomeCredit/data, needs a login.
            urls=(
                "https://raw.githubusercontent.com/carla-recourse/cf-data/"
                "2d56677095bd11deba5d8e3731f8941b95e0a880/raw/givemecredit.csv",
                "https://raw.githubusercontent.com/ofurman/counterfactuals/"
                "3587f943826f6b087a0d198c8c4aa4373712c7ee/data/give_me_some_credit.csv",
                "https://raw.githubusercontent.com/joel710/ML-R-learning-naive-base/"
                "cc0a5ae8d3913538051d7ac80772bc2ed8d762d2/cs-training.csv.zip",
                "https://raw.githubusercontent.com/SureshThyagara1/CYO---Kaggle-Give-Me-Some-Credit/"
                "a83342095669125411d252e2c07cc10cb44e75c9/Data/cs-training.csv.zip",
            ),
        ),
    ),
    read=_read,
    features=_FEATURES,
    sensitive={"age": divided("age", above="median", minority="above the median")},
)
