"""Encodes a row of the feed into its events: once, for everybody who gets them, live or by replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ordercast import telemetry
from ordercast.db import Change, DamagedRows
from ordercast.db.damage import problem_of
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import encode_event

from .audience import route
from .gaps import RowTooLarge, UnroutableRow, affected_rooms
from .position import ROW_END, Position

# Twice what `POST /api/emit` takes by default, half of what may wait for one client (`backlog_bytes_max`): one that
# cannot be sent it would be closed, come back, and be closed again.
EVENT_BYTES_MAX: Final = 2_000_000
# A row and its events beside their texts.
ROW_BYTES: Final = 1_000


class FeedEvent(msgspec.Struct, frozen=True):
    """One encoded event of one row, and the rooms it is for."""

    position: Position
    rooms: tuple[str, ...]
    message: Message


EncodedRow = tuple[int, Sequence[FeedEvent]]
"""A row's number and its events."""


def encode_events(change: Change, epoch: str, namespace: str, damaged: DamagedRows | None = None) -> list[FeedEvent]:
    """Encode the events of a row, each with its offset as last argument.

    A row that cannot be encoded, such as one that another program filled with what is no event, becomes a gap: one
    `resync` for the rooms it was for, which go on behind it (`gaps`). It is noted in `damaged`. Raises nothing.
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
    """Say why a row cannot be encoded; None where it can."""
    try:
        _encode_events(change, "", "/")
    except Exception as error:  # noqa: BLE001 - as in `encode_events`
        return problem_of(error)
    return None


def _encode_events(change: Change, epoch: str, namespace: str) -> list[FeedEvent]:
    if _is_large(change.after) or _is_large(change.before):
        raise RowTooLarge(f"it is larger than {EVENT_BYTES_MAX} bytes")
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
    """About what a row holds in memory; always the same figure for the same row."""
    if isinstance(row, Change):
        return ROW_BYTES + sum(len(memoryview(raw)) for raw in (row.before, row.after) if raw is not None)
    return ROW_BYTES + sum(len(event.message) for event in row[1])
