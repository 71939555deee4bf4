"""A trigger as data, before a database's language is put on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Ends the statement that fired the trigger, with `sentence`; without `when`, always. A rule's sentence begins with
    the rule's name.
    """

    sentence: str
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a database does by itself at an `event`: ``BEFORE UPDATE``, ``AFTER INSERT``. Its words are such as both
    databases understand.
    """

    name: str
    event: str
    table: str
    body: tuple[str | Refusal, ...]
    when: str | None = None
    each: str = "ROW"
    """SQLite knows no other."""

    @property
    def is_before(self) -> bool:
        return self.event.startswith("BEFORE")
