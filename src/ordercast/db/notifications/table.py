"""Tables: notifications, and who has read them. A staff notification is read by each of the staff separately.

Marking all as read is one row, however many there are; only those read singly have rows of their own.
"""

from __future__ import annotations

from ordercast.commerce.notifications import NotificationKind, Severity
from ordercast.db.columns import (
    count,
    entry,
    identifier,
    index,
    integer,
    json_object,
    moment,
    one_of,
    table,
    text,
    word,
)

notifications = table(
    "notifications",
    # The inserting transaction, if there are several writers: a read mark must not cover rows that were not visible
    # yet. Stands before `entry`, as PostgreSQL fills columns in order: a row with an entry has its transaction's
    # number.
    integer("written_in", default="(@transaction_number)", optional=True),
    # Insertion order: pages are sorted by it, and read marks refer to it.
    entry(),
    identifier("id", prefix="ntf", unique=True),
    # ``store`` for staff, or a user's id.
    identifier("recipient"),
    word("kind"),
    identifier("order_id", optional=True),
    json_object("data", "{}"),
    word("severity", default=Severity.INFO),
    moment("created_at"),
    one_of("kind", NotificationKind),
    one_of("severity", Severity),
    index("notifications_by_recipient", "recipient", "entry"),
    index("notifications_by_age", "created_at", "entry"),
    # Empty on SQLite, which has one writer.
    index("notifications_by_transaction", "written_in", "entry", where="written_in IS NOT NULL"),
    # Entries are never reused: one would lie below a read mark.
    autoincrement=True,
)

notification_reads = table(
    "notification_reads",
    # Notification first, for deleting its reads with it.
    identifier("notification_id", primary_key=True),
    identifier("user_id", primary_key=True),
    # Copied from the notification, so that reads after a mark are counted without a join.
    identifier("recipient"),
    count("entry", default=None),
    moment("read_at"),
    index("notification_reads_by_user", "user_id", "recipient", "entry"),
    rowid=False,
    may_be_emptied=True,
)

notification_marks = table(
    "notification_marks",
    identifier("user_id", primary_key=True),
    identifier("recipient", primary_key=True),
    # The user had read all entries up to this one at that time ...
    count("through", default=None, primary_key=True),
    moment("read_at"),
    # ... except those of transactions that were uncommitted: their numbers, separated by spaces.
    text("unseen", default=""),
    rowid=False,
)
