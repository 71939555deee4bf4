"""Rows that may be watched, said in this process: for databases whose triggers keep a row and work nothing out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ordercast.db.watched_rows import RowState, text_of

from .rendering import Rendering
from .watches import Watch


def state_of(watch: Watch, key: Sequence[str], row: Mapping[str, Any]) -> RowState | None:
    """A row as its watchers may know it; None where nobody may. Raises LookupError for a column that is not there,
    ValueError for a path into what is no JSON.
    """
    rendering = Rendering(row, {}, {})
    rooms = list(dict.fromkeys(rendering.rooms(watch.rooms)))
    if not rooms:
        return None
    where = {name: text_of(row[name]) for name in watch.where}
    told = json.dumps(rendering.value(watch.payload), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return RowState({name: row[name] for name in key}, rooms, where, msgspec.Raw(told.encode("utf-8", "replace")))


def row_change(watch: Watch, was: RowState | None, now: RowState | None) -> str | None:
    """The document of the feed; None where nobody has seen the row or sees it. What was told of it is not kept."""
    if was is None and now is None:
        return None
    before = None if was is None else {"key": was.key, "rooms": was.rooms, "where": was.where}
    return msgspec.json.encode({"table": watch.shown, "was": before, "now": now}).decode()
