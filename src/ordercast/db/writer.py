"""The one writer: a thread that runs as many units of work as are waiting in one transaction, and commits once.

A commit is one wait for the disk whoever shares it; that is why a durable order costs microseconds. Units that can be
done at once (``types.Joinable``) share their statements too.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple, TypeVar

from ordercast.telemetry import GROUP_SIZE, GROUPS_RUN_AGAIN, UNITS_COMMITTED

from .connections import Connection, Connector
from .statements import Statements
from .transaction import Transaction
from .types import Conflict, Joinable, NotCommitted, OutcomeUnknown, Overloaded, StoreClosed

T = TypeVar("T")
Unit = Callable[[Transaction], Any]
Together = Callable[[Transaction, Sequence[Any]], Sequence[Any]]

# Past this, one slow group delays its first member by more than a second commit would.
GROUP_UNITS_MAX: Final = 256
# At 5,000 orders/s this is under a second of waiting; whoever comes later is better told so at once.
UNITS_WAITING_MAX: Final = 4_096
# Others' work gets in the way of the same group so often only where somebody does nothing else.
RUNS_MAX: Final = 8
# Between two runs, so that two nodes that undo each other's work part; with chance in it, and twice as long each time.
RUN_AGAIN_S: Final = 0.002

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

    def __init__(self, connector: Connector, sql: Statements, committed: Callable[[], None]) -> None:
        self._connector = connector
        self._sql = sql
        self._committed = committed
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._waiting = 0  # touched on the loop's thread only
        self._began_at: float | None = None  # of the group that is being run
        # Held to begin and end a group, and to give one up: whoever does must not meet the next.
        self._group = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="ordercast-writer", daemon=True)
        self._open()

    def _open(self) -> None:
        self._connection: Connection = self._connector.open()
        self._transaction = Transaction(self._connection, self._sql)

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

    def hurry(self, seconds_max: float) -> None:
        """Have a group fail that has taken longer: the database does not answer, and callers would wait for ever."""
        with self._group:
            if self._began_at is not None and time.monotonic() - self._began_at > seconds_max:
                log.error("the database has not answered for %.0f s; a group of changes is given up", seconds_max)
                self._connector.interrupt(self._connection)

    async def submit(self, unit: Callable[[Transaction], T]) -> T:
        """Run `unit` in the next group; returns when its commit is durable, raises what it raised.

        A unit must not wait for anything outside the database, and may be run more than once: only its last run
        counts. If the caller is cancelled meanwhile, the unit still runs. Raises Overloaded, or StoreClosed.
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

    # --- On the thread: groups --------------------------------------------------------------------------------------

    def _run(self) -> None:
        running = True
        while running:
            group, running = self._next_group()
            if group:
                self._mark(time.monotonic())
                done, committed = self._write(group)
                self._mark(None)
                self._tell(done, committed)
        self._connection.close()

    def _mark(self, began_at: float | None) -> None:
        with self._group:
            self._began_at = began_at

    def _next_group(self, *, wait: bool = True) -> tuple[list[_Waiting], bool]:
        """Those that are waiting, up to GROUP_UNITS_MAX, and whether more may come."""
        group: list[_Waiting] = []
        while len(group) < GROUP_UNITS_MAX:
            try:
                waiting = self._queue.get(block=wait and not group)
            except Empty:
                break
            if waiting is None:
                return group, False
            group.append(waiting)
        return group, True

    def _write(self, group: list[_Waiting]) -> tuple[list[_Done], bool]:
        """Commit the group; gives each unit's outcome, and whether anything may have been committed."""
        for run in range(RUNS_MAX):
            try:
                done = self._attempt_group(group)
            except Exception as error:  # noqa: BLE001 - told to every caller, and logged
                lost = self._connector.is_lost(self._connection)
                self._abandon()
                if run + 1 < RUNS_MAX and self._is_worth_another_run(error, run, lost=lost):
                    continue
                self._log(error, "a group of %d changes was not committed", len(group))
                outcome = error if isinstance(error, OutcomeUnknown) else NotCommitted(error)
                return [_Done(waiting.future, None, outcome) for waiting in group], False
            UNITS_COMMITTED.inc(sum(each.error is None for each in done))
            GROUP_SIZE.observe(len(group))
            return done, True
        raise AssertionError("the last run has an outcome")

    def _is_worth_another_run(self, error: Exception, run: int, *, lost: bool) -> bool:
        if isinstance(error, OutcomeUnknown):
            return False
        if lost:
            # Nothing was committed on it. One new connection: where the server is not back at once, callers are told.
            self._mark(time.monotonic())
            return run == 0
        if not (isinstance(error, Conflict) or self._connector.is_conflict(error)):
            return False
        GROUPS_RUN_AGAIN.inc()
        time.sleep(random.uniform(0.5, 1) * RUN_AGAIN_S * 2**run)
        return True

    def _attempt_group(self, group: list[_Waiting]) -> list[_Done]:
        """Run the group in one transaction, and commit it. What it raises is the database's trouble, or others' work:
        nobody's change was kept.
        """
        if self._connector.is_lost(self._connection):
            self._open_again()
        self._connection.execute(self._connector.begin_writing)
        if not self._connector.takes_turns:
            # Each run locks its products in the order of their ids: two runs of two nodes could wait for each other.
            # Nobody in a group waits for another of it, so those that can be done together come first.
            group = sorted(group, key=lambda waiting: _together(waiting) is None)
        runs = list(_runs(group))
        if len(runs) == 1 and (len(group) == 1 or _together(group[0]) is not None):
            return self._attempt_alone(group)
        done = [outcome for run in runs for outcome in self._attempt_run(run)]
        self._commit()
        return done

    def _open_again(self) -> None:
        with self._group:
            self._connection.close()
        try:
            self._open()
        except self._connector.troubles as error:
            # Each of those who wait would wait for as long again.
            self._refuse_waiting(error)
            raise

    def _refuse_waiting(self, error: Exception) -> None:
        waiting, running = self._next_group(wait=False)
        while waiting:
            self._tell([_Done(each.future, None, NotCommitted(error)) for each in waiting], committed=False)
            if not running:
                break
            waiting, running = self._next_group(wait=False)
        if not running:
            self._queue.put(None)

    def _attempt_alone(self, run: list[_Waiting]) -> list[_Done]:
        """A transaction of one run needs no savepoint, which a database server would be asked for over the network:
        what fails takes all of it back.
        """
        try:
            results = self._results_of(run)
        except Exception as error:
            if self._concerns_all(error):
                raise
            self._connection.execute("ROLLBACK")
            if len(run) == 1 or self._connector.is_held_up(error):
                return [_Done(waiting.future, None, self._outcome(error)) for waiting in run]
            log.debug("%d changes are made one by one, not together", len(run), exc_info=error)
            self._connection.execute(self._connector.begin_writing)
            done = [self._attempt(waiting) for waiting in run]
        else:
            done = [_done(waiting, result) for waiting, result in zip(run, results, strict=True)]
        self._commit()
        return done

    def _commit(self) -> None:
        try:
            self._connector.commit(self._connection)
        except self._connector.troubles as error:
            if self._connector.is_lost(self._connection):
                raise OutcomeUnknown(error) from error
            raise

    # --- On the thread: units ---------------------------------------------------------------------------------------

    def _attempt_run(self, run: list[_Waiting]) -> list[_Done]:
        if _together(run[0]) is None or len(run) == 1:
            return [self._attempt(waiting) for waiting in run]
        try:
            results = self._in_savepoint(lambda _: self._results_of(run))
        except Exception as error:
            if self._concerns_all(error):
                raise
            if self._connector.is_held_up(error):
                return [_Done(waiting.future, None, self._outcome(error)) for waiting in run]
            log.debug("%d changes are made one by one, not together", len(run), exc_info=error)
            return [self._attempt(waiting) for waiting in run]
        return [_done(waiting, result) for waiting, result in zip(run, results, strict=True)]

    def _results_of(self, run: list[_Waiting]) -> Sequence[Any]:
        together = _together(run[0])
        if together is None or len(run) == 1:
            return [waiting.unit(self._transaction) for waiting in run]
        return together(self._transaction, [waiting.unit for waiting in run])

    def _attempt(self, waiting: _Waiting) -> _Done:
        try:
            return _Done(waiting.future, self._in_savepoint(waiting.unit), None)
        except Exception as error:
            if self._concerns_all(error):
                raise
            return _Done(waiting.future, None, self._outcome(error))

    def _concerns_all(self, error: Exception) -> bool:
        """Whether the whole group is lost by this, and not the unit alone."""
        # SQLite rolls everything back by itself where the disk is full or fails.
        if not self._connector.in_transaction(self._connection):
            return True
        return isinstance(error, Conflict) or self._connector.is_conflict(error)

    def _in_savepoint(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`; what it raises takes back its own changes alone."""
        execute = self._connection.execute
        execute("SAVEPOINT unit")
        try:
            result = work(self._transaction)
            # Refused where `work` went on after an error that had ended the transaction.
            execute("RELEASE unit")
        except Exception:
            if self._connector.in_transaction(self._connection):
                execute("ROLLBACK TO unit")
                execute("RELEASE unit")
            raise
        return result

    def _abandon(self) -> None:
        if self._connector.is_lost(self._connection) or not self._connector.in_transaction(self._connection):
            return
        try:
            self._connection.execute("ROLLBACK")
        except self._connector.troubles:
            log.exception("a failed group could not be rolled back")

    def _outcome(self, error: Exception) -> Exception:
        """What a unit's caller is told: of the database's trouble that it was not committed, else the unit's own."""
        if not isinstance(error, self._connector.troubles):
            return error
        self._log(error, "a change was not committed")
        refusal = NotCommitted(error)
        refusal.__cause__ = error
        return refusal

    def _log(self, error: Exception, words: str, *values: object) -> None:
        """The database's troubles say all that there is to say; anything else is a fault of ours."""
        known = isinstance(error, (*self._connector.troubles, OutcomeUnknown, Conflict))
        log.error(f"{words}: %s", *values, error, exc_info=None if known else error)

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
