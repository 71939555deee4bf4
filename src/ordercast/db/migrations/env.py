"""Alembic runs this file; the connection, already in a transaction of its own, comes from ``db.migrate``."""

from __future__ import annotations

from alembic import context

from ordercast.db.ddl import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
