"""Opens connections to a file while it stays the same."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager, suppress
from typing import cast

from ordercast.db.connector import Connection
from ordercast.db.errors import NotCommitted
from ordercast.db.sqlite.connection import SqliteConnector
from ordercast.db.sqlite.file import DatabaseFile
from ordercast.db.sqlite.leases import FileLost, GuardedConnection


class GuardedConnector(SqliteConnector):
    """Opens connections to the file for as long as it is the same, and lets nothing be confirmed on another."""

    def __init__(self, file: DatabaseFile) -> None:
        super().__init__(file.path)
        self.file = file

    def open(self, *, read_only: bool = False) -> Connection:
        return cast(Connection, self.file.connect(read_only=read_only))

    def using(self, connection: Connection) -> AbstractContextManager[None]:
        return cast(GuardedConnection, connection).lease

    def commit(self, connection: Connection) -> None:
        guarded = cast(GuardedConnection, connection)
        try:
            self.file.before_commit(guarded)
        except FileLost as error:
            raise NotCommitted(error) from error
        guarded.execute("COMMIT")
        self.file.after_commit()

    def in_transaction(self, connection: Connection) -> bool:
        guarded = cast(GuardedConnection, connection)
        return guarded.is_open and guarded.in_transaction

    def is_lost(self, connection: Connection) -> bool:
        guarded = cast(GuardedConnection, connection)
        if not guarded.is_open:
            return True
        if not guarded.is_reader:
            return not self.file.may_be_written(guarded)
        try:
            self.file.check()
        except FileLost:
            return True
        return False

    def interrupt(self, connection: Connection) -> None:
        with suppress(sqlite3.ProgrammingError):
            super().interrupt(connection)
