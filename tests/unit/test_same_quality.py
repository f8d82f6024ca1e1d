"""The batched methods against plain loops (`benchmarks/references.py`, `tests/loops.py`), person by person.

Methods that draw are compared with the same trained model and the same draws; `benchmarks/same_quality.py` compares
what comes out of training and search together, over seeds.
"""

import zlib

import common
import numpy as np
import pytest
import torch

import loops
from conftest import QUICK
from recourse_segregation import classifiers
from recourse_segregation.data import load
from recourse_segregation.population import Population, prepare
from recourse_segregation.seeds import torch_generator

KINDS = pytest.mark.parametrize("kind", ["levels", "continuous"])
#: One shell at a time, whose samples the library then draws in the order of a plain loop.
SAMPLES = 8192


def sides(method, people, classifier, **changes):
    """The method, the rejected of train [n, d], and the plain search of such people with the same trained model."""
    ours = common.make(method, **changes).fit(people, classifier, torch_generator(0, "same quality", method))
    plain = loops.search_of(method, ours, common.options(method, **changes), people.features)
    return ours, common.rejected(people.training_part(), classifier), plain


def same(ours: torch.Tensor, plain: torch.Tensor, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(ours, plain, rtol=0, atol=tolerance, equal_nan=True)
    assert torch.isfinite(ours).all(1).any()


@KINDS
@pytest.mark.parametrize("classifier", ["linear", "mlp"])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        # So few steps that some people need a second round with half the penalty, and some end without recourse.
        ("wachter", {"steps": 12, "rounds": 3, "penalty": 0.05}),
        ("face", {"neighbours": 3, "density_quantile": 0.7}),
        ("face", {"neighbours": 50, "density_quantile": 0.7}),
    ],
)
def test_a_search_without_draws_finds_what_a_plain_one_does(name, changes, kind, classifier, people, trained):
    """Autograd and torch.optim one by one (Wachter), a plain shortest path (FACE)."""
    method, x, plain = sides(name, people[kind], trained[kind, classifier], **changes)
    same(method.counterfactuals(x[:15]), plain(x[:15]))


def test_face_crosses_the_same_bridges():
    """Separate clusters (synthetic): every way leads over a bridge."""
    everyone = prepare("synthetic", load("synthetic"), "sex", 0, **common.CONFIG["prepare"])
    people = Population(everyone.encoding, everyone.table[::4].reset_index(drop=True))
    classifier = classifiers.train(people, torch_generator(0), hidden=(), **QUICK | {"learning_rate": 0.1})
    method, x, plain = sides("face", people, classifier, neighbours=5)
    same(method.counterfactuals(x[:15]), plain(x[:15]))


#: Without the map, which leaves out shells and so their draws.
LATENT = {"samples": SAMPLES, "width": 0.2, "shells": 30, "epochs": 3, "hidden": (16,), "map_thinning": 0}


@KINDS
@pytest.mark.parametrize(
    ("name", "classifier", "tolerance", "changes"),
    [
        ("growing_spheres", "linear", 1e-5, {"samples": SAMPLES, "step": 0.1}),
        ("growing_spheres", "mlp", 1e-5, {"samples": SAMPLES, "step": 0.1}),
        ("cchvae", "mlp", 1e-5, LATENT),
        ("ibr", "mlp", 1e-5, LATENT),
        ("cruds", "mlp", 1e-4, {"epochs": 5, "hidden": 16, "steps": 30}),
    ],
)
def test_a_search_finds_the_same_of_the_same_draws(name, classifier, tolerance, changes, kind, people, trained):
    method, x, plain = sides(name, people[kind], trained[kind, classifier], **changes)
    for number, person in enumerate(x[:6].split(1)):
        method.generator = torch.Generator().manual_seed(number)
        ours = method.counterfactuals(person)
        torch.manual_seed(number)
        same(ours, plain(person), tolerance)


@KINDS
@pytest.mark.parametrize("shared_pool", [False, True])
def test_ebr_finds_the_same_of_the_same_draws(kind, shared_pool, people, trained):
    changes = {"epochs": 40, "components": 5, "proposals": 2000, "keep": 300, "density_quantile": 0.3}
    method, x, plain = sides("ebr", people[kind], trained[kind, "mlp"], shared_pool=shared_pool, **changes)
    found = []
    for person in x[:6].split(1):
        own = person[0, ~method.mutable].clone()
        if shared_pool:
            own[method._sensitive] = method._minority
        torch.manual_seed(method._pool_seed ^ zlib.crc32(own.numpy().tobytes()))
        found.append(method.counterfactuals(person))
        torch.testing.assert_close(found[-1], plain(person), rtol=0, atol=1e-5, equal_nan=True)
    assert torch.isfinite(torch.cat(found)).all(1).any()
    if shared_pool:  # then nobody's draws depend on who else asks
        same(method.counterfactuals(x[:6]), torch.cat(found))


@pytest.mark.parametrize("method", ["wachter", "face"])
def test_every_metric_is_that_of_a_plain_loop(method, people, trained):
    cell = common.Cell(people["levels"], trained["levels", "mlp"], radius_quantile=0.1)
    offered, _ = cell.given(method)
    moved = offered[list(cell.population.encoding.mutable_columns)].to_numpy(np.float64)
    plain = loops.measures(cell, moved)
    ours = cell.measured(offered)
    assert len(plain) == 21
    assert {key: ours[key] for key in plain} == pytest.approx(plain, abs=1e-9)
