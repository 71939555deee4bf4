"""A small pool of threads, each with a read-only connection of its own."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from .connection import connect
from .statements import Statements
from .transaction import Transaction
from .types import Overloaded, StoreClosed, StoreUnavailable

T = TypeVar("T")

# Reads are short and hold the interpreter's lock for most of their time; a third thread gains nothing.
READERS: Final = 2
READS_WAITING_MAX: Final = 1_024

log = logging.getLogger("ordercast.db")


class Readers:
    """Each query sees one snapshot of the database, from its first read to its end."""

    def __init__(self, path: Path, sql: Statements) -> None:
        self._path = path
        self._sql = sql
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0

    def __repr__(self) -> str:
        return f"<Readers {len(self._connections)} open, {self._waiting} waiting>"

    def start(self) -> None:
        self._pool = ThreadPoolExecutor(READERS, "ordercast-reader", initializer=self._open)

    async def stop(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await asyncio.to_thread(pool.shutdown)
        while self._connections:
            self._connections.pop().close()

    async def submit(self, query: Callable[[Transaction], T]) -> T:
        """Run `query` on a reader. Raises what it raises; Overloaded, StoreUnavailable or StoreClosed."""
        if self._pool is None:
            raise StoreClosed
        if self._waiting >= READS_WAITING_MAX:
            raise Overloaded("reads", self._waiting)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, query)
        finally:
            self._waiting -= 1

    def _open(self) -> None:
        connection = connect(self._path, read_only=True)
        self._connections.append(connection)
        self._local.connection = connection

    def _read(self, query: Callable[[Transaction], T]) -> T:
        connection: sqlite3.Connection = self._local.connection
        try:
            connection.execute("BEGIN")
            try:
                return query(Transaction(connection, self._sql))
            finally:
                connection.execute("ROLLBACK")  # it wrote nothing; this only ends the snapshot
        except sqlite3.OperationalError as error:
            log.exception("the database could not be read")
            raise StoreUnavailable(error) from error
