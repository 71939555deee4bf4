"""The shop's side of recovery: sessions kept in the database, what was missed told from the feed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from ordercast import telemetry
from ordercast.commerce.people import SEES_EVERY_ORDER
from ordercast.commerce.rooms import is_watch_room
from ordercast.db import SessionRow, StoreError
from ordercast.hub import GapTooOld, Session, Socket
from ordercast.hub.recovery.replay_budget import REPLAY_BUDGET, charge_replay, may_replay
from ordercast.protocol.message import Message

from .gaps import EVERYBODY
from .position import ROW_END, Position
from .pump import EPOCH_CHANGED, HISTORY_PRUNED, Pump, Row, mask_of
from .source import FeedSource

# Rows replayed before the connection must have taken them; bounds what one returning client makes us hold.
REPLAY_ROWS: Final = 128
# Rows that are known not to concern a client cost so much less than one that is looked at.
SKIPPED_PER_ROW: Final = 8
# And so many bytes of them, or one event that is larger: a fraction of what may wait for one client.
REPLAY_BYTES: Final = 1_000_000
# Past this, a page fetches the state faster than it hears how it came about: it is told to.
REPLAY_ROWS_MAX: Final = 20_000
# How long a returning client waits for its session where the database is held or away. Without it, it is let in anew:
# by its offset it misses nothing all the same.
LOAD_S_MAX: Final = 2.0
# Sessions read at once; more wait here rather than being turned away by the store.
LOADS_MAX: Final = 128
# How old `seen_at` may be before a session that is used again is kept anew: a fraction of what pruning allows.
TOUCH_AFTER_S: Final = 24 * 3600.0

log = logging.getLogger("ordercast.feed")


class SessionStore(Protocol):
    """Where sessions are kept; see `db`."""

    def save_session_soon(self, pid: str, session: SessionRow | None) -> None: ...
    async def load_session(self, pid: str) -> SessionRow | None: ...


class FeedRecovery:
    """A `hub.Recovery` whose positions are the feed's."""

    records_emits = False

    gap_event = "resync"

    def __init__(self, store: SessionStore, source: FeedSource, pump: Pump, now: Callable[[], str]) -> None:
        self._store = store
        self._source = source
        self._pump = pump
        self._now = now
        self._turnstile = asyncio.Lock()
        self._loads = asyncio.Semaphore(LOADS_MAX)

    def next_offset(self) -> str:
        raise NotImplementedError("what the shop tells has its offset from the feed")

    def record(self, message: Message, rooms: Sequence[str], except_: Sequence[str]) -> None:
        raise NotImplementedError("what the shop tells is recorded by the feed")

    def covers(self, socket: Socket) -> bool:
        """Who has not said who they are hear nothing durable, and have nothing to recover."""
        return bool(socket.identity)

    async def save(self, session: Session) -> None:
        """Have it saved soon, by which time whoever connects is in: to come in needs no write. A node that is killed
        before has an unknown session to answer for, and nothing missed.
        """
        row = SessionRow(
            session.pid, session.sid, session.namespace, session.identity.encode(), session.rooms, self._now()
        )
        self._store.save_session_soon(session.pid, row)

    async def load(self, pid: str) -> Session | None:
        row = await self._load(pid)
        if row is None:
            return None
        session = Session(row.pid, row.sid, row.namespace, row.identity.decode(), row.rooms)
        if _age_s(row.seen_at, self._now()) > TOUCH_AFTER_S:
            await self.save(session)
        return session

    async def _load(self, pid: str) -> SessionRow | None:
        """The session as it is kept; None also where it cannot be read in time."""
        try:
            async with asyncio.timeout(LOAD_S_MAX), self._loads:
                return await self._store.load_session(pid)
        except (StoreError, TimeoutError) as error:
            log.warning("session cannot be loaded: %s", str(error) or f"no answer within {LOAD_S_MAX:.0f} s")
            return None

    async def forget(self, pid: str) -> None:
        self._store.save_session_soon(pid, None)

    def rooms(self, socket: Socket, session: Session) -> Sequence[str]:
        """What its token entitles it to today: the rooms it is about to join anyhow, and its watches if it may."""
        role = socket.identity.partition(":")[0]
        watches = filter(is_watch_room, session.rooms) if role in SEES_EVERY_ORDER else ()
        return (*socket.rooms, *watches)

    def greeting(self, socket: Socket) -> tuple[str, Sequence[Any]]:
        position = str(self._pump.position)
        return "ready", [{"position": position, "identity": socket.identity}, position]

    def gap(self, offset: str) -> str | None:
        position = Position.parse(offset)
        if position is None:
            return "offset_unknown"
        is_ahead = position.seq > self._source.last_seq and not self._source.lags
        if position.epoch != self._source.epoch or is_ahead:
            return EPOCH_CHANGED
        if position.seq + 1 < self._source.first_seq:
            return HISTORY_PRUNED
        return "too_far_behind" if self._source.last_seq - position.seq > REPLAY_ROWS_MAX else None

    async def missed(self, socket: Socket, rooms: Sequence[str], offset: str) -> AsyncIterator[Sequence[Message]]:
        position = Position.parse(offset)
        if position is None:
            raise GapTooOld("offset_unknown")
        await self._reach(position)
        entitled = frozenset((*rooms, socket.id, EVERYBODY))
        masks = [mask_of(room) for room in entitled]
        after = position.seq if position.event == ROW_END else position.seq - 1
        while after < self._pump.position.seq or self._pump.position.epoch != position.epoch:
            if not may_replay(socket):
                raise GapTooOld(REPLAY_BUDGET)
            skipped = self._pump.skip(after, masks) - after
            if skipped:
                charge_replay(socket, skipped // SKIPPED_PER_ROW)
                after += skipped
                await asyncio.sleep(0)
                continue
            rows, made = await self._next_rows(after)
            charge_replay(socket, len(rows), encoded=made)
            if self._pump.position.epoch != position.epoch:
                raise GapTooOld(EPOCH_CHANGED)
            if after + 1 < self._source.first_seq or not rows or rows[0][0] != after + 1:
                raise GapTooOld(HISTORY_PRUNED)
            after = rows[-1][0]
            batch = [
                told.message
                for _, row in rows
                for told in row
                if told.position > position and not entitled.isdisjoint(told.rooms)
            ]
            if batch:
                telemetry.EVENTS_REPLAYED.inc(len(batch))
                for part in _parts(batch):
                    yield part

    async def _reach(self, position: Position) -> None:
        """Be no further back than the node that the client comes from: what it has heard it must not hear again."""
        if position.seq <= self._pump.position.seq:
            return
        if not await self._source.has(position.seq):
            raise GapTooOld(EPOCH_CHANGED)
        if not await self._pump.reach(position.seq):
            raise GapTooOld("feed_behind")

    async def _next_rows(self, after: int) -> tuple[Sequence[Row], int]:
        """Delivered rows behind `after`, if they are kept, and how many had to be encoded for it.

        One batch is made per turn of the loop, whoever it is for. So a thousand that return at once, or one who asks
        for all of history, delay nobody by more than a batch.
        """
        async with self._turnstile:
            made = -self._pump.older_made
            rows = await self._pump.rows(after, REPLAY_ROWS)
            made += self._pump.older_made
            await asyncio.sleep(0)
        return rows, made


def _parts(batch: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """In pieces that the connection takes one after another: a batch of large rows would be more than may wait."""
    part: list[Message] = []
    part_bytes = 0
    for message in batch:
        if part and part_bytes + len(message) > REPLAY_BYTES:
            yield part
            part, part_bytes = [], 0
        part.append(message)
        part_bytes += len(message)
    yield part


def _age_s(then: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
