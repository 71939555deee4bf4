"""The one writer: a thread that runs as many units of work as are waiting in one transaction, and commits once.

A commit is one wait for the disk whoever shares it; that is why a durable order costs microseconds. Units that can be
done at once (``types.Joinable``) share their statements too.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple, TypeVar

from ordercast.telemetry import GROUP_SIZE, UNITS_COMMITTED

from .statements import Statements
from .transaction import Transaction
from .types import Joinable, NotCommitted, Overloaded, StoreClosed

T = TypeVar("T")
Unit = Callable[[Transaction], Any]
Together = Callable[[Transaction, Sequence[Any]], Sequence[Any]]

# Past this, one slow group delays its first member by more than a second commit would.
GROUP_UNITS_MAX: Final = 256
# At 5,000 orders/s this is under a second of waiting; whoever comes later is better told so at once.
UNITS_WAITING_MAX: Final = 4_096

log = logging.getLogger("ordercast.db")


class _Waiting(NamedTuple):
    unit: Unit
    future: asyncio.Future[Any]


class _Done(NamedTuple):
    future: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class Writer:
    """Owns its connection from `start` on. `committed` is called on the loop after each commit."""

    def __init__(self, connection: sqlite3.Connection, sql: Statements, committed: Callable[[], None]) -> None:
        self._connection = connection
        self._transaction = Transaction(connection, sql)
        self._committed = committed
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._waiting = 0  # touched on the loop's thread only
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="ordercast-writer", daemon=True)

    def __repr__(self) -> str:
        state = "running" if self.is_running else "stopped"
        return f"<Writer {state}, {self._waiting} waiting>"

    @property
    def is_running(self) -> bool:
        return self._loop is not None and self._thread.is_alive()

    # --- On the loop ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Finish what is waiting, then end the thread and close the connection."""
        if self._loop is None:
            self._connection.close()
            return
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._loop = None

    async def submit(self, unit: Callable[[Transaction], T]) -> T:
        """Run `unit` in the next group; returns when its commit is durable, raises what it raised.

        A unit must not wait for anything outside the database. If the caller is cancelled meanwhile, the unit still
        runs. Raises Overloaded, or StoreClosed.
        """
        if self._loop is None or not self._thread.is_alive():
            raise StoreClosed
        if self._waiting >= UNITS_WAITING_MAX:
            raise Overloaded("changes", self._waiting)
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting += 1
        self._queue.put(_Waiting(unit, future))
        return await future

    def _resolve(self, group: list[_Done], committed: bool) -> None:
        self._waiting -= len(group)
        for future, result, error in group:
            if future.done():  # its caller has gone
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        if committed:
            self._committed()

    # --- On the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        running = True
        while running:
            group, running = self._next_group()
            if group:
                done, committed = self._write(group)
                self._tell(done, committed)
        self._connection.close()

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        first = self._queue.get()
        if first is None:
            return [], False
        group = [first]
        while len(group) < GROUP_UNITS_MAX:
            try:
                waiting = self._queue.get_nowait()
            except Empty:
                break
            if waiting is None:
                return group, False
            group.append(waiting)
        return group, True

    def _write(self, group: list[_Waiting]) -> tuple[list[_Done], bool]:
        try:
            # IMMEDIATE: a read that turns into a write fails at once, whatever the busy timeout.
            self._connection.execute("BEGIN IMMEDIATE")
            done = [outcome for run in _runs(group) for outcome in self._attempt_run(run)]
            self._connection.execute("COMMIT")
        except Exception as error:  # the database failed, not a unit: nobody's change was kept
            log.exception("a group of %d changes was not committed", len(group))
            self._abandon()
            return [_Done(waiting.future, None, NotCommitted(error)) for waiting in group], False
        UNITS_COMMITTED.inc(len(group))
        GROUP_SIZE.observe(len(group))
        return done, True

    def _attempt_run(self, run: list[_Waiting]) -> list[_Done]:
        together = _together(run[0])
        if together is None or len(run) == 1:
            return [self._attempt(waiting) for waiting in run]
        try:
            units = [waiting.unit for waiting in run]
            results = self._in_savepoint(lambda transaction: together(transaction, units))
        except Exception as error:
            if not self._connection.in_transaction:
                raise  # as below
            log.debug("%d changes are made one by one, not together", len(run), exc_info=error)
            return [self._attempt(waiting) for waiting in run]
        return [_done(waiting, result) for waiting, result in zip(run, results, strict=True)]

    def _attempt(self, waiting: _Waiting) -> _Done:
        try:
            return _Done(waiting.future, self._in_savepoint(waiting.unit), None)
        except Exception as error:
            if not self._connection.in_transaction:
                raise  # SQLite rolled everything back by itself (disk full, I/O error): the group is lost
            return _Done(waiting.future, None, _outcome(error))

    def _in_savepoint(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`; what it raises takes back its own changes alone."""
        execute = self._connection.execute
        execute("SAVEPOINT unit")
        try:
            result = work(self._transaction)
        except Exception:
            if self._connection.in_transaction:
                execute("ROLLBACK TO unit")
                execute("RELEASE unit")
            raise
        execute("RELEASE unit")
        return result

    def _abandon(self) -> None:
        if not self._connection.in_transaction:
            return
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("a failed group could not be rolled back")

    def _tell(self, done: list[_Done], committed: bool) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._resolve, done, committed)
        except RuntimeError:  # the loop was closed first; what was committed stays
            log.warning("%d changes were finished after the loop had closed", len(done))


def _together(waiting: _Waiting) -> Together | None:
    unit = waiting.unit
    return unit.together if isinstance(unit, Joinable) else None


def _runs(group: list[_Waiting]) -> Iterator[list[_Waiting]]:
    """Neighbours that can be done together; no unit overtakes another."""
    for _together_of, run in groupby(group, key=_together):
        yield list(run)


def _done(waiting: _Waiting, result: Any) -> _Done:
    if isinstance(result, Exception):
        return _Done(waiting.future, None, result)
    return _Done(waiting.future, result, None)


def _outcome(error: Exception) -> Exception:
    """What a unit's caller is told: an OperationalError is the database's trouble, anything else the unit's own."""
    if not isinstance(error, sqlite3.OperationalError):
        return error
    log.error("a change was not committed", exc_info=error)
    refusal = NotCommitted(error)
    refusal.__cause__ = error
    return refusal
