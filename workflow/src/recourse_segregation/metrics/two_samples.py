"""Can the groups be told apart? Two samples, one of each group, compared as whole distributions of the features."""

from __future__ import annotations

import numpy as np

from . import Estimate, Undefined, pairwise
from .indices import index
from .pairwise import as_groups, as_points

FOLDS = 5
TREES = 50


@index("MMD", higher="more segregated", axis="squared discrepancy", digits=5, span=(-1, 2), null=lambda groups: 0.0)
def mmd(features: np.ndarray, minority: np.ndarray, bandwidth: float) -> float:
    """Squared maximum mean discrepancy of the groups, the unbiased estimate, with a Gaussian kernel.

    Means of exp(-d^2 / (2 bandwidth^2)) over pairs: of two of the minority + of two of the majority - 2 times of one
    of each; nobody is paired with themselves. 0 in the mean if the groups are distributed alike (then often below 0),
    else above, up to 2. `bandwidth`: the median distance between two people before recourse, reused after.

    Gretton, A. et al. (2012). A kernel two-sample test. JMLR 13.
    """
    features, minority = as_points(features), as_groups(minority, len(features))
    x, y = features[minority], features[~minority]
    if min(len(x), len(y)) < 2:
        raise Undefined("MMD needs two people or more of each group")
    if not bandwidth > 0:
        raise Undefined("the median distance before recourse is 0: half of the pairs are at one point")

    def kernel(distances: np.ndarray) -> np.ndarray:
        return np.exp(-((distances / bandwidth) ** 2) / 2)

    if len(features) ** 2 <= pairwise.PAIRS:
        within = ((pairwise.kernel_sum(z, kernel=kernel) - len(z)) / (len(z) * (len(z) - 1)) for z in (x, y))
        return float(sum(within) - 2 * pairwise.kernel_sum(x, y, kernel=kernel) / (len(x) * len(y)))
    means, covariance = pairwise.kernel_means(x, y, kernel)
    signs = np.array([1, -2, 1])
    return Estimate(signs @ means, np.sqrt(signs @ covariance @ signs), f"{pairwise.DRAWS:,} random pairs of each kind")


def separability(features: np.ndarray, groups: np.ndarray) -> float:
    """How well a classifier tells the groups apart: the area under its ROC curve, on people it has not seen.

    The probability that of two people of different groups the classifier says rightly which is which: 0.5 if the groups
    cannot be told apart, 1 if always. The mean over FOLDS folds, and of more than two groups over each against the
    rest. `groups` is int [n]. The classifier is a forest of TREES extremely randomized trees.

    Lopez-Paz, D. and Oquab, M. (2017). Revisiting classifier two-sample tests. ICLR.
    """
    # Here, because importing them takes a second, and few scenarios ask for it.
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    features = as_points(features)
    order = np.lexsort([groups, *features.T])  # so that no order of rows matters
    features, groups = features[order], np.asarray(groups)[order]
    sizes = np.bincount(groups)
    if sizes.min() < FOLDS:
        raise Undefined(f"separability needs {FOLDS} people or more of each group, the smallest has {sizes.min()}")
    # A logistic regression takes a tenth of the time and does not see that one group surrounds the other; boosted trees
    # take as long as these, and their sums depend on the number of threads.
    forest = ExtraTreesClassifier(TREES, min_samples_leaf=10, random_state=0)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    tests = [1] if len(sizes) == 2 else range(len(sizes))
    return float(np.mean([cross_val_score(forest, features, groups == g, cv=folds, scoring="roc_auc") for g in tests]))
