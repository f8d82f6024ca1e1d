"""Our Wachter, in its compatible mode, against the iterates of CARLA's."""

import json

import numpy as np
import torch
from common import ROOT, options

from recourse_segregation.classifiers import from_state
from recourse_segregation.data import Feature
from recourse_segregation.methods.wachter import Wachter
from recourse_segregation.population import Encoding

GOLDEN = json.loads((ROOT / "tests" / "golden" / "wachter_carla.json").read_text(encoding="utf-8"))


def test_compatible_mode_reproduces_carla():
    weights = {name: torch.tensor(values) for name, values in GOLDEN["weights"].items()}
    layers = [(weights[f"layers.{i}.weight"], weights[f"layers.{i}.bias"]) for i in range(2)]
    features = tuple(Feature(f"x{i}", "continuous") for i in range(5))
    wachter = Wachter(**options("wachter-compatible"))
    wachter.encoding = Encoding("golden", features, "x0", ("a", "b"), "b")
    wachter.classifier = from_state({"layers": layers})
    wachter.mutable = torch.ones(5, dtype=torch.bool)
    golden = np.array(GOLDEN["counterfactual"])
    np.testing.assert_allclose(wachter.counterfactuals(torch.tensor(GOLDEN["x"])), golden, atol=1e-5, rtol=0)
    assert ((golden < 0) | (golden > 1)).any(), "CARLA's results are known to leave the box"
