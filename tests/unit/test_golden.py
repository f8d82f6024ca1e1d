"""Our Wachter, in its compatible mode, against the iterates of CARLA's."""

from __future__ import annotations

import json

import numpy as np
import torch

from conftest import ROOT, options
from recourse_segregation.classifiers import Classifier, from_state
from recourse_segregation.data import Feature
from recourse_segregation.methods.wachter import Wachter
from recourse_segregation.population import Encoding

GOLDEN = json.loads((ROOT / "tests" / "golden" / "wachter_carla.json").read_text(encoding="utf-8"))


def found(classifier: Classifier, method: str) -> torch.Tensor:
    features = tuple(Feature(f"x{i}", "continuous") for i in range(5))
    wachter = Wachter(**options(method))
    wachter.encoding, wachter.classifier = Encoding("golden", features, "x0", ("a", "b"), "b"), classifier
    wachter.mutable = torch.ones(5, dtype=torch.bool)
    return wachter.counterfactuals(torch.tensor(GOLDEN["x"]))


def test_compatible_mode_reproduces_carla_and_the_default_is_valid_inside_the_box():
    weights = {name: torch.tensor(values) for name, values in GOLDEN["weights"].items()}
    layers = [(weights[f"layers.{i}.weight"], weights[f"layers.{i}.bias"]) for i in range(2)]
    classifier = from_state({"layers": layers})
    carla, ours = found(classifier, "wachter-compatible"), found(classifier, "wachter")
    golden = np.array(GOLDEN["counterfactual"])
    np.testing.assert_allclose(carla.numpy(), golden, atol=1e-5, rtol=0)
    assert ((golden < 0) | (golden > 1)).any(), "CARLA's results are known to leave the box"
    assert (classifier.margin(ours) > 0).all()
    assert ((ours >= 0) & (ours <= 1)).all()
    assert np.abs(ours.numpy() - golden).max() > 1e-2
