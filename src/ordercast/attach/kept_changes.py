"""What an outbox's row is told as: a change that a trigger kept, or an event that was published by SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ordercast.db.event_names import CONNECTION_EVENTS

from .json_values import parse
from .mapping import Emit
from .outbox_relay import OutboxRow, document
from .rendering import Event, Rendering

ENTITY_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a row, with its columns as JSON values."""

    verb: str
    table: str
    key: Mapping[str, Any]
    new: Mapping[str, Any]
    old: Mapping[str, Any]
    named: Mapping[str, Any] | None
    """What the mapping's SQL came to; None where its condition is not met."""
    writer: Mapping[str, Any]
    is_document: bool = False

    def told(self, row: OutboxRow, emit: Emit) -> OutboxRow:
        """Raises LookupError and ValueError, as `Rendering` does."""
        entity = " ".join([emit.table, *map(str, self.key.values())])[:ENTITY_MAX]
        event = Event([], [])
        if self.named is not None:
            event = Rendering(self.new, self.old, self.named, is_document=self.is_document).event(emit)
        told = None
        if event.rooms:
            facts = {
                "mapping": emit.name,
                "table": self.table,
                "on": self.verb,
                "key": self.key,
                "writer": self.writer,
            }
            told = document(emit.event, event.rooms, event.args, **facts)
        return replace(row, entity=entity, document=told)


def failed(row: OutboxRow, error: str) -> OutboxRow:
    """The same, of which no event could be made."""
    return replace(row, error=error)


def published(row: OutboxRow, event: str | None, rooms: str | None, args: str | None) -> OutboxRow:
    """The same, with an event that the shop published by SQL."""
    try:
        told = document(str(event), parse(rooms or ""), parse(args or "[]"))
    except ValueError as error:
        return failed(row, str(error))
    if event in CONNECTION_EVENTS:
        return failed(row, f"the event name {event} is reserved")
    return replace(row, document=told)
