"""The same methods one by one: plain loops over individuals, autograd, torch.optim and DataLoader, as in public code.

Nothing here is clever. `test_speed.py` times it, `same_quality.py` compares what comes out of it, and nothing else uses
it. Everything takes the options, stops where and returns what the library does, but shares none of its code; draws come
from torch's global stream (`torch.manual_seed`). People are rows of float32 tensors x [n, d].
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Categorical, Independent, MixtureSameFamily, Normal, kl_divergence
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, mse_loss, softplus
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


def module(classifier) -> nn.Sequential:
    """A trained classifier as a torch module: [..., d] -> two logits."""
    return plain(classifier.network)


def margin(model: nn.Module, x: Tensor) -> Tensor:
    """[..., d] -> [...]: log-odds of the favourable class; accepted is above 0."""
    logits = model(x)
    return logits[..., 1] - logits[..., 0]


def valid(x: Tensor, encoding) -> Tensor:
    """Mutable columns of x [..., d] made those of a person: in [0, 1], one level per binary and one-hot feature."""
    x = torch.where(torch.tensor(encoding.mutable), x.clamp(0, 1), x)
    for (column,) in encoding.indices("binary"):
        x[..., column] = (x[..., column] > 0.5).float()
    for columns in encoding.indices("categorical"):
        largest = x[..., columns].argmax(-1)
        for level, column in enumerate(columns):
            x[..., column] = (largest == level).float()
    return x


def nearest(person: Tensor, people: Tensor, model: nn.Module) -> Tensor:
    """The one of people [p, d] nearest to the person [d] whom the classifier accepts; NaN if there is none."""
    people = people[margin(model, people) > 0]
    if not len(people):
        return torch.full_like(person, math.nan)
    return people[(people - person).norm(dim=1).argmin()]


# -- searches: options are those of the method in config.yaml


def wachter(model: nn.Module, x: Tensor, encoding, options: Mapping) -> Tensor:
    """One individual after another: Adam with AMSGrad on BCE + λ L1, λ halved after every round."""
    found, mutable = [], torch.tensor(encoding.mutable)
    for person in x:
        result, current = torch.full_like(person, math.nan), person.clone().requires_grad_(True)
        optimiser = torch.optim.Adam([current], lr=options["learning_rate"], amsgrad=True)
        for step in range(options["rounds"] * options["steps"]):
            point = valid(current.detach(), encoding).requires_grad_(True)
            score = margin(model, point)
            if score > 0:
                result = point.detach()
                break
            penalty = options["penalty"] * 0.5 ** (step // options["steps"])
            loss = softplus(-score) + penalty * torch.dist(point, person, 1)
            loss.backward()
            # The gradient passes straight through the choice of levels.
            current.grad = point.grad * mutable
            for columns in encoding.indices("categorical"):
                current.grad[columns] -= current.grad[columns].mean()
            optimiser.step()
            current.data = torch.where(mutable, current.data.clamp(0, 1), person)
        found.append(result)
    return torch.stack(found)


def first_shell(
    person: Tensor, model: nn.Module, encoding, options: Mapping, width: float, dimensions: int, at: Callable
) -> Tensor:
    """The nearest accepted person of the first shell that has one.

    at(offsets [samples, dimensions] from the centre of the shells) -> people [samples, d].
    """
    for shell in range(options["shells"]):
        direction = torch.randn(options["samples"], dimensions)
        radius = (shell + torch.rand(options["samples"], 1)) * width
        people = at(radius * direction / direction.norm(dim=1, keepdim=True))
        result = nearest(person, valid(people, encoding), model)
        if not result.isnan().any():
            break
    return result


def growing_spheres(model: nn.Module, x: Tensor, encoding, options: Mapping) -> Tensor:
    """One individual after another, a shell at a time."""
    continuous = [column for (column,) in encoding.indices("continuous")]
    levels = [columns for kind in ("binary", "categorical") for columns in encoding.indices(kind)]
    found = []
    for person in x:

        def at(offsets: Tensor, person: Tensor = person) -> Tensor:
            people = person.repeat(len(offsets), 1)
            people[:, continuous] += offsets
            for columns in levels:
                people[:, columns] = torch.rand(len(offsets), len(columns))
            return people

        found.append(first_shell(person, model, encoding, options, options["step"], len(continuous), at))
    return torch.stack(found)


def latent_search(vae, model: nn.Module, x: Tensor, encoding, options: Mapping, seen: Tensor) -> Tensor:
    """One individual after another, a shell of the latent space at a time; `seen` [d]: what the decoder also sees."""
    mutable, found = torch.tensor(encoding.mutable), []
    for person in x:
        centre = vae.encode(person[None, mutable])

        def at(offsets: Tensor, person: Tensor = person, centre: Tensor = centre) -> Tensor:
            people = person.repeat(len(offsets), 1)
            people[:, mutable] = vae.decode(centre + offsets, person[seen].expand(len(offsets), -1))
            return people

        found.append(first_shell(person, model, encoding, options, options["width"], vae.latent, at))
    return torch.stack(found)


def cruds(csvae: CSVAE, model: nn.Module, x: Tensor, encoding, options: Mapping) -> Tensor:
    """One individual after another: RMSprop on w by autograd, the accepted iterate with the lowest loss is kept."""
    mutable, found = torch.tensor(encoding.mutable), []
    for person in x:
        given = person[None, ~mutable]
        z = csvae.encode(person[None, mutable])
        w = csvae.sample_w(1.0).requires_grad_(True)
        optimiser = torch.optim.RMSprop([w], lr=options["search_rate"])
        best, lowest = torch.full_like(person, math.nan), math.inf
        for _ in range(options["steps"]):
            decoded = csvae.decoder(torch.cat([z, w, given], 1))[0]
            point = person.clone()
            point[mutable] = decoded.detach()
            point = valid(point, encoding).requires_grad_(True)
            score = margin(model, point)
            loss = softplus(-score) + options["penalty"] * (point - person).square().sum()
            if score > 0 and loss.item() < lowest:
                best, lowest = point.detach(), loss.item()
            optimiser.zero_grad()
            loss.backward()
            decoded.backward(point.grad[mutable])
            optimiser.step()
        found.append(best)
    return torch.stack(found)


def ebr(density: MDN, model: nn.Module, x: Tensor, encoding, options: Mapping) -> Tensor:
    """One individual after another, each with samples of their own (Algorithm 1).

    With `shared_pool`: one pool, the minority's, for all (whose other immutables must be alike).
    """
    mutable, found = torch.tensor(encoding.mutable), []
    immutable = [column for column, moves in enumerate(encoding.mutable) if not moves]
    continuous = [list(encoding.mutable_columns).index(encoding.columns[c]) for (c,) in encoding.indices("continuous")]
    sensitive, minority = immutable.index(encoding.sensitive_index), encoding.groups.index(encoding.minority)

    def draw(own: Tensor) -> Tensor:
        other = own.clone()
        other[sensitive] = 1 - other[sensitive]
        samples = density.sample(options["proposals"], own)
        chance = density.log_density(samples, other).exp() / options["bound"]
        samples = samples[torch.rand(len(samples), dtype=torch.float64) < chance][: options["keep"]]
        samples = samples[((samples >= 0) & (samples <= 1))[:, continuous].all(1)]
        if not len(samples):
            return samples
        product = density.log_density(samples, own) + density.log_density(samples, other)
        return samples[product >= product.quantile(options["density_quantile"])]

    pool = None
    if options["shared_pool"]:
        own = x[0, immutable].clone()
        own[sensitive] = minority
        pool = draw(own)
    for person in x:
        samples = draw(person[immutable]) if pool is None else pool
        people = person.repeat(len(samples), 1)
        people[:, mutable] = samples
        found.append(nearest(person, valid(people, encoding), model))
    return torch.stack(found)


def face(model: nn.Module, x: Tensor, encoding, options: Mapping, individuals: np.ndarray) -> Tensor:
    """One individual after another: the shortest path from them to the first accepted individual in a dense region.

    individuals: float64 [n, d], all who may be passed; the people x must be among them.
    """
    accepted = (margin(model, torch.tensor(individuals, dtype=torch.float32)) > 0).numpy()
    mutable, profiles, found = encoding.mutable, {}, []
    for person in x.numpy():
        profile = person[~mutable].tobytes()
        if profile not in profiles:
            members = (individuals[:, ~mutable] == person[~mutable]).all(1)
            points, targets = individuals[members][:, mutable], accepted[members]
            density = log_density(points)
            if targets.any():
                targets &= density >= np.quantile(density[targets], options["density_quantile"])
            profiles[profile] = points, targets, roads(points, density, options["neighbours"])
        points, targets, graph = profiles[profile]
        start = int(np.linalg.norm(points - person[mutable], axis=1).argmin())
        end, result = first_reached(graph, start, targets), np.full_like(person, np.nan)
        if end is not None:
            result = person.copy()
            result[mutable] = points[end]
        found.append(result)
    return torch.tensor(np.array(found))


def log_density(points: np.ndarray) -> np.ndarray:
    """Gaussian kernel density with Scott's bandwidth at each of the points [n, m], log [n]; the largest is 0."""
    n, m = points.shape
    scale = points.std(0)
    bandwidth = np.where(scale > 0, scale, 1.0) * n ** (-1 / (m + 4))
    density = [np.exp(-0.5 * (((points - point) / bandwidth) ** 2).sum(1)).sum() for point in points]
    return np.log(np.array(density) / max(density))


def roads(points: np.ndarray, density: np.ndarray, neighbours: int) -> list[dict[int, float]]:
    """For each of the points [n, m], who is next to them and the cost of the way there: length over density.

    Next to each other are nearest neighbours; then each part that is not connected is linked to whoever is closest
    outside it, until there is one part.
    """
    graph: list[dict[int, float]] = [{} for _ in points]

    def link(a: int, b: int) -> None:
        length = np.linalg.norm(points[a] - points[b])
        graph[a][b] = graph[b][a] = length / math.exp(0.5 * (density[a] + density[b]))

    for a, point in enumerate(points):
        for b in np.linalg.norm(points - point, axis=1).argsort()[1 : neighbours + 1]:
            link(a, int(b))
    while len(separate := parts(graph)) > 1:
        closest = []
        for part in separate:
            outside = sorted(set(range(len(points))) - part)
            ways = {a: np.linalg.norm(points[outside] - points[a], axis=1) for a in sorted(part)}
            a = min(ways, key=lambda b, ways=ways: ways[b].min())
            closest.append((a, outside[int(ways[a].argmin())]))
        for a, b in closest:
            link(a, b)
    return graph


def parts(graph: list[dict[int, float]]) -> list[set[int]]:
    """The connected parts of a graph."""
    left, found = set(range(len(graph))), []
    while left:
        part, border = set(), [left.pop()]
        while border:
            a = border.pop()
            if a not in part:
                part.add(a)
                border += graph[a]
        left -= part
        found.append(part)
    return found


def first_reached(graph: list[dict[int, float]], start: int, targets: np.ndarray) -> int | None:
    """The target that Dijkstra's algorithm reaches first from `start`, None if there is none in reach."""
    queue, done = [(0.0, start)], set()
    while queue:
        cost, a = heapq.heappop(queue)
        if targets[a]:
            return a
        if a not in done:
            done.add(a)
            for b, step in graph[a].items():
                if b not in done:
                    heapq.heappush(queue, (cost + step, b))
    return None


# -- density models


def mlp(sizes: Sequence[int], activation: type[nn.Module] = nn.ReLU, dtype: torch.dtype = torch.float32):
    layers = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b, dtype=dtype), activation()]
    return nn.Sequential(*layers[:-1])


def loader(batch: int, *tensors: Tensor) -> DataLoader:
    return DataLoader(TensorDataset(*tensors), batch_size=batch, shuffle=True)


def gaussian(code: Tensor) -> Normal:
    """Mean and log variance side by side -> the distribution."""
    mean, log_variance = code.chunk(2, dim=1)
    return Normal(mean, torch.exp(0.5 * log_variance))


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
    encoder = mlp((x.shape[1], *hidden, 2 * latent))
    decoder = mlp((latent + condition.shape[1], *reversed(hidden), x.shape[1]))
    model = VAE(encoder, decoder, latent)
    weights = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(weights, lr=options["learning_rate"], weight_decay=options["weight_decay"])
    label = x.new_zeros(len(x), 1) if group is None else group[:, None]
    if group is not None:
        rival = mlp((latent, *options["adversary_hidden"], 1), nn.Sigmoid)
        rival_optimiser = torch.optim.Adam(rival.parameters(), lr=options["adversary_learning_rate"])
    for epoch in range(epochs):
        for part, given, wanted in loader(options["batch"], x, condition, label):
            posterior = gaussian(encoder(part))
            z = posterior.rsample()
            loss = binary_cross_entropy(model.decode(z, given), part, reduction="sum")
            loss = loss + options["kl_weight"] * epoch / epochs * kl_divergence(posterior, Normal(0.0, 1.0)).sum()
            if group is not None:
                loss = loss - options["adversary_weight"] * Bernoulli(logits=rival(z)).entropy().sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if group is not None:
                rival_optimiser.zero_grad()
                binary_cross_entropy_with_logits(rival(z.detach()), wanted).backward()
                rival_optimiser.step()
    nn.ModuleList([encoder, decoder]).requires_grad_(False)
    posterior = gaussian(encoder(x))
    z = posterior.sample()
    losses = {
        "reconstruction": binary_cross_entropy(model.decode(z, condition), x, reduction="sum").item() / len(x),
        "kl": kl_divergence(posterior, Normal(0.0, 1.0)).sum().item() / len(x),
    }
    if group is not None:
        losses["adversary"] = binary_cross_entropy_with_logits(rival(z), label).item()
    return model, losses


@dataclass
class CSVAE:
    encoder: nn.Module
    decoder: nn.Module
    prior: nn.Module
    latent: int

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)[:, : self.latent]

    def sample_w(self, label: float) -> Tensor:
        return gaussian(self.prior(torch.tensor([[label]]))).sample()


def train_csvae(x: Tensor, condition: Tensor, options: Mapping, label: Tensor) -> tuple[CSVAE, dict[str, float]]:
    """A CSVAE for a label [n], and its final losses."""
    hidden, latent, learning_rate = options["hidden"], options["latent"], options["learning_rate"]
    m, c, y = x.shape[1], condition.shape[1], label[:, None]
    to_z, to_w, prior = mlp((m, hidden, 2 * latent)), mlp((m + 1, hidden, 2 * latent)), mlp((1, 2 * latent))
    decoder, rival = mlp((2 * latent + c, hidden, m)), mlp((latent, hidden, 1))
    model = nn.ModuleList([to_z, to_w, prior, decoder])
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    rival_optimiser = torch.optim.Adam(rival.parameters(), lr=learning_rate)

    def codes(part: Tensor, y: Tensor) -> tuple[Normal, Normal, Normal]:
        return gaussian(to_z(part)), gaussian(to_w(torch.cat([part, y], 1))), gaussian(prior(y))

    for _ in range(options["epochs"]):
        for part, given, wanted in loader(options["batch"], x, condition, y):
            q_z, q_w, p_w = codes(part, wanted)
            z, w = q_z.rsample(), q_w.rsample()
            loss = (
                options["reconstruction_weight"] * mse_loss(decoder(torch.cat([z, w, given], 1)), part)
                + options["z_weight"] * kl_divergence(q_z, Normal(0.0, 1.0)).sum(1).mean()
                + options["w_weight"] * kl_divergence(q_w, p_w).sum(1).mean()
                - options["entropy_weight"] * Bernoulli(logits=rival(z)).entropy().mean()
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rival_optimiser.zero_grad()
            rival_loss = binary_cross_entropy_with_logits(rival(z.detach()), wanted)
            (options["cross_entropy_weight"] * rival_loss).backward()
            rival_optimiser.step()
    nn.ModuleList([model, rival]).requires_grad_(False)
    q_z, q_w, p_w = codes(x, y)
    z, w = q_z.sample(), q_w.sample()
    return CSVAE(to_z, decoder, prior, latent), {
        "reconstruction": mse_loss(decoder(torch.cat([z, w, condition], 1)), x).item(),
        "kl_z": kl_divergence(q_z, Normal(0.0, 1.0)).sum(1).mean().item(),
        "kl_w": kl_divergence(q_w, p_w).sum(1).mean().item(),
        "adversary": binary_cross_entropy_with_logits(rival(z), y).item(),
    }


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
    sizes = (condition.shape[1], *options["hidden"], components * (1 + 2 * x.shape[1]))
    model = MDN(
        mlp(sizes, nn.Tanh, torch.float64), components, options["deviation_floor"], moments(x), moments(condition)
    )
    optimiser = torch.optim.Adam(model.network.parameters(), lr=options["learning_rate"])
    for _ in range(options["epochs"] + 1):
        loss = -model.log_density(x, condition).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.network.requires_grad_(False)
    return model, {"negative_log_likelihood": loss.item()}


# -- the methods, complete: density model, if any, and search

#: Options of variants, which the plain loops do not have, and what they are for the method itself.
PLAIN = {
    **dict.fromkeys(("compatible", "shrink", "sparse", "resampling", "released_sampler"), False),
    **dict.fromkeys(("cross_entropy", "sensitive_in_decoder"), False),
    **dict.fromkeys(("bridges", "start_from_prior", "other_group"), True),
}


def recourse(method: str, options: Mapping, population, classifier) -> tuple[Tensor, dict[str, float]]:
    """Recourse of everyone in train who is rejected [n, d], NaN where there is none, and the model's final losses.

    Raises ValueError for a variant, which has no plain loop.
    """
    if varied := [name for name, value in PLAIN.items() if options.get(name, value) != value]:
        raise ValueError(f"{method} with {', '.join(varied)} has no plain reference")
    model, encoding = module(classifier), population.encoding
    everyone = torch.tensor(population.features, dtype=torch.float32)
    accepted = margin(model, everyone) > 0
    mutable, seen = torch.tensor(encoding.mutable), torch.tensor(~encoding.mutable)
    own, given, density, losses = everyone[:, mutable], everyone[:, ~mutable], None, {}
    if method == "cchvae":
        density, losses = train_vae(own, given, options)
    elif method == "ibr":
        seen[encoding.sensitive_index] = False
        density, losses = train_vae(own, everyone[:, seen], options, everyone[:, encoding.sensitive_index])
    elif method == "cruds":
        density, losses = train_csvae(own, given, options, torch.tensor(population.labels, dtype=torch.float32))
    elif method == "ebr":
        density, losses = train_mdn(own[accepted], given[accepted], options)
    x = everyone[torch.tensor(population.train) & ~accepted]
    return search(method, model, x, encoding, options, population.features, density, seen), losses


def search(
    method: str,
    model: nn.Module,
    x: Tensor,
    encoding,
    options: Mapping,
    individuals: np.ndarray,
    density: VAE | CSVAE | MDN | None,
    seen: Tensor,
) -> Tensor:
    """Recourse of the people x [n, d].

    individuals [n, d]: all who are used. density: the method's model, if it has one; seen [d]: what a VAE's decoder
    also sees.
    """
    if method == "face":
        return face(model, x, encoding, options, individuals)
    if method in ("cchvae", "ibr"):
        return latent_search(density, model, x, encoding, options, seen)
    if method in ("cruds", "ebr"):
        return {"cruds": cruds, "ebr": ebr}[method](density, model, x, encoding, options)
    return {"wachter": wachter, "growing_spheres": growing_spheres}[method](model, x, encoding, options)


def search_of(method: str, fitted, options: Mapping, individuals: np.ndarray) -> Callable[[Tensor], Tensor]:
    """`search` as a function of x, for a method that the library has fitted, with the model that it trained."""
    density, seen = None, ~fitted.mutable
    if method in ("cchvae", "ibr"):
        density = VAE(plain(fitted.vae.encoder), plain(fitted.vae.decoder), fitted.vae.latent)
        seen = fitted.condition
    elif method == "cruds":
        networks = fitted.model.encoder, fitted.model.decoder, fitted.model.prior
        density = CSVAE(*map(plain, networks), fitted.model.latent)
    elif method == "ebr":
        density = SameDraws(fitted.density)
    model = module(fitted.classifier)
    return lambda x: search(method, model, x, fitted.encoding, options, individuals, density, seen)


class SameDraws:
    """The library's density, drawing from torch's global stream as plain loops do."""

    def __init__(self, density):
        self.log_density = density.log_density
        self.sample = lambda n, condition: density.sample(n, condition, torch.default_generator)


# -- metrics


def centralization(features: np.ndarray, minority: np.ndarray, radius: float, released: bool = False) -> float:
    """A loop over minority members; as released, the j-th of them counts only if row j is a member."""
    count = 0
    for row, person in enumerate(features[minority]):
        near = np.linalg.norm(features - person, axis=1) <= radius
        counts = minority[row] or not released
        count += counts and (near & minority).sum() > (near & ~minority).sum()
    return count / minority.sum()


def atkinson(centres: np.ndarray, features: np.ndarray, minority: np.ndarray, b: float) -> float:
    """A loop over individuals to find their area, then one over areas."""
    area = np.array([np.linalg.norm(centres - person, axis=1).argmin() for person in features])
    share, total = minority.mean(), 0.0
    for i in range(len(centres)):
        members = area == i
        if members.any():
            p = minority[members].mean()
            total += (1 - p) ** (1 - b) * p**b * members.sum()
    return 1 - share / (1 - share) * (total / (share * len(minority))) ** (1 / (1 - b))


def proximity(x: np.ndarray, y: np.ndarray) -> float:
    """Mean of exp(-distance) over the pairs of x and y: a loop over x."""
    return float(np.mean([np.exp(-np.linalg.norm(y - person, axis=1)).mean() for person in x]))


def average_proximity(features: np.ndarray, minority: np.ndarray) -> float:
    """A loop over minority members."""
    return proximity(features[minority], features[~minority])


def spatial_proximity(features: np.ndarray, minority: np.ndarray) -> float:
    """A loop over everybody in their group, and one over everybody."""
    x, y = features[minority], features[~minority]
    return (len(x) * proximity(x, x) + len(y) * proximity(y, y)) / (len(features) * proximity(features, features))


def cost(factual: np.ndarray, counterfactual: np.ndarray) -> float:
    """A loop over recourses."""
    return float(np.mean([np.linalg.norm(a - b) for a, b in zip(factual, counterfactual, strict=True)]))


def cost_gap(factual: np.ndarray, counterfactual: np.ndarray, minority: np.ndarray) -> float:
    return abs(cost(factual[minority], counterfactual[minority]) - cost(factual[~minority], counterfactual[~minority]))


def ynn(counterfactual: np.ndarray, individuals: np.ndarray, accepted: np.ndarray, k: int) -> float:
    """A loop over recourses; individuals who tie for the last places share them."""
    shares = []
    for person in counterfactual:
        distance = np.linalg.norm(individuals - person, axis=1)
        reach = np.sort(distance)[k - 1]
        inside, edge = distance < reach, distance == reach
        shares.append((accepted[inside].sum() + (k - inside.sum()) * accepted[edge].mean()) / k)
    return float(np.mean(shares))


def diversity(counterfactual: np.ndarray) -> float:
    """A loop over recourses, each against all others."""
    total = sum(np.linalg.norm(counterfactual - person, axis=1).sum() for person in counterfactual)
    return total / (len(counterfactual) * (len(counterfactual) - 1))


def closeness(counterfactual: np.ndarray, favourable: np.ndarray) -> float:
    """A loop over recourses."""
    return float(np.mean([np.linalg.norm(favourable - person, axis=1).mean() for person in counterfactual]))


def measures(
    population, rejected: np.ndarray, counterfactual: np.ndarray, home, settings: Mapping
) -> dict[tuple[str, str], float]:
    """(scope, metric) -> value, after everyone who found recourse has taken it up.

    population: the training part [n]. rejected: bool [n]. counterfactual: mutable features [n rejected, m], NaN where
    there is none. home: the neighbourhoods before. settings: `measure` of config.yaml.
    """
    before, minority = population.features[:, population.encoding.mutable], population.minority
    found = np.isfinite(counterfactual).all(1)
    moved, after = rejected.copy(), before.copy()
    moved[rejected] = found
    after[moved] = counterfactual[found]
    values = {}
    for scope, who in (("everyone", np.ones_like(moved)), ("recipients", moved), ("accepted", ~rejected | moved)):
        x, m = after[who], minority[who]
        values |= {
            (scope, "atkinson"): atkinson(home.centres, x, m, settings["atkinson_b"]),
            (scope, "centralization"): centralization(x, m, home.radius),
            (scope, "centralization_released"): centralization(x, m, home.radius, released=True),
            (scope, "average_proximity"): average_proximity(x, m),
            (scope, "spatial_proximity"): spatial_proximity(x, m),
        }
    target = after[moved]
    return values | {
        ("recipients", "found"): found.mean(),
        ("recipients", "cost"): cost(before[moved], target),
        ("recipients", "cost_gap"): cost_gap(before[moved], target, minority[moved]),
        ("recipients", "ynn"): ynn(target, before, ~rejected, settings["ynn_k"]),
        ("recipients", "diversity"): diversity(target),
        ("recipients", "closeness"): closeness(target, before[population.labels == 1]),
    }
