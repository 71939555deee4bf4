"""The sandbox provider's own books. Nothing of ours reads them but the sandbox; a shop with a real provider leaves them
empty.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Table
from sqlalchemy import text as sql

from .columns import Integer, Text, amount, json_array, metadata

sandbox_payments = Table(
    "sandbox_payments",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    # Which card of the sandbox it was: its public name, since a sandbox has no secrets.
    Column("card", Text, nullable=False),
    Column("currency", Text, nullable=False),
    amount("authorized"),
    amount("captured"),
    amount("refunded"),
    Column("held", Integer, nullable=False, server_default=sql("0")),
    Column("disputed", Integer, nullable=False, server_default=sql("0")),
    # Keys of what was asked for, so that it is done once.
    json_array("asked"),
    Column("created_at", Text, nullable=False),
    sqlite_with_rowid=False,
)

sandbox_notices = Table(
    "sandbox_notices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("due_at", Text, nullable=False),
    Index("sandbox_notices_due", "due_at"),
    sqlite_with_rowid=False,
)
