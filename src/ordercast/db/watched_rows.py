"""Rows of attached tables that may be watched: a change of one as the feed has it, and the filters of those who watch.

Plain values, which the room that fills the feed and the one that tells of it share.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.rooms import TABLE_WATCH_PREFIX, is_table_watch_room

from .types import Change

# A filter is a room's name, kept with the session: no longer than a page has boxes to tick.
FILTER_CHARACTERS_MAX: Final = 4_000
VALUES_MAX: Final = 100
VALUE_CHARACTERS_MAX: Final = 200
# What no database has in a text.
_UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")

ColumnKind: TypeAlias = Literal["text", "integer", "boolean", "uuid"]
"""What is compared in a filter: kinds of which the database and JSON have the same text."""
Texts: TypeAlias = tuple[str | None, ...]


class RowState(msgspec.Struct, frozen=True):
    """A row at one moment, as its watchers may know it."""

    key: dict[str, Any]
    rooms: list[str]
    """Who may see it: whoever is in one of these."""
    where: dict[str, str | None]
    """Its columns that filters ask for, as texts."""
    row: msgspec.Raw = msgspec.Raw(b"null")
    """What is told of it; null in one that is no more."""

    @property
    def key_texts(self) -> Texts:
        return tuple(map(text_of, self.key.values()))

    @property
    def id(self) -> str:
        """One text that no other row of the table has."""
        texts = self.key_texts
        return str(texts[0]) if len(texts) == 1 else json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


class RowChange(msgspec.Struct, frozen=True):
    """The document of a feed row of kind ``row.changed``."""

    table: str
    """As those who watch call it."""
    was: RowState | None
    """None for a row that is new."""
    now: RowState | None
    """None for one that was deleted."""

    @classmethod
    def of(cls, change: Change) -> RowChange:
        """Raises msgspec.MsgspecError for what is none."""
        return _decode(b"null" if change.after is None else change.after)

    @property
    def rooms(self) -> tuple[str, ...]:
        """Who may have seen it, or sees it now."""
        states = [state for state in (self.was, self.now) if state is not None]
        return tuple(dict.fromkeys(room for state in states for room in state.rooms))


_decode: Final = msgspec.json.Decoder(RowChange).decode


def text_of(value: Any) -> str | None:
    """A JSON value as the text that filters compare."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class TableFilter:
    """Which rows of a table: the one of a key, or those whose columns have one of some values each; else all."""

    table: str
    key: Texts | None = None
    where: tuple[tuple[str, Texts], ...] = ()
    """By the columns' names, in their order; values in theirs."""

    @cached_property
    def room(self) -> str:
        """The room of its watchers, by which a session remembers it."""
        said = json.dumps([self.table, self.key, self.where], ensure_ascii=False, separators=(",", ":"))
        return f"{TABLE_WATCH_PREFIX}{said}"

    @cached_property
    def id(self) -> str:
        """What its watchers know it by; the same on every node."""
        return hashlib.blake2b(self.room.encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()

    @classmethod
    def of_room(cls, room: str) -> TableFilter | None:
        """The filter of a room's name; None for the name of another room."""
        if not is_table_watch_room(room):
            return None
        try:
            table, key, where = json.loads(room[len(TABLE_WATCH_PREFIX) :])
            return cls(
                table, None if key is None else tuple(key), tuple((name, tuple(values)) for name, values in where)
            )
        except (ValueError, TypeError):
            return None

    def takes(self, state: RowState | None) -> bool:
        """Whether a row is one of those."""
        if state is None or (self.key is not None and state.key_texts != self.key):
            return False
        return all(state.where.get(name) in values for name, values in self.where)


@dataclass(frozen=True, slots=True)
class WatchableTable:
    """What may be asked of one table."""

    name: str
    key: Mapping[str, ColumnKind]
    where: Mapping[str, ColumnKind]
    limit: int
    """Rows of one snapshot."""
    constant_rooms: frozenset[str]
    """Whoever is in one of these sees every row."""
    room_forms: tuple[re.Pattern[str], ...] = field(default=())
    """What the names of the other rooms look like."""

    def rooms_that_count(self, rooms: Collection[str]) -> frozenset[str]:
        """Of somebody's rooms those that decide which rows are seen; one alone where it shows all of them, so that all
        who are in it ask the same.
        """
        everything = self.constant_rooms.intersection(rooms)
        if everything:
            return frozenset({min(everything)})
        return frozenset(
            room
            for room in rooms
            if not is_table_watch_room(room) and any(form.fullmatch(room) for form in self.room_forms)
        )

    def filter(self, key: Any, where: Any) -> TableFilter:
        """The filter that a client has sent. Raises InvalidField."""
        made = TableFilter(
            self.name, None if key is None else self._key(key), () if where is None else self._where(where)
        )
        if len(made.room) > FILTER_CHARACTERS_MAX:
            raise InvalidField("where", f"A filter has at most {FILTER_CHARACTERS_MAX} characters.")
        return made

    def _key(self, key: Any) -> Texts:
        if not isinstance(key, dict):
            if len(self.key) != 1:
                raise InvalidField("key", f"The key of {self.name} has several columns: {', '.join(self.key)}.")
            key = {next(iter(self.key)): key}
        for name in key.keys() - self.key.keys():
            raise InvalidField(f"key.{name}"[:100], f"The key of {self.name} is {', '.join(self.key)}.")
        for name in self.key.keys() - key.keys():
            raise InvalidField(f"key.{name}", "This column of the key is missing.")
        return tuple(_text(key[name], kind, f"key.{name}", may_be_null=False) for name, kind in self.key.items())

    def _where(self, where: dict[str, Any]) -> tuple[tuple[str, Texts], ...]:
        made = []
        for name, wanted in sorted(where.items()):
            place = f"where.{name}"[:100]
            if name not in self.where:
                may = f"; it may be by {', '.join(self.where)}" if self.where else ""
                raise InvalidField(place, f"{self.name} cannot be filtered by this column{may}.")
            values = wanted if isinstance(wanted, list) else [wanted]
            if not 1 <= len(values) <= VALUES_MAX:
                raise InvalidField(place, f"A column has 1 to {VALUES_MAX} values.")
            texts = {_text(value, self.where[name], place, may_be_null=True) for value in values}
            made.append((name, tuple(sorted(texts, key=lambda text: (text is None, text or "")))))
        return tuple(made)


def _text(value: Any, kind: ColumnKind, place: str, *, may_be_null: bool) -> str | None:
    """A value as the text that the database has of it. Raises InvalidField."""
    if value is None and may_be_null:
        return None
    if not isinstance(value, str | int) or (isinstance(value, bool) and kind != "boolean"):
        raise InvalidField(place, f"This column has values of kind {kind}.")
    text = str(text_of(value))
    if len(text) > VALUE_CHARACTERS_MAX or _UNKEPT.search(text):
        raise InvalidField(place, f"A value has at most {VALUE_CHARACTERS_MAX} characters, each whole.")
    if kind == "uuid":
        try:
            return str(UUID(text))
        except ValueError:
            raise InvalidField(place, "This is no UUID.") from None
    if kind == "integer" and (not _INTEGER.fullmatch(text) or abs(int(text)) >= 2**63):
        raise InvalidField(place, "This column has whole numbers.")
    if kind == "boolean" and text not in {"true", "false"}:
        raise InvalidField(place, "This column has true and false.")
    return text


class TableSnapshot(msgspec.Struct, frozen=True):
    """Rows of a table as they stood at one moment."""

    states: list[RowState]
    after: int
    """A number of the feed: each change up to it is in there."""
    until: int
    """A number of the feed: no change behind it is in there."""
