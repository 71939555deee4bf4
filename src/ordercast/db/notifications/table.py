"""What people are told until they have read it. What all the shop's people are told, each reads for themselves.

Reading costs what is read, not what is kept: who reads everything leaves one mark, and only what is read one by one has
rows of its own.
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
    # Which transaction wrote it, where several write at once: a mark must not cover what nobody could see yet. It
    # stands before `entry`, for PostgreSQL fills columns in their order: who has an entry has a transaction's number.
    integer("written_in", default="(@transaction_number)", optional=True),
    # The order in which they were written; it sorts pages, and marks go by it.
    entry(),
    identifier("id", prefix="ntf", unique=True),
    # ``store`` for the shop's people, or the id of a user.
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
    # A number once given is never given again: it would lie below somebody's mark.
    autoincrement=True,
)

notification_reads = table(
    "notification_reads",
    # By the notification first: so those of one that is forgotten are found.
    identifier("notification_id", primary_key=True),
    identifier("user_id", primary_key=True),
    # Of the notification, so that those behind a mark are counted without it.
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
    # All that had been written to the recipient up to this entry was read by this user at that moment ...
    count("through", default=None, primary_key=True),
    moment("read_at"),
    # ... but for what transactions wrote that were not committed yet: their numbers, each between spaces.
    text("unseen", default=""),
    rowid=False,
)
