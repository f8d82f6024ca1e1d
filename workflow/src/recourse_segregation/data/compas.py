"""COMPAS (ProPublica 2016): is a defendant's risk of reoffending scored high?

The raw file holds names, dates of birth and case numbers of real people. Only the columns in `_FIELDS` are
kept when the file is read; the others never enter a frame.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .dataset import Dataset, Feature, RawFile, Sensitive
from .reading import level, moment, number, prepared, read_table

# All 53 columns, to recognise the file. `decile_score` and `priors_count` stand twice; the copies are equal.
_HEADER = (
    "id name first last compas_screening_date sex dob age age_cat race juv_fel_count decile_score "
    "juv_misd_count juv_other_count priors_count days_b_screening_arrest c_jail_in c_jail_out c_case_number "
    "c_offense_date c_arrest_date c_days_from_compas c_charge_degree c_charge_desc is_recid r_case_number "
    "r_charge_degree r_days_from_arrest r_offense_date r_charge_desc r_jail_in r_jail_out violent_recid "
    "is_violent_recid vr_case_number vr_charge_degree vr_offense_date vr_charge_desc type_of_assessment "
    "decile_score score_text screening_date v_type_of_assessment v_decile_score v_score_text "
    "v_screening_date in_custody out_custody priors_count start end event two_year_recid"
)
_COLUMNS = tuple(_HEADER.split())
_OTHERS = ("Asian", "Caucasian", "Hispanic", "Native American", "Other")
_FIELDS = {
    "age": number(),
    "two_year_recid": number(),
    "priors_count": number(),
    "sex": level({"Female": "Female", "Male": "Male"}),
    "race": level({"African-American": "African-American", **dict.fromkeys(_OTHERS, "Other")}),
    "c_charge_degree": level({"F": "felony", "M": "misdemeanor", "O": "ordinary traffic offense"}),
    "score_text": level({"Low": "Low", "Medium": "Medium", "High": "High", "N/A": "N/A"}),
    "is_recid": number(),
    "days_b_screening_arrest": number(missing=""),
    "c_jail_in": moment(missing=""),
    "c_jail_out": moment(missing=""),
}
_FEATURES = (
    Feature("age", "continuous", immutable=True),
    Feature("two_year_recid", "continuous"),  # 0 or 1, but CARLA scales it as a number
    Feature("priors_count", "continuous"),
    Feature("length_of_stay", "continuous"),
    Feature("c_charge_degree", "binary", ("felony", "misdemeanor")),
    Feature("race", "binary", ("African-American", "Other"), immutable=True),
    Feature("sex", "binary", ("Female", "Male"), immutable=True),
)


def _read(folder: Path) -> pd.DataFrame:
    """ProPublica's filter, then CARLA's columns: 6,172 of 7,214 rows.

    The label is 0 for the score High, else 1. `length_of_stay` is the number of whole days in jail, rounded
    down (-1 to 799).
    """
    path = folder / "compas-scores-two-years.csv"
    frame = read_table(path, _COLUMNS, _FIELDS)
    frame = frame[
        frame["days_b_screening_arrest"].between(-30, 30)
        & (frame["is_recid"] != -1)
        & (frame["c_charge_degree"] != "ordinary traffic offense")
        & (frame["score_text"] != "N/A")
    ]
    frame = frame.assign(
        length_of_stay=(frame["c_jail_out"] - frame["c_jail_in"]).dt.days,
        label=(frame["score_text"] != "High").astype("int64"),
    )
    return prepared(frame, _FEATURES, path)


DATASET = Dataset(
    name="compas",
    title="COMPAS",
    licence="ProPublica's data terms; no open licence",
    citation=(
        "Angwin, J., Larson, J., Mattu, S. and Kirchner, L. (2016). Machine Bias. ProPublica; "
        "Larson, J. et al. (2016). How We Analyzed the COMPAS Recidivism Algorithm. ProPublica."
    ),
    files=(
        RawFile(
            name="compas-scores-two-years.csv",
            sha256="c451db85908b2f7fef1d83203bedf6b71ecda0d5af468d82ae62178f91d0cc7d",
            urls=(
                "https://raw.githubusercontent.com/propublica/compas-analysis/master/compas-scores-two-years.csv",
                "https://raw.githubusercontent.com/propublica/compas-analysis/"
                "bafff5da3f2e45eca6c2d5055faad269defd135a/compas-scores-two-years.csv",
                "https://raw.githubusercontent.com/carla-recourse/cf-data/"
                "2d56677095bd11deba5d8e3731f8941b95e0a880/raw/compas-scores-2years.csv",
                "https://raw.githubusercontent.com/algofairness/fairness-comparison/"
                "80b34d25bb9b0387691c6cb8651f0e40edd262c8/fairness/data/raw/propublica-recidivism.csv",
                "https://raw.githubusercontent.com/amirhk/mace/"
                "01e6a405ff74e24dc3438a005cd60892154d189d/_data_main/compas-scores-two-years.csv",
            ),
        ),
    ),
    read=_read,
    features=_FEATURES,
    sensitive={
        # The minority is the smaller group of the rows used: 2,997 Other, 3,175 African-American.
        "race": Sensitive(feature="race", levels=("African-American", "Other"), minority="Other"),
        "sex": Sensitive(feature="sex", levels=("Female", "Male"), minority="Female"),
    },
)
