"""What stands in texts and documents that other programs write: text that is text, JSON that every reader can read.

SQLite keeps whatever bytes it is given for a text, and either database takes JSON that none of our readers does. To
look at each character costs, so our own orders and moves, which the row tells, are spared, and so are texts of plain
ASCII. What is not looked at here (kept answers, sessions, rows that triggers write) is read with replacement; see
``db.damage``.
"""

from __future__ import annotations

from typing import Final

from ordercast.db.columns import Table
from ordercast.db.dialects import SQLITE, Dialect, Refusal, Trigger
from ordercast.db.domains import ARRAY, OBJECT, Kind
from ordercast.db.nouns import TABLES

# Written with every order or connection, by nobody but us; to corrupt them harms their own reader alone.
_NOT_LOOKED_AT: Final = frozenset({"feed", "idempotency", "mails", "order_history", "order_lines", "sessions"})
# Whose version and actor tell another program's write from ours.
_VERSIONED: Final = frozenset({"orders"})
_EXACT: Final = frozenset({"moment", "currency"})
"""Domains whose own condition lets nothing else through."""


def content_triggers(dialect: Dialect) -> list[Trigger]:
    return [trigger for table in TABLES if table.name not in _NOT_LOOKED_AT for trigger in _of_table(table, dialect)]


def _of_table(table: Table, dialect: Dialect) -> list[Trigger]:
    texts, documents = _texts(table) if dialect is SQLITE else [], _documents(table)
    columns = [*texts, *documents]
    if not columns:
        return []
    body = (*dialect.refuse_invalid(texts, documents), *_refusals_of_items(table, dialect))
    inserted, updated = None, None
    if table.name in _VERSIONED:
        inserted, updated = "substr(NEW.actor, 1, 3) = 'db:'", "NEW.version <= OLD.version"
        if dialect is SQLITE:
            # The name itself is looked at whoever it names.
            inserted = f"({inserted} OR NEW.actor GLOB '*[^ -~]*' OR instr(NEW.actor, char(0)))"
    return [
        Trigger(f"{table.name}_content", "BEFORE INSERT", table.name, body, inserted),
        Trigger(f"{table.name}_content_changed", f"BEFORE UPDATE OF {', '.join(columns)}", table.name, body, updated),
    ]


def _texts(table: Table) -> list[str]:
    return [
        column.name
        for column in table.columns.values()
        if (domain := column.domain) is not None and domain.base.startswith("TEXT") and domain.name not in _EXACT
    ]


def _documents(table: Table) -> list[str]:
    return [
        column.name
        for column in table.columns.values()
        if column.domain in {OBJECT, ARRAY} or column.kind in {Kind.JSON, Kind.JSON_AS_SENT}
    ]


def _refusals_of_items(table: Table, dialect: Dialect) -> list[Refusal]:
    return [
        Refusal(f"{name}_has_objects: each item is an object", dialect.has_other_items(f"NEW.{name}"))
        for name in _documents(table)
        if (table.name, name) in _OF_OBJECTS
    ]


_OF_OBJECTS: Final = frozenset({("orders", "cart_items")})
