from __future__ import annotations

from collections.abc import Iterator

import pytest

from .postgres import Postgres, running_postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One PostgreSQL server for all tests of this process; each makes a database of its own in it."""
    with running_postgres() as postgres:
        yield postgres
