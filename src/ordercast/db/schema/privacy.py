"""Whose personal data was erased, when and by whom: what is left to show that it was done."""

from __future__ import annotations

from sqlalchemy import Index, Table

from ordercast.db.columns import actor, identifier, metadata, moment

erasures = Table(
    "erasures",
    metadata,
    identifier("id", primary_key=True),
    identifier("customer_id"),
    actor(),
    moment("at"),
    Index("erasures_by_customer", "customer_id"),
    sqlite_with_rowid=False,
)
