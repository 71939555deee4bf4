"""What the triggers are made with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FEED_COLUMNS: Final = "kind, entity_id, version, actor, reason, at, before, after"

IMPORTING: Final = "importing"
"""The row of ``meta`` under which orders may be inserted in any state, and new products are not told."""


def refused(name: str, deed: str, sentence: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {deed}\nBEGIN\n  SELECT RAISE(ABORT, '{sentence}');\nEND"


def same(columns: Iterable[str]) -> str:
    """The condition that an UPDATE leaves these columns as they are."""
    return " AND ".join(f"NEW.{column} IS OLD.{column}" for column in columns)
