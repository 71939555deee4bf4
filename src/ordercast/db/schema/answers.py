"""What must be remembered to answer alike: repeated requests, returning sockets, and facts of the database."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, Table

from ordercast.db import domains
from ordercast.db.columns import Said, given_moment, line, metadata, moment, of, text, told

idempotency = Table(
    "idempotency",
    metadata,
    line("scope", primary_key=True),
    line("key", primary_key=True),
    of(domains.DIGEST, "fingerprint"),
    told("answer"),
    moment("created_at"),
    Index("idempotency_by_age", "created_at"),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    line("pid", primary_key=True),
    line("sid"),
    text("namespace"),
    of(domains.IDENTITY, "identity"),
    told("rooms"),
    given_moment("seen_at"),
    Index("sessions_by_age", "seen_at"),
    sqlite_with_rowid=False,
)

meta = Table(
    "meta",
    metadata,
    line("name", primary_key=True),
    text("value"),
    # Every position begins with it, and a colon ends it.
    CheckConstraint(Said(lambda dialect: f"name <> 'epoch' OR {dialect.is_hex('value')}"), name="epoch_is_hex"),
    CheckConstraint(
        Said(lambda dialect: f"name <> 'feed_newest' OR {dialect.is_in_digits('value')}"), name="feed_newest_is_number"
    ),
)
