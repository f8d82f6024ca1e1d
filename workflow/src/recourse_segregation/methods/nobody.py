"""Control: nobody receives recourse, so nothing may change."""

from __future__ import annotations

from torch import Tensor

from ._method import Method, not_found


class Nobody(Method):
    """Finds nothing for anyone."""

    def search(self, x: Tensor) -> Tensor:
        return not_found(x)
