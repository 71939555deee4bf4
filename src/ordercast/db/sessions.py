"""Socket sessions, and forgetting what has become too old."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from ordercast.commerce.moments import Moment, moment

from . import access
from .lenient_json import is_moment
from .transaction import Transaction
from .types import SessionRow

# A client that repeats a request does so within minutes; a day covers one that was switched off overnight.
ANSWERS_AGE_S_MAX: Final = 24 * 3600
# A provider sends an event again for some days, and an operator may do so by hand for some weeks.
PROVIDER_EVENTS_AGE_S_MAX: Final = 60 * 24 * 3600
# In one unit of work: an order that comes meanwhile waits for milliseconds, not for the whole of it.
PRUNED_ROWS_MAX: Final = 1_000


def keep(transaction: Transaction, changes: Mapping[str, SessionRow | None]) -> None:
    """Save these sessions, and forget those that are None. In the order of their pids, so that two nodes with the same
    ones do not wait for each other.
    """
    save(transaction, [changes[pid] for pid in sorted(changes)])
    if forgotten := sorted(pid for pid, session in changes.items() if session is None):
        transaction.run(transaction.sql.sessions.forget_all, pids=msgspec.json.encode(forgotten).decode())


def save(transaction: Transaction, sessions: Iterable[SessionRow | None]) -> None:
    rows = [
        {
            "pid": session.pid,
            "sid": session.sid,
            "namespace": session.namespace,
            "identity": session.identity,
            "rooms": msgspec.json.encode(session.rooms).decode(),
            "seen_at": session.seen_at,
        }
        for session in sessions
        if session is not None
    ]
    if rows:
        transaction.many(transaction.sql.sessions.save, rows)


def load(transaction: Transaction, pids: Sequence[str]) -> dict[str, SessionRow]:
    """Those of the sessions that are kept, by their pids."""
    statement, asked = transaction.sql.sessions.load, msgspec.json.encode(pids).decode()
    return {session.pid: session for session in transaction.read(statement, _session, "sessions", pids=asked)}


def _session(row: tuple[Any, ...]) -> SessionRow:
    *texts, identity, rooms, seen_at = row
    pid, sid, namespace = msgspec.convert(texts, tuple[str, str, str])
    identity.decode()
    if not is_moment(seen_at):
        raise ValueError("seen_at is no moment")
    return SessionRow(pid, sid, namespace, identity, msgspec.json.decode(rooms, type=tuple[str, ...]), seen_at)


def forget(transaction: Transaction, pid: str) -> None:
    transaction.run(transaction.sql.sessions.forget, pid=pid)


def prune(transaction: Transaction, feed_rows_max: int | None, sessions_age_s_max: int, now: str) -> bool:
    """Forget up to PRUNED_ROWS_MAX rows of each kind that are too old, with None none of the feed; whether there may be
    more.
    """
    sql, yesterday = transaction.sql, _before(now, ANSWERS_AGE_S_MAX)
    forgotten = [
        transaction.run(sql.sessions.forget_old, before=_before(now, sessions_age_s_max), limit=PRUNED_ROWS_MAX),
        transaction.run(sql.answers.forget_old, before=yesterday, limit=PRUNED_ROWS_MAX),
        transaction.run(sql.feed.forget_old_events, before=yesterday, limit=PRUNED_ROWS_MAX),
        transaction.run(
            sql.ledger.forget_old_events, before=_before(now, PROVIDER_EVENTS_AGE_S_MAX), limit=PRUNED_ROWS_MAX
        ),
        access.forget(transaction, _before(now, 0), PRUNED_ROWS_MAX),
    ]
    newest = transaction.one(sql.feed.newest_seq)
    if feed_rows_max is not None and newest is not None and newest[0] is not None:
        # The newest row stays: the feed's last position must be readable from the feed. And it has no holes: where
        # somebody holds one of those that are to go, none does.
        through = newest[0] - max(1, feed_rows_max)
        forgotten.append(transaction.run(sql.feed.forget_old_changes, through=through, limit=PRUNED_ROWS_MAX))
    return max(forgotten) >= PRUNED_ROWS_MAX


def _before(now: str, age_s: int) -> Moment:
    return moment(int((datetime.fromisoformat(now) - timedelta(seconds=age_s)).timestamp() * 1000))
