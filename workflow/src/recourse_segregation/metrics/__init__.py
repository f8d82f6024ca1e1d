"""Segregation indices and recourse quality, as pure functions of arrays."""


class Undefined(ValueError):
    """A measure has no value for these individuals (an empty group, say); the text says why."""
