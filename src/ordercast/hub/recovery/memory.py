"""Recovery for a program that uses the hub alone: what was emitted is kept in memory, for as long as the bounds allow.

It covers lost connections, not the end of the process: see ``sqlite.py`` for what survives that.
"""

from __future__ import annotations

import itertools
import secrets
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple, Protocol

from ordercast.hub.errors import GapTooOld
from ordercast.protocol.message import Message

from . import Session

EVENTS_MAX = 10_000
BYTES_MAX = 16_000_000
SESSIONS_MAX = 100_000
# No name of an application's, so that no handler of its clients is called by it.
GREETING_EVENT = "recovery:position"
GAP_EVENT = "resync"
# Events handed to one returning client before it must have taken them.
BATCH_EVENTS = 256


class HasId(Protocol):
    """Any socket."""

    @property
    def id(self) -> str: ...


class RecordedEvent(NamedTuple):
    """An event and its audience."""

    seq: int
    rooms: frozenset[str]
    except_: frozenset[str]
    message: Message

    def is_for(self, rooms: frozenset[str]) -> bool:
        """Whether who is in these rooms was addressed."""
        return (not self.rooms or not self.rooms.isdisjoint(rooms)) and self.except_.isdisjoint(rooms)


class MemoryRecovery:
    """A `Recovery` for one namespace. The oldest events and sessions make room for new ones.

    ::

        server.main.recovery = MemoryRecovery()

    Two events are its own, and can be given other names: `greeting_event`, with ``({"position": offset}, offset)``
    behind CONNECT and what was missed, which None turns off; and `gap_event`, with ``{"reason": word}``.
    """

    records_emits = True

    def __init__(
        self,
        *,
        events_max: int = EVENTS_MAX,
        bytes_max: int = BYTES_MAX,
        sessions_max: int = SESSIONS_MAX,
        greeting_event: str | None = GREETING_EVENT,
        gap_event: str = GAP_EVENT,
    ) -> None:
        """Keep up to `events_max` events of `bytes_max` bytes together, and `sessions_max` sessions."""
        self.gap_event = gap_event
        self._greeting_event = greeting_event
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._sessions_max = sessions_max
        self._epoch = secrets.token_hex(4)
        self._last_seq = 0
        self._bytes = 0
        self._entries: deque[RecordedEvent] = deque()
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def __repr__(self) -> str:
        return f"<MemoryRecovery events={len(self._entries)} bytes={self._bytes} sessions={len(self._sessions)}>"

    # What is emitted; see `Recovery` for this and what follows

    def next_offset(self) -> str:
        return f"{self._epoch}:{self._last_seq + 1}"

    def record(self, message: Message, rooms: Sequence[str], except_: Sequence[str]) -> None:
        self._last_seq += 1
        self._remember(RecordedEvent(self._last_seq, frozenset(rooms), frozenset(except_), message))

    def _remember(self, entry: RecordedEvent) -> None:
        self._entries.append(entry)
        self._bytes += len(entry.message)
        while len(self._entries) > self._events_max or self._bytes > self._bytes_max:
            self._bytes -= len(self._entries.popleft().message)

    # Sessions

    def covers(self, socket: HasId) -> bool:
        del socket
        return True

    async def save(self, session: Session) -> None:
        self._sessions[session.pid] = session
        self._sessions.move_to_end(session.pid)
        if len(self._sessions) > self._sessions_max:
            self._sessions.popitem(last=False)

    async def load(self, pid: str) -> Session | None:
        return self._sessions.get(pid)

    async def forget(self, pid: str) -> None:
        self._sessions.pop(pid, None)

    async def rooms(self, socket: HasId, session: Session) -> Sequence[str]:
        del socket
        return session.rooms

    def greeting(self, socket: HasId) -> tuple[str, Sequence[Any]] | None:
        del socket
        if self._greeting_event is None:
            return None
        offset = f"{self._epoch}:{self._last_seq}"
        return self._greeting_event, [{"position": offset}, offset]

    # What was missed

    def gap(self, offset: str) -> str | None:
        epoch, _, number = offset.partition(":")
        if not number.isdecimal() or len(number) > 18:
            return "offset_unknown"
        if epoch != self._epoch or int(number) > self._last_seq:
            return "epoch_changed"
        return None if int(number) + 1 >= self._oldest() else "history_pruned"

    def _oldest(self) -> int:
        """The number of the oldest event that is kept, or of the next one."""
        return self._entries[0].seq if self._entries else self._last_seq + 1

    async def missed(self, socket: HasId, rooms: Sequence[str], offset: str) -> AsyncIterator[Sequence[Message]]:
        entitled = frozenset((*rooms, socket.id))
        after = int(offset.partition(":")[2])
        while after < self._last_seq:
            reason = self.gap(f"{self._epoch}:{after}")
            if reason is not None:
                raise GapTooOld(reason)
            entries = self._behind(after)
            after = entries[-1].seq
            yield [entry.message for entry in entries if entry.is_for(entitled)]

    def _behind(self, after: int) -> list[RecordedEvent]:
        # Numbers are consecutive, so the place among those in memory is known.
        start = after + 1 - self._entries[0].seq
        return list(itertools.islice(self._entries, start, start + BATCH_EVENTS))
