"""Errors that a person can act on: what is wrong, where, and what to do."""


class RecourseError(Exception):
    """Base of every error this package raises on purpose; its text is meant to be read."""


class ConfigError(RecourseError):
    """A setting is wrong; the text names the key and the allowed values."""


class SourceError(RecourseError):
    """A raw file could not be obtained; the text names every source tried and why it failed."""


class MetricError(RecourseError):
    """An index is registered wrongly, or a metric is not a number; the text names it and what it must be."""


class DataError(RecourseError):
    """A raw file or a population does not hold what it must; the text names file, line or column."""
