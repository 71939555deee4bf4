"""What every room's tests may ask for. One PostgreSQL serves a whole run; each worker of a run has its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .postgres import Postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A running server, for who asks: its start takes a second."""
    from .postgres import running_postgres

    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Postgres) -> str:
    """A migrated database that nobody opens: to be copied, which is faster than to migrate."""
    from ordercast.db import migrate

    name = postgres_server.new_database()
    migrate.upgrade(postgres_server.url(name))
    return name


@pytest.fixture
def postgres_url(postgres_server: Postgres, postgres_template: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    name = postgres_server.new_database(postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop(name)
