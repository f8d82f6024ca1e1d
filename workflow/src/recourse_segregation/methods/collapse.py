"""Control: everybody is sent to one point."""

from __future__ import annotations

from torch import Tensor

from ..population import Population
from ._method import Method


class Collapse(Method):
    """The same features for everybody: those of one accepted individual.

    The individual whose features most of the rejected are accepted with, their own immutables kept; of equals, the one
    nearest to the mean of the accepted. The limit of a method that knows a single way out.
    """

    def prepare(self, population: Population, x: Tensor) -> None:
        accepted = x[self.classifier.accepts(x)][:, self.mutable]
        nearest_first = (accepted - accepted.mean(0)).norm(dim=1).argsort(stable=True)
        self.candidates = accepted[nearest_first]

    def search(self, x: Tensor) -> Tensor:
        _, member = self.profiles(x)
        accepted_by = x.new_zeros(len(self.candidates))
        for profile in member.unique():
            rows = (member == profile).nonzero().squeeze(1)
            people = self.combine(x[rows[:1]].expand(len(self.candidates), -1), self.candidates)
            accepted_by += len(rows) * self.classifier.accepts(people)
        point = self.candidates[(accepted_by == accepted_by.max()).nonzero()[0]]
        return self.combine(x, point.expand(len(x), -1))
