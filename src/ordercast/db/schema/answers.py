"""What must be remembered to answer alike: repeated requests, returning sockets, and facts of the database."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from .columns import Bytes, Text, metadata, moment

idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Bytes, nullable=False),
    Column("answer", Text, nullable=False),
    moment("created_at"),
    Index("idempotency_by_age", "created_at"),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("pid", Text, primary_key=True),
    Column("sid", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("identity", Bytes, nullable=False),
    Column("rooms", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Index("sessions_by_age", "seen_at"),
    sqlite_with_rowid=False,
)

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
