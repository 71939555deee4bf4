"""SQL on notifications. Each is for one recipient: no index sorts the rows of two."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.notifications import SHOP
from ordercast.commerce.states import OrderStatus
from ordercast.db.statement import Statement
from ordercast.db.types import ChangeKind

# Cast: PostgreSQL would infer two types for one parameter, text and the column's domain.
_USER: Final = "CAST(:user_id AS text)"
_SHOWN: Final = """notifications.entry, notifications.id, notifications.kind, notifications.order_id,
      notifications.data, notifications.severity, notifications.created_at"""


def _read_by(user: str) -> str:
    return f"notification_reads.notification_id = notifications.id AND notification_reads.user_id = {user}"


def _marked_by(user: str) -> str:
    """The user's marks that cover the notification."""
    return f"""
        notification_marks.user_id = {user} AND notification_marks.recipient = notifications.recipient
        AND notification_marks.through >= notifications.entry
        AND (notification_marks.unseen = ''
          OR NOT @contains(notification_marks.unseen, ' ' || coalesce(notifications.written_in, 0) || ' '))"""


# --- Listing ----------------------------------------------------------------------------------------------------------

BEFORE: Final = Statement(f"""
    SELECT {_SHOWN}, coalesce(
      (SELECT notification_reads.read_at FROM notification_reads WHERE {_read_by(_USER)}),
      (SELECT notification_marks.read_at FROM notification_marks WHERE {_marked_by(_USER)}
        ORDER BY notification_marks.through LIMIT 1))
    FROM notifications WHERE notifications.recipient = :recipient AND notifications.entry < :before
    ORDER BY notifications.entry DESC LIMIT :limit
""")
# Entries after the newest mark, at most `window`.
MARK: Final = Statement(f"""
    SELECT through, unseen FROM notification_marks WHERE user_id = {_USER} AND recipient = :recipient
    ORDER BY through DESC LIMIT 1
""")
BEHIND: Final = Statement("""
    SELECT count(*), min(behind.entry) FROM (
      SELECT entry FROM notifications WHERE recipient = :recipient AND entry > :through AND entry < :before
      ORDER BY entry DESC LIMIT :window) AS behind
""")
READ_BEHIND: Final = Statement(f"""
    SELECT count(*) FROM notification_reads
    WHERE user_id = {_USER} AND recipient = :recipient AND entry >= :lowest
""")
UNREAD_BEHIND: Final = Statement(f"""
    SELECT {_SHOWN}, NULL
    FROM notifications
    WHERE notifications.recipient = :recipient AND notifications.entry >= :lowest AND notifications.entry < :before
      AND NOT EXISTS (SELECT * FROM notification_reads WHERE {_read_by(_USER)})
    ORDER BY notifications.entry DESC LIMIT :limit
""")
# Entries below a mark that became visible after it.
UNSEEN: Final = Statement(f"""
    SELECT {_SHOWN}, NULL
    FROM notifications
    WHERE notifications.written_in = :written_in AND notifications.recipient = :recipient
      AND notifications.entry <= :through AND notifications.entry < :before
      AND NOT EXISTS (SELECT * FROM notification_reads WHERE {_read_by(_USER)})
    ORDER BY notifications.entry DESC LIMIT :limit
""")

# --- Reading ----------------------------------------------------------------------------------------------------------

KNOWN: Final = Statement("""
    SELECT count(*) FROM notifications
    WHERE id IN (@json_texts(:ids)) AND recipient IN (@json_texts(:recipients))
""")
SEE: Final = Statement(f"""
    INSERT INTO notification_reads (notification_id, user_id, recipient, entry, read_at)
    SELECT notifications.id, {_USER}, notifications.recipient, notifications.entry, :read_at
    FROM notifications
    WHERE notifications.id IN (@json_texts(:ids)) AND notifications.recipient IN (@json_texts(:recipients))
      AND NOT EXISTS (SELECT * FROM notification_marks WHERE {_marked_by(_USER)})
    ON CONFLICT DO NOTHING
""")
SEE_ALL: Final = Statement(f"""
    INSERT INTO notification_marks (user_id, recipient, through, read_at, unseen)
    SELECT {_USER}, notifications.recipient, notifications.entry, :read_at, (@open_transactions)
    FROM notifications WHERE notifications.recipient = :recipient
    ORDER BY notifications.entry DESC LIMIT 1
    ON CONFLICT (user_id, recipient, through) DO UPDATE SET unseen = excluded.unseen
""")
FORGET_MARKS: Final = Statement(f"""
    DELETE FROM notification_marks
    WHERE user_id = {_USER} AND recipient = :recipient
      AND through < (SELECT min(notifications.entry) FROM notifications WHERE notifications.recipient = :recipient)
""")

# --- Notifying -------------------------------------------------------------------------------------------------------

ADD: Final = Statement("""
    INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    VALUES (:recipient, :kind, :order_id, :data, :severity, :created_at)
""")
# With several writers, order numbers become visible out of order; the feed's are in commit order.
_PLACED: Final = f"feed.seq > :mark AND feed.kind = '{ChangeKind.ORDER_PLACED}'"
# Pending orders placed after the mark.
_NEW_ORDERS: Final = "SELECT count(*), min(orders.number), max(orders.number) FROM orders WHERE "
NEW_ORDERS: Final = Statement(
    sqlite=f"""
        {_NEW_ORDERS} orders.number > :mark AND orders.number <= :through AND orders.status = '{OrderStatus.PENDING}'
    """,
    postgresql=f"""
        {_NEW_ORDERS} orders.id IN (SELECT feed.entity_id FROM feed WHERE {_PLACED} AND feed.seq <= :through)
          AND orders.status = '{OrderStatus.PENDING}'
    """,
)
_NEWEST_NUMBER: Final = "SELECT max(number) FROM orders"
NEWEST_ORDER: Final = Statement(sqlite=_NEWEST_NUMBER, postgresql=f"SELECT max(feed.seq) FROM feed WHERE {_PLACED}")
# How far that search went, if other changes lie between.
NEWEST_CHANGE: Final = Statement(sqlite=_NEWEST_NUMBER, postgresql="SELECT max(seq) FROM feed")

# --- Forgetting -------------------------------------------------------------------------------------------------------

OLD: Final = Statement(f"""
    SELECT notifications.created_at, notifications.entry, notifications.id,
      CASE WHEN notifications.created_at < :before OR notifications.recipient = '{SHOP}'
        OR EXISTS (SELECT * FROM notification_reads WHERE {_read_by("notifications.recipient")})
        OR EXISTS (SELECT * FROM notification_marks WHERE {_marked_by("notifications.recipient")})
      THEN 1 ELSE 0 END
    FROM notifications
    WHERE notifications.created_at < :read_before
      AND (notifications.created_at, notifications.entry) > (:after_at, :after_entry)
    ORDER BY notifications.created_at, notifications.entry LIMIT :limit
""")
# A locked row is left for the next round.
FORGET: Final = Statement("""
    DELETE FROM notifications WHERE id IN (
      SELECT id FROM notifications WHERE id IN (@json_texts(:ids)) @postgresql(FOR UPDATE SKIP LOCKED))
""")
