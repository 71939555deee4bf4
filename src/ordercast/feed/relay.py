"""The outbox relay: reads committed rows from the feed and emits their events; nothing else emits durable ones.

Theory of operation:

- **The feed is an outbox.** The transaction that changes the shop also writes, by triggers, a row to the table `feed`;
  a `FeedSource` gives those rows in commit order, numbered without gaps. Who wrote them does not matter.
- **The position** is the number of the last row delivered on this node. `pull` is called after each commit, reads a
  batch after the position, and for each row: routes it (`audience.route`), encodes its events once (`encoding`), emits
  each to its rooms, keeps the row for replay, moves the position. All of it is synchronous, so a position that anybody
  reads is exact: what lies up to it has been handed to every socket that was entitled to it, and nothing behind it has.
- **No position is stored.** A relay starts at the end of the feed; each client presents the offset it has got to, and
  `recovery` replays what lies between that and the relay's position. Replay and live delivery meet at the position.
- **Memory** is the `ReplayBuffer` (the newest rows) and the `HistoryCache` (older ones that somebody came back for).
  Both only spare reading: without them the same rows are read from the feed.

What can go wrong, and what follows:

- The feed cannot be read: nothing is lost, the position stays; `pull` tries again after `RETRY_S`.
- A row cannot be encoded: it becomes a gap for the rooms it was for, and those behind it are delivered (`gaps`).
- Numbers are missing, because history was pruned while this node lagged: everybody gets `resync` with `history_pruned`.
- The epoch is another one, because the database was restored: everybody gets `resync` with `epoch_changed`.
- A handler of this node fails (`on`): logged; events are delivered regardless.
- Another node has delivered more: a client that comes from there waits in `wait_until`.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Sequence
from typing import Final

from ordercast import telemetry
from ordercast.commerce.rooms import EVERYBODY
from ordercast.db import Change, GapReason
from ordercast.hub import Namespace
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import encode_event

from . import replay_buffer
from .encoding import EncodedRow, FeedEvent, encode_events
from .history_cache import HistoryCache
from .latency import Latency
from .position import Position
from .replay_buffer import ReplayBuffer
from .source import FeedSource
from .table_watches import TableWatches

log = logging.getLogger("ordercast.feed")

# Rows per read and turn of the loop: a socket gets their events in one write.
BATCH_ROWS: Final = 256
# A row that another node delivered arrives within milliseconds, unless the database is down.
WAIT_S_MAX: Final = 10.0
# Retry of a failed read: soon enough after an outage, at little cost during it.
RETRY_S: Final = 0.25

Handler = Callable[[Change], None]


class Relay:
    """Delivers each row after `position`, in order, to this node's sockets."""

    def __init__(self, source: FeedSource, namespace: Namespace, watches: TableWatches | None = None) -> None:
        self.latency = Latency()
        self._source = source
        self._namespace = namespace
        self._watches = watches
        self._position = 0
        self._recent = ReplayBuffer()
        self._history = HistoryCache(self._encode)
        self._retry: asyncio.TimerHandle | None = None
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        """A heap of waiters by the row they wait for."""
        self._handlers: dict[str, tuple[Handler, ...]] = {}

    def __repr__(self) -> str:
        return f"<Relay {self.position} recent={len(self._recent)}>"

    @property
    def position(self) -> Position:
        """The last row that was delivered to all entitled sockets of this node."""
        return Position(self._epoch, self._position)

    def on(self, kind: str, handler: Handler) -> None:
        """Call `handler` with each row of that kind after its delivery; its exceptions are logged."""
        self._handlers[kind] = (*self._handlers.get(kind, ()), handler)

    def start(self) -> None:
        """Start after the newest row; older ones are replayed to clients that present an offset.

        The newest rows are read into memory, as all clients return after a restart for the same ones.
        """
        self._epoch, self._position = self._source.epoch, self._source.last_seq
        rows_max = replay_buffer.ROWS_MAX
        for change in self._source.changes(max(0, self._position - rows_max), rows_max):
            if change.seq <= self._position:
                self._recent.append((change.seq, self._encode(change)))
        telemetry.FEED_POSITION.set(self._position)
        self._source.watch(self.pull)
        self.pull()

    def clear_memory(self) -> None:
        """Drop all rows in memory, as after the feed was rewritten; replays read the feed again."""
        self._recent.clear()
        self._history.clear()

    def stop(self) -> None:
        if self._retry is not None:
            self._retry.cancel()

    # Live delivery

    def pull(self) -> None:
        """Read and deliver new rows. Safe to call at any time."""
        if self._source.epoch != self._epoch:
            self._begin_epoch()
        try:
            changes = self._source.changes(self._position, BATCH_ROWS)
        except Exception:
            # Nothing is lost: rows and position stay.
            log.exception("could not read the feed; retrying")
            self._pull_later(RETRY_S)
            return
        if not changes:
            return
        telemetry.EVENTS_DELIVERED.inc(sum(map(self._deliver, changes)))
        self._wake_waiters()
        telemetry.FEED_POSITION.set(self._position)
        # The oldest of a batch waited longest.
        self.latency.observe(changes[0].at)
        if len(changes) == BATCH_ROWS:
            self._pull_later(0)

    def _begin_epoch(self) -> None:
        """Continue in another history after a restore: all offsets are void."""
        self._epoch = self._source.epoch
        self._skip_to(self._source.last_seq, GapReason.EPOCH_CHANGED)

    def _skip_to(self, seq: int, reason: GapReason = GapReason.HISTORY_PRUNED) -> None:
        """Continue after `seq`, with a gap for everybody instead of the rows before."""
        self._position = seq
        self.clear_memory()
        log.warning(
            "rows of the feed cannot be delivered (%s); clients reload; continuing after %s", reason, self.position
        )
        resync = encode_event(self._namespace.name, "resync", [{"reason": reason}, str(self.position)])
        self._emit_to_everybody(resync)

    def _pull_later(self, delay_s: float) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = asyncio.get_running_loop().call_later(delay_s, self.pull)

    def _deliver(self, change: Change) -> int:
        """Deliver one row; return the number of sockets written to."""
        delivered = 0
        if change.seq != self._position + 1 and self._position:
            self._skip_to(change.seq - 1)
        if self._namespace.sockets:
            events = self._encode(change)
            delivered = sum(self._emit(event) for event in events if event.rooms)
            self._recent.append((change.seq, events))
        else:
            self._recent.append(change)
        self._position = change.seq
        for handler in self._handlers.get(change.kind, ()):
            _call(handler, change)
        return delivered

    def _encode(self, change: Change) -> list[FeedEvent]:
        return encode_events(change, self._epoch, self._namespace.name, self._source.damaged)

    def _emit(self, event: FeedEvent) -> int:
        if event.row is not None:
            return 0 if self._watches is None else self._watches.deliver(event.row)
        if EVERYBODY in event.rooms:
            return self._emit_to_everybody(event.message)
        return self._namespace.adapter.deliver(event.message, event.rooms)

    def _emit_to_everybody(self, message: Message) -> int:
        """Emit to authenticated sockets; others get nothing durable."""
        known = [socket.id for socket in self._namespace.sockets.values() if socket.identity]
        return self._namespace.adapter.deliver(message, known) if known else 0

    # Replay

    async def wait_until(self, seq: int) -> bool:
        """Wait until a row that another node may have delivered is delivered here; False after `WAIT_S_MAX`."""
        self.pull()
        if self._position >= seq:
            return True
        reached = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (seq, id(reached), reached))
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                await reached
        except TimeoutError:
            return False
        return True

    def _wake_waiters(self) -> None:
        while self._waiters and self._waiters[0][0] <= self._position:
            _, _, reached = heapq.heappop(self._waiters)
            if not reached.done():  # the waiter may be gone
                reached.set_result(None)

    @property
    def rows_encoded(self) -> int:
        """Rows encoded for replays so far."""
        return self._history.encoded

    def recent_rows(self, after: int, limit: int) -> Sequence[EncodedRow] | None:
        """Up to `limit` delivered rows after `after`; None if the replay buffer does not reach back.

        Committed rows that are not delivered yet are left to live delivery.
        """
        if after >= self._position:
            return ()
        rows = self._recent.rows_after(after, limit)
        if rows is None:
            return None
        return [self._history.row(row) if isinstance(row, Change) else row for row in rows]

    def skip(self, after: int, masks: Sequence[int]) -> int:
        """The last row after `after` before one that may be for rooms of these masks (`HistoryCache`)."""
        return self._history.skip(after, self._position, masks)

    async def rows(self, after: int, limit: int) -> Sequence[EncodedRow]:
        """As `recent_rows`, read from the feed where memory does not reach back."""
        rows = self.recent_rows(after, limit)
        if rows is not None:
            return rows
        rows = self._history.rows_between(after, min(after + limit, self._position))
        if rows:
            return rows
        changes = await self._source.older(after, limit)
        return [self._history.row(change) for change in changes if change.seq <= self._position]


def _call(handler: Handler, change: Change) -> None:
    try:
        handler(change)
    except Exception:
        log.exception("a handler failed on feed row %d (%s)", change.seq, change.kind)
