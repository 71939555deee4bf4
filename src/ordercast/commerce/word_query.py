"""A full-text query as a tree, before it is written in a database's syntax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

WORDS_MAX: Final = 10
"""More words find no less, and each is looked up."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written; several stand next to each other. Nothing in it is a sign of any language."""

    text: str
    is_beginning: bool = False
    """Whether longer words that begin so will do."""


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[WordQuery, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[WordQuery, ...]


WordQuery: TypeAlias = Word | AllOf | AnyOf
