"""Recovery of the shop's sockets: sessions kept in the database, missed events replayed from the feed.

Theory of operation. A stock client keeps two strings, a `pid` from its CONNECT answer and the last *offset* it saw, and
presents them when it connects again (`hub.recovery` is that side). Here an offset is a `Position` in the feed:
``epoch:seq`` or ``epoch:seq.event``.

- **The offset is enough.** Missed events lie between it and the relay's position, and are encoded again from the feed's
  rows. Neither this process's memory nor the session is needed: a client that returns after a `kill -9`, to another
  node, or while sessions cannot be read, misses nothing.
- **The session adds comfort**: the same `sid`, and the orders that were watched. It is saved soon after CONNECT and not
  before it, so connecting needs no write.
- **Rights are today's.** A replay is filtered by the rooms that the token opens now, not by those it opened then.
- **States** of one return: *gap?* (`gap`: may the offset be replayed at all) -> *wait* (`Relay.wait_until`: this node
  has read as far as the client did elsewhere) -> *replay* (`missed`: batches, each handed to the network before
  the next) -> *caught up*: no await lies between the last batch and the socket's entry into its rooms, so live delivery
  goes on exactly behind it. The socket's own events wait meanwhile.
- **Costs are bounded**: rows per replay (`REPLAY_ROWS_MAX`), events per identity (the replay budget of `hub`), a batch
  encoded per turn of the loop whoever it is for, rows that concern none of the client's rooms skipped by masks.

What can go wrong ends in a gap, `resync` with a reason from `gaps.GapReason`, and the client fetches the state anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol

from msgspec import structs

from ordercast import telemetry
from ordercast.commerce.people import SEES_EVERY_ORDER
from ordercast.commerce.rooms import EVERYBODY, SHOPPERS, is_conversation_room, is_watch_room
from ordercast.db import GapReason, SessionRow, StoreError
from ordercast.hub import GapTooOld, Session, Socket
from ordercast.hub.recovery.replay_budget import REPLAY_BUDGET, charge_replay, may_replay
from ordercast.protocol.message import Message

from .encoding import EncodedRow
from .history_cache import mask_of
from .position import ROW_END, Position
from .relay import Relay
from .source import FeedSource
from .table_watches import TableWatches, filters_in

# Rows per batch, which the connection must take before the next: bounds the memory of a replay.
REPLAY_ROWS: Final = 128
# Skipped rows cost this many times less than examined ones.
SKIPPED_PER_ROW: Final = 8
# Bytes per batch, or one larger event: a fraction of a client's backlog.
REPLAY_BYTES: Final = 1_000_000
# Beyond this, reloading the state is faster.
REPLAY_ROWS_MAX: Final = 20_000
# Wait for the session while the database is busy or down; after it the client gets a new session, and by its offset
# misses nothing.
LOAD_S_MAX: Final = 2.0
# Wait for a session to be saved before a watch is answered.
SAVE_S_MAX: Final = 2.0
# Concurrent session reads; more wait here instead of being rejected by the store.
LOADS_MAX: Final = 128
# Age of `seen_at` after which a reused session is saved again: a fraction of the pruning age.
TOUCH_AFTER_S: Final = 24 * 3600.0

log = logging.getLogger("ordercast.feed")


class SessionStore(Protocol):
    """The database of sessions; see `db`."""

    def save_session_soon(self, pid: str, session: SessionRow | None) -> None: ...
    async def session_saved(self, pid: str) -> None: ...
    async def load_session(self, pid: str) -> SessionRow | None: ...


Rejoin = Callable[[Socket, Sequence[str]], Awaitable[Sequence[str]]]


async def _none(_socket: Socket, _rooms: Sequence[str]) -> Sequence[str]:
    return ()


class FeedRecovery:
    """A `hub.Recovery` whose offsets are positions in the feed."""

    records_emits = False

    gap_event = "resync"

    def __init__(
        self,
        store: SessionStore,
        source: FeedSource,
        relay: Relay,
        now: Callable[[], str],
        watches: TableWatches | None = None,
    ) -> None:
        self._store = store
        self._source = source
        self._relay = relay
        self._now = now
        self._watches = watches
        self._encoding = asyncio.Lock()
        self._loads = asyncio.Semaphore(LOADS_MAX)
        self.rejoin: Rejoin = _none
        """Returns which of a session's rooms were asked for, and may be had again."""

    def next_offset(self) -> str:
        raise NotImplementedError("durable events have their offset from the feed")

    def record(self, message: Message, rooms: Sequence[str], except_: Sequence[str]) -> None:
        raise NotImplementedError("durable events are recorded by the feed")

    def covers(self, socket: Socket) -> bool:
        """Whether the socket has an identity; others get nothing durable to recover."""
        return bool(socket.identity)

    async def save(self, session: Session) -> None:
        """Save the session soon after CONNECT, which thus needs no write. If the node is killed before, the session is
        unknown and no event is missed.
        """
        row = SessionRow(
            session.pid, session.sid, session.namespace, session.identity.encode(), session.rooms, self._now()
        )
        self._store.save_session_soon(session.pid, row)

    async def remember(self, socket: Socket, room: str) -> None:
        """Save the session as it will be when the socket is in `room`, and wait for that: who is told of what it
        watches then finds it watched after a `kill -9`. Where the database takes longer, it is saved when it can be.
        """
        if socket.pid is None:
            return
        session = socket.namespace.sessions.describe(socket)
        await self.save(structs.replace(session, rooms=tuple(sorted({*session.rooms, room}))))
        with suppress(TimeoutError):
            async with asyncio.timeout(SAVE_S_MAX):
                await self._store.session_saved(session.pid)

    async def load(self, pid: str) -> Session | None:
        row = await self._load(pid)
        if row is None:
            return None
        session = Session(row.pid, row.sid, row.namespace, row.identity.decode(), row.rooms)
        if _age_s(row.seen_at, self._now()) > TOUCH_AFTER_S:
            await self.save(session)
        return session

    async def _load(self, pid: str) -> SessionRow | None:
        """Load a session; None if it is unknown or cannot be read in time."""
        try:
            async with asyncio.timeout(LOAD_S_MAX), self._loads:
                return await self._store.load_session(pid)
        except (StoreError, TimeoutError) as error:
            log.warning("session cannot be loaded: %s", str(error) or f"no answer within {LOAD_S_MAX:.0f} s")
            return None

    async def forget(self, pid: str) -> None:
        self._store.save_session_soon(pid, None)

    async def rooms(self, socket: Socket, session: Session) -> Sequence[str]:
        """The rooms that the token opens now, the session's watches if the identity may see all, and those that were
        asked for and are still allowed. Conversations are checked when they are opened again.
        """
        role = socket.identity.partition(":")[0]
        is_open = (room for room in session.rooms if is_watch_room(room) or is_conversation_room(room))
        watched = tuple(is_open) if role in SEES_EVERY_ORDER else ()
        public = tuple(room for room in session.rooms if room == SHOPPERS)
        asked = await self.rejoin(socket, session.rooms)
        tables = () if self._watches is None else self._watches.resumed(socket, session.rooms)
        return (*socket.rooms, *watched, *public, *asked, *tables)  # of now: a right may have ended meanwhile

    def greeting(self, socket: Socket) -> tuple[str, Sequence[Any]]:
        position = str(self._relay.position)
        return "ready", [{"position": position, "identity": socket.identity}, position]

    def gap(self, offset: str) -> str | None:
        position = Position.parse(offset)
        if position is None:
            return GapReason.OFFSET_UNKNOWN
        is_ahead = position.seq > self._source.last_seq and not self._source.lags
        if position.epoch != self._source.epoch or is_ahead:
            return GapReason.EPOCH_CHANGED
        if position.seq + 1 < self._source.first_seq:
            return GapReason.HISTORY_PRUNED
        return GapReason.TOO_FAR_BEHIND if self._source.last_seq - position.seq > REPLAY_ROWS_MAX else None

    async def missed(self, socket: Socket, rooms: Sequence[str], offset: str) -> AsyncIterator[Sequence[Message]]:
        position = Position.parse(offset)
        if position is None:
            raise GapTooOld(GapReason.OFFSET_UNKNOWN)
        await self._wait_until(position)
        entitled = frozenset((*rooms, socket.id, EVERYBODY))
        masks = [mask_of(room) for room in entitled]
        lasting = {socket.id, EVERYBODY}
        watched = filters_in(entitled)
        after = position.seq if position.event == ROW_END else position.seq - 1
        while after < self._relay.position.seq or self._relay.position.epoch != position.epoch:
            if not may_replay(socket):
                raise GapTooOld(REPLAY_BUDGET)
            skipped = self._relay.skip(after, masks) - after
            if skipped:
                charge_replay(socket, skipped // SKIPPED_PER_ROW)
                after += skipped
                await asyncio.sleep(0)
                continue
            rows, made = await self._next_rows(after)
            charge_replay(socket, len(rows), encoded=made)
            if self._relay.position.epoch != position.epoch:
                raise GapTooOld(GapReason.EPOCH_CHANGED)
            if after + 1 < self._source.first_seq or not rows or rows[0][0] != after + 1:
                raise GapTooOld(GapReason.HISTORY_PRUNED)
            after = rows[-1][0]
            # A right that ended meanwhile opens nothing more.
            entitled &= socket.rooms | lasting
            batch = [
                message
                for _, row in rows
                for event in row
                if event.position > position and not entitled.isdisjoint(event.rooms)
                for message in ((event.message,) if event.row is None else event.row.replayed(watched, entitled))
            ]
            if batch:
                telemetry.EVENTS_REPLAYED.inc(len(batch))
                for part in _parts(batch):
                    yield part

    async def _wait_until(self, position: Position) -> None:
        """Wait until this node has delivered what the client received elsewhere, so that nothing is sent twice."""
        if position.seq <= self._relay.position.seq:
            return
        if not await self._source.has(position.seq):
            raise GapTooOld(GapReason.EPOCH_CHANGED)
        if not await self._relay.wait_until(position.seq):
            raise GapTooOld(GapReason.FEED_BEHIND)

    async def _next_rows(self, after: int) -> tuple[Sequence[EncodedRow], int]:
        """Delivered rows after `after`, cached ones first, and how many were encoded for it.

        One batch is encoded per turn of the loop, for whichever client, so that a thousand returning clients, or one
        that reads all of history, delay others by one batch at most.
        """
        async with self._encoding:
            made = -self._relay.rows_encoded
            rows = await self._relay.rows(after, REPLAY_ROWS)
            made += self._relay.rows_encoded
            await asyncio.sleep(0)
        return rows, made


def _parts(batch: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Split a batch into parts that fit a client's backlog."""
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
