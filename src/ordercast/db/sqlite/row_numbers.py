"""Guards generated row numbers against numbers written by hand.

SQLite continues from the largest: after 2^63 - 1 no insert works. So given numbers may be only somewhat ahead, as for
imports. PostgreSQL's sequences are independent (``GENERATED ALWAYS``), except the order number, where a collision takes
the next.
"""

from __future__ import annotations

from typing import Final

from ordercast.db.columns import Table
from ordercast.db.dialects import Refusal, Trigger
from ordercast.db.nouns import TABLES

# Such steps never exhaust 2^63 numbers.
AHEAD_MAX: Final = 1_000_000
# Written by triggers and read by version: the number does not matter.
_NOT_LOOKED_AT: Final = frozenset({"order_history", "product_history"})


def number_triggers() -> list[Trigger]:
    numbered = [(table, name) for table in TABLES if (name := _number(table)) is not None]
    return [trigger for table, name in numbered for trigger in (_given(table, name), _stays(table, name))]


def _number(table: Table) -> str | None:
    """The generated key column that matters, if any."""
    (key, *_) = table.key
    return key.name if key.numbering is not None and table.name not in _NOT_LOOKED_AT else None


def _given(table: Table, name: str) -> Trigger:
    # NEW has -1 if the database chooses the number; values below 1 are refused by a CHECK.
    ahead = f"NEW.{name} > 0 AND NEW.{name} > coalesce((SELECT max({name}) FROM {table.name}), 0) + {AHEAD_MAX}"
    sentence = f"{table.name}_{name}: a {name} is at most {AHEAD_MAX} ahead of the newest; leave it out for the next"
    return Trigger(f"{table.name}_numbered", "BEFORE INSERT", table.name, (Refusal(sentence),), ahead)


def _stays(table: Table, name: str) -> Trigger:
    refusal = Refusal(f"{table.name}_{name}: a {name} that was given stays")
    return Trigger(
        f"{table.name}_number_stays", f"BEFORE UPDATE OF {name}", table.name, (refusal,), f"NEW.{name} <> OLD.{name}"
    )
