"""Rows that may be watched, said in this process: for databases whose triggers keep a row and work nothing out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ordercast.db.types import ChangeKind
from ordercast.db.watched_rows import RowState, Texts, text_of

from .kept_changes import ENTITY_MAX
from .outbox_relay import OutboxRow
from .rendering import Rendering
from .templates import EVERY, Template
from .watches import Watch


def state_of(watch: Watch, key: Sequence[str], row: Mapping[str, Any]) -> RowState | None:
    """A row as it is found by, and by whom; None where nobody may see it. Raises LookupError for a column that is not
    there, ValueError for a path into what is no JSON.
    """
    rooms = list(dict.fromkeys(Rendering(row, {}, {}).rooms(watch.rooms)))
    if not rooms:
        return None
    where = {name: text_of(row[name]) for name in watch.where}
    return RowState({name: row[name] for name in key}, rooms, where)


def with_row(state: RowState, watch: Watch, row: Mapping[str, Any], named: Mapping[str, Any]) -> RowState:
    """The same with what is told of it; `named` is what the mapping's SQL came to. Raises as `state_of`."""
    value = Rendering(row, {}, named).value(watch.payload)
    told = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return msgspec.structs.replace(state, row=msgspec.Raw(told.encode("utf-8", "replace")))


def watched_row(row: OutboxRow, watch: Watch, was: RowState | None, now: RowState | None) -> OutboxRow:
    """An outbox's row, with what it tells those who watch."""
    states = [state for state in (now, was) if state is not None]
    entity = f"{watch.shown} {states[0].id}"[:ENTITY_MAX] if states else row.entity
    return replace(row, entity=entity, document=row_change(watch, was, now), kind=ChangeKind.ROW_CHANGED)


def texts_in_rooms(room: Template, rooms: Iterable[str]) -> tuple[str, Texts] | None:
    """The one column that names a room, and what stands in its place in these; None for a room that is named by more.
    By it rows can be looked up, for which there may be an index.
    """
    fields = list(room.fields)
    if len(fields) != 1 or fields[0].path or fields[0].name == EVERY:
        return None
    at = room.parts.index(fields[0])
    before, after = (
        "".join(part for part in parts if isinstance(part, str)) for parts in (room.parts[:at], room.parts[at + 1 :])
    )
    texts = (
        name[len(before) : len(name) - len(after)]
        for name in sorted(rooms)
        if len(name) > len(before) + len(after) and name.startswith(before) and name.endswith(after)
    )
    return fields[0].name, tuple(texts)


def row_change(watch: Watch, was: RowState | None, now: RowState | None) -> str | None:
    """The document of the feed; None where nobody has seen the row or sees it. What was told of it is not kept."""
    if was is None and now is None:
        return None
    before = None if was is None else {"key": was.key, "rooms": was.rooms, "where": was.where}
    return msgspec.json.encode({"table": watch.shown, "was": before, "now": now}).decode()
