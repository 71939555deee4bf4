"""A small pool of threads, each with a read-only connection of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from .connections import Connection, Connector
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

    def __init__(self, connector: Connector, sql: Statements) -> None:
        self._connector = connector
        self._sql = sql
        self._local = threading.local()
        self._connections: list[Connection] = []
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0
        self._began_at: dict[Connection, float] = {}

    def __repr__(self) -> str:
        return f"<Readers {len(self._connections)} open, {self._waiting} waiting>"

    def start(self) -> None:
        self._pool = ThreadPoolExecutor(READERS, "ordercast-reader")

    async def stop(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await asyncio.to_thread(pool.shutdown)
        while self._connections:
            self._connections.pop().close()

    def hurry(self, seconds_max: float) -> None:
        """Have reads fail that have taken longer: the database does not answer, and callers would wait for ever."""
        latest = time.monotonic() - seconds_max
        for connection, began_at in list(self._began_at.items()):
            if began_at < latest:
                log.error("the database has not answered for %.0f s; a read is given up", seconds_max)
                self._connector.interrupt(connection)

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

    # --- On a thread ------------------------------------------------------------------------------------------------

    def _read(self, query: Callable[[Transaction], T]) -> T:
        try:
            connection = self._connection()
            try:
                return self._look(connection, query)
            except self._connector.troubles:
                if not self._connector.is_lost(connection):
                    raise
            # The server has closed it, as one that was restarted has; a read can be done twice.
            return self._look(self._connection(), query)
        except self._connector.troubles as error:
            log.warning("the database could not be read: %s", error)
            raise StoreUnavailable(error) from error

    def _look(self, connection: Connection, query: Callable[[Transaction], T]) -> T:
        self._began_at[connection] = time.monotonic()
        try:
            connection.execute(self._connector.begin_reading)
            return query(Transaction(connection, self._sql))
        finally:
            del self._began_at[connection]
            if self._connector.in_transaction(connection):
                connection.execute("ROLLBACK")  # it wrote nothing; this only ends the snapshot

    def _connection(self) -> Connection:
        """This thread's own; a new one where the former is lost."""
        kept: Connection | None = getattr(self._local, "connection", None)
        if kept is not None and not self._connector.is_lost(kept):
            return kept
        if kept is not None:
            self._connections.remove(kept)
            kept.close()
            self._local.connection = None
        connection = self._connector.open(read_only=True)
        self._connections.append(connection)
        self._local.connection = connection
        return connection
