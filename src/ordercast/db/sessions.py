"""Socket sessions, and forgetting what has become too old."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from ordercast.commerce.moments import moment

from .transaction import Transaction
from .types import SessionRow


def save(transaction: Transaction, session: SessionRow) -> None:
    rooms = msgspec.json.encode(session.rooms).decode()
    transaction.run(
        transaction.sql.save_session,
        pid=session.pid,
        sid=session.sid,
        namespace=session.namespace,
        identity=session.identity,
        rooms=rooms,
        seen_at=session.seen_at,
    )


def load(transaction: Transaction, pid: str) -> SessionRow | None:
    row = transaction.one(transaction.sql.load_session, pid=pid)
    if row is None:
        return None
    pid, sid, namespace, identity, rooms, seen_at = row
    return SessionRow(pid, sid, namespace, identity, msgspec.json.decode(rooms, type=tuple[str, ...]), seen_at)


def forget(transaction: Transaction, pid: str) -> None:
    transaction.run(transaction.sql.forget_session, pid=pid)


def prune(transaction: Transaction, feed_rows_max: int, sessions_age_s_max: int, now: str) -> None:
    oldest = datetime.fromisoformat(now) - timedelta(seconds=sessions_age_s_max)
    transaction.run(transaction.sql.forget_old_sessions, before=moment(int(oldest.timestamp() * 1000)))
    newest = transaction.one(transaction.sql.newest_seq)
    if newest is not None and newest[0] is not None:
        # The newest row stays: the feed's last position must be readable from the feed.
        transaction.run(transaction.sql.forget_old_changes, through=newest[0] - max(1, feed_rows_max))
