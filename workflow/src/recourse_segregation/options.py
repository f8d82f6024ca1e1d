"""Types of a method's options. A method's signature is its configuration schema: `settings` reads these names
from the source of a method (without importing it) and checks `config.yaml` against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

Count = Annotated[int, {"type": "integer", "minimum": 1}]
Probability = Annotated[float, {"type": "number", "minimum": 0, "maximum": 1}]
Positive = Annotated[float, {"type": "number", "exclusiveMinimum": 0}]
NonNegative = Annotated[float, {"type": "number", "minimum": 0}]
Sizes = Annotated[Sequence[int], {"type": "array", "items": {"type": "integer", "minimum": 1}}]
Flag = Annotated[bool, {"type": "boolean"}]
