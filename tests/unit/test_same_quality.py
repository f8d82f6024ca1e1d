"""The batched methods against plain loops (`benchmarks/references.py`), person by person.

Methods that draw are compared with the same trained model and the same draws; `benchmarks/same_quality.py` compares
what comes out of training and search together, over seeds.
"""

from __future__ import annotations

import zlib

import common
import numpy as np
import pytest
import references
import torch

from recourse_segregation import classifiers
from recourse_segregation.data import load
from recourse_segregation.population import Population, prepare
from recourse_segregation.seeds import torch_generator

KINDS = pytest.mark.parametrize("kind", ["levels", "continuous"])
CLASSIFIERS = pytest.mark.parametrize("classifier", ["linear", "mlp"])
#: One shell at a time, whose samples the library then draws in the order of a plain loop.
SAMPLES = 8192


def fitted(method, people, classifier, **changes):
    """The method, the rejected of train [n, d], and what plain loops take before and after these."""
    ours = common.make(method, **changes).fit(people, classifier, torch_generator(0, "same quality", method))
    x = common.rejected(people.training_part(), classifier)
    return ours, x, references.module(classifier), (people.encoding, common.options(method, **changes))


def same(ours: torch.Tensor, plain: torch.Tensor, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(ours, plain, rtol=0, atol=tolerance, equal_nan=True)
    assert torch.isfinite(ours).all(1).any()


def same_of_the_same_draws(method, x, plain, tolerance: float = 1e-5) -> None:
    """Ours and a plain search agree for each person of x, each with the stream of the same number."""
    for number, person in enumerate(x.split(1)):
        method.generator = torch.Generator().manual_seed(number)
        ours = method.counterfactuals(person)
        torch.manual_seed(number)
        same(ours, plain(person), tolerance)


@KINDS
@CLASSIFIERS
def test_wachter_is_autograd_and_torch_optim_one_by_one(kind, classifier, people, trained):
    # So few steps that some people need a second round with half the penalty, and some end without recourse.
    changes = {"steps": 12, "rounds": 3, "penalty": 0.05}
    method, x, model, rest = fitted("wachter", people[kind], trained[kind, classifier], **changes)
    same(method.counterfactuals(x[:10]), references.wachter(model, x[:10], *rest))


@KINDS
@CLASSIFIERS
@pytest.mark.parametrize("neighbours", [3, 50])
def test_face_is_a_plain_shortest_path(kind, classifier, neighbours, people, trained):
    changes = {"neighbours": neighbours, "density_quantile": 0.7}
    method, x, model, rest = fitted("face", people[kind], trained[kind, classifier], **changes)
    same(method.counterfactuals(x[:15]), references.face(model, x[:15], *rest, people[kind].features))


def test_face_crosses_the_same_bridges():
    """Separate clusters (synthetic): every way leads over a bridge."""
    everyone = prepare("synthetic", load("synthetic"), "sex", 0, **common.CONFIG["prepare"])
    people = Population(everyone.encoding, everyone.table[::4].reset_index(drop=True))
    classifier = classifiers.train(people, torch_generator(0), hidden=(), learning_rate=0.1, epochs=60, batch=32)
    method, x, model, rest = fitted("face", people, classifier, neighbours=5)
    same(method.counterfactuals(x[:15]), references.face(model, x[:15], *rest, people.features))


@KINDS
@CLASSIFIERS
def test_growing_spheres_finds_the_same_of_the_same_samples(kind, classifier, people, trained):
    changes = {"samples": SAMPLES, "step": 0.1}
    method, x, model, rest = fitted("growing_spheres", people[kind], trained[kind, classifier], **changes)
    same_of_the_same_draws(method, x[:5], lambda person: references.growing_spheres(model, person, *rest))


@pytest.mark.parametrize("name", ["cchvae", "ibr"])
@KINDS
def test_the_latent_search_finds_the_same_of_the_same_samples(name, kind, people, trained):
    changes = {"samples": SAMPLES, "width": 0.2, "shells": 30, "epochs": 3, "hidden": (16,)}
    method, x, model, rest = fitted(name, people[kind], trained[kind, "mlp"], **changes)
    vae = references.VAE(references.plain(method.vae.encoder), references.plain(method.vae.decoder), 2)
    seen = method.condition.numpy()
    same_of_the_same_draws(method, x[:5], lambda person: references.latent_search(vae, model, person, *rest, seen))


@KINDS
def test_cruds_descends_as_autograd_does(kind, people, trained):
    changes = {"epochs": 5, "hidden": 16, "steps": 30}
    method, x, model, rest = fitted("cruds", people[kind], trained[kind, "mlp"], **changes)
    networks = method.model.encoder, method.model.decoder, method.model.prior
    csvae = references.CSVAE(*map(references.plain, networks), 2)
    same_of_the_same_draws(method, x[:6], lambda person: references.cruds(csvae, model, person, *rest), 1e-4)


class SameDraws:
    """The library's density, drawing from torch's global stream as the plain loop does."""

    def __init__(self, density):
        self.log_density = density.log_density
        self.sample = lambda n, profile: density.sample(n, profile, torch.default_generator)


@pytest.mark.parametrize("shared_pool", [False, True])
@KINDS
def test_ebr_finds_the_same_of_the_same_samples(kind, shared_pool, people, trained):
    search = {"proposals": 2000, "keep": 300, "density_quantile": 0.3, "shared_pool": shared_pool}
    method, x, model, rest = fitted("ebr", people[kind], trained[kind, "mlp"], epochs=40, components=5, **search)
    some = 0
    for person in x[:6]:
        own = person[~method.mutable].clone()
        if shared_pool:
            own[method._sensitive] = method._minority
        torch.manual_seed(method._pool_seed ^ zlib.crc32(own.numpy().tobytes()))
        plain = references.ebr(SameDraws(method.density), model, person[None], *rest)
        ours = method.counterfactuals(person[None])
        torch.testing.assert_close(ours, plain, rtol=0, atol=1e-5, equal_nan=True)
        some += torch.isfinite(ours).all().item()
    assert some


def test_the_mixture_is_that_of_torch_distributions(people, trained):
    method, x, _, _ = fitted("ebr", people["levels"], trained["levels", "mlp"], epochs=30, components=5)
    density = method.density
    moments = (density.x_mean, density.x_scale), (density.condition_mean, density.condition_scale)
    plain = references.MDN(references.plain(density.network), density.components, density.floor, *moments)
    for person in x[:5]:
        args = x[:, method.mutable], person[~method.mutable]
        torch.testing.assert_close(density.log_density(*args), plain.log_density(*args), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", ["wachter", "face"])
def test_every_metric_is_that_of_a_plain_loop(method, people, trained):
    cell = common.Cell(people["levels"], trained["levels", "mlp"], radius_quantile=0.1)
    offered, _ = cell.given(method, common.options(method))
    moved = offered[list(cell.population.encoding.mutable_columns)].to_numpy(np.float64)
    plain = references.measures(cell.train, ~cell.accepted, moved, cell.homes["everyone"], cell.settings)
    ours = cell.measured(offered)
    assert len(plain) == 21
    assert {key: ours[key] for key in plain} == pytest.approx(plain, abs=1e-9)
