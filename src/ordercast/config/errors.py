"""The error of a setting that cannot be used."""

from __future__ import annotations

PREFIX = "ORDERCAST_"


class ConfigError(Exception):
    """A setting that cannot be used; the sentence names the variable."""

    def __init__(self, name: str, problem: str) -> None:
        self.variable = f"{PREFIX}{name.upper()}"
        super().__init__(f"{self.variable}: {problem}")
