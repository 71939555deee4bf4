"""A trigger as data, before a database's language is put on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ordercast.db.sql import expand


@dataclass(frozen=True, slots=True)
class Refusal:
    """Ends the statement that fired the trigger, with `sentence`; without `when`, always. A rule's sentence begins with
    the rule's name.
    """

    sentence: str
    when: str | None = None
    only: str | None = None
    """The name of the dialect that needs it, where one does not."""

    def expanded(self, words: Any) -> Refusal:
        return self if self.when is None else replace(self, when=expand(self.when, words))


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a database does by itself at an `event`: ``BEFORE UPDATE``, ``AFTER INSERT``; its SQL has macros."""

    name: str
    event: str
    table: str
    body: tuple[str | Refusal, ...]
    when: str | None = None
    each: str = "ROW"
    """SQLite knows no other."""
    function: str | None = None
    """In PostgreSQL, one that is there already and that several triggers share; they have no `body`."""

    @property
    def is_before(self) -> bool:
        return self.event.startswith("BEFORE")

    def expanded(self, words: Any) -> Trigger:
        """As the dialect `words` has it."""
        body = (
            expand(part, words) if isinstance(part, str) else part.expanded(words)
            for part in self.body
            if isinstance(part, str) or part.only in {None, words.name}
        )
        when = None if self.when is None else expand(self.when, words)
        return replace(self, body=tuple(body), when=when)
