"""Recovery that outlives the process, for a program that uses the hub alone: what was emitted is kept in a file.

One SQLite file, used on the loop's thread. An event is in it before the first client gets it, which costs the emit
some fifteen microseconds, whatever its audience. So a killed process loses nothing; after a loss of power the
newest events may be missing, and a client that had got them is sent the gap event.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from ordercast.protocol.message import Message

from . import Session
from .memory import BATCH_EVENTS, GAP_EVENT, GREETING_EVENT, SESSIONS_MAX, MemoryRecovery, RecordedEvent

# A night's worth for a small program; some 30 MB of file.
EVENTS_MAX: Final = 100_000
# Rows taken out at once when the bound is passed, so that this is seldom done.
PRUNE_EVENTS: Final = 1_000
# Of the newest events, which nearly all who come back have missed.
RECENT_EVENTS_MAX: Final = 4_096
RECENT_BYTES_MAX: Final = 16_000_000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
  used INTEGER PRIMARY KEY AUTOINCREMENT, pid TEXT NOT NULL UNIQUE, body BLOB NOT NULL
);
"""


class _Body(msgspec.Struct, array_like=True, frozen=True):
    """An event as it stands in the file."""

    rooms: tuple[str, ...]
    except_: tuple[str, ...]
    text: bytes
    attachments: tuple[bytes, ...] = ()


_encode: Final = msgspec.msgpack.Encoder().encode
_body: Final = msgspec.msgpack.Decoder(_Body)
_session: Final = msgspec.msgpack.Decoder(Session)


class SqliteRecovery(MemoryRecovery):
    """A `Recovery` for one namespace of one process, kept at `path`; the oldest events and sessions make room for new.

    ::

        from ordercast.hub.recovery.sqlite import SqliteRecovery

        server.main.recovery = SqliteRecovery(Path("events.db"))

    Raises sqlite3.OperationalError if the file cannot be had, also because another process has it. So does an emit that
    cannot be kept (a full disk): nobody gets it then.
    """

    def __init__(
        self,
        path: Path,
        *,
        events_max: int = EVENTS_MAX,
        sessions_max: int = SESSIONS_MAX,
        greeting_event: str | None = GREETING_EVENT,
        gap_event: str = GAP_EVENT,
    ) -> None:
        """Keep up to `events_max` events and `sessions_max` sessions in the file; the two events as in memory."""
        super().__init__(
            events_max=min(events_max, RECENT_EVENTS_MAX),
            bytes_max=RECENT_BYTES_MAX,
            greeting_event=greeting_event,
            gap_event=gap_event,
        )
        self.path = path
        self._kept_max = events_max
        self._sessions_kept_max = sessions_max
        self._connection = _open(path)
        self._epoch = self._fact("epoch", secrets.token_hex(4))
        self._first_seq, self._last_seq = self._bounds()
        for entry in self._read(self._last_seq - RECENT_EVENTS_MAX, RECENT_EVENTS_MAX):
            self._remember(entry)
        (self._session_count,) = self._connection.execute("SELECT count(*) FROM sessions").fetchone()

    def __repr__(self) -> str:
        events = self._last_seq - self._oldest() + 1
        return f"<SqliteRecovery {self.path.name} events={events} sessions={self._session_count}>"

    def close(self) -> None:
        """Let go of the file, once the server has stopped."""
        self._connection.close()

    # What is emitted

    def record(self, message: Message, rooms: Sequence[str], except_: Sequence[str]) -> None:
        body = _encode(_Body(tuple(rooms), tuple(except_), message.text, message.attachments))
        self._connection.execute("INSERT INTO events (seq, body) VALUES (?, ?)", (self._last_seq + 1, body))
        super().record(message, rooms, except_)
        if self._last_seq - self._first_seq >= self._kept_max + PRUNE_EVENTS:
            self._prune()

    def _prune(self) -> None:
        first = self._last_seq - self._kept_max + 1
        self._connection.execute("DELETE FROM events WHERE seq < ?", (first,))
        self._first_seq = first

    # Sessions

    async def save(self, session: Session) -> None:
        # REPLACE moves it to the end of the queue of those that make room.
        is_new = await self.load(session.pid) is None
        self._connection.execute(
            "INSERT OR REPLACE INTO sessions (pid, body) VALUES (?, ?)", (session.pid, _encode(session))
        )
        self._session_count += is_new
        if self._session_count > self._sessions_kept_max:
            self._connection.execute("DELETE FROM sessions WHERE used = (SELECT min(used) FROM sessions)")
            self._session_count -= 1

    async def load(self, pid: str) -> Session | None:
        row = self._connection.execute("SELECT body FROM sessions WHERE pid = ?", (pid,)).fetchone()
        return None if row is None else _session.decode(row[0])

    async def forget(self, pid: str) -> None:
        self._session_count -= self._connection.execute("DELETE FROM sessions WHERE pid = ?", (pid,)).rowcount

    # What was missed

    def _oldest(self) -> int:
        # Rows past the bound that are still there are not counted on: when they go is nobody's business.
        return max(self._first_seq, self._last_seq - self._kept_max + 1)

    def _behind(self, after: int) -> list[RecordedEvent]:
        if after + 1 >= super()._oldest():
            return super()._behind(after)
        return self._read(after, BATCH_EVENTS)

    def _read(self, after: int, limit: int) -> list[RecordedEvent]:
        rows = self._connection.execute(
            "SELECT seq, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
        ).fetchall()
        return [_entry(seq, body) for seq, body in rows]

    # Steps

    def _fact(self, name: str, at_first: str) -> str:
        """A fact about the file, written when it is made."""
        self._connection.execute("INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)", (name, at_first))
        (value,) = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(value)

    def _bounds(self) -> tuple[int, int]:
        first, last = self._connection.execute("SELECT min(seq), max(seq) FROM events").fetchone()
        return (1, 0) if first is None else (first, last)


def _open(path: Path) -> sqlite3.Connection:
    # Autocommit: an event is kept when its statement has returned.
    connection = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    try:
        # For this process alone: a second one would give its own events the same numbers.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        # Written to the system, not waited for until it is on the disk: what a killed process has written stays.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _entry(seq: int, data: Any) -> RecordedEvent:
    body = _body.decode(data)
    return RecordedEvent(seq, frozenset(body.rooms), frozenset(body.except_), Message(body.text, body.attachments))
