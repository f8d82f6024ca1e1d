"""Control: everybody takes the place of an accepted individual of the other group."""

from __future__ import annotations

import torch
from torch import Tensor

from ..population import Population
from ._method import Method, not_found


class SwapIn(Method):
    """The features of a random accepted individual of the other group, with whom this one is accepted too.

    It moves the rejected only to where accepted people of the other group live: a reference for integration, at no
    regard for cost, though not the most of it on every index.
    """

    def prepare(self, population: Population, x: Tensor) -> None:
        self.sensitive = population.encoding.sensitive_index
        self.accepted = x[self.classifier.accepts(x)]

    def search(self, x: Tensor) -> Tensor:
        result = not_found(x)
        profiles, member = self.profiles(x)
        for p in range(len(profiles)):
            rows = (member == p).nonzero().squeeze(1)
            one = x[rows[:1]]
            others = self.accepted[self.accepted[:, self.sensitive] != one[:, self.sensitive]][:, self.mutable]
            people = self.combine(one.expand(len(others), -1), others)
            people = people[self.classifier.accepts(people)]
            if len(people):
                drawn = torch.randint(len(people), (len(rows),), generator=self.generator).to(x.device)
                result[rows] = people[drawn]
        return result
