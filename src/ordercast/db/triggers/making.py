"""What the triggers are made with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ordercast.db.dialects import Refusal, Trigger

FEED_COLUMNS: Final = "kind, entity_id, version, actor, reason, at, before, after"

IMPORTING: Final = "importing"
"""The row of ``meta`` under which orders may be inserted in any state, and new products are not told."""


def refused(name: str, deed: str, table: str, sentence: str, *, when: str | None = None) -> Trigger:
    """A trigger that lets nobody do `deed`: ``UPDATE`` or ``DELETE``."""
    return Trigger(name, f"BEFORE {deed}", table, (Refusal(sentence),), when)


def same(columns: Iterable[str]) -> str:
    """The condition that an UPDATE leaves these columns as they are."""
    return " AND ".join(f"NEW.{column} IS NOT DISTINCT FROM OLD.{column}" for column in columns)


def changed(columns: Iterable[str]) -> str:
    """The condition that an UPDATE changes one of these columns."""
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
