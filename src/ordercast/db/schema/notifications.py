"""What people are told until they have read it. What all the shop's people are told, each reads for themselves."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from ordercast.commerce.notifications import NotificationKind, Severity

from .columns import Text, json_text, metadata, moment, new_id, one_of

notifications = Table(
    "notifications",
    metadata,
    Column("id", Text, primary_key=True, server_default=new_id("ntf")),
    # ``store`` for the shop's people, or the id of a user.
    Column("recipient", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("order_id", Text),
    json_text("data", "{}"),
    Column("severity", Text, nullable=False, server_default=Severity.INFO),
    moment("created_at"),
    one_of("kind", NotificationKind),
    one_of("severity", Severity),
    Index("notifications_by_recipient", "recipient", "id"),
    Index("notifications_by_age", "created_at"),
    sqlite_with_rowid=False,
)

notification_reads = Table(
    "notification_reads",
    metadata,
    # By the notification first: so those of one that is forgotten are found.
    Column("notification_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    moment("read_at"),
    sqlite_with_rowid=False,
)
