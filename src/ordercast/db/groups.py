"""Runs units of work in groups, on one connection: a transaction for all of them, a savepoint each, one commit.

Where another program holds what a unit needs, that unit is set aside and the others go on: see ``held``.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, NamedTuple, TypeVar

from ordercast.db.connector import Connection, Connector
from ordercast.telemetry import CHANGES_LOCKED, GROUP_SIZE, GROUPS_RUN_AGAIN, UNITS_COMMITTED

from .errors import LockedElsewhere, NotCommitted, OutcomeUnknown, WriteConflict
from .transaction import Transaction
from .types import Batchable, Row, UnitOfWork

T = TypeVar("T")
Unit = Callable[[Transaction], Any]
RunBatch = Callable[[Transaction, Sequence[Any]], Sequence[Any]]

# Others' work gets in the way of the same group so often only where somebody does nothing else.
RUNS_MAX: Final = 8
# Between two runs, so that two nodes that undo each other's work part; with chance in it, and twice as long each time.
RUN_AGAIN_S: Final = 0.002
# How long a group waits for a row once something is known to be held, or a unit that is not to wait: every such wait is
# everybody's, and a row that nobody holds is there at once.
HURRIED_MS: Final = 2
# Units that can be done together, of which so many were held one after another and nobody knows by which row, are
# taken to want the same: a table that is locked.
HELD_IN_A_ROW_MAX: Final = 3

log = logging.getLogger("ordercast.db")


class QueuedUnit(NamedTuple):
    unit: Unit
    future: asyncio.Future[Any]
    since: float
    """Of the monotonic clock."""

    @property
    def waits(self) -> bool:
        """Whether it is to wait for what others hold."""
        return not isinstance(self.unit, UnitOfWork) or self.unit.waits


class Done(NamedTuple):
    future: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class Held(NamedTuple):
    """A unit that could not be run, for others hold what it needs: these `rows`, as far as is known."""

    waiting: QueuedUnit
    rows: frozenset[Row]
    error: Exception


@dataclass(slots=True)
class Outcomes:
    """Of a group: `committed` is whether anything may have been."""

    done: list[Done]
    held: list[Held] = field(default_factory=list)
    committed: bool = False


class Groups:
    """Owns its connection; used from one thread, but for `give_up`."""

    def __init__(self, connector: Connector, not_connected: Callable[[Exception], None]) -> None:
        """`not_connected` is called where a lost connection could not be opened again: whoever waits for the next
        group would wait for as long.
        """
        self._connector = connector
        self._not_connected = not_connected
        self._began_at: float | None = None  # the group that is being run
        # Held to begin and end a group, and to give one up: whoever does must not meet the next.
        self._lock = threading.Lock()
        self._held: list[Held] = []
        self._wait_ms: int | None = None
        self._is_hurried = False
        self.open()

    def open(self) -> None:
        self._connection: Connection = self._connector.open()
        self._transaction = Transaction(self._connection, self._connector.dialect, self._connector.damaged)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def give_up(self, seconds_max: float) -> None:
        """Have a group fail that has taken longer: the database does not answer, and callers would wait for ever."""
        with self._lock:
            if self._began_at is not None and time.monotonic() - self._began_at > seconds_max:
                log.error("the database has not answered for %.0f s; a group of changes is given up", seconds_max)
                self._connector.interrupt(self._connection)

    def run(
        self, group: list[QueuedUnit], *, wait_ms: int | None = None, first: Callable[[Transaction], None] | None = None
    ) -> Outcomes:
        """Commit the group, but for those that others hold up for longer than `wait_ms` (None: the connection's own).

        What `first` needs, all of it needs; it may wait for as long, and the others then wait no more.
        """
        self._mark(time.monotonic())
        try:
            return self._write(group, wait_ms, first)
        finally:
            self._mark(None)

    def _mark(self, began_at: float | None) -> None:
        with self._lock:
            self._began_at = began_at

    # --- Groups -----------------------------------------------------------------------------------------------------

    def _write(
        self, group: list[QueuedUnit], wait_ms: int | None, first: Callable[[Transaction], None] | None
    ) -> Outcomes:
        for run in range(RUNS_MAX):
            self._held = []
            try:
                if self._connector.is_lost(self._connection):
                    self._open_again()
                with self._connector.using(self._connection):
                    self._begin_group(group, wait_ms)
                    done = self._attempt_group(group) if first is None else self._attempt_behind(first, group)
            except Exception as error:  # noqa: BLE001 - told to every caller, and logged
                lost = self._connector.is_lost(self._connection)
                self._abandon()
                if run + 1 < RUNS_MAX and self._is_worth_another_run(error, run, lost=lost):
                    continue
                self._log(error, "a group of %d changes was not committed", len(group))
                outcome = error if isinstance(error, OutcomeUnknown) else self._refusal(error)
                return Outcomes([Done(waiting.future, None, outcome) for waiting in group])
            UNITS_COMMITTED.inc(sum(each.error is None for each in done))
            GROUP_SIZE.observe(len(group))
            return Outcomes(done, self._held, committed=not all(_is_silent(waiting) for waiting in group))
        raise AssertionError("the last run has an outcome")

    def _is_worth_another_run(self, error: Exception, run: int, *, lost: bool) -> bool:
        if isinstance(error, OutcomeUnknown):
            return False
        if lost:
            # Nothing was committed on it. One new connection: where the server is not back at once, callers are told.
            self._mark(time.monotonic())
            return run == 0
        if not (isinstance(error, WriteConflict) or self._connector.is_conflict(error)):
            return False
        GROUPS_RUN_AGAIN.inc()
        time.sleep(random.uniform(0.5, 1) * RUN_AGAIN_S * 2**run)
        return True

    def _begin_group(self, group: list[QueuedUnit], wait_ms: int | None) -> None:
        if wait_ms is None and not any(waiting.waits for waiting in group):
            wait_ms = HURRIED_MS
        self._wait_ms = wait_ms
        self._begin(wait_ms)

    def _begin(self, wait_ms: int | None) -> None:
        self._connector.begin(self._connection, wait_ms)
        self._is_hurried = wait_ms is not None and wait_ms <= HURRIED_MS

    def _attempt_group(self, group: list[QueuedUnit]) -> list[Done]:
        """Run the group in the transaction, and commit it. What it raises is the database's trouble, or others' work:
        nobody's change was kept.
        """
        if not self._connector.single_writer:
            # Each run locks its products in the order of their ids: two runs of two nodes could wait for each other.
            # Nobody in a group waits for another of it, so those that can be done together come first; those that are
            # not to wait for others come last, for from then on nobody does.
            group = sorted(group, key=lambda waiting: (not waiting.waits, _batch_runner(waiting) is None))
        runs = list(_runs(group))
        if len(runs) == 1 and (len(group) == 1 or _batch_runner(group[0]) is not None):
            return self._attempt_alone(group)
        done = [outcome for run in runs for outcome in self._attempt_run(run)]
        self._commit()
        return done

    def _open_again(self) -> None:
        with self._lock:
            self._connection.close()
        try:
            self.open()
        except self._connector.operational_errors as error:
            self._not_connected(error)
            raise

    def _attempt_alone(self, run: list[QueuedUnit]) -> list[Done]:
        """A transaction of one run needs no savepoint, which a database server would be asked for over the network:
        what fails takes all of it back.
        """
        try:
            results = self._results_of(run)
        except Exception as error:
            if self._concerns_all(error):
                raise
            self._connection.execute("ROLLBACK")
            is_lock_timeout = self._connector.is_lock_timeout(error)
            if len(run) == 1 and not (is_lock_timeout and _batch_runner(run[0])):
                done = self._set_aside(run[0], error) if is_lock_timeout else self._failed(run[0], error)
                return [] if done is None else [done]
            self._begin(HURRIED_MS if is_lock_timeout else self._wait_ms)
            dones = self._attempt_apart(run, error)
        else:
            dones = [_done(waiting, result) for waiting, result in zip(run, results, strict=True)]
        self._commit()
        return dones

    def _attempt_behind(self, first: Callable[[Transaction], None], group: list[QueuedUnit]) -> list[Done]:
        try:
            first(self._transaction)
        except Exception as error:
            if self._concerns_all(error) or not self._connector.is_lock_timeout(error):
                raise
            self._connection.execute("ROLLBACK")
            for waiting in group:
                self._set_aside(waiting, error)
            return []
        self._hurry_on()
        done = [outcome for run in _runs(group) for outcome in self._attempt_run(run)]
        self._commit()
        return done

    def _commit(self) -> None:
        try:
            self._connector.commit(self._connection)
        except self._connector.operational_errors as error:
            if self._connector.is_lost(self._connection):
                raise OutcomeUnknown(error) from error
            raise

    # --- Units ------------------------------------------------------------------------------------------------------

    def _attempt_run(self, run: list[QueuedUnit]) -> list[Done]:
        if not run[0].waits:
            self._hurry_on()
        if _batch_runner(run[0]) is None or len(run) == 1:
            return self._attempt_each(run)
        try:
            results = self._in_savepoint(lambda _: self._results_of(run))
        except Exception as error:
            if self._concerns_all(error):
                raise
            return self._attempt_apart(run, error)
        return [_done(waiting, result) for waiting, result in zip(run, results, strict=True)]

    def _attempt_apart(self, run: list[QueuedUnit], error: Exception) -> list[Done]:
        """Run those that could not be done together, because of `error`."""
        if self._connector.is_lock_timeout(error):
            return self._attempt_round(run, error)
        log.debug("%d changes are made one by one, not together", len(run), exc_info=error)
        return self._attempt_each(run)

    def _attempt_each(self, run: list[QueuedUnit]) -> list[Done]:
        return [done for waiting in run if (done := self._attempt(waiting)) is not None]

    def _results_of(self, run: list[QueuedUnit]) -> Sequence[Any]:
        run_batch = _batch_runner(run[0])
        if run_batch is None or len(run) == 1:
            return [waiting.unit(self._transaction) for waiting in run]
        return run_batch(self._transaction, [waiting.unit for waiting in run])

    def _attempt(self, waiting: QueuedUnit) -> Done | None:
        """The unit's outcome; None where it was set aside."""
        for held in self._held:
            if not held.rows.isdisjoint(rows_of(waiting)):  # it would overtake that one
                return self._set_aside(waiting, held.error)
        try:
            return Done(waiting.future, self._in_savepoint(waiting.unit), None)
        except Exception as error:
            if self._concerns_all(error):
                raise
            if self._connector.is_lock_timeout(error):
                self._hurry_on()
                return self._set_aside(waiting, error)
            return self._failed(waiting, error)

    # --- What others hold -------------------------------------------------------------------------------------------

    def _hurry_on(self) -> None:
        """Wait for nobody any more in this transaction: who has waited once has waited for all of the group."""
        if not self._is_hurried:
            self._connector.wait_for_rows(self._connection, HURRIED_MS)
            self._is_hurried = True

    def _attempt_round(self, run: list[QueuedUnit], error: Exception) -> list[Done]:
        """Run those of `run` that do not need what held it up."""
        self._hurry_on()
        rows = self._find_held(run)
        stuck = [waiting for waiting in run if not rows.isdisjoint(rows_of(waiting))]
        if not stuck:
            return self._attempt_until_held(run, error)
        done = [self._set_aside(waiting, error, rows & rows_of(waiting)) for waiting in stuck]
        rest = [waiting for waiting in run if rows.isdisjoint(rows_of(waiting))]
        return [each for each in done if each is not None] + (self._attempt_run(rest) if rest else [])

    def _find_held(self, run: list[QueuedUnit]) -> frozenset[Row]:
        unit = run[0].unit
        if not isinstance(unit, Batchable):
            return frozenset()
        try:
            return self._in_savepoint(
                lambda transaction: unit.find_held(transaction, [waiting.unit for waiting in run])
            )
        except Exception as error:
            if self._concerns_all(error) or not self._connector.is_lock_timeout(error):
                raise
            return frozenset()  # a whole table is

    def _attempt_until_held(self, run: list[QueuedUnit], error: Exception) -> list[Done]:
        """One by one; where all of the first few are held, the rest is taken to be so too."""
        done: list[Done] = []
        for number, waiting in enumerate(run):
            if number == HELD_IN_A_ROW_MAX and not done:
                for each in run[number:]:
                    done += filter(None, [self._set_aside(each, error)])
                break
            done += filter(None, [self._attempt(waiting)])
        if self._connector.is_of_a_table(error) and not any(each.error is None for each in done):
            # Whoever comes with the same kind of unit is not to find out again.
            kind, futures = {_kind_row(run[0])}, {id(waiting.future) for waiting in run}
            self._held = [
                held._replace(rows=held.rows | kind) if id(held.waiting.future) in futures else held
                for held in self._held
            ]
        return done

    def _set_aside(self, waiting: QueuedUnit, error: Exception, rows: frozenset[Row] | None = None) -> Done | None:
        if self._connector.single_writer or not waiting.waits:
            return Done(waiting.future, None, self._refusal(error))
        if rows is None:
            # Which of them it is that is held is not known; of an order there is no other.
            rows = frozenset() if isinstance(waiting.unit, Batchable) else rows_of(waiting)
        self._held.append(Held(waiting, rows, error))
        return None

    # --- Errors -----------------------------------------------------------------------------------------------------

    def _concerns_all(self, error: Exception) -> bool:
        """Whether the whole group is lost by this, and not the unit alone."""
        # SQLite rolls everything back by itself where the disk is full or fails.
        if not self._connector.in_transaction(self._connection):
            return True
        return isinstance(error, WriteConflict) or self._connector.is_conflict(error)

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
        except self._connector.operational_errors:
            log.exception("a failed group could not be rolled back")

    def _failed(self, waiting: QueuedUnit, error: Exception) -> Done:
        """What the caller is told: of the database's trouble that nothing was committed, else the unit's own error."""
        if not self._connector.is_operational_error(error):
            return Done(waiting.future, None, error)
        self._log(error, "a change was not committed")
        return Done(waiting.future, None, self._refusal(error))

    def _refusal(self, error: Exception) -> NotCommitted:
        if self._connector.is_lock_timeout(error):
            return locked(self._connector, error)
        refusal = NotCommitted(error)
        refusal.__cause__ = error
        return refusal

    def _log(self, error: Exception, words: str, *values: object) -> None:
        """The database's operational_errors say all that there is to say; anything else is a fault of ours."""
        known = isinstance(error, (*self._connector.operational_errors, OutcomeUnknown, WriteConflict))
        log.error(f"{words}: %s", *values, error, exc_info=None if known else error)


def locked(connector: Connector, error: Exception) -> LockedElsewhere:
    """What a caller is told whose change others held up."""
    CHANGES_LOCKED.inc()
    refusal = LockedElsewhere(error, connector.what_is_held(error))
    refusal.__cause__ = error
    return refusal


def rows_of(waiting: QueuedUnit) -> frozenset[Row]:
    """The rows that a unit says it needs; there may be more."""
    unit = waiting.unit
    return unit.rows if isinstance(unit, Batchable | UnitOfWork) else frozenset()


def kind_rows(waiting: QueuedUnit) -> frozenset[Row]:
    """`rows_of`, and the name that all units of its kind share."""
    return rows_of(waiting) | {_kind_row(waiting)} if isinstance(waiting.unit, Batchable) else rows_of(waiting)


def _kind_row(waiting: QueuedUnit) -> Row:
    return ("", type(waiting.unit).__name__)


def _batch_runner(waiting: QueuedUnit) -> RunBatch | None:
    unit = waiting.unit
    return unit.run_batch if isinstance(unit, Batchable) else None


def _runs(group: list[QueuedUnit]) -> Iterator[list[QueuedUnit]]:
    """Neighbours that can be done together; no unit overtakes another."""
    for _alike, run in groupby(group, key=lambda waiting: (waiting.waits, _batch_runner(waiting))):
        yield list(run)


def _is_silent(waiting: QueuedUnit) -> bool:
    return isinstance(waiting.unit, UnitOfWork) and waiting.unit.is_silent


def _done(waiting: QueuedUnit, result: Any) -> Done:
    if isinstance(result, Exception):
        return Done(waiting.future, None, result)
    return Done(waiting.future, result, None)
