"""Gao and Lakkaraju (2023), explicit balanced recourse (EBR): go where accepted people of both groups live."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

from .. import progress
from ..generative import mdn
from ..options import Count, Flag, Positive, Probability, Sizes
from ..population import Population
from ._method import Method, not_found

_COORDINATES = 1 << 22  # at a time: bounds memory
_PROPOSED = 1 << 12  # proposals at a time


class EBR(Method):
    """Nearest accepted sample in the dense part of p(· | s) p(· | s'), the product of both groups' densities.

    A mixture density network is fitted to p(mutable | immutable) on the individuals that the classifier
    accepts. For a profile of immutables of group s, and the same profile in the other group s': proposals from
    p(· | s) are accepted with probability min(1, p(· | s') / `bound`), up to `keep` of them; those with a continuous
    feature outside [0, 1] are discarded; those whose product density is at or above its `density_quantile` stay; the
    one nearest to x that the classifier accepts is the recourse (Algorithm 1).

    The release proposes afresh for everybody. Here at most `proposals` are drawn for a profile of immutables, and
    those that are accepted are dealt out like cards, `keep` to each individual who has that profile: nobody sees
    another's until all are dealt, then they are shuffled and dealt again.

    resampling: instead of rejection, which saturates where p(· | s') exceeds the bound (diagnostics count it), draw
    the proposals again with weights p(· | s'): the samples then follow the product truly.
    released_sampler: propose with the paper's code's defect (`MDN.sample`), for comparison only.
    shared_pool: both groups take their recourse from the minority's pool (the release on synthetic).
    other_group: without it (an ablation) p(· | s') counts for nothing, and the product is p(· | s) alone.
    """

    def __init__(
        self,
        *,
        density_quantile: Probability,
        bound: Positive,
        proposals: Count,
        keep: Count,
        resampling: Flag,
        released_sampler: Flag,
        shared_pool: Flag,
        other_group: Flag,
        components: Count,
        hidden: Sizes,
        epochs: Count,
        learning_rate: Positive,
        deviation_floor: Positive,
    ):
        self.density_quantile, self.bound, self.proposals, self.keep = density_quantile, bound, proposals, keep
        self.resampling, self.released_sampler = resampling, released_sampler
        self.shared_pool, self.other_group = shared_pool, other_group
        self.training = {
            "components": components,
            "hidden": hidden,
            "epochs": epochs,
            "learning_rate": learning_rate,
            "floor": deviation_floor,
        }

    def prepare(self, population: Population, x: Tensor) -> None:
        accepted = x[self.classifier.accepts(x)]
        self.density, self.diagnostics = mdn.train(
            accepted[:, self.mutable], accepted[:, ~self.mutable], self.generator, **self.training
        )
        # Only these can leave [0, 1]: levels are projected to the nearest valid one.
        mutable = self.mutable.nonzero().squeeze(1).tolist()
        self._continuous = [mutable.index(column) for (column,) in population.encoding.indices("continuous")]
        # Where the sensitive attribute stands among the immutables, and its value for the minority.
        immutable = (~self.mutable).nonzero().squeeze(1).tolist()
        self._sensitive = immutable.index(population.encoding.sensitive_index)
        self._minority = float(population.encoding.groups.index(population.encoding.minority))
        self._pool_seed = int(torch.randint(2**31, (1,), generator=self.generator))
        self._saturated, self._judged = 0, 0

    def search(self, x: Tensor) -> Tensor:
        result = not_found(x)
        profiles, member = self.profiles(x)
        for p, profile in enumerate(progress.steps(profiles, "sampling, profiles")):
            rows = (member == p).nonzero().squeeze(1)
            samples, log_product, hands = self._deal(profile, len(rows))
            if not len(samples):
                continue
            people = self.combine(x[rows[:1]].unsqueeze(0), samples.unsqueeze(1))[:, 0]
            accepted, moved = self.classifier.accepts(people), people[:, self.mutable]
            at_once = max(1, _COORDINATES // (hands.shape[1] * moved.shape[1]))
            for part, hand in zip(rows.split(at_once), hands.split(at_once), strict=True):
                density = log_product[hand]
                floor = torch.nanquantile(density, self.density_quantile, dim=1, keepdim=True)
                distance = (moved[hand] - x[part][:, self.mutable].unsqueeze(1)).norm(dim=2)
                distance[~(accepted[hand] & (density >= floor))] = torch.inf
                nearest, place = distance.min(1)
                some = torch.isfinite(nearest)
                result[part[some]] = people[hand[some, place[some]]]
        if self._judged:
            self.diagnostics["saturated"] = self._saturated / self._judged
        return result

    def _deal(self, profile: Tensor, people: int) -> tuple[Tensor, Tensor, Tensor]:
        """Samples [k, m] for a profile of immutables [c], their log p(· | s) p(· | s') [k], and who gets which of them.

        A sample outside [0, 1] has no density (NaN). Hands: positions [people, at most `keep`].
        """
        if self.shared_pool:
            profile = profile.clone()
            profile[self._sensitive] = self._minority
        generator = torch.Generator().manual_seed(self._pool_seed ^ zlib.crc32(profile.cpu().numpy().tobytes()))
        people_served = 1 if self.shared_pool else people
        if self.resampling:
            samples, log_other = self._propose(profile, self.proposals, generator)
            hands = self._drawn(log_other, people_served, generator)
        else:
            samples, log_other = self._accepted(profile, self.keep * people_served, generator)
            hands = self._dealt(len(samples), people_served, generator)
        log_product = self.density.log_density(samples, profile) + log_other
        inside = ((samples >= 0) & (samples <= 1))[:, self._continuous].all(1)
        return samples, log_product.masked_fill_(~inside, torch.nan), hands.to(samples.device).expand(people, -1)

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
                self._saturated += int((odds > 1).sum())
                self._judged += n
                samples, log_other = samples[chosen], log_other[chosen]
            kept.append((samples, log_other))
            count, proposed = count + len(samples), proposed + n
        return tuple(torch.cat(parts)[:wanted] for parts in zip(*kept, strict=True))

    def _dealt(self, samples: int, people: int, generator: torch.Generator) -> Tensor:
        if samples <= self.keep:
            return torch.arange(samples).expand(people, samples)
        rounds, hands = samples // self.keep, []
        for first in range(0, people, rounds):
            order = torch.randperm(samples, generator=generator) if first else torch.arange(samples)
            hands.append(order[: rounds * self.keep].view(rounds, self.keep))
        return torch.cat(hands)[:people]

    def _drawn(self, log_other: Tensor, people: int, generator: torch.Generator) -> Tensor:
        weights = (log_other - log_other.max()).exp().cpu()
        size = min(self.keep, int((weights > 0).sum()))
        return torch.stack([torch.multinomial(weights, size, generator=generator) for _ in range(people)])
