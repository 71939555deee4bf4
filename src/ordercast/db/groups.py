"""Runs units of work in groups on one connection: one transaction, a savepoint each, one commit.

Units that need rows locked by another program are set aside: see ``held``.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from ordercast.db.connector import Connection, Connector
from ordercast.telemetry import CHANGES_LOCKED, GROUP_SIZE, GROUPS_RUN_AGAIN, UNITS_COMMITTED

from .errors import LockedElsewhere, NotCommitted, OutcomeUnknown, WriteConflict
from .queued_units import (
    GroupOutcome,
    HeldUnit,
    QueuedUnit,
    UnitOutcome,
    batch_runner,
    is_silent,
    kind_row,
    outcome_of,
    rows_of,
    split_runs,
)
from .transaction import Transaction
from .types import Batchable, Row

T = TypeVar("T")

# Conflicts of one group are this many at most, but for abuse.
RUNS_MAX: Final = 8
# Wait between runs, random and doubled each time, so that conflicting nodes part.
RUN_AGAIN_S: Final = 0.002
# Lock wait once a lock is known to be held, or for a unit that must not wait: each wait delays everybody.
SHORT_WAIT_MS: Final = 2
# Consecutive locked batch units without a known row, after which a table lock is assumed.
HELD_IN_A_ROW_MAX: Final = 3

log = logging.getLogger("ordercast.db")


class Groups:
    """Owns a connection; used from one thread, except `give_up`."""

    def __init__(self, connector: Connector, not_connected: Callable[[Exception], None]) -> None:
        """`not_connected` is called when a lost connection cannot be reopened, as the next group would fail alike."""
        self._connector = connector
        self._not_connected = not_connected
        self._began_at: float | None = None  # the running group
        # Serializes a group's begin and end with `give_up`.
        self._lock = threading.Lock()
        self._held: list[HeldUnit] = []
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
        """Cancel a group that takes longer than this: the database does not respond."""
        with self._lock:
            if self._began_at is not None and time.monotonic() - self._began_at > seconds_max:
                log.error("the database has not answered for %.0f s; a group of changes is cancelled", seconds_max)
                self._connector.interrupt(self._connection)

    def run(
        self, group: list[QueuedUnit], *, wait_ms: int | None = None, first: Callable[[Transaction], None] | None = None
    ) -> GroupOutcome:
        """Commit the group, except units that are locked out for longer than `wait_ms` (None: the connection's
        default). `first` locks what the group needs; it may wait as long, and the others then do not.
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
    ) -> GroupOutcome:
        for run in range(RUNS_MAX):
            self._held = []
            try:
                if self._connector.is_lost(self._connection):
                    self._open_again()
                with self._connector.using(self._connection):
                    self._begin_group(group, wait_ms)
                    done = self._attempt_group(group) if first is None else self._attempt_behind(first, group)
            except Exception as error:  # noqa: BLE001 - raised to every caller, and logged
                lost = self._connector.is_lost(self._connection)
                self._abandon()
                if run + 1 < RUNS_MAX and self._is_worth_another_run(error, run, lost=lost):
                    continue
                self._log(error, "a group of %d changes was not committed", len(group))
                outcome = error if isinstance(error, OutcomeUnknown) else self._refusal(error)
                return GroupOutcome([UnitOutcome(waiting.future, None, outcome) for waiting in group])
            UNITS_COMMITTED.inc(sum(each.error is None for each in done))
            GROUP_SIZE.observe(len(group))
            return GroupOutcome(done, self._held, committed=not all(is_silent(waiting) for waiting in group))
        raise AssertionError("the last run has an outcome")

    def _is_worth_another_run(self, error: Exception, run: int, *, lost: bool) -> bool:
        if isinstance(error, OutcomeUnknown):
            return False
        if lost:
            # Nothing was committed. One new connection; if that fails, callers get the error.
            self._mark(time.monotonic())
            return run == 0
        if not (isinstance(error, WriteConflict) or self._connector.is_conflict(error)):
            return False
        GROUPS_RUN_AGAIN.inc()
        time.sleep(random.uniform(0.5, 1) * RUN_AGAIN_S * 2**run)
        return True

    def _begin_group(self, group: list[QueuedUnit], wait_ms: int | None) -> None:
        if wait_ms is None and not any(waiting.waits for waiting in group):
            wait_ms = SHORT_WAIT_MS
        self._wait_ms = wait_ms
        self._begin(wait_ms)

    def _begin(self, wait_ms: int | None) -> None:
        self._connector.begin(self._connection, wait_ms)
        self._is_hurried = wait_ms is not None and wait_ms <= SHORT_WAIT_MS

    def _attempt_group(self, group: list[QueuedUnit]) -> list[UnitOutcome]:
        """Run the group and commit it. Errors raised are the database's or conflicts: nothing was kept."""
        if not self._connector.single_writer:
            # Each run locks products in the order of ids: two runs of two nodes could deadlock.
            group = sorted(group, key=lambda waiting: (not waiting.waits, batch_runner(waiting) is None))
        runs = list(split_runs(group))
        if len(runs) == 1 and (len(group) == 1 or batch_runner(group[0]) is not None):
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

    def _attempt_alone(self, run: list[QueuedUnit]) -> list[UnitOutcome]:
        """Run a group of one run without a savepoint, to save a round trip."""
        try:
            results = self._results_of(run)
        except Exception as error:
            if self._concerns_all(error):
                raise
            self._connection.execute("ROLLBACK")
            is_lock_timeout = self._connector.is_lock_timeout(error)
            if len(run) == 1 and not (is_lock_timeout and batch_runner(run[0])):
                done = self._set_aside(run[0], error) if is_lock_timeout else self._failed(run[0], error)
                return [] if done is None else [done]
            self._begin(SHORT_WAIT_MS if is_lock_timeout else self._wait_ms)
            dones = self._attempt_apart(run, error)
        else:
            dones = [outcome_of(waiting, result) for waiting, result in zip(run, results, strict=True)]
        self._commit()
        return dones

    def _attempt_behind(self, first: Callable[[Transaction], None], group: list[QueuedUnit]) -> list[UnitOutcome]:
        try:
            first(self._transaction)
        except Exception as error:
            if self._concerns_all(error) or not self._connector.is_lock_timeout(error):
                raise
            self._connection.execute("ROLLBACK")
            for waiting in group:
                self._set_aside(waiting, error)
            return []
        self._stop_waiting()
        done = [outcome for run in split_runs(group) for outcome in self._attempt_run(run)]
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

    def _attempt_run(self, run: list[QueuedUnit]) -> list[UnitOutcome]:
        if not run[0].waits:
            self._stop_waiting()
        if batch_runner(run[0]) is None or len(run) == 1:
            return self._attempt_each(run)
        try:
            results = self._in_savepoint(lambda _: self._results_of(run))
        except Exception as error:
            if self._concerns_all(error):
                raise
            return self._attempt_apart(run, error)
        return [outcome_of(waiting, result) for waiting, result in zip(run, results, strict=True)]

    def _attempt_apart(self, run: list[QueuedUnit], error: Exception) -> list[UnitOutcome]:
        """Run the units of a failed batch one by one."""
        if self._connector.is_lock_timeout(error):
            return self._attempt_round(run, error)
        log.debug("%d changes are made one by one, not together", len(run), exc_info=error)
        return self._attempt_each(run)

    def _attempt_each(self, run: list[QueuedUnit]) -> list[UnitOutcome]:
        return [done for waiting in run if (done := self._attempt(waiting)) is not None]

    def _results_of(self, run: list[QueuedUnit]) -> Sequence[Any]:
        run_batch = batch_runner(run[0])
        if run_batch is None or len(run) == 1:
            return [waiting.unit(self._transaction) for waiting in run]
        return run_batch(self._transaction, [waiting.unit for waiting in run])

    def _attempt(self, waiting: QueuedUnit) -> UnitOutcome | None:
        """The unit's outcome; None if it was set aside."""
        for held in self._held:
            if not held.rows.isdisjoint(rows_of(waiting)):  # it must not overtake that unit
                return self._set_aside(waiting, held.error)
        try:
            return UnitOutcome(waiting.future, self._in_savepoint(waiting.unit), None)
        except Exception as error:
            if self._concerns_all(error):
                raise
            if self._connector.is_lock_timeout(error):
                self._stop_waiting()
                return self._set_aside(waiting, error)
            return self._failed(waiting, error)

    # --- What others hold -------------------------------------------------------------------------------------------

    def _stop_waiting(self) -> None:
        """Stop waiting for locks in this transaction: one wait per group."""
        if not self._is_hurried:
            self._connector.wait_for_rows(self._connection, SHORT_WAIT_MS)
            self._is_hurried = True

    def _attempt_round(self, run: list[QueuedUnit], error: Exception) -> list[UnitOutcome]:
        """Run the units that do not need the locked rows."""
        self._stop_waiting()
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
            return frozenset()  # a table is locked

    def _attempt_until_held(self, run: list[QueuedUnit], error: Exception) -> list[UnitOutcome]:
        """Run one by one; if all of the first few are locked out, set the rest aside too."""
        done: list[UnitOutcome] = []
        for number, waiting in enumerate(run):
            if number == HELD_IN_A_ROW_MAX and not done:
                for each in run[number:]:
                    done += filter(None, [self._set_aside(each, error)])
                break
            done += filter(None, [self._attempt(waiting)])
        if self._connector.is_of_a_table(error) and not any(each.error is None for each in done):
            # Let later units of the kind be diverted at once.
            kind, futures = {kind_row(run[0])}, {id(waiting.future) for waiting in run}
            self._held = [
                held._replace(rows=held.rows | kind) if id(held.waiting.future) in futures else held
                for held in self._held
            ]
        return done

    def _set_aside(
        self, waiting: QueuedUnit, error: Exception, rows: frozenset[Row] | None = None
    ) -> UnitOutcome | None:
        if self._connector.single_writer or not waiting.waits:
            return UnitOutcome(waiting.future, None, self._refusal(error))
        if rows is None:
            # Which of the rows is locked is unknown; an order is a single row.
            rows = frozenset() if isinstance(waiting.unit, Batchable) else rows_of(waiting)
        self._held.append(HeldUnit(waiting, rows, error))
        return None

    # --- Errors -----------------------------------------------------------------------------------------------------

    def _concerns_all(self, error: Exception) -> bool:
        """Whether the error fails the whole group, not only the unit."""
        # SQLite rolls back by itself on a full or failing disk.
        if not self._connector.in_transaction(self._connection):
            return True
        return isinstance(error, WriteConflict) or self._connector.is_conflict(error)

    def _in_savepoint(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a savepoint; an error rolls back its own changes only."""
        execute = self._connection.execute
        execute("SAVEPOINT unit")
        try:
            result = work(self._transaction)
            # Fails if `work` continued after an error that ended the transaction.
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

    def _failed(self, waiting: QueuedUnit, error: Exception) -> UnitOutcome:
        """The caller's error: NotCommitted for the database's, else the unit's own."""
        if not self._connector.is_operational_error(error):
            return UnitOutcome(waiting.future, None, error)
        self._log(error, "a change was not committed")
        return UnitOutcome(waiting.future, None, self._refusal(error))

    def _refusal(self, error: Exception) -> NotCommitted:
        if self._connector.is_lock_timeout(error):
            return locked(self._connector, error)
        refusal = NotCommitted(error)
        refusal.__cause__ = error
        return refusal

    def _log(self, error: Exception, words: str, *values: object) -> None:
        """Log with a traceback, unless it is one of the database's operational_errors."""
        known = isinstance(error, (*self._connector.operational_errors, OutcomeUnknown, WriteConflict))
        log.error(f"{words}: %s", *values, error, exc_info=None if known else error)


def locked(connector: Connector, error: Exception) -> LockedElsewhere:
    """The error for a change that is locked out."""
    CHANGES_LOCKED.inc()
    refusal = LockedElsewhere(error, connector.what_is_held(error))
    refusal.__cause__ = error
    return refusal
