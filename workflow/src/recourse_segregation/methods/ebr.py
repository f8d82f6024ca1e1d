"""Gao and Lakkaraju (2023), explicit balanced recourse (EBR): go where accepted people of both groups live."""

from __future__ import annotations

import zlib

import torch
from scipy.spatial import cKDTree
from torch import Tensor

from .. import progress
from ..generative import mdn
from ..options import Count, Flag, Positive, Probability, Sizes
from ..population import Population
from ._method import Method, not_found

_PROPOSED = 1 << 12  # proposals at a time: bounds memory


class EBR(Method):
    """Nearest accepted sample in the dense part of p(· | s) p(· | s'), the product of both groups' densities.

    A mixture density network is fitted to p(mutable | immutable) on the individuals that the classifier
    accepts. For a profile of immutables of group s, and the same profile in the other group s': proposals from
    p(· | s) are accepted with probability min(1, p(· | s') / `bound`), until there are `keep` for each rejected
    individual (of train and test) who has that profile, or `proposals` were made. They are one pool, from which all
    these people choose: samples with a continuous feature outside [0, 1] are discarded; those whose product density is
    at or above its `density_quantile` stay; the one nearest to x that the classifier accepts is the recourse
    (Algorithm 1, pooled as the paper's code does).

    private_hands: the pool is dealt out, `keep` samples a person in turn, and everybody chooses from their own hand.
    shared_pool: `keep` samples of the minority's profile serve both groups (the release on synthetic).
    resampling: instead of rejection, which saturates where p(· | s') exceeds the bound (diagnostics count it), draw
    the proposals again with weights p(· | s'): the samples then follow the product truly.
    released_sampler: for comparison only, propose with the paper's code's defect (`MDN.sample`), round to 4 digits and
    discard nothing: what is outside [0, 1] is moved to its edge.
    other_group: without it (an ablation) p(· | s') counts for nothing, and the product is p(· | s) alone.
    """

    def __init__(
        self,
        *,
        density_quantile: Probability,
        bound: Positive,
        proposals: Count,
        keep: Count,
        private_hands: Flag,
        shared_pool: Flag,
        resampling: Flag,
        released_sampler: Flag,
        other_group: Flag,
        components: Count,
        hidden: Sizes,
        epochs: Count,
        learning_rate: Positive,
        deviation_floor: Positive,
    ):
        self.density_quantile, self.bound, self.proposals, self.keep = density_quantile, bound, proposals, keep
        self.private_hands, self.shared_pool, self.resampling = private_hands, shared_pool, resampling
        self.released_sampler, self.other_group = released_sampler, other_group
        self.training = {
            "components": components,
            "hidden": hidden,
            "epochs": epochs,
            "learning_rate": learning_rate,
            "floor": deviation_floor,
        }

    def prepare(self, population: Population, x: Tensor) -> None:
        accepts = self.classifier.accepts(x)
        own, given = x[:, self.mutable], x[:, ~self.mutable]
        self.density, self.diagnostics = mdn.train(own[accepts], given[accepts], self.generator, **self.training)
        self._rejected = given[~accepts]
        # Only these can leave [0, 1]: levels are projected to the nearest valid one.
        mutable = self.mutable.nonzero().squeeze(1).tolist()
        self._continuous = [mutable.index(column) for (column,) in population.encoding.indices("continuous")]
        # Where the sensitive attribute stands among the immutables, and its value for the minority.
        immutable = (~self.mutable).nonzero().squeeze(1).tolist()
        self._sensitive = immutable.index(population.encoding.sensitive_index)
        self._minority = float(population.encoding.groups.index(population.encoding.minority))
        self._pool_seed = int(torch.randint(2**31, (1,), generator=self.generator))

    def search(self, x: Tensor) -> Tensor:
        result = not_found(x)
        profiles, member = self.profiles(x)
        self._count = dict.fromkeys(("drawn", "in_box", "judged", "saturated", "pool"), 0)
        for p, profile in enumerate(progress.steps(profiles, "sampling, profiles")):
            rows = (member == p).nonzero().squeeze(1)
            samples, log_product = self._pool(profile)
            everything = torch.arange(len(samples), device=x.device)
            size, at_once = (self.keep, 1) if self.private_hands else (len(samples), len(rows))
            for number, part in enumerate(rows.split(at_once) if len(samples) else ()):
                hand = (everything[:size] + number * size) % len(samples)
                result[part] = self._nearest(x[part], samples[hand], log_product[hand])
        count = self._count
        self.diagnostics["pool"] = count["pool"] / len(x)
        if count["drawn"]:
            self.diagnostics["in_box"] = count["in_box"] / count["drawn"]
        if count["judged"]:
            self.diagnostics["saturated"] = count["saturated"] / count["judged"]
        return result

    def _nearest(self, x: Tensor, samples: Tensor, log_product: Tensor) -> Tensor:
        """Recourse of people x [n, d] of one profile, who all choose among these samples [k, m]; see `_pool`."""
        dense = samples[log_product >= torch.nanquantile(log_product, self.density_quantile)]
        self._count["pool"] += len(dense) * len(x)
        people = self.combine(x[:1], dense)
        people = people[self.classifier.accepts(people)]
        if not len(people):
            return not_found(x)
        # A tree, because thousands of people may choose among tens of thousands of samples.
        _, nearest = cKDTree(people[:, self.mutable].cpu().numpy()).query(x[:, self.mutable].cpu().numpy())
        return people[torch.from_numpy(nearest).to(x.device)]

    def _pool(self, profile: Tensor) -> tuple[Tensor, Tensor]:
        """Samples [k, m] for a profile of immutables [c], and their log p(· | s) p(· | s') [k], NaN if discarded."""
        people = 1 if self.shared_pool else max(1, int((self._rejected == profile).all(1).sum()))
        if self.shared_pool:
            profile = profile.clone()
            profile[self._sensitive] = self._minority
        generator = torch.Generator().manual_seed(self._pool_seed ^ zlib.crc32(profile.cpu().numpy().tobytes()))
        draw = self._resampled if self.resampling else self._accepted
        samples, log_other = draw(profile, self.keep * people, generator)
        log_product = self.density.log_density(samples, profile) + log_other
        inside = ((samples >= 0) & (samples <= 1))[:, self._continuous].all(1)
        self._count["drawn"] += len(samples)
        self._count["in_box"] += int(inside.sum())
        if self.released_sampler:
            return samples.round(decimals=4), log_product
        return samples, log_product.masked_fill(~inside, torch.nan)

    def _propose(self, profile: Tensor, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """n samples [n, m] of p(· | s), and log p(· | s') [n] of each (0 without the other group)."""
        other = profile.clone()
        other[self._sensitive] = 1 - other[self._sensitive]
        samples = self.density.sample(n, profile, generator, self.released_sampler)
        log_other = self.density.log_density(samples, other) if self.other_group else samples.new_zeros(n).double()
        return samples, log_other

    def _accepted(self, profile: Tensor, wanted: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The first `wanted` proposals that are accepted, of at most `proposals`."""
        kept, count, proposed = [], 0, 0
        while count < wanted and proposed < self.proposals:
            n = min(_PROPOSED, self.proposals - proposed)
            samples, log_other = self._propose(profile, n, generator)
            if self.other_group:
                odds = log_other.exp() / self.bound
                uniform = torch.rand(n, generator=generator, dtype=torch.float64).to(samples.device)
                chosen = uniform < odds
                self._count["saturated"] += int((odds > 1).sum())
                self._count["judged"] += n
                samples, log_other = samples[chosen], log_other[chosen]
            kept.append((samples, log_other))
            count, proposed = count + len(samples), proposed + n
        return tuple(torch.cat(parts)[:wanted] for parts in zip(*kept, strict=True))

    def _resampled(self, profile: Tensor, wanted: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`wanted` of the `proposals`, drawn with weights p(· | s'), with replacement."""
        samples, log_other = self._propose(profile, self.proposals, generator)
        weights = (log_other - log_other.max()).exp().cpu()
        drawn = torch.multinomial(weights, wanted, replacement=True, generator=generator).to(samples.device)
        return samples[drawn], log_other[drawn]
