"""Every stage that uses torch follows the device it is given: on a simulated second device, and on CUDA where there is.

On the simulated device (see `elsewhere`) the numbers must be those of the CPU to the bit, because draws are made on the
CPU and moved. On CUDA, rounding differs, so the post-conditions are checked instead.
"""

from __future__ import annotations

from contextlib import nullcontext

import pandas as pd
import pytest
import torch

from conftest import FAST, follows_the_device, moved, options, rejected
from elsewhere import DEVICE, elsewhere
from recourse_segregation import classifiers, devices, methods, recourse
from recourse_segregation.errors import ConfigError
from recourse_segregation.seeds import torch_generator

FASTER = {
    "cchvae": {"epochs": 2, "hidden": [16]},
    "cruds": {"epochs": 2, "hidden": 16, "steps": 20},
    "ibr": {"epochs": 2, "hidden": [16], "shells": 300},
    "ebr": {"epochs": 20, "components": 5, "proposals": 500, "keep": 200},
    "growing_spheres": {"samples": 100},
    "wachter": {"steps": 100, "rounds": 2},
}
#: options that take another way through the code
OTHERWISE = [
    ("growing_spheres", {"shrink": True, "sparse": True}),
    ("wachter", {"compatible": True}),
    ("face", {"bridges": False}),
    ("cruds", {"start_from_prior": False}),
    ("ibr", {"cross_entropy": True, "sensitive_in_decoder": True}),
    *(("ebr", {name: True}) for name in ("resampling", "released_sampler", "shared_pool")),
    ("ebr", {"other_group": False}),
]
every_way = pytest.mark.parametrize(("method", "changes"), [*((m, {}) for m in methods.names()), *OTHERWISE])
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")


def offered(method, changes, people, classifier):
    """The recourse of everyone who is rejected, and what there is to report but seconds: tables of `generate`."""
    chosen = options(method, **FAST.get(method, {}) | FASTER.get(method, {}) | changes)
    table, diagnostics = recourse.generate([people], [classifier], "mlp", method, method, chosen)
    return table, diagnostics[~diagnostics["quantity"].str.endswith("seconds")]


def train(people, hidden, device):
    given = {"hidden": hidden, "learning_rate": 0.02, "epochs": 3, "batch": 32}
    return classifiers.train(people, torch_generator(0), None, device, **given)


@pytest.mark.parametrize("there", [True, False])
def test_auto_is_cuda_where_torch_sees_it_and_else_the_cpu(there, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert devices.resolve("auto").type == ("cuda" if there else "cpu")
    assert devices.resolve("cpu").type == "cpu"
    with nullcontext() if there else pytest.raises(ConfigError, match=r"run\.device.*use auto or cpu"):
        assert devices.resolve("cuda").type == "cuda"


class Forgetful(methods.Method):
    """Draws on the CPU and leaves it there."""

    def search(self, x):
        return x + torch.rand(x.shape, generator=self.generator)


def test_the_simulated_device_notices_what_a_gpu_would(people, trained):
    near = people["continuous"], trained["continuous", "linear"]
    assert len(Forgetful().fit(*near, torch_generator(0)).counterfactuals(rejected(*near)))
    with elsewhere():
        here, there = torch.ones(3), torch.ones(3, device=DEVICE)
        far = near[0], moved(near[1], DEVICE)
        for wrong, error, says in (
            (lambda: here + there, RuntimeError, "one device"),
            (lambda: torch.where(there > 0, here, there), RuntimeError, "one device"),
            (lambda: here[torch.tensor([0], device=DEVICE)], RuntimeError, "one device"),
            (lambda: Forgetful().fit(*far, torch_generator(0)).counterfactuals(rejected(*far)), RuntimeError, "one"),
            (lambda: torch.rand(3, generator=torch_generator(0), device=DEVICE), RuntimeError, "generator"),
            (there.numpy, TypeError, "numpy"),
        ):
            with pytest.raises(error, match=says):
                wrong()
        assert (there + 1).device == there[[0, 2]].device == there.new_tensor([1.0]).device == DEVICE
        assert (there + here.to(there)).cpu().tolist() == [2, 2, 2]


@pytest.mark.parametrize("hidden", [(), (8,)])
def test_training_and_loading_a_classifier_follow_the_device(hidden, people, tmp_path):
    near = train(people["levels"], hidden, "cpu")
    with elsewhere():
        far = train(people["levels"], hidden, DEVICE)
        follows_the_device(near, far, people["levels"], tmp_path / "classifier.pt")
        predicted = classifiers.predictions(far, people["levels"])
    assert predicted.equals(classifiers.predictions(near, people["levels"]))
    assert classifiers.load(tmp_path / "classifier.pt")[0].device.type == "cpu"


@every_way
def test_every_method_follows_the_device_of_its_classifier(method, changes, people, trained):
    near = offered(method, changes, people["levels"], trained["levels", "mlp"])
    with elsewhere():
        far = offered(method, changes, people["levels"], moved(trained["levels", "mlp"], DEVICE))
    for there, here in zip(far, near, strict=True):
        pd.testing.assert_frame_equal(there, here, check_exact=True)


@cuda
@every_way
def test_every_method_keeps_its_post_conditions_on_cuda(method, changes, people, trained):
    near, far, again = (
        offered(method, changes, people["levels"], moved(trained["levels", "mlp"], device))[0]
        for device in ("cpu", "cuda", "cuda")
    )
    pd.testing.assert_frame_equal(far, again, rtol=0, atol=1e-4)
    if method != "wachter" or not changes:  # CARLA's iterates break them on the CPU too
        assert set(far["reason"]) <= {"", "nothing found"}
        assert abs(far["found"].mean() - near["found"].mean()) < 0.1


@cuda
def test_a_classifier_trains_on_cuda_as_on_the_cpu(people):
    x = classifiers.tensor(people["levels"].features)
    near, far = (train(people["levels"], (8,), device) for device in ("cpu", "cuda"))
    torch.testing.assert_close(far.margin(x.cuda()).cpu(), near.margin(x), rtol=1e-3, atol=1e-3)
