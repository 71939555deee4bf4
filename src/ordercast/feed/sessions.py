"""The shop's side of recovery: sessions kept in the database, what was missed told from the feed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, Protocol

from ordercast.db import SessionRow
from ordercast.hub import GapTooOld, Session, Socket
from ordercast.protocol.message import Message

from .position import ROW_END, Position
from .pump import Pump
from .source import FeedSource

# Rows replayed before the connection must have taken them; bounds what one returning client makes us hold.
REPLAY_ROWS: Final = 128


class SessionStore(Protocol):
    """Where sessions are kept; see `db`."""

    async def save_session(self, session: SessionRow) -> None: ...
    async def load_session(self, pid: str) -> SessionRow | None: ...
    async def forget_session(self, pid: str) -> None: ...


class FeedRecovery:
    """A `hub.Recovery` whose positions are the feed's."""

    records_emits = False

    def __init__(self, store: SessionStore, source: FeedSource, pump: Pump, now: Callable[[], str]) -> None:
        self._store = store
        self._source = source
        self._pump = pump
        self._now = now

    def next_offset(self) -> str:
        raise NotImplementedError("what the shop tells has its offset from the feed")

    def record(self, message: Message, rooms: Sequence[str], except_: Sequence[str]) -> None:
        raise NotImplementedError("what the shop tells is recorded by the feed")

    def covers(self, socket: Socket) -> bool:
        """Who has not said who they are hear nothing durable, and have nothing to recover."""
        return bool(socket.identity)

    async def save(self, session: Session) -> None:
        row = SessionRow(
            session.pid, session.sid, session.namespace, session.identity.encode(), session.rooms, self._now()
        )
        await self._store.save_session(row)

    async def load(self, pid: str) -> Session | None:
        row = await self._store.load_session(pid)
        return None if row is None else Session(row.pid, row.sid, row.namespace, row.identity.decode(), row.rooms)

    async def forget(self, pid: str) -> None:
        await self._store.forget_session(pid)

    def rooms(self, socket: Socket, session: Session) -> Sequence[str]:
        """Only what its token entitles it to today: those rooms it is about to join anyhow."""
        del session
        return tuple(socket.rooms)

    def greeting(self, socket: Socket) -> tuple[str, Sequence[Any]]:
        position = str(self._pump.position)
        return "ready", [{"position": position, "identity": socket.identity}, position]

    def gap(self, offset: str) -> str | None:
        position = Position.parse(offset)
        if position is None:
            return "offset_unknown"
        if position.epoch != self._source.epoch or position.seq > self._source.last_seq:
            return "epoch_changed"
        return "history_pruned" if position.seq + 1 < self._source.first_seq else None

    async def missed(self, socket: Socket, rooms: Sequence[str], offset: str) -> AsyncIterator[Sequence[Message]]:
        del socket
        position = Position.parse(offset)
        if position is None:
            raise GapTooOld("offset_unknown")
        entitled = frozenset(rooms)
        after = position.seq if position.event == ROW_END else position.seq - 1
        while rows := self._pump.rows(after, REPLAY_ROWS):
            if after + 1 < self._source.first_seq:
                raise GapTooOld("history_pruned")
            after = rows[-1][0]
            yield [
                told.message
                for _, row in rows
                for told in row
                if told.position > position and not entitled.isdisjoint(told.rooms)
            ]
