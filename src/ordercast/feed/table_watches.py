"""Who watches what of attached tables, on this node; and the delivery of a row's events to them.

A watch is a room, named by its filter: so a session remembers it, and it ends with the socket. Members of that room
hear of the rows that the filter takes, as far as the rooms that they are in besides let them see those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from ordercast.commerce.rooms import is_table_watch_room
from ordercast.db import GapReason
from ordercast.db.watched_rows import (
    RowState,
    TableFilter,
    TableSnapshot,
    Texts,
    WatchableTable,
)
from ordercast.hub import Namespace, Socket

from .row_events import RowEvents

# Each is looked up by one of its values, so many cost little; but each node keeps them.
FILTERS_MAX: Final = 10_000

_GONE: Final = frozenset({"\x00gone"})
"""Rooms of nobody: a watch that could not be had again differs from any that could."""


class WatchableTables(Protocol):
    """The tables that may be watched; ``attach`` has them."""

    def find(self, name: str) -> WatchableTable | None:
        """The table of that name; None for one that may not be watched, or not just now."""
        ...

    async def snapshot(self, wanted: TableFilter, rooms: frozenset[str]) -> TableSnapshot:
        """The rows that somebody in `rooms` may see, as they stand. Raises InvalidField where they are too many, and
        StoreError.
        """
        ...


class NoTables:
    """Where nothing is attached."""

    def find(self, name: str) -> WatchableTable | None:
        del name
        return None

    async def snapshot(self, wanted: TableFilter, rooms: frozenset[str]) -> TableSnapshot:
        raise NotImplementedError(wanted, rooms)


class TableWatches:
    """The watches of a node's sockets."""

    def __init__(self, namespace: Namespace, tables: WatchableTables) -> None:
        self.tables = tables
        self._namespace = namespace
        self._filters: dict[str, TableFilter] = {}
        """By their rooms."""
        self._found_by: dict[tuple[str, str | None, str | Texts | None], set[TableFilter]] = defaultdict(set)
        """By table, and one column with a value that they take; by the key, under no column; or by neither."""
        self._rights: WeakKeyDictionary[Socket, dict[str, frozenset[str]]] = WeakKeyDictionary()
        """The rooms by which a watcher saw rows of each table."""
        self._is_check_due = False
        self._changed: set[Socket] = set()
        namespace.rooms.observe("", self)

    def __repr__(self) -> str:
        return f"<TableWatches {len(self._filters)} filters>"

    def __len__(self) -> int:
        """How many different ones there are."""
        return len(self._filters)

    def has(self, wanted: TableFilter) -> bool:
        """Whether somebody watches just that."""
        return wanted.room in self._filters

    # --- Rooms --------------------------------------------------------------------------------------------------------

    def room_joined(self, member: Socket, room: str) -> None:
        if is_table_watch_room(room):
            self._rights.setdefault(member, {})
            wanted = None if room in self._filters else TableFilter.of_room(room)
            if wanted is not None:
                self._filters[room] = wanted
                for place in _places(wanted):
                    self._found_by[place].add(wanted)
        if member in self._rights:
            self._check_soon(member)

    def room_left(self, member: Socket, room: str) -> None:
        wanted = self._filters.get(room)
        if wanted is not None and not self._namespace.rooms.members((room,)):
            del self._filters[room]
            for place in _places(wanted):
                self._found_by[place].discard(wanted)
                if not self._found_by[place]:
                    del self._found_by[place]
        if member in self._rights:
            self._check_soon(member)

    # --- Rights -------------------------------------------------------------------------------------------------------

    def began(self, socket: Socket, wanted: TableFilter, rooms: frozenset[str]) -> None:
        """Remember by which rooms the snapshot's rows were seen."""
        self._rights.setdefault(socket, {})[wanted.table] = rooms

    def resumed(self, socket: Socket, rooms: Iterable[str]) -> list[str]:
        """The watches that a session has of former `rooms`, in so far as there are such tables. Where other rows may be
        seen now than then, the socket is told when it has entered.
        """
        former = frozenset(rooms)
        watched = [(room, wanted) for room in former if (wanted := TableFilter.of_room(room)) is not None]
        if watched:
            rights = self._rights.setdefault(socket, {})
            for _, wanted in watched:
                table = self.tables.find(wanted.table)
                rights[wanted.table] = _GONE if table is None else table.rooms_that_count(former)
        return [room for room, wanted in watched if self.tables.find(wanted.table) is not None]

    def _check_soon(self, socket: Socket) -> None:
        """Once per turn of the loop: rooms are entered one by one, in no order."""
        self._changed.add(socket)
        if not self._is_check_due:
            self._is_check_due = True
            self._namespace.loop.call_soon(self._check)

    def _check(self) -> None:
        """Tell those whose rights to a table have changed to watch it anew: rows came to them and went unseen."""
        self._is_check_due = False
        changed, self._changed = self._changed, set()
        for socket in changed:
            former = self._rights.pop(socket, {})
            if not socket.connected:
                continue
            names = {wanted.table for room in socket.rooms if (wanted := self._filters.get(room)) is not None}
            found = ((name, self.tables.find(name)) for name in names)
            rights = {name: table.rooms_that_count(socket.rooms) for name, table in found if table is not None}
            if rights:
                self._rights[socket] = rights
            if any(rights.get(name, rooms) != rooms for name, rooms in former.items() if rooms is not _GONE) or (
                _GONE in former.values()
            ):
                socket.emit("resync", {"reason": GapReason.RIGHTS_CHANGED})

    # --- Delivery -----------------------------------------------------------------------------------------------------

    def deliver(self, row: RowEvents) -> int:
        """Send a row's events to this node's watchers; return the number of them."""
        told: dict[Socket, list[tuple[TableFilter, str]]] = defaultdict(list)
        for wanted in self._candidates(row):
            for socket in self._namespace.rooms.members((wanted.room,)):
                for event in row.told(wanted, socket.rooms):
                    told[socket].append((wanted, event))
        first: dict[tuple[TableFilter, str], list[str]] = defaultdict(list)
        last: dict[tuple[TableFilter, str], list[str]] = defaultdict(list)
        for socket, found in told.items():
            for each in found[:-1]:
                first[each].append(socket.id)
            last[found[-1]].append(socket.id)
        for sockets, is_last in ((first, False), (last, True)):
            for (wanted, event), ids in sockets.items():
                self._namespace.adapter.deliver(row.message(wanted, event, is_last=is_last), ids)
        return len(told)

    def _candidates(self, row: RowEvents) -> list[TableFilter]:
        """The filters that may take the row as it was or is; all of them, and some more."""
        found: dict[TableFilter, None] = {}
        for state in (row.change.was, row.change.now):
            if state is not None:
                for place in _places_of(row.change.table, state):
                    if place in self._found_by:
                        found.update(dict.fromkeys(self._found_by[place]))
        return sorted(found, key=lambda wanted: wanted.room)


def filters_in(rooms: Iterable[str]) -> list[TableFilter]:
    """What is watched by who is in these rooms, in an order of its own."""
    found = (TableFilter.of_room(room) for room in sorted(rooms) if is_table_watch_room(room))
    return [wanted for wanted in found if wanted is not None]


def _places(wanted: TableFilter) -> Sequence[tuple[str, str | None, str | Texts | None]]:
    if wanted.key is not None:
        return [(wanted.table, None, wanted.key)]
    if not wanted.where:
        return [(wanted.table, None, None)]
    column, texts = wanted.where[0]
    return [(wanted.table, column, text) for text in texts]


def _places_of(table: str, state: RowState) -> Iterable[tuple[str, str | None, str | Texts | None]]:
    yield table, None, None
    yield table, None, state.key_texts
    yield from ((table, column, text) for column, text in state.where.items())
