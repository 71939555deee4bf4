"""SQLite, through the driver of the standard library."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import cast

from ordercast.db.connection import connect

from .connector import Connection, Connector


class SqliteConnector(Connector):
    # IMMEDIATE: a read that turns into a write fails at once, whatever the busy timeout.
    begin_writing = "BEGIN IMMEDIATE"
    begin_reading = "BEGIN"
    takes_turns = True
    troubles = (sqlite3.OperationalError,)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"<SqliteConnector {self._path.name}>"

    def open(self, *, read_only: bool = False) -> Connection:
        return connect(self._path, read_only=read_only)

    def commit(self, connection: Connection) -> None:
        connection.execute("COMMIT")

    def in_transaction(self, connection: Connection) -> bool:
        # It rolls everything back by itself where the disk is full or fails.
        return cast(sqlite3.Connection, connection).in_transaction

    def is_lost(self, connection: Connection) -> bool:
        del connection
        return False

    def interrupt(self, connection: Connection) -> None:
        cast(sqlite3.Connection, connection).interrupt()

    def is_held_up(self, error: Exception) -> bool:
        del error
        return False

    def is_conflict(self, error: Exception) -> bool:
        del error
        return False
