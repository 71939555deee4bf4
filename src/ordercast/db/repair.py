"""Repairs damaged rows: writes the nearest readable values, one row per unit of work, beside a running shop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final

import msgspec

from .column_problems import UNREPAIRABLE, bytes_of
from .dialects import POSTGRESQL
from .inspection import Check, DamagedTableRow, RowQuery, inspect_row, tables
from .transaction import Transaction
from .types import Change, ChangeKind

Rooms = Callable[[Change], tuple[str, ...]]
"""Returns the rooms that get `resync` instead of a feed row; see ``feed.gaps.affected_rooms``."""

# Repairs may reveal further problems, which the next round repairs.
ROUNDS: Final = 4
UNREADABLE_ROW: Final = "unreadable_row"


class RepairOutcome(StrEnum):
    MENDED = "mended"
    LEFT = "left"
    """Left to a person."""


def repair_row(transaction: Transaction, row: DamagedTableRow, rooms: Rooms, check: Check | None) -> RepairOutcome:
    """Write the nearest readable values; idempotent."""
    left: DamagedTableRow | None = row
    for _ in range(ROUNDS):
        if left is None:
            break
        _repair_once(transaction, left, rooms)
        left = inspect_row(transaction, left, check)
    return RepairOutcome.MENDED if left is None else RepairOutcome.LEFT


def _repair_once(transaction: Transaction, row: DamagedTableRow, rooms: Rooms) -> None:
    values = {each.column: each.replacement for each in row.problems if each.replacement is not UNREPAIRABLE}
    if row.change is not None and len(values) < len(row.problems):
        values = _gap_row(row.change, rooms)
    if not values:
        return
    try:
        transaction.attempt(lambda part: _write(part, row, values))
    except Exception as error:
        if not transaction.is_of_row(error):
            raise
        # An append-only table, or a row that its trigger refuses.
        _write_without_triggers(transaction, row, values)


def _write_without_triggers(transaction: Transaction, row: DamagedTableRow, values: dict[str, Any]) -> None:
    def write(part: Transaction) -> None:
        with _without_triggers(part, row.table):
            _write(part, row, values)

    try:
        transaction.attempt(write)
    except Exception as error:
        if not transaction.is_of_row(error):
            raise


def _gap_row(change: Change, rooms: Rooms) -> dict[str, Any]:
    """A feed row's gap: followers get `resync` once."""
    after = {"reason": UNREADABLE_ROW, "rooms": list(rooms(change))}
    return {
        "kind": ChangeKind.FEED_RESYNC,
        "entity_id": change.entity_id,
        "version": change.version,
        "actor": change.actor,
        "reason": change.reason,
        "before": None,
        "after": msgspec.json.encode(after).decode(),
    }


def _write(transaction: Transaction, row: DamagedTableRow, values: dict[str, Any]) -> None:
    dialect = transaction.dialect
    (table,) = (table for table in tables(dialect) if table.name == row.table)
    query = RowQuery.of(table, dialect)
    slot = "%(new_{})s" if dialect is POSTGRESQL else ":new_{}"
    changes = ", ".join(f'"{name}" = {slot.format(name)}' for name in values)
    statement = f'UPDATE "{row.table}" SET {changes} WHERE {query.has_key}'
    given = {f"new_{name}": bytes_of(value) for name, value in values.items()}
    transaction.run(statement, **given, **query.values(row.key))


@contextmanager
def _without_triggers(transaction: Transaction, table: str) -> Iterator[None]:
    """Within this transaction only, which others see after they are restored."""
    if transaction.dialect is POSTGRESQL:
        found = transaction.all(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(%(table)s AS regclass) AND NOT tgisinternal",
            table=table,
        )
        transaction.run(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        yield
        for (name,) in found:
            transaction.run(f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER "{name}"')
        return
    found = transaction.all("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :of", of=table)
    for name, _ in found:
        transaction.run(f'DROP TRIGGER "{name}"')
    yield
    for _, made in found:
        transaction.run(made)
