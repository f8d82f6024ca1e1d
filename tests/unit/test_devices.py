"""Every stage that uses torch follows the device it is given: on a simulated second device, and on CUDA where there is.

On the simulated device (see `elsewhere`) the numbers must be those of the CPU to the bit, because draws are made on the
CPU and moved. On CUDA, rounding differs, so the post-conditions are checked instead.
"""

from __future__ import annotations

import pytest
import torch

from elsewhere import DEVICE, Elsewhere
from recourse_segregation import classifiers, devices, methods, recourse
from recourse_segregation.errors import ConfigError
from recourse_segregation.generative import csvae, mdn, vae
from recourse_segregation.network import MLP, Adam, Parameters, RMSprop
from recourse_segregation.seeds import torch_generator

FAST = {
    "cchvae": {"epochs": 2, "hidden": (16,), "samples": 50},
    "cruds": {"epochs": 2, "hidden": 16, "steps": 20},
    "ibr": {"epochs": 2, "hidden": (16,), "samples": 50, "shells": 300},
    "ebr": {"epochs": 20, "components": 5, "proposals": 500, "keep": 200, "density_quantile": 0.3},
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
    ("ebr", {"resampling": True}),
    ("ebr", {"released_sampler": True}),
    ("ebr", {"shared_pool": True}),
    ("ebr", {"other_group": False}),
]
WAYS = [*((method, {}) for method in methods.names()), *OTHERWISE]
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")


def result(method, options, people, classifier, x):
    """Recourse of everyone in x, and what `fit` has to report."""
    chosen = {**FAST.get(method, {}), **options}
    fitted = methods.load(method)(**chosen).fit(people, classifier, torch_generator(0, "device", method))
    return fitted.counterfactuals(x), fitted.diagnostics


def rejected(people, classifier):
    x = classifiers.tensor(people.training_part().features, classifier.device)
    return x[~classifier.accepts(x)]


# -- which device


def test_auto_is_cuda_where_there_is_one_and_else_the_cpu():
    assert devices.resolve("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert devices.resolve("cpu").type == "cpu"


def test_auto_takes_cuda_when_torch_sees_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert {devices.resolve(name).type for name in ("auto", "cuda")} == {"cuda"}
    assert devices.resolve("cpu").type == "cpu"


def test_cuda_without_cuda_is_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"run\.device.*use auto or cpu"):
        devices.resolve("cuda")


# -- the simulated device itself


def test_the_simulated_device_notices_what_a_gpu_would():
    with Elsewhere():
        here, there = torch.ones(3), torch.ones(3, device=DEVICE)
        with pytest.raises(RuntimeError, match="one device"):
            here + there
        with pytest.raises(RuntimeError, match="one device"):
            torch.where(there > 0, here, there)
        with pytest.raises(RuntimeError, match="one device"):
            here[torch.tensor([0], device=DEVICE)]
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(3, generator=torch_generator(0), device=DEVICE)
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        assert (there + 1).device == DEVICE
        assert there[[0, 2]].device == there.new_tensor([1.0]).device == DEVICE
        assert (there + here.to(there)).cpu().tolist() == [2, 2, 2]


class Forgetful(methods.Method):
    """Draws on the CPU and leaves it there."""

    def search(self, x):
        return x + torch.rand(x.shape, generator=self.generator)


def test_a_method_that_forgets_the_device_is_caught(people, trained):
    cell = people["continuous"], trained["continuous", "linear"]
    assert len(Forgetful().fit(*cell, torch_generator(0)).counterfactuals(rejected(*cell)))
    with Elsewhere():
        far = cell[1].to(DEVICE)
        fitted = Forgetful().fit(cell[0], far, torch_generator(0))
        with pytest.raises(RuntimeError, match="one device"):
            fitted.counterfactuals(rejected(cell[0], far))


# -- every stage on it


@pytest.mark.parametrize("hidden", [(), (8,)])
def test_training_and_loading_a_classifier_follow_the_device(hidden, people, tmp_path):
    def train(device):
        return classifiers.train(people["levels"], torch_generator(0), hidden, 0.02, 3, 32, device)

    near = train("cpu")
    x = classifiers.tensor(people["levels"].features)
    with Elsewhere():
        far = train(DEVICE)
        classifiers.save({0: far}, tmp_path / "classifier.pt")
        loaded = classifiers.load(tmp_path / "classifier.pt", DEVICE)[0]
        for classifier in (far, loaded, near.to(DEVICE)):
            assert classifier.device == DEVICE
            assert classifier.margin(x.to(DEVICE)).device == DEVICE
            assert torch.equal(classifier.margin(x.to(DEVICE)).cpu(), near.margin(x))
            slope = classifier.margin_and_gradient(x.to(DEVICE))[1]
            assert torch.equal(slope.cpu(), near.margin_and_gradient(x)[1])
        predicted = classifiers.predictions(far, people["levels"])
    assert predicted.equals(classifiers.predictions(near, people["levels"]))
    assert classifiers.load(tmp_path / "classifier.pt")[0].device.type == "cpu"


@pytest.mark.parametrize(("method", "options"), WAYS)
def test_every_method_follows_the_device_of_its_classifier(method, options, people, trained):
    cell = people["levels"], trained["levels", "mlp"]
    x = rejected(*cell)
    near, losses = result(method, options, *cell, x)
    why = recourse.check(x, near, cell[0].encoding, cell[1])
    with Elsewhere():
        classifier = cell[1].to(DEVICE)
        far, far_losses = result(method, options, cell[0], classifier, x.to(DEVICE))
        assert far.device == DEVICE
        assert list(recourse.check(x.to(DEVICE), far, cell[0].encoding, classifier)) == list(why)
        far = far.cpu()
    torch.testing.assert_close(far, near, rtol=0, atol=0, equal_nan=True)
    assert far_losses == losses


def test_a_whole_cell_follows_the_device(people, trained):
    names = "linear", "growing_spheres", "growing_spheres", FAST["growing_spheres"]
    near, _ = recourse.generate([people["levels"]], [trained["levels", "linear"]], *names)
    with Elsewhere():
        far, _ = recourse.generate([people["levels"]], [trained["levels", "linear"].to(DEVICE)], *names)
    assert far.equals(near)


# -- shapes alone, on torch's own meta device: no numbers, so nothing that looks at one


@torch.inference_mode()
def test_networks_and_optimisers_stay_on_the_device_of_their_parameters():
    network = MLP((3, 5, 2))
    parameters = Parameters(network, generator=torch_generator(0), device="meta")
    x = torch.empty(4, 3, device="meta")
    assert network(x).device.type == "meta"
    assert network.backward(network.forward(x)).shape == x.shape
    for optimiser in (Adam(parameters, 0.1), RMSprop(parameters, 0.1)):
        state = [value for value in vars(optimiser).values() if isinstance(value, torch.Tensor)]
        assert {value.device.type for value in state} == {"meta"}
    assert parameters.gradients.device.type == "meta"


@torch.inference_mode()
def test_density_models_stay_on_the_device_of_their_parameters():
    networks = [MLP((3, 5, 4)), MLP((3, 5, 3)), MLP((5, 5, 3)), MLP((1, 4)), MLP((1, 5, 2 * (1 + 2 * 3)), "tanh")]
    Parameters(*networks[:4], device="meta")
    Parameters(networks[4], device="meta", dtype=torch.float64)
    x, given, z = (torch.empty(7, size, device="meta") for size in (3, 1, 2))
    model = vae.VAE(networks[0], networks[1], 2)
    assert model.encode(x).shape == z.shape
    assert model.decode(z, given).shape == x.shape
    subspace = csvae.CSVAE(networks[0], networks[2], networks[3], 2)
    decoded, gradient = subspace.decode_with_gradient(z, z, given)
    assert decoded.shape == x.shape
    assert gradient(x).shape == z.shape
    assert subspace.sample_w(7, 1.0, torch_generator(0)).device.type == "meta"
    moments = [torch.empty(size, device="meta", dtype=torch.float64) for size in (3, 3, 1, 1)]
    density = mdn.MDN(networks[4], 2, *moments)
    assert density.log_density(x, given[0]).device.type == "meta"


# -- CUDA, where there is one


@cuda
@pytest.mark.parametrize(("method", "options"), WAYS)
def test_every_method_keeps_its_post_conditions_on_cuda(method, options, people, trained):
    cell = people["levels"], trained["levels", "mlp"].to("cuda")
    x = rejected(*cell)
    found, _ = result(method, options, *cell, x)
    again, _ = result(method, options, *cell, x)
    assert found.device.type == "cuda"
    torch.testing.assert_close(found, again, rtol=0, atol=1e-4, equal_nan=True)
    why = recourse.check(x, found, cell[0].encoding, cell[1])
    if method == "wachter" and options:  # CARLA's iterates break them on the CPU too
        return
    assert set(why) <= {"", "nothing found"}
    near, _ = result(method, options, cell[0], cell[1].to("cpu"), x.cpu())
    there = recourse.check(x.cpu(), near, cell[0].encoding, cell[1].to("cpu"))
    assert abs((why == "").mean() - (there == "").mean()) < 0.1


@cuda
def test_a_classifier_trains_on_cuda_as_on_the_cpu(people):
    x = classifiers.tensor(people["levels"].features)
    near, far = (
        classifiers.train(people["levels"], torch_generator(0), (8,), 0.02, 3, 32, device) for device in ("cpu", "cuda")
    )
    torch.testing.assert_close(far.margin(x.cuda()).cpu(), near.margin(x), rtol=1e-3, atol=1e-3)
