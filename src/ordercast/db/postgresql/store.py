"""The PostgreSQL store, shared by any number of nodes: a writer, a few readers, the feed's tailer and sequencer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, Final

import psycopg

from ordercast.db import feed
from ordercast.db.dialects import POSTGRESQL
from ordercast.db.epochs import history_of
from ordercast.db.errors import StoreClosed, Unusable
from ordercast.db.migrate import must_be_newest, upgrade
from ordercast.db.postgresql.connection import PostgresqlConnector
from ordercast.db.postgresql.sequencer import Sequencer
from ordercast.db.postgresql.tailer import TailedRows, Tailer
from ordercast.db.readers import Readers
from ordercast.db.store import DatabaseStore, change_of
from ordercast.db.transaction import Transaction
from ordercast.db.types import Change
from ordercast.db.writer import Writer

# Rows read at start, for clients that return after a restart; the relay keeps as many.
NEWEST_ROWS: Final = 4_096
# Longer than any group or read, or a delay by a checkpoint or slow disk.
ANSWER_S_MAX: Final = 15.0
# For tailer and sequencer: without them nothing is published.
FOLLOWER_ANSWER_S_MAX: Final = 5.0
# After so long without reading the feed to its end the node counts as lagging.
LAG_S_MAX: Final = 5.0

log = logging.getLogger("ordercast.db")


class PostgresqlStore(DatabaseStore):
    """See ``types.Store``. Used from one event loop, which never waits for the server."""

    dialect = POSTGRESQL
    lags = True

    def __init__(self, url: str, *, may_lead: bool = True) -> None:
        """One that may not lead numbers nothing: for commands beside serving nodes."""
        self._url = url
        self._may_lead = may_lead
        self._connector = PostgresqlConnector(url, self._recognise)
        super().__init__(Readers(self._connector))
        self._tailer = Tailer(url, self._see, self._connector)
        self._sequencer = Sequencer(url, lambda: self._soon(self._wake))
        self._patience: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rows: deque[Change] = deque()
        """Rows read but not taken yet; numbers are consecutive."""
        self._last_seq = 0
        self._first_seq = 0

    def __repr__(self) -> str:
        return f"<PostgresqlStore {self._writer!r} {self._readers!r} {self._sequencer!r} {self._tailer!r}>"

    # --- Life -------------------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Upgrade the database. Blocks. Raises Unusable."""
        try:
            upgrade(self._url)
        except psycopg.Error as error:
            raise Unusable(error) from error

    def prepare(self) -> None:
        """Raise Unusable, with the command to run, for a database that is not of the newest schema."""
        try:
            must_be_newest(self._url)
        except psycopg.Error as error:
            raise Unusable(error) from error

    async def faults(self) -> list[str]:
        faults = [*await super().faults()]
        if self.is_lagging:
            faults.append(f"The feed was not seen for {LAG_S_MAX:.0f} s: what is committed is not told here.")
        if self._tailer.is_waiting(LAG_S_MAX):
            faults.append("The feed is not numbered: what is committed is not told.")
        return faults

    async def start(self) -> None:
        """Open the migrated database; start writing, reading, numbering and following on the running loop.

        Raises Unusable.
        """
        self._loop = asyncio.get_running_loop()
        try:
            self._take(await asyncio.to_thread(self._tailer.begin, NEWEST_ROWS))
            self._writer = await asyncio.to_thread(Writer, self._connector, self._on_commit)
        except psycopg.Error as error:
            self._tailer.close()
            raise Unusable(error) from error
        self._tailer.start()
        self._writer.start()
        self._readers.start()
        if self._may_lead:
            self._sequencer.start()
        self._hurry()

    async def close(self) -> None:
        """Finish submitted writes, then close the connections. Idempotent."""
        if self._patience is not None:
            self._patience.cancel()
        await self._end_work()
        await asyncio.gather(asyncio.to_thread(self._sequencer.stop), asyncio.to_thread(self._tailer.stop))
        self._loop = None

    def _hurry(self) -> None:
        """Detect a server that neither answers nor closes."""
        if self._writer is not None:
            self._writer.cancel_if_stuck(ANSWER_S_MAX)
        self._readers.cancel_if_stuck(ANSWER_S_MAX)
        for follower in (self._tailer, self._sequencer):
            follower.cancel_if_stuck(FOLLOWER_ANSWER_S_MAX)
        self._patience = asyncio.get_running_loop().call_later(1.0, self._hurry)

    def _recognise(self, connection: psycopg.Connection) -> str:
        """Identify the database of a writer's new connection, on its thread. If it lost published rows or is another,
        begin a new epoch before anything is written, and follow its feed.
        """
        epoch, incarnation = history_of(connection)
        is_other = self._connector.met(incarnation)
        if self._tailer.renewed(connection, epoch) != epoch or is_other:
            self._tailer.look_again()
        return incarnation

    @property
    def leads(self) -> bool:
        """Whether this node runs the shop's jobs."""
        return self._sequencer.leads

    # --- The feed ---------------------------------------------------------------------------------------------------

    def changes(self, after: int, limit: int) -> list[Change]:
        """Rows above `after` that were read, oldest first; rows up to it are dropped."""
        if self._loop is None:
            raise StoreClosed
        rows = self._rows
        while rows and rows[0].seq <= after:
            rows.popleft()
        self._tailer.taken(after)
        return list(islice(rows, limit))

    async def older(self, after: int, limit: int) -> list[Change]:
        """As `changes`, of all retained rows."""
        found = await self.read(lambda transaction: transaction.all(feed.AFTER, after=after, limit=limit))
        if found and found[0][0] > after + 1:
            self._first_seq = max(self._first_seq, found[0][0])  # pruned by another node
        return [change_of(row) for row in found]

    @property
    def last_seq(self) -> int:
        """The newest number read; 0 if there is none."""
        return self._last_seq

    @property
    def first_seq(self) -> int:
        """The oldest retained number, as of a moment ago; 0 if there is none."""
        return self._first_seq

    async def has(self, seq: int) -> bool:
        """Whether that number was used: another node may have published it before we read it."""
        if seq <= self._last_seq:
            return True
        return await self.read(lambda transaction: self._newest(transaction) >= seq)

    def _newest(self, transaction: Transaction) -> int:
        row = transaction.one(feed.NEWEST_SEQ)
        return (row[0] or 0) if row else 0

    @property
    def is_lagging(self) -> bool:
        """Whether the feed was not read to its end for LAG_S_MAX."""
        return time.monotonic() - self._tailer.looked_at > LAG_S_MAX

    def _on_commit(self) -> None:
        self._wake()  # for listeners that need no feed row, such as the payment worker

    def _see(self, seen: TailedRows) -> None:
        self._soon(self._arrive, seen)

    def _arrive(self, seen: TailedRows) -> None:
        if self._take(seen):
            self._wake()

    def _take(self, seen: TailedRows) -> bool:
        """Buffer rows; return whether there is anything new."""
        changed = bool(seen.rows) or seen.epoch != self.epoch
        if seen.epoch != self.epoch:
            self._rows.clear()
            self._first_seq = 0
        self.epoch = seen.epoch
        self._rows.extend(seen.rows)
        self._last_seq = seen.last_seq
        self._first_seq = max(self._first_seq, seen.first_seq)
        return changed

    def _soon(self, what: Callable[..., None], *args: Any) -> None:
        """Call on the loop, unless it is closed."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(what, *args)
