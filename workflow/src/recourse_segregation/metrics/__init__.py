"""Segregation indices and recourse quality, as pure functions of arrays."""

from __future__ import annotations


class Undefined(ValueError):
    """A measure has no value for these individuals (an empty group, say); the text says why."""


class Estimate(float):
    """A value estimated from a random sample: a float, with its standard `error` and `sample`, what was looked at."""

    error: float
    sample: str

    def __new__(cls, value: float, error: float, sample: str) -> Estimate:
        estimate = super().__new__(cls, value)
        estimate.error, estimate.sample = float(error), sample
        return estimate

    @property
    def note(self) -> str:
        return f"estimated from {self.sample}, standard error {self.error:.2g}"
