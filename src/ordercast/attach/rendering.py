"""Makes an event of a row by its mapping, in this process: for databases in which a trigger can catch no error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from .json_values import parse
from .mapping import Emit
from .templates import EVERY, Field, Payload, Template

MISSING: Final = "there is no column {}"


class Event(NamedTuple):
    """What is told: no rooms, no event."""

    rooms: list[str]
    args: list[Any]


def rooms_of_row(rooms: Sequence[Template], row: Mapping[str, Any]) -> tuple[str, ...]:
    """The rooms that a row is told to, by a mapping's templates: it may be seen by whoever is in one of them
    (``commerce.room_access.may_see``). Raises LookupError for a column that is not there, ValueError for a path into
    what is no JSON.
    """
    return tuple(dict.fromkeys(Rendering(row, {}, {}).rooms(rooms)))


class Rendering:
    """One change of a row. `new` and `old` are its columns as JSON values; `named` what the mapping's SQL came to. Of a
    document no field need be there: what is not, and what is no JSON to a path, is null.
    """

    def __init__(
        self, new: Mapping[str, Any], old: Mapping[str, Any], named: Mapping[str, Any], *, is_document: bool = False
    ) -> None:
        self._is_document = is_document
        self._new = new
        self._old = old
        self._named = named

    def event(self, emit: Emit) -> Event:
        """Raises LookupError for a column that is not there, ValueError for a path into what is no JSON."""
        rooms = self.rooms(emit.rooms)
        return Event(list(dict.fromkeys(rooms)), [self.value(each) for each in emit.args] if rooms else [])

    def rooms(self, templates: Sequence[Template]) -> list[str]:
        return [name for room in templates for name in self._rooms(room)]

    def _rooms(self, room: Template) -> list[str]:
        if room.only is not None and room.only.name in self._named:
            value = self._of(room.only)
            return [_text(each) for each in (value if isinstance(value, list) else [value]) if each not in {None, ""}]
        values = [part if isinstance(part, str) else _text(self._of(part)) for part in room.parts]
        return ["".join(values)] if all(values) else []

    def value(self, payload: Payload) -> Any:
        if isinstance(payload, Template):
            if payload.only is not None:
                return self._of(payload.only)
            return "".join(part if isinstance(part, str) else _text(self._of(part)) for part in payload.parts)
        if isinstance(payload, Mapping):
            return {name: self.value(each) for name, each in payload.items()}
        return [self.value(each) for each in payload] if isinstance(payload, list) else payload

    def _of(self, field: Field) -> Any:
        if field.name in self._named:
            return _within(self._named[field.name], field)
        row = self._old if field.is_old else self._new
        if field.name == EVERY:
            return dict(row)
        if self._is_document:
            value = row.get(field.name)
            return None if field.path and isinstance(value, str) else _within(value, field)
        if field.name not in row:
            if field.is_old and not row:
                return None
            raise LookupError(MISSING.format(field.name))
        return _within(row[field.name], field)


def _within(value: Any, field: Field) -> Any:
    if field.path and isinstance(value, str):
        value = parse(value)
    for step in field.path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.lstrip("-").isdecimal() and -len(value) <= int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _text(value: Any) -> str:
    """A value within a text, as PostgreSQL's `->>` writes it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
