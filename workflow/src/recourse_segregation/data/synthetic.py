"""The built-in population of the paper's illustration: four Gaussians, two groups, nothing to download."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .dataset import Dataset, Feature, Sensitive

# (sex, label, mean), in the order in which they are drawn; 200 points each, covariance 5 I.
CLUSTERS = (
    ("male", 1, (0, 10)),
    ("female", 1, (5, 5)),
    ("male", 0, (-5, -10)),
    ("female", 0, (0, -15)),
)


def draw(random_state: np.random.RandomState) -> pd.DataFrame:
    """800 individuals with x1 and x2 in [0, 1]: each coordinate over its largest absolute value, then (v + 1) / 2."""
    points = np.vstack([random_state.multivariate_normal(mean, 5 * np.eye(2), 200) for _, _, mean in CLUSTERS])
    points = (points / np.abs(points).max(axis=0) + 1) / 2
    return pd.DataFrame(
        {
            "label": np.repeat([label for _, label, _ in CLUSTERS], 200),
            "sex": np.repeat([sex for sex, _, _ in CLUSTERS], 200),
            "x1": points[:, 0],
            "x2": points[:, 1],
        }
    )


DATASET = Dataset(
    name="synthetic",
    title="Synthetic: four Gaussians",
    licence="made by this project",
    citation="Gao, R. and Lakkaraju, H. (2023). On the Impact of Algorithmic Recourse on Social Segregation. ICML.",
    features=(
        Feature("sex", "binary", ("female", "male"), immutable=True),
        Feature("x1", "continuous"),
        Feature("x2", "continuous"),
    ),
    sensitive={"sex": Sensitive("sex", ("female", "male"), minority="male")},
    draw=draw,
    scaled=True,
)
