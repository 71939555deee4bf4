"""Tails the feed and delivers: the one place from which durable events are told."""

from __future__ import annotations

import asyncio
import functools
import heapq
import itertools
import logging
import operator
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ordercast import telemetry
from ordercast.db import Change, DamagedRows
from ordercast.db.damage import problem_of
from ordercast.hub import Namespace
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import encode_event

from .audience import announce
from .gaps import EVERYBODY, RowTooLarge, UntellableRow, rooms_behind
from .latency import Latency
from .position import ROW_END, Position
from .source import FeedSource

log = logging.getLogger("ordercast.feed")

# Rows read in one go, and told in one turn of the loop: what they tell one socket leaves in one write.
BATCH_ROWS: Final = 256
# A short disconnect is replayed from memory; at about 3 kB a row, this is some 12 MB.
RECENT_ROWS_MAX: Final = 4_096
# Rows older than those, that somebody has come back for: others usually follow for the same, all the way.
OLDER_ROWS_MAX: Final = 20_000
# Of each of the two; rows can be a thousand times as large.
ROWS_BYTES_MAX: Final = 32_000_000
# A row that another node has told is here within milliseconds, unless the database is gone.
PATIENCE_S: Final = 10.0
# Rows of which a mask is kept: all that are replayed.
MASKS_MAX: Final = 20_000
# Rows skipped in one turn of the loop, a millisecond's work.
SKIP_ROWS_MAX: Final = 4_096
# Each room sets four bits of these: of 20,000 rows not for a client some two are looked at all the same.
_MASK_BITS: Final = 256
# A row and its events beside their texts.
ROW_BYTES: Final = 1_000
EPOCH_CHANGED: Final = "epoch_changed"
# Twice what `POST /api/emit` takes by default, half of what may wait for one client (`backlog_bytes_max`): one that
# cannot be sent it would be closed, come back, and be closed again.
EVENT_BYTES_MAX: Final = 2_000_000
HISTORY_PRUNED: Final = "history_pruned"
# After a failed read: often enough to go on at once when the database is back, rarely enough to burn nothing.
RETRY_S: Final = 0.25


class Told(msgspec.Struct, frozen=True):
    """One event of one row, encoded once for everyone who hears it, now or by replay."""

    position: Position
    rooms: tuple[str, ...]
    message: Message


Row = tuple[int, Sequence[Told]]


def tell(change: Change, epoch: str, namespace: str, damaged: DamagedRows | None = None) -> list[Told]:
    """Turn a row into its encoded events; the offset is each one's last argument.

    A row that cannot be told, such as one that another program filled with what is no event, is a gap: those whom it
    was for are told `resync` in its place, and go on behind it. It is noted among the `damaged`.
    """
    try:
        return _tell(change, epoch, namespace)
    except Exception as error:  # noqa: BLE001 - whatever a row does to a rule, those behind it are told
        if damaged is None or damaged.note("feed", change.seq, f"{change.kind[:40]}: {problem_of(error)}"):
            telemetry.ROWS_UNTOLD.inc()
        reason = error.reason if isinstance(error, UntellableRow) else UntellableRow.reason
        position = Position(epoch, change.seq)
        message = encode_event(namespace, "resync", [{"reason": reason}, str(position)])
        return [Told(position, rooms_behind(change), message)]


def check(change: Change) -> str | None:
    """Why a row cannot be told, if so."""
    try:
        _tell(change, "", "/")
    except Exception as error:  # noqa: BLE001 - as in `tell`
        return problem_of(error)
    return None


def _tell(change: Change, epoch: str, namespace: str) -> list[Told]:
    if _is_large(change.after) or _is_large(change.before):
        raise RowTooLarge(f"it is larger than {EVENT_BYTES_MAX} bytes")
    announcements = list(announce(change, lambda index: f"{epoch}:{change.seq}.{index}"))
    told = []
    for index, announcement in enumerate(announcements):
        last = index == len(announcements) - 1
        position = Position(epoch, change.seq, ROW_END if last else index)
        message = encode_event(namespace, announcement.event, [*announcement.args, str(position)])
        if len(message) > EVENT_BYTES_MAX:
            raise RowTooLarge(f"it is larger than {EVENT_BYTES_MAX} bytes")
        told.append(Told(position, announcement.rooms, message))
    return told


def _is_large(raw: msgspec.Raw | None) -> bool:
    return raw is not None and len(memoryview(raw)) > EVENT_BYTES_MAX


def _tell_node(listener: Callable[[Change], None], change: Change) -> None:
    try:
        listener(change)
    except Exception:
        log.exception("feed row %d (%s) could not be acted on", change.seq, change.kind)


class Pump:
    """Delivers each row behind `position`, in order, to the sockets of this node."""

    def __init__(self, source: FeedSource, namespace: Namespace) -> None:
        self._source = source
        self._namespace = namespace
        self._position = 0
        self.latency = Latency()
        self._recent: deque[Row | Change] = deque()
        """Those that there was nobody to tell of are encoded when somebody comes back for them."""
        self._recent_bytes = 0
        self._older: OrderedDict[int, Row] = OrderedDict()
        self._older_bytes = 0
        self._masks: OrderedDict[int, int] = OrderedDict()
        """For which rooms each of the older rows was, as far as a mask can say it."""
        self.older_made = 0
        """Rows that were encoded for somebody who came back, so far."""
        self._retry: asyncio.TimerHandle | None = None
        self._awaited: list[tuple[int, int, asyncio.Future[None]]] = []
        self._listeners: dict[str, Callable[[Change], None]] = {}

    def __repr__(self) -> str:
        return f"<Pump {self.position} recent={len(self._recent)}>"

    @property
    def position(self) -> Position:
        """Everything up to here has been handed to the sockets that were entitled to it."""
        return Position(self._epoch, self._position)

    def listen(self, kind: str, listener: Callable[[Change], None]) -> None:
        """Have this node act on each row of that kind that is told from now on; what it raises is logged."""
        self._listeners[kind] = listener

    def start(self) -> None:
        """Begin behind the newest row: who missed older ones says so by its offset, and has them replayed.

        The newest rows are remembered at once: after a restart everybody comes back for the same ones.
        """
        self._epoch, self._position = self._source.epoch, self._source.last_seq
        for change in self._source.changes(max(0, self._position - RECENT_ROWS_MAX), RECENT_ROWS_MAX):
            if change.seq <= self._position:
                self._remember((change.seq, self._told(change)))
        telemetry.FEED_POSITION.set(self._position)
        self._source.watch(self.pull)
        self.pull()

    def forget(self) -> None:
        """Remember no row: what is replayed is read from the feed again, where something was rewritten."""
        self._recent.clear()
        self._older.clear()
        self._masks.clear()
        self._recent_bytes = self._older_bytes = 0

    def stop(self) -> None:
        if self._retry is not None:
            self._retry.cancel()

    def pull(self) -> None:
        """Read and deliver what is new. Safe to call at any time, for nothing as well."""
        if self._source.epoch != self._epoch:
            self._begin_anew()
        try:
            changes = self._source.changes(self._position, BATCH_ROWS)
        except Exception:
            # Nothing is lost: the rows stay, and so does our position.
            log.exception("the feed could not be read; trying again")
            self._pull_later(RETRY_S)
            return
        if not changes:
            return
        telemetry.EVENTS_DELIVERED.inc(sum(map(self._deliver, changes)))
        self._release()
        telemetry.FEED_POSITION.set(self._position)
        # The oldest of those told together has waited longest.
        self.latency.observe(changes[0].at)
        if len(changes) == BATCH_ROWS:
            self._pull_later(0)

    def _begin_anew(self) -> None:
        """The database was restored: what was told may never have been, and nobody's position means anything now."""
        self._epoch = self._source.epoch
        self._skip_to(self._source.last_seq, EPOCH_CHANGED)

    def _skip_to(self, seq: int, reason: str = HISTORY_PRUNED) -> None:
        """Go on behind `seq`, and tell everybody that they were not told what lies before it."""
        self._position = seq
        self.forget()
        log.warning("rows of the feed cannot be told (%s); going on behind %s", reason, self.position)
        resync = encode_event(self._namespace.name, "resync", [{"reason": reason}, str(self.position)])
        self._hand_to_everybody(resync)

    def _pull_later(self, delay_s: float) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = asyncio.get_running_loop().call_later(delay_s, self.pull)

    def _deliver(self, change: Change) -> int:
        """Tell one row; gives how many sockets were written to."""
        delivered = 0
        if change.seq != self._position + 1 and self._position:
            self._skip_to(change.seq - 1)
        if self._namespace.sockets:
            told = self._told(change)
            delivered = sum(self._hand_out(event) for event in told if event.rooms)
            self._remember((change.seq, told))
        else:
            self._remember(change)
        self._position = change.seq
        if (listener := self._listeners.get(change.kind)) is not None:
            _tell_node(listener, change)
        return delivered

    def _hand_out(self, event: Told) -> int:
        if EVERYBODY in event.rooms:
            return self._hand_to_everybody(event.message)
        return self._namespace.adapter.deliver(event.message, event.rooms)

    def _hand_to_everybody(self, message: Message) -> int:
        """To those who are known; the others hear nothing durable."""
        known = [socket.id for socket in self._namespace.sockets.values() if socket.identity]
        return self._namespace.adapter.deliver(message, known) if known else 0

    # Replay

    async def reach(self, seq: int) -> bool:
        """Wait until that row is delivered here, as it may be on another node already; False if it takes too long."""
        self.pull()
        if self._position >= seq:
            return True
        reached = asyncio.get_running_loop().create_future()
        heapq.heappush(self._awaited, (seq, id(reached), reached))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await reached
        except TimeoutError:
            return False
        return True

    def _release(self) -> None:
        while self._awaited and self._awaited[0][0] <= self._position:
            _, _, reached = heapq.heappop(self._awaited)
            if not reached.done():  # who waited may have gone
                reached.set_result(None)

    def remembered(self, after: int, limit: int) -> Sequence[Row] | None:
        """Up to `limit` delivered rows behind `after`, with their events; None where memory is too short for that.

        Rows that are committed but not delivered yet are left out: those the live delivery will bring.
        """
        if after >= self._position:
            return ()
        if self._recent and _seq(self._recent[0]) <= after + 1:
            return self._remembered(after, limit)
        return None

    def skip(self, after: int, masks: Sequence[int]) -> int:
        """How far one can go from `after` before a row may be for rooms of these masks, or is not known; not too far
        for one turn of the loop. It spares those with few rooms the reading and encoding of everybody's history.
        """
        seq, known = after + 1, self._masks
        end = min(after + SKIP_ROWS_MAX, self._position) + 1
        while seq < end and (mask := known.get(seq)) is not None and not any(mask & one == one for one in masks):
            seq += 1
        return seq - 1

    async def rows(self, after: int, limit: int) -> Sequence[Row]:
        """As `remembered`, and where memory is too short, from the feed."""
        rows = self.remembered(after, limit)
        if rows is not None:
            return rows
        rows = self._known_older(after, limit)
        if rows:
            return rows
        changes = await self._source.older(after, limit)
        return [self._older_row(change) for change in changes if change.seq <= self._position]

    def _older_row(self, change: Change) -> Row:
        row = self._older.get(change.seq)
        if row is None:
            row = self._older[change.seq] = (change.seq, self._told(change))
            self.older_made += 1
            self._masks[change.seq] = functools.reduce(operator.or_, (mask_of(r) for t in row[1] for r in t.rooms), 0)
            if len(self._masks) > MASKS_MAX:
                self._masks.popitem(last=False)
            self._older_bytes += _bytes_of(row)
            while len(self._older) > OLDER_ROWS_MAX or self._older_bytes > ROWS_BYTES_MAX:
                self._older_bytes -= _bytes_of(self._older.popitem(last=False)[1])
        return row

    def _known_older(self, after: int, limit: int) -> list[Row]:
        """Of the rows right behind `after` those that somebody came back for before."""
        seqs = range(after + 1, min(after + limit, self._position) + 1)
        return list(itertools.takewhile(bool, map(self._older.get, seqs)))  # type: ignore[arg-type]

    def _remember(self, row: Row | Change) -> None:
        self._recent.append(row)
        self._recent_bytes += _bytes_of(row)
        while len(self._recent) > RECENT_ROWS_MAX or self._recent_bytes > ROWS_BYTES_MAX:
            self._recent_bytes -= _bytes_of(self._recent.popleft())

    def _told(self, change: Change) -> list[Told]:
        return tell(change, self._epoch, self._namespace.name, self._source.damaged)

    def _remembered(self, after: int, limit: int) -> list[Row]:
        """The remembered rows behind `after`. They follow each other, so the place of each is known."""
        start = after + 1 - _seq(self._recent[0])
        found = itertools.islice(self._recent, start, start + limit)
        return [self._older_row(row) if isinstance(row, Change) else row for row in found]


def mask_of(room: str) -> int:
    """Some bits for a room (Bloom 1970), alike within this process alone."""
    hashed = hash(room)
    return functools.reduce(operator.or_, (1 << (hashed >> shift & _MASK_BITS - 1) for shift in (0, 8, 16, 24)))


def _bytes_of(row: Row | Change) -> int:
    """What a row holds, roughly; always the same figure for the same row."""
    if isinstance(row, Change):
        return ROW_BYTES + sum(len(memoryview(raw)) for raw in (row.before, row.after) if raw is not None)
    return ROW_BYTES + sum(len(told.message) for told in row[1])


def _seq(row: Row | Change) -> int:
    return row.seq if isinstance(row, Change) else row[0]
