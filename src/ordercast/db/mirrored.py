"""Units of work on orders that live in another program's database: they are written as they come, and decided there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import msgspec

from ordercast.commerce.moments import Moment

from .lenient_json import read_json
from .transaction import Transaction

NEW: Final = "new"
SNAPSHOT: Final = "snapshot"
STREAM: Final = "stream"

# What of an order's document merely tells of a change.
_NOT_TOLD: Final = frozenset({"version", "updatedAt"})


class OvertakenError(Exception):
    """Somebody else has read the source further; what was made of this reading is taken back."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was read further by another reader.")


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """How far a source has been read; see ``schema.mirrored``."""

    name: str
    revision: int = 0
    snapshot: int = 0
    phase: str = NEW
    after_key: str | None = None
    token: str | None = None
    starts_at: str | None = None
    lost: bool = False
    resyncs: int = 0


class Mirrored(NamedTuple):
    """A row as the next change finds it."""

    entry: int
    id: str | None
    version: int
    document: str | None
    raw: str
    as_of: str
    gone: int


@dataclass(frozen=True, slots=True)
class Showing:
    """What a row is to show from now on. `order` is None for what cannot be told, which leaves what was told before."""

    raw: str
    as_of: str
    snapshot: int
    order: dict[str, Any] | None
    gone: bool = False
    imported: bool = False
    reason: str | None = None


# --- Orders -----------------------------------------------------------------------------------------------------------


def find(transaction: Transaction, source: str, foreign_key: str) -> Mirrored | None:
    row = transaction.one(transaction.sql.mirrored.find, source=source, foreign_key=foreign_key)
    return None if row is None else Mirrored(*row)


def begin(transaction: Transaction, source: str, foreign_key: str, showing: Showing, *, now: Moment) -> Mirrored:
    """A row for a document that was not known; nothing of it is told yet."""
    transaction.run(
        transaction.sql.mirrored.begin,
        source=source,
        foreign_key=foreign_key,
        raw=showing.raw,
        as_of=showing.as_of,
        snapshot=showing.snapshot,
        actor=source,
        updated_at=now,
    )
    row = find(transaction, source, foreign_key)
    assert row is not None
    return row


def show(transaction: Transaction, source: str, row: Mirrored, showing: Showing, *, now: Moment) -> bool:
    """Write what `row` shows now; answers whether anything of it is told."""
    told = showing.order is not None and _differs(row.document, showing.order)
    version = row.version + told
    document = row.document
    if told:
        document = msgspec.json.encode({**showing.order, "version": version}).decode()  # type: ignore[dict-item]
    order = document_of(document) or {}
    transaction.run(
        transaction.sql.mirrored.save,
        row_entry=row.entry,
        new_id=row.id or order.get("id"),
        new_version=version,
        new_document=document,
        new_status=order.get("status"),
        new_customer_id=order.get("customerId"),
        new_driver_id=order.get("driverId"),
        new_raw=showing.raw,
        new_as_of=showing.as_of,
        new_snapshot=showing.snapshot,
        new_gone=int(showing.gone),
        new_imported=int(showing.imported),
        new_actor=source,
        new_reason=showing.reason,
        new_updated_at=now,
    )
    return told


def id_is_free(transaction: Transaction, order_id: str) -> bool:
    """Whether no order, mirrored or our own, has that id."""
    mirrored = transaction.one(transaction.sql.mirrored.id_taken, id=order_id)
    return mirrored is None and transaction.one(transaction.sql.orders.state, id=order_id) is None


def unseen(transaction: Transaction, source: str, snapshot: int, limit: int) -> list[str]:
    """Keys of rows that were there before a snapshot, and that it has not seen."""
    rows = transaction.all(transaction.sql.mirrored.unseen, source=source, snapshot=snapshot, limit=limit)
    return [key for (key,) in rows]


def _differs(document: str | None, order: dict[str, Any]) -> bool:
    former = document_of(document)
    if former is None:
        return True
    return any(former.get(name) != value for name, value in order.items() if name not in _NOT_TOLD)


def document_of(document: str | None) -> dict[str, Any] | None:
    """What was told of an order; None too for what another program wrote there and is none."""
    try:
        former = None if document is None else read_json(document)
    except ValueError:
        return None
    return former if isinstance(former, dict) and isinstance(former.get("status"), str) else None


# --- Positions --------------------------------------------------------------------------------------------------------


def position(transaction: Transaction, name: str) -> SourcePosition:
    """How far that source has been read; it is written down at once if it was never read."""
    row = transaction.one(transaction.sql.mirrored.position, name=name)
    if row is None:
        transaction.run(transaction.sql.mirrored.begin_position, name=name)
        return SourcePosition(name)
    revision, snapshot, phase, after_key, token, starts_at, lost, resyncs = row
    return SourcePosition(name, revision, snapshot, phase, after_key, token, starts_at, bool(lost), resyncs)


def move(transaction: Transaction, source: SourcePosition, *, now: Moment, **changes: Any) -> SourcePosition:
    """Move on from `source`; gives the new position. Raises OvertakenError where it is no longer the newest."""
    moved = replace(source, **changes)
    touched = transaction.run(
        transaction.sql.mirrored.move_position,
        source_name=source.name,
        expected_revision=source.revision,
        new_snapshot=moved.snapshot,
        new_phase=moved.phase,
        new_after_key=moved.after_key,
        new_token=moved.token,
        new_starts_at=moved.starts_at,
        new_lost=int(moved.lost),
        new_resyncs=moved.resyncs,
        new_updated_at=now,
    )
    if touched != 1:
        raise OvertakenError(source.name)
    return replace(moved, revision=source.revision + 1)
