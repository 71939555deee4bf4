"""Rows against every rule of the schema, as they are there where a rule is newer than they, or was switched off."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg


@contextmanager
def lawless_sqlite(path: Path, table: str) -> Iterator[sqlite3.Connection]:
    """A connection without checks or the triggers of `table`, which are there again afterwards. All of it is one
    transaction, so a server beside it never misses one.
    """
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("BEGIN IMMEDIATE")
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, made in triggers:
            connection.execute(made)
        connection.execute("COMMIT")


@contextmanager
def lawless_postgresql(url: str, table: str) -> Iterator[psycopg.Connection]:
    """The same; checks of the table are gone for good."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'", (table,)
        ).fetchall()
        for (name,) in found:
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
        triggers = connection.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", (table,)
        ).fetchall()
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        yield connection
        for (name,) in triggers:
            connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}".encode())


def force(place: Path | str, table: str, statement: str, values: Sequence[Any] = ()) -> None:
    """Run one statement on `table` of a file or a server's database, with a ``?`` for each value, whatever the rules
    say. Raises what the driver does where a column's own type refuses it.
    """
    if isinstance(place, Path):
        with lawless_sqlite(place, table) as connection:
            connection.execute(statement, values)
        return
    with lawless_postgresql(place, table) as server:
        server.execute(statement.replace("?", "%s").encode(), values or None)


def force_all(place: Path | str, table: str, statements: Iterable[tuple[str, Sequence[Any]]]) -> None:
    """The same with several, but for what a column's own type refuses: to suspend the rules is what takes time."""
    if isinstance(place, Path):
        with lawless_sqlite(place, table) as connection:
            for statement, values in statements:
                with suppress(sqlite3.Error):
                    connection.execute(statement, values)
        return
    with lawless_postgresql(place, table) as server:
        for statement, values in statements:
            with suppress(psycopg.Error), server.transaction():
                server.execute(statement.replace("?", "%s").encode(), values or None)
