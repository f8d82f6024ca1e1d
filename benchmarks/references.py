"""The same methods one by one: plain loops over individuals, autograd and torch.optim, as the public code runs them.

For timing only. Nothing here is clever, and nothing else uses it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.utils.data import DataLoader, TensorDataset


def module(classifier) -> nn.Sequential:
    """A trained classifier as a torch module with a softmax."""
    layers = []
    for weight, bias in classifier.network.layers:
        layer = nn.Linear(*weight.shape)
        layer.weight.data, layer.bias.data = weight.t().clone(), bias.clone()
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.Softmax(dim=1)).requires_grad_(False)


def wachter(model: nn.Module, x: Tensor, steps: int = 1000) -> Tensor:
    """One individual after another: Adam with AMSGrad on BCE + 0.01 L1."""
    found, target = [], torch.tensor([[0.0, 1.0]])
    for person in x:
        origin, point = person[None], person[None].clone().requires_grad_(True)
        optimiser = torch.optim.Adam([point], lr=0.01, amsgrad=True)
        for _ in range(steps):
            probability = model(point)
            if probability[0, 1] > 0.5:
                break
            loss = nn.functional.binary_cross_entropy(probability, target) + 0.01 * torch.dist(point, origin, 1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        found.append(point.detach())
    return torch.cat(found)


def growing_spheres(model: nn.Module, x: Tensor, step: float = 0.2, samples: int = 1000) -> Tensor:
    """One individual after another, a shell at a time."""
    found = []
    for person in x:
        low = 0.0
        while low < 1000 * step:
            direction = torch.randn(samples, len(person))
            radius = low + step * torch.rand(samples, 1)
            points = (person + radius * direction / direction.norm(dim=1, keepdim=True)).clamp(0, 1)
            accepted = points[model(points)[:, 1] > 0.5]
            if len(accepted):
                found.append(accepted[(accepted - person).norm(dim=1).argmin()])
                break
            low += step
    return torch.stack(found)


def latent_search(vae, model: nn.Module, x: Tensor, condition: Tensor, samples: int = 100) -> Tensor:
    """One individual after another, a shell of width 0.01 at a time."""
    found = []
    for person, given in zip(x, condition, strict=True):
        centre = vae.encode(person[None])
        for shell in range(1000):
            direction = torch.randn(samples, vae.latent)
            radius = (shell + torch.rand(samples, 1)) * 0.01
            points = vae.decode(
                centre + radius * direction / direction.norm(dim=1, keepdim=True), given.expand(samples, -1)
            )
            accepted = points[model(torch.cat([points, given.expand(samples, -1)], 1))[:, 1] > 0.5]
            if len(accepted):
                found.append(accepted[(accepted - person).norm(dim=1).argmin()])
                break
    return torch.stack(found)


def cruds(csvae, model: nn.Module, x: Tensor, condition: Tensor, steps: int = 2000) -> Tensor:
    """One individual after another: RMSprop on w by autograd."""
    layers = []
    for weight, bias in csvae.decoder.layers:
        layer = nn.Linear(*weight.shape)
        layer.weight.data, layer.bias.data = weight.t().clone(), bias.clone()
        layers += [layer, nn.ReLU()]
    decoder = nn.Sequential(*layers[:-1]).requires_grad_(False)
    found, target = [], torch.tensor([[0.0, 1.0]])
    for person, given in zip(x, condition, strict=True):
        z = csvae.encode(person[None]).clone()
        w = torch.randn(1, csvae.latent, requires_grad=True)
        optimiser = torch.optim.RMSprop([w], lr=0.01)
        best, lowest = torch.full_like(person, torch.nan), np.inf
        for _ in range(steps):
            point = decoder(torch.cat([z, w, given[None]], 1))
            probability = model(torch.cat([point, given[None]], 1))
            loss = nn.functional.binary_cross_entropy(probability, target) + 1e-3 * (point - person).square().sum()
            if probability[0, 1] > 0.5 and loss.item() < lowest:
                best, lowest = point.detach()[0], loss.item()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        found.append(best)
    return torch.stack(found)


def vae_epochs(x: Tensor, condition: Tensor, epochs: int, adversary: bool = False, hidden: int = 256) -> None:
    """A VAE with autograd, torch.optim and a DataLoader; with an adversary for the last column of `condition`."""
    m, c = x.shape[1], condition.shape[1]
    trunk = nn.Sequential(nn.Linear(m, hidden), nn.ReLU())
    mean, log_variance = nn.Linear(hidden, 2), nn.Linear(hidden, 2)
    decoder = nn.Sequential(nn.Linear(2 + c, hidden), nn.ReLU(), nn.Linear(hidden, m), nn.Sigmoid())
    parts = nn.ModuleList([trunk, mean, log_variance, decoder])
    optimiser = torch.optim.Adam(parts.parameters(), lr=1e-3, weight_decay=1e-6)
    rival = nn.Sequential(
        *(nn.Linear(2, 8), nn.Sigmoid(), nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 8), nn.Sigmoid()),
        *(nn.Linear(8, 1), nn.Sigmoid()),
    )
    rival_optimiser = torch.optim.Adam(rival.parameters(), lr=0.01)
    for _ in range(epochs):
        for part, given in DataLoader(TensorDataset(x, condition), batch_size=32, shuffle=True):
            h = trunk(part)
            mu, log_var = mean(h), log_variance(h)
            z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)
            loss = nn.functional.binary_cross_entropy(decoder(torch.cat([z, given], 1)), part, reduction="sum")
            loss = loss - 0.15 * (1 + log_var - mu**2 - log_var.exp()).sum()
            if adversary:
                p = rival(z).clamp(1e-6, 1 - 1e-6)
                loss = loss + 200 * (p * p.log() + (1 - p) * (1 - p).log()).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if adversary:
                rival_optimiser.zero_grad()
                nn.functional.binary_cross_entropy(rival(z.detach()), given[:, -1:]).backward()
                rival_optimiser.step()


def csvae_epochs(x: Tensor, condition: Tensor, label: Tensor, epochs: int, hidden: int = 256) -> None:
    """A CSVAE with autograd, torch.optim and a DataLoader."""
    m, c = x.shape[1], condition.shape[1]

    def net(a: int, b: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(a, hidden), nn.ReLU(), nn.Linear(hidden, b))

    to_z, to_w, prior, decoder, rival = net(m, 4), net(m + 1, 4), nn.Linear(1, 4), net(4 + c, m), net(2, 1)
    optimiser = torch.optim.Adam(nn.ModuleList([to_z, to_w, prior, decoder]).parameters(), lr=5e-3)
    rival_optimiser = torch.optim.Adam(rival.parameters(), lr=5e-3)

    def gaussian(code: Tensor) -> Normal:
        return Normal(code[:, :2], torch.exp(0.5 * code[:, 2:]))

    divergence, bce = torch.distributions.kl_divergence, nn.functional.binary_cross_entropy_with_logits
    for _ in range(epochs):
        for part, given, y in DataLoader(TensorDataset(x, condition, label), batch_size=32, shuffle=True):
            q_z, q_w, p_w = gaussian(to_z(part)), gaussian(to_w(torch.cat([part, y], 1))), gaussian(prior(y))
            z, w = q_z.rsample(), q_w.rsample()
            p = torch.sigmoid(rival(z)).clamp(1e-6, 1 - 1e-6)
            loss = (
                40 * nn.functional.mse_loss(decoder(torch.cat([z, w, given], 1)), part)
                + 0.2 * divergence(q_z, Normal(0.0, 1.0)).sum(1).mean()
                + divergence(q_w, p_w).sum(1).mean()
                + 110 * (p * p.log() + (1 - p) * (1 - p).log()).mean()
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rival_optimiser.zero_grad()
            (100 * bce(rival(z.detach()), y)).backward()
            rival_optimiser.step()


def mdn_epochs(x: Tensor, condition: Tensor, epochs: int, components: int = 50) -> None:
    """A mixture density network with autograd and torch.distributions, evaluated for every individual."""
    k, m = components, x.shape[1]
    network = nn.Sequential(
        *(nn.Linear(condition.shape[1], 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, k * (1 + 2 * m)))
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(epochs):
        output = network(condition)
        mean, log_scale = output[:, k:].view(-1, 2, k, m).unbind(1)
        parts = Independent(Normal(mean, log_scale.exp() + 1e-2), 1)
        loss = -MixtureSameFamily(Categorical(logits=output[:, :k]), parts).log_prob(x).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def centralization(features: np.ndarray, minority: np.ndarray, radius: float) -> float:
    """A loop over minority members."""
    count = 0
    for person in features[minority]:
        near = np.linalg.norm(features - person, axis=1) <= radius
        count += (near & minority).sum() > (near & ~minority).sum()
    return count / minority.sum()


def atkinson(centres: np.ndarray, features: np.ndarray, minority: np.ndarray) -> float:
    """A loop over individuals to find their area, then one over areas."""
    area = np.array([np.linalg.norm(centres - person, axis=1).argmin() for person in features])
    share, total = minority.mean(), 0.0
    for i in range(len(centres)):
        members = area == i
        if members.any():
            p = minority[members].mean()
            total += ((1 - p) * p) ** 0.5 * members.sum()
    return 1 - share / (1 - share) * (total / (share * len(minority))) ** 2


def average_proximity(features: np.ndarray, minority: np.ndarray) -> float:
    """A loop over minority members."""
    others = features[~minority]
    return float(np.mean([np.exp(-np.linalg.norm(others - person, axis=1)).mean() for person in features[minority]]))


def ynn(counterfactual: np.ndarray, individuals: np.ndarray, accepted: np.ndarray, k: int = 5) -> float:
    """A loop over recourses."""
    shares = []
    for person in counterfactual:
        nearest = np.linalg.norm(individuals - person, axis=1).argsort()[:k]
        shares.append(accepted[nearest].mean())
    return float(np.mean(shares))
