"""Units of work on socket sessions, and pruning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from ordercast.commerce.timestamps import Timestamp, timestamp

from . import access, domains, events, feed, idempotency, payment_webhooks
from .columns import document, given_moment, index, line, of, table, text
from .lenient_json import is_moment
from .noun import Copies, Noun
from .statement import Statement, statements_in
from .transaction import Transaction
from .types import SessionRow

# Clients repeat requests within minutes; a day covers one that was off overnight.
ANSWERS_AGE_S_MAX: Final = 24 * 3600
# Providers repeat events for days, operators for weeks.
PROVIDER_EVENTS_AGE_S_MAX: Final = 60 * 24 * 3600
# Per unit of work: other writers wait for milliseconds.
PRUNED_ROWS_MAX: Final = 1_000

sessions = table(
    "sessions",
    line("pid", primary_key=True),
    line("sid"),
    text("namespace"),
    of(domains.IDENTITY, "identity"),
    document("rooms"),
    given_moment("seen_at"),
    index("sessions_by_age", "seen_at"),
    rowid=False,
    may_be_emptied=True,
)

# --- Statements -------------------------------------------------------------------------------------------------------

SAVE: Final = Statement("""
    INSERT INTO sessions (pid, sid, namespace, identity, rooms, seen_at)
    VALUES (:pid, :sid, :namespace, :identity, :rooms, :seen_at)
    ON CONFLICT (pid) DO UPDATE SET sid = excluded.sid, namespace = excluded.namespace,
      identity = excluded.identity, rooms = excluded.rooms, seen_at = excluded.seen_at
""")
LOAD: Final = Statement("""
    SELECT pid, sid, namespace, identity, rooms, seen_at FROM sessions WHERE pid IN (@json_texts(:pids))
""")
FORGET: Final = Statement("DELETE FROM sessions WHERE pid = :pid")
FORGET_ALL: Final = Statement("DELETE FROM sessions WHERE pid IN (@json_texts(:pids))")
FORGET_OLD: Final = Statement("""
    DELETE FROM sessions WHERE pid IN (
      SELECT pid FROM sessions WHERE seen_at < :before LIMIT :limit @postgresql(FOR UPDATE SKIP LOCKED))
""")

NOUN: Final = Noun(
    name="sessions",
    tables=(sessions,),
    statements=statements_in(globals()),
    personal={"sessions": Copies("their sockets' places: removed")},
)

# --- Units of work ----------------------------------------------------------------------------------------------------


def keep(transaction: Transaction, changes: Mapping[str, SessionRow | None]) -> None:
    """Save sessions, and delete those that are None, in the order of pids, against deadlocks."""
    save(transaction, [changes[pid] for pid in sorted(changes)])
    if forgotten := sorted(pid for pid, session in changes.items() if session is None):
        transaction.run(FORGET_ALL, pids=msgspec.json.encode(forgotten).decode())


def save(transaction: Transaction, changed: Iterable[SessionRow | None]) -> None:
    rows = [
        {
            "pid": session.pid,
            "sid": session.sid,
            "namespace": session.namespace,
            "identity": session.identity,
            "rooms": msgspec.json.encode(session.rooms).decode(),
            "seen_at": session.seen_at,
        }
        for session in changed
        if session is not None
    ]
    if rows:
        transaction.many(SAVE, rows)


def load(transaction: Transaction, pids: Sequence[str]) -> dict[str, SessionRow]:
    """Load sessions by pids."""
    statement, pids_json = LOAD, msgspec.json.encode(pids).decode()
    return {session.pid: session for session in transaction.read(statement, _session, "sessions", pids=pids_json)}


def _session(row: tuple[Any, ...]) -> SessionRow:
    *texts, identity, rooms, seen_at = row
    pid, sid, namespace = msgspec.convert(texts, tuple[str, str, str])
    identity.decode()
    if not is_moment(seen_at):
        raise ValueError("seen_at is no moment")
    return SessionRow(pid, sid, namespace, identity, msgspec.json.decode(rooms, type=tuple[str, ...]), seen_at)


def forget(transaction: Transaction, pid: str) -> None:
    transaction.run(FORGET, pid=pid)


def prune(transaction: Transaction, feed_rows_max: int | None, sessions_age_s_max: int, now: str) -> bool:
    """Delete up to PRUNED_ROWS_MAX old rows of each kind, none of the feed if None; return whether there may be
    more.
    """
    yesterday = _before(now, ANSWERS_AGE_S_MAX)
    forgotten = [
        transaction.run(FORGET_OLD, before=_before(now, sessions_age_s_max), limit=PRUNED_ROWS_MAX),
        transaction.run(idempotency.FORGET_OLD, before=yesterday, limit=PRUNED_ROWS_MAX),
        transaction.run(events.FORGET_OLD, before=yesterday, limit=PRUNED_ROWS_MAX),
        transaction.run(
            payment_webhooks.FORGET_OLD,
            before=_before(now, PROVIDER_EVENTS_AGE_S_MAX),
            limit=PRUNED_ROWS_MAX,
        ),
        access.forget(transaction, _before(now, 0), PRUNED_ROWS_MAX),
    ]
    newest = feed.newest_seq(transaction)
    if feed_rows_max is not None and newest:
        # The newest row stays, as it has the last position. No gaps: if one of the rows is locked, none is deleted.
        through = newest - max(1, feed_rows_max)
        forgotten.append(transaction.run(feed.FORGET_OLD, through=through, limit=PRUNED_ROWS_MAX))
    return max(forgotten) >= PRUNED_ROWS_MAX


def _before(now: str, age_s: int) -> Timestamp:
    return timestamp(int((datetime.fromisoformat(now) - timedelta(seconds=age_s)).timestamp() * 1000))
