"""Describes the events: one message for each name."""

from __future__ import annotations

from typing import Any

from ordercast.api.openapi.descriptions import text_for_people
from ordercast.commerce.rooms import room_kind
from ordercast.feed.event_examples import FLEETING, SOCKETS, Example, durable
from ordercast.feed.event_types import PAYLOADS, TEXTS

from .schemas import Schemas


class Events:
    """The events with a type, and their examples."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._examples: dict[str, list[Example]] = {name: [] for name in PAYLOADS}
        self._durable = set()
        for example in durable():
            self._durable.add(example.event)
            self._examples.setdefault(example.event, []).append(example)
        for example in (*FLEETING, *SOCKETS):
            self._examples.setdefault(example.event, []).append(example)

    def messages(self) -> dict[str, dict[str, Any]]:
        return {name: self._message(name, examples) for name, examples in self._examples.items()}

    def by_room(self) -> dict[str, list[str]]:
        """The events of each room, by the room's name without its id."""
        events_of_room: dict[str, dict[str, None]] = {}
        for examples in self._examples.values():
            for example in examples:
                for room in example.rooms:
                    events_of_room.setdefault(room_kind(room), {})[example.event] = None
        return {room: list(events) for room, events in events_of_room.items()}

    def of_sockets(self) -> list[str]:
        """The events that only concern one socket."""
        return [name for name, examples in self._examples.items() if any(not each.rooms for each in examples)]

    def _message(self, name: str, examples: list[Example]) -> dict[str, Any]:
        payload = self._schemas.of(PAYLOADS.get(name, Any))
        rooms = dict.fromkeys(room_kind(room) for each in examples for room in each.rooms)
        text = TEXTS.get(name) or text_for_people(getattr(PAYLOADS.get(name), "__doc__", None) or "")
        facts = {
            "event": name,
            "rooms": list(rooms),
            "durable": name in self._durable,
            "arguments": [payload, *([{"$ref": "#/components/schemas/Offset"}] if _has_offset(examples) else [])],
            "offset": _offset(examples),
        }
        shown = {_without_seq(each): each for each in examples}.values()
        return {
            "name": name,
            "title": name,
            "summary": text,
            "payload": payload,
            "examples": [{"name": f"example{number}", "payload": each.payload} for number, each in enumerate(shown, 1)],
            "x-socketio": facts,
        }


def _has_offset(examples: list[Example]) -> bool:
    return any(example.offset is not None for example in examples)


def _offset(examples: list[Example]) -> str:
    """How to tell whether the last argument is an offset."""
    if not _has_offset(examples):
        return "never"
    return "always" if all(example.offset is not None for example in examples) else "sometimes"


def _without_seq(example: Example) -> tuple[bool, frozenset[str]]:
    """The form of an example: whether it has an offset, and its fields."""
    payload = example.payload
    return example.offset is None, frozenset(payload if isinstance(payload, dict) else ())
