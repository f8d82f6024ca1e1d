"""Types of the options of methods, models and the training of classifiers. A signature is the schema of its options:
`settings` reads these names from the source (without importing it) and checks `config.yaml` against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

#: the largest count, and the largest number: beyond, 32 bits do not hold them
MOST, LARGEST = 1_000_000_000, 1e30

Count = Annotated[int, {"type": "integer", "minimum": 1, "maximum": MOST}]
Probability = Annotated[float, {"type": "number", "minimum": 0, "maximum": 1}]
#: a share that may be left open
OptionalShare = Annotated[float | None, {"type": ["number", "null"], "exclusiveMinimum": 0, "exclusiveMaximum": 1}]
Positive = Annotated[float, {"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST}]
NonNegative = Annotated[float, {"type": "number", "minimum": 0, "maximum": LARGEST}]
Sizes = Annotated[Sequence[int], {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": MOST}}]
Flag = Annotated[bool, {"type": "boolean"}]
Text = Annotated[str, {"type": "string"}]
