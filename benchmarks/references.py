"""The same methods one by one: plain loops over individuals, autograd, torch.optim and DataLoader, as in public code.

Nothing here is clever. `speed.py` times it, and `same_quality.py` and tests compare what comes out of it.
Everything takes the options, stops where and returns what the library does, but shares none of its code; draws come
from torch's global stream (`torch.manual_seed`). A person is a float32 tensor [d].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Categorical, Independent, MixtureSameFamily, Normal, kl_divergence
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, mse_loss, one_hot, softplus
from torch.utils.data import DataLoader, TensorDataset

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def plain(network) -> nn.Sequential:
    """A network of the library as a torch module that is not trained further."""
    layers = []
    for weight, bias in network.layers:
        layer = nn.Linear(*weight.shape, dtype=weight.dtype)
        layer.weight.data, layer.bias.data = weight.t().clone(), bias.clone()
        layers += [layer, ACTIVATIONS[network.activation]()]
    return nn.Sequential(*layers[:-1]).requires_grad_(False)


@dataclass
class Case:
    """What a search knows.

    classifier: [..., d] -> two logits. options: the method's, as in config.yaml. seen: bool [d], what the decoder of a
    VAE also sees. individuals: float64 [n, d], all who may be given recourse. density: the method's model, if any.
    """

    classifier: nn.Module
    encoding: Any
    options: Mapping
    seen: Tensor
    individuals: np.ndarray
    density: VAE | CSVAE | MDN | None = None
    #: what people with the same immutables share
    known: dict = field(default_factory=dict)

    @property
    def mutable(self) -> Tensor:
        return torch.tensor(self.encoding.mutable)

    def margin(self, x: Tensor) -> Tensor:
        """[..., d] -> [...]: log-odds of the favourable class; accepted is above 0."""
        logits = self.classifier(x)
        return logits[..., 1] - logits[..., 0]

    def valid(self, x: Tensor) -> Tensor:
        """x with mutable columns as a person has them: in [0, 1], one level per binary and one-hot feature."""
        x = torch.where(self.mutable, x.clamp(0, 1), x)
        for (column,) in self.encoding.indices("binary"):
            x[..., column] = (x[..., column] > 0.5).float()
        for columns in self.encoding.indices("categorical"):
            x[..., columns] = one_hot(x[..., columns].argmax(-1), len(columns)).float()
        return x

    def nearest(self, person: Tensor, people: Tensor) -> Tensor:
        """The one nearest to the person of the people, made valid, whom the classifier accepts; NaN if none is."""
        people = self.valid(people)
        people = people[self.margin(people) > 0]
        if not len(people):
            return torch.full_like(person, math.nan)
        return people[(people - person).norm(dim=1).argmin()]


# -- searches, of one individual


def wachter(case: Case, person: Tensor) -> Tensor:
    """Adam with AMSGrad on BCE + λ L1, λ halved after every round."""
    options, mutable, current = case.options, case.mutable, person.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([current], lr=options["learning_rate"], amsgrad=True)
    for step in range(options["rounds"] * options["steps"]):
        point = case.valid(current.detach()).requires_grad_(True)
        score = case.margin(point)
        if score > 0:
            return point.detach()
        penalty = options["penalty"] * 0.5 ** (step // options["steps"])
        loss = softplus(-score) + penalty * torch.dist(point, person, 1)
        loss.backward()
        # The gradient passes straight through the choice of levels.
        current.grad = point.grad * mutable
        for columns in case.encoding.indices("categorical"):
            current.grad[columns] -= current.grad[columns].mean()
        optimiser.step()
        current.data = torch.where(mutable, current.data.clamp(0, 1), person)
    return torch.full_like(person, math.nan)


def first_shell(case: Case, person: Tensor, width: float, dimensions: int, at: Callable[[Tensor], Tensor]) -> Tensor:
    """The nearest accepted person of the first shell that has one.

    at(offsets [samples, dimensions] from the centre of the shells) -> people [samples, d].
    """
    for shell in range(case.options["shells"]):
        direction = torch.randn(case.options["samples"], dimensions)
        radius = (shell + torch.rand(case.options["samples"], 1)) * width
        result = case.nearest(person, at(radius * direction / direction.norm(dim=1, keepdim=True)))
        if not result.isnan().any():
            break
    return result


def growing_spheres(case: Case, person: Tensor) -> Tensor:
    """A shell at a time around the person's continuous features; levels are drawn."""
    continuous = [column for (column,) in case.encoding.indices("continuous")]
    levels = [columns for kind in ("binary", "categorical") for columns in case.encoding.indices(kind)]

    def at(offsets: Tensor) -> Tensor:
        people = person.repeat(len(offsets), 1)
        people[:, continuous] += offsets
        for columns in levels:
            people[:, columns] = torch.rand(len(offsets), len(columns))
        return people

    return first_shell(case, person, case.options["step"], len(continuous), at)


def latent_search(case: Case, person: Tensor) -> Tensor:
    """C-CHVAE and IBR: a shell at a time around the person's place in the latent space."""
    centre = case.density.encode(person[None, case.mutable])

    def at(offsets: Tensor) -> Tensor:
        people = person.repeat(len(offsets), 1)
        people[:, case.mutable] = case.density.decode(centre + offsets, person[case.seen].expand(len(offsets), -1))
        return people

    return first_shell(case, person, case.options["width"], case.density.latent, at)


def cruds(case: Case, person: Tensor) -> Tensor:
    """RMSprop on w by autograd, the accepted iterate with the lowest loss is kept."""
    mutable, csvae = case.mutable, case.density
    given, z = person[None, ~mutable], csvae.encode(person[None, mutable])
    w = csvae.sample_w(1.0).requires_grad_(True)
    optimiser = torch.optim.RMSprop([w], lr=case.options["search_rate"])
    best, lowest = torch.full_like(person, math.nan), math.inf
    for _ in range(case.options["steps"]):
        decoded = csvae.decoder(torch.cat([z, w, given], 1))[0]
        point = person.clone()
        point[mutable] = decoded.detach()
        point = case.valid(point).requires_grad_(True)
        score = case.margin(point)
        loss = softplus(-score) + case.options["penalty"] * (point - person).square().sum()
        if score > 0 and loss.item() < lowest:
            best, lowest = point.detach(), loss.item()
        optimiser.zero_grad()
        loss.backward()
        decoded.backward(point.grad[mutable])
        optimiser.step()
    return best


def ebr(case: Case, person: Tensor) -> Tensor:
    """The nearest of the samples drawn for everyone with these immutables, or, with `shared_pool`, for the minority."""
    encoding, own, people = case.encoding, person[~case.mutable], 1
    sensitive = np.flatnonzero(~encoding.mutable).tolist().index(encoding.sensitive_index)
    if case.options["shared_pool"]:
        own[sensitive] = encoding.groups.index(encoding.minority)
    else:
        x = torch.tensor(case.individuals, dtype=torch.float32)
        people = int((x[case.margin(x) <= 0][:, ~case.mutable] == own).all(1).sum())
    pool = own.numpy().tobytes()
    if pool not in case.known:
        case.known[pool] = ebr_samples(case, own, sensitive, people)
    samples = case.known[pool]
    people = person.repeat(len(samples), 1)
    people[:, case.mutable] = samples
    return case.nearest(person, people)


def ebr_samples(case: Case, own: Tensor, sensitive: int, people: int) -> Tensor:
    """Algorithm 1: mutable features [., m] that are likely with these immutables, and in the other group as well."""
    options, encoding, density = case.options, case.encoding, case.density
    continuous = [list(encoding.mutable_columns).index(encoding.columns[c]) for (c,) in encoding.indices("continuous")]
    other = own.clone()
    other[sensitive] = 1 - other[sensitive]
    samples = density.sample(options["proposals"], own)
    chance = density.log_density(samples, other).exp() / options["bound"]
    samples = samples[torch.rand(len(samples), dtype=torch.float64) < chance][: options["keep"] * people]
    samples = samples[((samples >= 0) & (samples <= 1))[:, continuous].all(1)]
    if not len(samples):
        return samples
    product = density.log_density(samples, own) + density.log_density(samples, other)
    return samples[product >= product.quantile(options["density_quantile"])]


# -- density models


def mlp(sizes: Sequence[int], activation: type[nn.Module] = nn.ReLU, dtype: torch.dtype = torch.float32):
    layers = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b, dtype=dtype), activation()]
    return nn.Sequential(*layers[:-1])


def loader(batch: int, *tensors: Tensor) -> DataLoader:
    return DataLoader(TensorDataset(*tensors), batch_size=batch, shuffle=True)


def descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def gaussian(code: Tensor) -> Normal:
    """Mean and log variance side by side -> the distribution."""
    mean, log_variance = code.chunk(2, dim=1)
    return Normal(mean, torch.exp(0.5 * log_variance))


def from_standard(of: Normal) -> Tensor:
    """The KL divergence of each row from a standard normal."""
    return kl_divergence(of, Normal(0.0, 1.0)).sum(1)


@dataclass
class VAE:
    encoder: nn.Module
    decoder: nn.Module
    latent: int

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)[:, : self.latent]

    def decode(self, z: Tensor, condition: Tensor) -> Tensor:
        return torch.sigmoid(self.decoder(torch.cat([z, condition], 1)))


def train_vae(
    x: Tensor, condition: Tensor, options: Mapping, group: Tensor | None = None
) -> tuple[VAE, dict[str, float]]:
    """A VAE, with a group [n] against an adversary, and its final losses per individual."""
    hidden, latent, epochs = options["hidden"], options["latent"], options["epochs"]
    decay = {"weight_decay": options["weight_decay"]}
    label = x.new_zeros(len(x), 1) if group is None else group[:, None]
    if group is not None:
        rival = mlp((latent, *options["adversary_hidden"], 1), nn.Sigmoid)
        rival_optimiser = torch.optim.Adam(rival.parameters(), lr=options["adversary_learning_rate"], **decay)
    encoder = mlp((x.shape[1], *hidden, 2 * latent))
    decoder = mlp((latent + condition.shape[1], *reversed(hidden), x.shape[1]))
    model = VAE(encoder, decoder, latent)
    weights = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(weights, lr=options["learning_rate"], **decay)

    def terms(part: Tensor, given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        posterior = gaussian(encoder(part))
        z = posterior.rsample()
        return z, binary_cross_entropy(model.decode(z, given), part, reduction="sum"), from_standard(posterior).sum()

    for epoch in range(epochs):
        for part, given, wanted in loader(options["batch"], x, condition, label):
            if group is not None:
                z = gaussian(encoder(part)).rsample().detach()
                descend(rival_optimiser, binary_cross_entropy_with_logits(rival(z), wanted, reduction="sum"))
            z, reconstruction, kl = terms(part, given)
            loss = reconstruction + options["kl_weight"] * epoch / epochs * kl
            if group is not None:
                loss = loss - options["adversary_weight"] * Bernoulli(logits=rival(z)).entropy().sum()
            descend(optimiser, loss)
    nn.ModuleList([encoder, decoder]).requires_grad_(False)
    z, reconstruction, kl = terms(x, condition)
    losses = {"reconstruction": reconstruction.item() / len(x), "kl": kl.item() / len(x)}
    if group is not None:
        losses["adversary_cross_entropy"] = binary_cross_entropy_with_logits(rival(z), label).item()
    return model, losses


@dataclass
class CSVAE(VAE):
    prior: nn.Module

    def sample_w(self, label: float) -> Tensor:
        return gaussian(self.prior(torch.tensor([[label]]))).sample()


def train_csvae(x: Tensor, condition: Tensor, options: Mapping, label: Tensor) -> tuple[CSVAE, dict[str, float]]:
    """A CSVAE for a label [n], and its final losses."""
    hidden, latent, learning_rate = options["hidden"], options["latent"], options["learning_rate"]
    m, c, y = x.shape[1], condition.shape[1], label[:, None]
    to_z, to_w, prior = mlp((m, hidden, 2 * latent)), mlp((m + 1, hidden, 2 * latent)), mlp((1, 2 * latent))
    decoder, rival = mlp((2 * latent + c, hidden, m)), mlp((latent + c, hidden, 1))
    model = nn.ModuleList([to_z, to_w, prior, decoder])
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    rival_optimiser = torch.optim.Adam(rival.parameters(), lr=learning_rate)

    def terms(part: Tensor, given: Tensor, y: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        q_z, q_w, p_w = gaussian(to_z(part)), gaussian(to_w(torch.cat([part, y], 1))), gaussian(prior(y))
        z, w = q_z.rsample(), q_w.rsample()
        seen, whole = torch.cat([z, given], 1), torch.cat([part, given], 1)
        return seen, {
            "reconstruction": mse_loss(torch.cat([decoder(torch.cat([z, w, given], 1)), given], 1), whole),
            "kl": from_standard(q_z).mean(),
            "kl_w": kl_divergence(q_w, p_w).sum(1).mean(),
            "adversary_cross_entropy": binary_cross_entropy_with_logits(rival(seen.detach()), y),
        }

    for _ in range(options["epochs"]):
        for batch in loader(options["batch"], x, condition, y):
            seen, losses = terms(*batch)
            loss = (
                options["reconstruction_weight"] * losses["reconstruction"]
                + options["z_weight"] * losses["kl"] * len(batch[0])
                + options["w_weight"] * losses["kl_w"] * len(batch[0])
                - options["entropy_weight"] * Bernoulli(logits=rival(seen)).entropy().mean()
            )
            descend(optimiser, loss)
            descend(rival_optimiser, options["cross_entropy_weight"] * losses["adversary_cross_entropy"])
    nn.ModuleList([model, rival]).requires_grad_(False)
    _, losses = terms(x, condition, y)
    return CSVAE(to_z, decoder, latent, prior), {name: loss.item() for name, loss in losses.items()}


@dataclass
class MDN:
    """A mixture density network; x and the condition are standardised inside, densities are of x as given."""

    network: nn.Module
    components: int
    floor: float
    x_moments: tuple[Tensor, Tensor]
    condition_moments: tuple[Tensor, Tensor]

    def mixture(self, condition: Tensor) -> MixtureSameFamily:
        """[n, c] -> the densities of standardised x."""
        mean, scale = self.condition_moments
        output, k = self.network((condition.double() - mean) / scale), self.components
        means, log_scales = output[:, k:].view(len(output), 2, k, -1).unbind(1)
        components = Independent(Normal(means, log_scales.exp() + self.floor), 1)
        return MixtureSameFamily(Categorical(logits=output[:, :k]), components)

    def log_density(self, x: Tensor, condition: Tensor) -> Tensor:
        """log p(x | condition) of x [n, m]: [n]; the condition is everyone's [c] or each one's own [n, c]."""
        mean, scale = self.x_moments
        return self.mixture(condition.expand(len(x), -1)).log_prob((x.double() - mean) / scale) - scale.log().sum()

    def sample(self, n: int, condition: Tensor) -> Tensor:
        mean, scale = self.x_moments
        return (self.mixture(condition[None]).sample((n,))[:, 0] * scale + mean).float()


def train_mdn(x: Tensor, condition: Tensor, options: Mapping) -> tuple[MDN, dict[str, float]]:
    """A mixture density network by full batches, evaluated for every individual, and its final loss."""

    def moments(values: Tensor) -> tuple[Tensor, Tensor]:
        scale = values.double().std(0, correction=0)
        return values.double().mean(0), torch.where(scale > 0, scale, 1.0)

    components = options["components"]
    network = mlp((condition.shape[1], *options["hidden"], components * (1 + 2 * x.shape[1])), nn.Tanh, torch.float64)
    model = MDN(network, components, options["deviation_floor"], moments(x), moments(condition))
    optimiser = torch.optim.Adam(network.parameters(), lr=options["learning_rate"])
    for _ in range(options["epochs"] + 1):
        loss = -model.log_density(x, condition).mean()
        descend(optimiser, loss)
    network.requires_grad_(False)
    return model, {"negative_log_likelihood": loss.item()}


# -- the methods, complete: density model, if any, and search

SEARCHES = {"wachter": wachter, "growing_spheres": growing_spheres, "cruds": cruds, "ebr": ebr}
SEARCHES |= {"cchvae": latent_search, "ibr": latent_search}


def search(method: str, case: Case, x: Tensor) -> Tensor:
    """Recourse of the people x [n, d], one after another; NaN where there is none."""
    return torch.stack([SEARCHES[method](case, person) for person in x])


def fit(method: str, options: Mapping, population, classifier) -> tuple[Case, dict[str, float]]:
    """All that the method's search needs, its density model trained, and the model's final losses."""
    encoding, losses = population.encoding, {}
    everyone = torch.tensor(population.features, dtype=torch.float32)
    mutable, seen = torch.tensor(encoding.mutable), torch.tensor(~encoding.mutable)
    seen[encoding.sensitive_index] &= method != "ibr"
    case = Case(plain(classifier.network), encoding, options, seen, population.features)
    own, given = everyone[:, mutable], everyone[:, seen]
    if method == "cchvae":
        case.density, losses = train_vae(own, given, options)
    elif method == "ibr":
        case.density, losses = train_vae(own, given, options, everyone[:, encoding.sensitive_index])
    elif method == "cruds":
        labels = torch.tensor(population.labels, dtype=torch.float32)
        case.density, losses = train_csvae(own, given, options, labels)
    elif method == "ebr":
        accepted = case.margin(everyone) > 0
        case.density, losses = train_mdn(own[accepted], given[accepted], options)
    return case, losses
