"""The batched methods against plain loops (`benchmarks/references.py`), person by person.

Methods that draw are compared with the same trained model and the same draws; `benchmarks/same_quality.py` compares
what comes out of training and search together, over seeds.
"""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import references
import torch

from recourse_segregation import classifiers, contracts, measure, methods, recourse, simulation
from recourse_segregation.data import load
from recourse_segregation.population import Population, prepare
from recourse_segregation.seeds import numpy_generator, torch_generator

CELLS = [(kind, classifier) for kind in ("levels", "continuous") for classifier in ("linear", "mlp")]
#: One shell at a time, whose samples the library then draws in the order of a plain loop.
SAMPLES = 8192


def rejected(people, classifier):
    x = classifiers.tensor(people.training_part().features)
    return x[~classifier.accepts(x)]


def fitted(method, people, classifier, **options):
    return methods.load(method)(**options).fit(people, classifier, torch_generator(0, "same quality", method))


def same(ours: torch.Tensor, plain: torch.Tensor, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(ours, plain, rtol=0, atol=tolerance, equal_nan=True)
    assert torch.isfinite(ours).all(1).any()


def one_by_one(method, x, plain, seed=0):
    """Ours and a plain search for each person of x, each with the stream of the same number."""
    for number, person in enumerate(x.split(1), seed):
        method.generator = torch.Generator().manual_seed(number)
        ours = method.counterfactuals(person)
        torch.manual_seed(number)
        yield ours, plain(person)


@pytest.mark.parametrize(("kind", "classifier"), CELLS)
def test_wachter_is_autograd_and_torch_optim_one_by_one(kind, classifier, people, trained):
    cell = people[kind], trained[kind, classifier]
    x = rejected(*cell)[:10]
    # So few steps that some people need a second round with half the penalty, and some end without recourse.
    options = {"steps": 12, "rounds": 3, "penalty": 0.05}
    plain = references.wachter(references.module(cell[1]), x, cell[0].encoding, **options)
    same(fitted("wachter", *cell, **options).counterfactuals(x), plain)


@pytest.mark.parametrize(("kind", "classifier"), CELLS)
@pytest.mark.parametrize("neighbours", [3, 50])
def test_face_is_a_plain_shortest_path(kind, classifier, neighbours, people, trained):
    cell = people[kind], trained[kind, classifier]
    x = rejected(*cell)[:15]
    options = {"neighbours": neighbours, "density_quantile": 0.7}
    plain = references.face(references.module(cell[1]), x, cell[0].encoding, cell[0].features, **options)
    same(fitted("face", *cell, **options).counterfactuals(x), plain)


def test_face_crosses_the_same_bridges():
    """Separate clusters (synthetic): every way leads over a bridge."""
    everyone = prepare("synthetic", load("synthetic"), "sex", 0, 10_000)
    people = Population(everyone.encoding, everyone.table[::4].reset_index(drop=True))
    classifier = classifiers.train(people, torch_generator(0), (), 0.1, 60, 32)
    x = rejected(people, classifier)[:15]
    plain = references.face(references.module(classifier), x, people.encoding, people.features, neighbours=5)
    same(fitted("face", people, classifier, neighbours=5).counterfactuals(x), plain)


@pytest.mark.parametrize(("kind", "classifier"), CELLS)
def test_growing_spheres_finds_the_same_of_the_same_samples(kind, classifier, people, trained):
    cell = people[kind], trained[kind, classifier]
    options = {"samples": SAMPLES, "step": 0.1}
    method, model = fitted("growing_spheres", *cell, **options), references.module(cell[1])
    x = rejected(*cell)[:5]
    for ours, plain in one_by_one(
        method, x, lambda person: references.growing_spheres(model, person, cell[0].encoding, **options)
    ):
        same(ours, plain)


@pytest.mark.parametrize("method", ["cchvae", "ibr"])
@pytest.mark.parametrize("kind", ["levels", "continuous"])
def test_the_latent_search_finds_the_same_of_the_same_samples(method, kind, people, trained):
    cell = people[kind], trained[kind, "mlp"]
    search = {"samples": SAMPLES, "width": 0.2, "shells": 30}
    method = fitted(method, *cell, epochs=3, hidden=(16,), **search)
    vae = references.VAE(references.plain(method.vae.encoder), references.plain(method.vae.decoder), 2)
    model, seen = references.module(cell[1]), method.condition.numpy()
    for ours, plain in one_by_one(
        method,
        rejected(*cell)[:5],
        lambda person: references.latent_search(vae, model, person, cell[0].encoding, seen, **search),
    ):
        same(ours, plain)


@pytest.mark.parametrize("kind", ["levels", "continuous"])
def test_cruds_descends_as_autograd_does(kind, people, trained):
    cell = people[kind], trained[kind, "mlp"]
    method = fitted("cruds", *cell, epochs=5, hidden=16, steps=30)
    networks = method.model.encoder, method.model.decoder, method.model.prior
    csvae = references.CSVAE(*map(references.plain, networks), 2)
    model = references.module(cell[1])
    for ours, plain in one_by_one(
        method, rejected(*cell)[:6], lambda person: references.cruds(csvae, model, person, cell[0].encoding, steps=30)
    ):
        same(ours, plain, 1e-4)


class SameDraws:
    """The library's density, drawing from torch's global stream as the plain loop does."""

    def __init__(self, density):
        self.log_density = density.log_density
        self.sample = lambda n, profile: density.sample(n, profile, torch.default_generator)


@pytest.mark.parametrize("shared_pool", [False, True])
@pytest.mark.parametrize("kind", ["levels", "continuous"])
def test_ebr_finds_the_same_of_the_same_samples(kind, shared_pool, people, trained):
    cell = people[kind], trained[kind, "mlp"]
    search = {"proposals": 2000, "keep": 300, "density_quantile": 0.3, "shared_pool": shared_pool}
    method = fitted("ebr", *cell, epochs=40, components=5, **search)
    model, some = references.module(cell[1]), 0
    for person in rejected(*cell)[:6]:
        own = person[~method.mutable].clone()
        if shared_pool:
            own[method._sensitive] = method._minority
        torch.manual_seed(method._pool_seed ^ zlib.crc32(own.numpy().tobytes()))
        plain = references.ebr(SameDraws(method.density), model, person[None], cell[0].encoding, **search)
        ours = method.counterfactuals(person[None])
        torch.testing.assert_close(ours, plain, rtol=0, atol=1e-5, equal_nan=True)
        some += torch.isfinite(ours).all().item()
    assert some


def test_the_mixture_is_that_of_torch_distributions(people, trained):
    cell = people["levels"], trained["levels", "mlp"]
    density = fitted("ebr", *cell, epochs=30, components=5).density
    moments = (density.x_mean, density.x_scale), (density.condition_mean, density.condition_scale)
    plain = references.MDN(references.plain(density.network), density.components, *moments)
    x = rejected(*cell)
    mutable = torch.tensor(cell[0].encoding.mutable)
    for person in x[:5]:
        args = x[:, mutable], person[~mutable]
        torch.testing.assert_close(density.log_density(*args), plain.log_density(*args), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", ["wachter", "face"])
def test_every_metric_is_that_of_a_plain_loop(method, people, trained):
    population, classifier = people["levels"], trained["levels", "mlp"]
    train = population.training_part()
    accepted = contracts.accepted(classifiers.predictions(classifier, population), train)
    offered, _ = recourse.generate([population], [classifier], "mlp", method, method, {})
    homes = measure.fit_neighbourhoods(train, accepted, 30, 0.1)
    after = simulation.implement(train, accepted, offered, numpy_generator(0))
    before = measure.before(train, accepted, homes).assign(phase="before")
    table = measure.after(train, accepted, offered, after, before, homes).query("phase == 'after'")
    ours = table.set_index(["scope", "metric"])["value"]
    moved = offered[list(population.encoding.mutable_columns)].to_numpy(np.float64)
    plain = references.measures(train, ~accepted, moved, homes["everyone"])
    assert len(plain) == 21
    assert ours[list(plain)].to_dict() == pytest.approx(plain, abs=1e-9)
