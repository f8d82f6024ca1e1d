"""Control: nobody receives recourse, so nothing may change."""

from __future__ import annotations

from torch import Tensor

from ._base import Method, nowhere


class Nobody(Method):
    """Finds nothing for anyone."""

    def search(self, x: Tensor) -> Tensor:
        return nowhere(x)
