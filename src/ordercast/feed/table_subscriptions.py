"""Begins watches of attached tables: a snapshot, brought to where this node's feed is in the turn in which the socket
enters, so that what follows begins exactly behind it.

Theory of operation. A snapshot is read with two numbers of the feed: every change up to `after` is in it, and none
behind `until`. The relay is waited for until it has told `until`. The changes behind `after` that it has told by then
are applied to the snapshot's rows here, in memory, as a client would: so the rows are those of the relay's position,
whatever was committed while they were read, and no table is too busy to be watched. One query at a time is asked for
one filter and the rooms that count, however many wait for it: what each is shown of it is brought up to date by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.room_access import may_see
from ordercast.db.watched_rows import RowState, TableFilter, TableSnapshot, WatchableTable
from ordercast.hub import Socket
from ordercast.protocol.socketio import encode_event

from .position import Position
from .relay import Relay
from .row_events import said_of
from .subscriptions import FeedBehind
from .table_watches import TableWatches

# Attempts to have a snapshot that memory can bring up to date: it fails where thousands of rows are told meanwhile.
SNAPSHOTS_MAX: Final = 5
ROWS_MEANWHILE_MAX: Final = 4_096
# Distinct snapshots that may be asked for at once, each for one turn of one connection: customers who all come back at
# once ask for their own rows each, and wait for some seconds.
QUERIES_MAX: Final = 5_000
# As much as an event may have; a client's backlog takes twice that.
SNAPSHOT_BYTES_MAX: Final = 2_000_000


Remember: TypeAlias = Callable[[Socket, str], Coroutine[Any, Any, None]]


class TableSubscriptions:
    """Begins watches for this node's sockets."""

    def __init__(self, relay: Relay, watches: TableWatches, remember: Remember | None = None) -> None:
        """`remember` saves that a socket is to be in a room, and returns when that is durable."""
        self._relay = relay
        self._remember = remember
        self._watches = watches
        self._asked: dict[tuple[TableFilter, frozenset[str]], asyncio.Task[TableSnapshot]] = {}

    def __repr__(self) -> str:
        return f"<TableSubscriptions {len(self._asked)} queries>"

    @property
    def watches(self) -> TableWatches:
        return self._watches

    async def subscribe(
        self, socket: Socket, table: WatchableTable, wanted: TableFilter
    ) -> tuple[list[dict[str, Any]], str]:
        """Have `socket` watch; return the rows, and the position at which they are so. Raises InvalidField,
        LimitReached, StoreError.
        """
        if self._remember is None or wanted.room in socket.rooms:
            return await self._subscribe(socket, table, wanted)
        remembering = asyncio.create_task(self._remember(socket, wanted.room))
        try:
            return await self._subscribe(socket, table, wanted, remembering)
        except BaseException:
            remembering.cancel()
            if socket.connected:
                socket.namespace.sessions.rooms_changed(socket)  # as they are after all
            raise

    async def _subscribe(
        self,
        socket: Socket,
        table: WatchableTable,
        wanted: TableFilter,
        remembering: asyncio.Task[None] | None = None,
    ) -> tuple[list[dict[str, Any]], str]:
        for _ in range(SNAPSHOTS_MAX):
            epoch, rooms = self._relay.position.epoch, table.rooms_that_count(socket.rooms)
            snapshot = await self._snapshot(wanted, rooms)
            if remembering is not None:
                await remembering
            if not await self._relay.wait_until(snapshot.until):
                raise FeedBehind
            # No await from here on: what is told in between would be missed or told twice.
            if epoch == self._relay.position.epoch and rooms == table.rooms_that_count(socket.rooms):
                states = self._up_to_date(snapshot, wanted, socket)
                if states is not None:
                    return states, str(self._enter(socket, wanted, rooms))
        raise FeedBehind

    async def _snapshot(self, wanted: TableFilter, rooms: frozenset[str]) -> TableSnapshot:
        """The answer of the query that is under way, or of a new one."""
        asked = self._asked.get((wanted, rooms))
        if asked is None:
            if len(self._asked) >= QUERIES_MAX:
                raise FeedBehind
            asked = asyncio.create_task(self._watches.tables.snapshot(wanted, rooms))
            self._asked[wanted, rooms] = asked
            asked.add_done_callback(lambda _: self._asked.pop((wanted, rooms)))
        # One who leaves must not end it for the others.
        return await asyncio.shield(asked)

    def _up_to_date(self, snapshot: TableSnapshot, wanted: TableFilter, socket: Socket) -> list[dict[str, Any]] | None:
        """The snapshot's rows as they are at the relay's position; None where memory does not reach back."""
        rows = self._relay.recent_rows(snapshot.after, ROWS_MEANWHILE_MAX)
        if rows is None or len(rows) == ROWS_MEANWHILE_MAX:
            return None
        # A database may compare texts otherwise than a filter does, without regard to case for one.
        states = {state.key_texts: state for state in snapshot.states if wanted.takes(state)}
        for _, events in rows:
            for event in events:
                if event.row is not None and event.row.change.table == wanted.table:
                    _apply(event.row.change.was, event.row.change.now, wanted, states)
        seen = [state for state in states.values() if may_see(socket.rooms, state.rooms)]
        if sum(len(memoryview(state.row)) for state in seen) > SNAPSHOT_BYTES_MAX:
            raise InvalidField("where", f"These rows have more than {SNAPSHOT_BYTES_MAX:,} bytes; ask for fewer.")
        return [said_of(state) for state in seen]

    def _enter(self, socket: Socket, wanted: TableFilter, rooms: frozenset[str]) -> Position:
        position = self._relay.position
        if socket.connected:
            socket.join(wanted.room)
            self._watches.began(socket, wanted, rooms)
            said = {"watch": wanted.id, "table": wanted.table, "position": str(position)}
            message = encode_event(socket.namespace.name, "watching", [said, str(position)])
            socket.namespace.adapter.deliver(message, (socket.id,))
        return position


def _apply(was: RowState | None, now: RowState | None, wanted: TableFilter, states: dict[Any, RowState]) -> None:
    if was is not None:
        states.pop(was.key_texts, None)
    if now is not None:
        states.pop(now.key_texts, None)
        if wanted.takes(now):
            states[now.key_texts] = now
