"""Gao and Lakkaraju (2023), explicit balanced recourse (EBR): go where accepted people of both groups live."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

from ..generative import mdn
from ..options import Count, Flag, Positive, Probability, Sizes
from ..population import Population
from ._base import Method, nowhere

_PAIRS = 1 << 22  # distances at a time: bounds memory


class EBR(Method):
    """Nearest accepted sample in the dense part of p(· | s) p(· | s'), the product of both groups' densities.

    A mixture density network is fitted to p(mutable | immutable) on the individuals that the classifier
    accepts. For a profile of immutables of group s, and the same profile in the other group s': proposals from
    p(· | s) are accepted with probability min(1, p(· | s') / `bound`), up to `keep` of them; those outside
    [0, 1] are discarded; those whose product density is at or above its `density_quantile` stay; the one
    nearest to x that the classifier accepts is the recourse (Algorithm 1). Sampling is done once a profile.

    resampling: instead of rejection, which saturates where p(· | s') exceeds the bound (diagnostics count it), draw
    the proposals again with weights p(· | s'): the samples then follow the product truly.
    released_sampler: propose with the paper's code's defect (`MDN.sample`), for comparison only.
    shared_pool: both groups take their recourse from the minority's pool (the release on synthetic).
    other_group: without it (an ablation) p(· | s') counts for nothing, and the product is p(· | s) alone.
    """

    def __init__(
        self,
        density_quantile: Probability = 0.7,
        bound: Positive = 20.0,
        proposals: Count = 50_000,
        keep: Count = 1000,
        resampling: Flag = False,
        released_sampler: Flag = False,
        shared_pool: Flag = False,
        other_group: Flag = True,
        components: Count = 50,
        hidden: Sizes = (16, 16),
        epochs: Count = 1000,
        learning_rate: Positive = 5e-3,
    ):
        self.density_quantile, self.bound, self.proposals, self.keep = (
            density_quantile,
            bound,
            proposals,
            keep,
        )
        self.resampling, self.released_sampler = resampling, released_sampler
        self.shared_pool, self.other_group = shared_pool, other_group
        self.training = {
            "components": components,
            "hidden": hidden,
            "epochs": epochs,
            "learning_rate": learning_rate,
        }

    def prepare(self, population: Population, x: Tensor) -> None:
        accepted = x[self.classifier.accepts(x)]
        self.density, self.diagnostics = mdn.train(
            accepted[:, self.mutable], accepted[:, ~self.mutable], self.generator, **self.training
        )
        # Only these can leave [0, 1]: levels are projected to the nearest valid one.
        continuous = torch.zeros_like(self.mutable)
        continuous[[c for (c,) in population.schema.indices("continuous")]] = True
        self._continuous = continuous[self.mutable]
        # Where the sensitive attribute stands among the immutables, and its value for the minority.
        immutable = (~self.mutable).nonzero().squeeze(1).tolist()
        self._sensitive = immutable.index(population.schema.sensitive_index)
        self._minority = float(population.schema.groups.index(population.schema.minority))
        self._pool_seed = int(torch.randint(2**31, (1,), generator=self.generator))
        self._pools: dict[bytes, Tensor] = {}
        self._saturated, self._judged = 0, 0

    def search(self, x: Tensor) -> Tensor:
        result = nowhere(x)
        profiles, member = self.profiles(x)
        for p, profile in enumerate(profiles):
            rows = (member == p).nonzero().squeeze(1)
            people = self.combine(x[rows[:1]].unsqueeze(0), self._pool(profile).unsqueeze(1))[:, 0]
            people = people[self.classifier.accepts(people)]
            if not len(people):
                continue
            pool = people[:, self.mutable]
            for part in rows.split(max(1, _PAIRS // len(pool))):
                # Differences, not the product trick: it would blur near neighbours.
                distance = torch.cdist(x[part][:, self.mutable], pool, compute_mode="donot_use_mm_for_euclid_dist")
                result[part] = people[distance.argmin(1)]
        if self._judged:
            self.diagnostics["saturated"] = self._saturated / self._judged
        return result

    def _pool(self, profile: Tensor) -> Tensor:
        """Samples [k, m] for one profile of immutables [c]; the same whoever asks, and in whatever order."""
        if self.shared_pool:
            profile = profile.clone()
            profile[self._sensitive] = self._minority
        key = profile.cpu().numpy().tobytes()
        if key not in self._pools:
            generator = torch.Generator().manual_seed(self._pool_seed ^ zlib.crc32(key))
            self._pools[key] = self._sample(profile, generator)
        return self._pools[key]

    def _sample(self, profile: Tensor, generator: torch.Generator) -> Tensor:
        other = profile.clone()
        other[self._sensitive] = 1 - other[self._sensitive]
        x = self.density.sample(self.proposals, profile, generator, self.released_sampler)
        log_other = self.density.log_density(x, other) if self.other_group else x.new_zeros(len(x))
        if not self.other_group:
            kept = torch.arange(min(self.keep, len(x)))
        elif self.resampling:
            weights = (log_other - log_other.max()).exp().cpu()
            kept = torch.multinomial(weights, min(self.keep, int((weights > 0).sum())), generator=generator)
        else:
            odds = log_other.exp() / self.bound
            uniform = torch.rand(len(x), generator=generator, dtype=torch.float64).to(x.device)
            kept = (uniform < odds).nonzero().squeeze(1)[: self.keep]
            self._saturated += int((odds > 1).sum())
            self._judged += len(x)
        x, log_other = x[kept.to(x.device)], log_other[kept.to(x.device)]
        inside = ((x >= 0) & (x <= 1))[:, self._continuous].all(1)
        x, log_other = x[inside], log_other[inside]
        if not len(x):
            return x
        log_product = self.density.log_density(x, profile) + log_other
        return x[log_product >= torch.quantile(log_product, self.density_quantile)]
