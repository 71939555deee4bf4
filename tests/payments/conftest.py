"""Payments are tried through the door that they come in by."""

from tests.api.conftest import (
    client,
    postgresql_store,
    providers,
    seeded,
    seeded_postgres,
    settings,
    settle,
    sqlite_store,
    store,
)

__all__ = [
    "client",
    "postgresql_store",
    "providers",
    "seeded",
    "seeded_postgres",
    "settings",
    "settle",
    "sqlite_store",
    "store",
]
