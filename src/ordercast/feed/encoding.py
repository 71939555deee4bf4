"""Encodes the events of a row, once for all recipients of live delivery and replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ordercast import telemetry
from ordercast.db import Change, ChangeKind, DamagedRows
from ordercast.db.damage import problem_of
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import encode_event

from .audience import route
from .gaps import RowTooLarge, UnroutableRow, affected_rooms
from .position import ROW_END, Position
from .row_events import RowEvents

# Twice the default limit of `POST /api/emit`, half of a client's backlog (`backlog_bytes_max`): a larger event would
# close each connection it is sent to, again and again.
EVENT_BYTES_MAX: Final = 2_000_000
# Memory of a row and its events without their texts.
ROW_BYTES: Final = 1_000


class FeedEvent(msgspec.Struct, frozen=True):
    """An encoded event of a row, and its rooms."""

    position: Position
    rooms: tuple[str, ...]
    message: Message
    row: RowEvents | None = None
    """Of a watched row: what is told instead of `message`, to those of the rooms who watch it."""


EncodedRow = tuple[int, Sequence[FeedEvent]]
"""A row's number and its encoded events."""


def encode_events(change: Change, epoch: str, namespace: str, damaged: DamagedRows | None = None) -> list[FeedEvent]:
    """Encode the events of a row, each with its offset as last argument.

    A row that cannot be encoded becomes a gap: a `resync` for the rooms it was for, which continue after it (`gaps`).
    It is recorded in `damaged`. Raises nothing.
    """
    try:
        return _encode_events(change, epoch, namespace)
    except Exception as error:  # noqa: BLE001 - whatever a row does to a rule, those behind it are delivered
        if damaged is None or damaged.note("feed", change.seq, f"{change.kind[:40]}: {problem_of(error)}"):
            telemetry.ROWS_UNTOLD.inc()
        reason = error.reason if isinstance(error, UnroutableRow) else UnroutableRow.reason
        position = Position(epoch, change.seq)
        message = encode_event(namespace, "resync", [{"reason": reason}, str(position)])
        return [FeedEvent(position, affected_rooms(change), message)]


def check_row(change: Change) -> str | None:
    """The reason why a row cannot be encoded; None if it can."""
    try:
        _encode_events(change, "", "/")
    except Exception as error:  # noqa: BLE001 - as in `encode_events`
        return problem_of(error)
    return None


def _encode_events(change: Change, epoch: str, namespace: str) -> list[FeedEvent]:
    if _is_large(change.after) or _is_large(change.before):
        raise RowTooLarge(f"it is larger than {EVENT_BYTES_MAX} bytes")
    if change.kind == ChangeKind.ROW_CHANGED:
        row = RowEvents.of(change, epoch, namespace)
        # The message is never sent; it has the size of what is kept.
        held = Message(b"" if change.after is None else bytes(memoryview(change.after)))
        return [FeedEvent(row.position, row.change.rooms, held, row)]
    routed = list(route(change, lambda index: f"{epoch}:{change.seq}.{index}"))
    events = []
    for index, event in enumerate(routed):
        last = index == len(routed) - 1
        position = Position(epoch, change.seq, ROW_END if last else index)
        message = encode_event(namespace, event.name, [*event.args, str(position)])
        if len(message) > EVENT_BYTES_MAX:
            raise RowTooLarge(f"it is larger than {EVENT_BYTES_MAX} bytes")
        events.append(FeedEvent(position, event.rooms, message))
    return events


def _is_large(raw: msgspec.Raw | None) -> bool:
    return raw is not None and len(memoryview(raw)) > EVENT_BYTES_MAX


def row_bytes(row: EncodedRow | Change) -> int:
    """The approximate memory of a row; the same each time."""
    if isinstance(row, Change):
        return ROW_BYTES + sum(len(memoryview(raw)) for raw in (row.before, row.after) if raw is not None)
    return ROW_BYTES + sum(len(event.message) for event in row[1])
