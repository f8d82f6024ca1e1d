"""Our Wachter, in its compatible mode, against the iterates of CARLA's."""

import json

import numpy as np
import pytest
import torch
from common import ROOT, options

from recourse_segregation.classifiers import from_state
from recourse_segregation.data import Feature
from recourse_segregation.methods.wachter import Wachter
from recourse_segregation.population import Encoding


@pytest.mark.parametrize("file", ["wachter_carla", "wachter_carla_binary"])
def test_compatible_mode_reproduces_carla(file):
    golden = json.loads((ROOT / "tests" / "golden" / f"{file}.json").read_text(encoding="utf-8"))
    weights = [torch.tensor(values) for values in golden["weights"].values()]  # weight and bias, layer by layer
    x, found = torch.tensor(golden["x"]), np.array(golden["counterfactual"])
    binary, immutable = golden.get("binary", []), golden.get("immutable", [])
    features = tuple(
        Feature(f"x{i}", *(("binary", ("no", "yes")) if i in binary else ("continuous",)), immutable=i in immutable)
        for i in range(x.shape[1])
    )
    wachter = Wachter(**options("wachter-compatible"))
    wachter.encoding = Encoding("golden", features, features[-1].columns[0], ("a", "b"), "b")
    wachter.classifier = from_state({"layers": list(zip(weights[::2], weights[1::2], strict=True))})
    wachter.mutable = torch.tensor(wachter.encoding.mutable)
    np.testing.assert_allclose(wachter.counterfactuals(x), found, atol=1e-5, rtol=0)
    assert ((found < 0) | (found > 1)).any(), "CARLA's results are known to leave the box"
    assert (found[:, binary] == x[:, binary].numpy()).all(), "CARLA's search moves no binary feature"
