"""Whose personal data was erased, when and by whom: what is left to show that it was done."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from .columns import EXTERNAL_ACTOR, Text, metadata, moment

erasures = Table(
    "erasures",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    moment("at"),
    Index("erasures_by_customer", "customer_id"),
    sqlite_with_rowid=False,
)
