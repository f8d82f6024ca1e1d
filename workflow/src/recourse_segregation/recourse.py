"""Recourse for everybody who is rejected, and the one place where its post-conditions are checked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from . import methods, progress
from .classifiers import Classifier, tensor
from .contracts import REASONS
from .population import Encoding, Population
from .seeds import torch_generator


def generate(
    populations: Sequence[Population],
    classifiers: Sequence[Classifier],
    classifier_name: str,
    method: str,
    file: str,
    options: Mapping[str, Any],
    measure: Mapping[str, Any] = {},
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give recourse to every rejected individual of train with one method, for one or several seeds of a population.

    populations, classifiers: one a seed, whose result does not depend on the others'. method: the name in the results.
    file: where it is defined, under methods/. options: its keyword arguments. measure: how segregation is measured, for
    methods that need to know.

    Returns the `recourse` and the `diagnostics` table (see `contracts`). A result that breaks a post-condition counts
    as not found, with the first of `contracts.REASONS` that applies.
    """
    kind = methods.load(file)
    started = time.perf_counter()
    fitted = kind.fit_all(
        [kind(**options) for _ in populations],
        populations,
        classifiers,
        # The stream is named after the method's file: a variant differs from its method by its options only.
        [torch_generator(p.seed, "recourse", file) for p in populations],
        measure,
    )
    fit_seconds = (time.perf_counter() - started) / len(populations)
    tables = []
    for seed_method in progress.steps(fitted, "searching, seeds"):
        with progress.working_on(seed=seed_method.people.seed):
            tables.append(_search(seed_method, classifier_name, method, fit_seconds))
    recourse, diagnostics = zip(*tables, strict=True)
    return pd.concat(recourse, ignore_index=True), pd.concat(diagnostics, ignore_index=True)


def _search(
    fitted: methods.Method, classifier_name: str, method: str, fit_seconds: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    encoding, people, classifier, rejected = fitted.encoding, fitted.people, fitted.classifier, fitted.rejected
    origin = people.features[rejected]
    factual = tensor(origin, classifier.device)
    started = time.perf_counter()
    counterfactual = fitted.counterfactuals(factual)
    search_seconds = time.perf_counter() - started

    reason = check(factual, counterfactual, encoding, classifier)
    found = reason == ""
    # Immutables are copied, not converted: they stay equal to the last bit in float64 too.
    moved = np.where(encoding.mutable, counterfactual.double().cpu().numpy(), origin)
    moved[~found] = np.nan
    cell = {"population": people.name, "seed": people.seed, "classifier": classifier_name, "method": method}
    who = people.table.loc[rejected, ["individual", "group"]].reset_index(drop=True)
    features = pd.DataFrame(moved, columns=list(encoding.columns))
    table = pd.concat([pd.DataFrame(cell, index=who.index), who.assign(found=found, reason=reason), features], axis=1)
    quantities = {
        "fit_seconds": fit_seconds,
        "search_seconds": search_seconds,
        "rejected": len(found),
        "found": int(found.sum()),
        **{r: int((reason == r).sum()) for r in REASONS},
        **changed(factual, counterfactual, found, encoding),
        **fitted.diagnostics,
    }
    diagnostics = pd.DataFrame({**cell, "quantity": list(quantities), "value": list(quantities.values())})
    return table, diagnostics


def changed(factual: Tensor, counterfactual: Tensor, found: np.ndarray, encoding: Encoding) -> dict[str, float]:
    """Share of the recourse found that changes at least one mutable feature of a kind.

    factual, counterfactual: [n, d]; found: bool [n]. `changed_continuous`, and `changed_categorical` (binary or
    one-hot). A share that is not defined is left out: nothing was found, or no mutable feature is of that kind.
    """
    moved = (counterfactual != factual).cpu().numpy()[found]
    kinds = {"continuous": ("continuous",), "categorical": ("binary", "categorical")}
    columns = {name: [c for k in of for feature in encoding.indices(k) for c in feature] for name, of in kinds.items()}
    return {f"changed_{name}": float(moved[:, c].any(1).mean()) for name, c in columns.items() if c and found.any()}


def check(factual: Tensor, counterfactual: Tensor, encoding: Encoding, classifier: Classifier) -> np.ndarray:
    """Why each result is unusable, "" where it is fine: str [n].

    factual, counterfactual: [n, d]. Usable means: finite, immutables equal to the bit, inside [0, 1], one
    level per binary and one-hot feature, accepted by the classifier.
    """
    if counterfactual.shape != factual.shape:
        raise ValueError(
            f"a method must return one row per individual: {tuple(factual.shape)} expected, "
            f"{tuple(counterfactual.shape)} returned"
        )
    mutable = torch.tensor(encoding.mutable, device=factual.device)
    levels = torch.zeros(len(factual), dtype=torch.bool, device=factual.device)
    for columns in [*encoding.indices("binary"), *encoding.indices("categorical")]:
        values = counterfactual[:, columns]
        levels |= ~((values == 0) | (values == 1)).all(1)
        if len(columns) > 1:
            levels |= values.sum(1) != 1
    broken = (
        torch.isnan(counterfactual).all(1),
        ~torch.isfinite(counterfactual).all(1),
        (counterfactual != factual)[:, ~mutable].any(1),
        ((counterfactual < 0) | (counterfactual > 1))[:, mutable].any(1),
        levels,
        ~classifier.accepts(counterfactual),
    )
    return np.select([b.cpu().numpy() for b in broken], REASONS, default="")
