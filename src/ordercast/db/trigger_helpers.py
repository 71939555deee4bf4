"""What the triggers of several nouns are made with."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import cleandoc
from typing import Final

from .dialects import Refusal, Trigger
from .types import ChangeKind

FEED_COLUMNS: Final = "kind, entity_id, version, actor, reason, at, before, after"

IMPORTING: Final = "importing"
"""The row of ``meta`` under which orders may be inserted in any state, and new products make no events."""


def feed_row(
    kind: ChangeKind,
    entity_id: str,
    *,
    version: str = "1",
    actor: str = "NEW.actor",
    reason: str = "NULL",
    at: str,
    before: str = "NULL",
    after: str,
) -> str:
    """Write a row of the feed; all but `kind` is SQL."""
    return cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          VALUES ('{kind}', {entity_id}, {version}, {actor}, {reason}, {at}, {before}, {after})
    """)


def refused(name: str, deed: str, table: str, sentence: str, *, when: str | None = None) -> Trigger:
    """A trigger that lets nobody do `deed`: ``UPDATE`` or ``DELETE``."""
    return Trigger(name, f"BEFORE {deed}", table, (Refusal(sentence),), when)


def same(columns: Iterable[str]) -> str:
    """The condition that an UPDATE leaves these columns as they are."""
    return " AND ".join(f"NEW.{column} IS NOT DISTINCT FROM OLD.{column}" for column in columns)


def changed(columns: Iterable[str]) -> str:
    """The condition that an UPDATE changes one of these columns."""
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
