"""A small pool of threads, each with a read-only connection."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from ordercast.db.connector import Connection, Connector

from .errors import Overloaded, ReadLockedElsewhere, StoreClosed, StoreUnavailable
from .transaction import Transaction

T = TypeVar("T")

# Reads are short and hold the GIL mostly; a third thread gains nothing.
READERS: Final = 2
READS_WAITING_MAX: Final = 1_024
# A table found locked is assumed locked for so long: reads that meet it fail at once.
LOCKED_FOR_S: Final = 1.0
SHORT_WAIT_MS: Final = 2
# Retry of a read that met a locked table.
LOCKED_RETRY_S: Final = 0.05

log = logging.getLogger("ordercast.db")


class Readers:
    """Each query sees one snapshot of the database."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self.damaged = connector.damaged
        """Damaged rows met so far."""
        self._local = threading.local()
        self._connections: list[Connection] = []
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0
        self._began_at: dict[Connection, float] = {}
        self._locked = asyncio.Semaphore(1)
        self._locked_at = -LOCKED_FOR_S
        """When a table was last found locked."""

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

    def cancel_if_stuck(self, seconds_max: float) -> None:
        """Cancel reads that take longer than this: the database does not respond."""
        latest = time.monotonic() - seconds_max
        for connection, began_at in list(self._began_at.items()):
            if began_at < latest:
                log.error("the database has not answered for %.0f s; a read is cancelled", seconds_max)
                self._connector.interrupt(connection)

    async def submit(self, query: Callable[[Transaction], T]) -> T:
        """Run `query` on a reader. Raises its errors; Overloaded, StoreUnavailable or StoreClosed."""
        if self._pool is None:
            raise StoreClosed
        if self._waiting >= READS_WAITING_MAX:
            raise Overloaded("reads", self._waiting)
        self._waiting += 1
        try:
            return await self._read_round_locks(query)
        finally:
            self._waiting -= 1

    async def _read_round_locks(self, query: Callable[[Transaction], T]) -> T:
        """Run `query`, and retry it without occupying a thread while a table is locked. Such queries share one
        reader.
        """
        deadline = time.monotonic() + self._connector.locked_ms_max / 1000
        try:
            return await self._on_thread(query)
        except ReadLockedElsewhere:
            if time.monotonic() >= deadline:
                raise
        while True:
            await asyncio.sleep(LOCKED_RETRY_S)
            async with self._locked:
                try:
                    return await self._on_thread(query)
                except ReadLockedElsewhere:
                    if time.monotonic() >= deadline:
                        raise

    async def _on_thread(self, query: Callable[[Transaction], T]) -> T:
        if self._pool is None:
            raise StoreClosed
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, query)

    # --- On a thread ------------------------------------------------------------------------------------------------

    def _read(self, query: Callable[[Transaction], T]) -> T:
        try:
            connection = self._connection()
            try:
                return self._read_in_transaction(connection, query)
            except self._connector.operational_errors as error:
                if not (self._connector.is_lost(connection) or self._connector.is_conflict(error)):
                    raise
            # The server closed it, as after a restart; a read may be repeated.
            return self._read_in_transaction(self._connection(), query)
        except self._connector.operational_errors as error:
            if self._connector.is_lock_timeout(error):
                self._locked_at = time.monotonic()
                raise ReadLockedElsewhere(error) from error
            if not self._connector.is_operational_error(error):
                raise
            log.warning("could not read the database: %s", error)
            raise StoreUnavailable(error) from error

    def _read_in_transaction(self, connection: Connection, query: Callable[[Transaction], T]) -> T:
        with self._connector.using(connection):
            self._began_at[connection] = time.monotonic()
            try:
                is_hurried = time.monotonic() - self._locked_at < LOCKED_FOR_S
                self._connector.begin_read(connection, SHORT_WAIT_MS if is_hurried else None)
                return query(Transaction(connection, self._connector.dialect, self.damaged))
            finally:
                del self._began_at[connection]
                if self._connector.in_transaction(connection):
                    connection.execute("ROLLBACK")  # only ends the snapshot

    def _connection(self) -> Connection:
        """This thread's connection, reopened if lost."""
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
