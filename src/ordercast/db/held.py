"""Queues units of work that need rows locked by another program, apart from all others.

Has a connection and a thread of its own, started when needed. Once a row is known to be locked, further units that need
it queue here at once, in order. A waiting unit holds other rows for a few milliseconds only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from ordercast.db.connector import Connector
from ordercast.telemetry import CHANGES_HELD

from .errors import NotCommitted
from .groups import Groups, locked
from .queued_units import GroupOutcome, HeldUnit, QueuedUnit, UnitOutcome, kind_rows
from .transaction import Transaction
from .types import Batchable, Row

# Four seconds of a busy shop's demand for one row; later units are refused.
HELD_MAX: Final = 1_024
# Units per commit, as the writer's.
AT_ONCE_MAX: Final = 256
# Lock wait per attempt with no other locks held, shared by the locked rows. Longer would delay others' attempts,
# shorter would lose the place in the database's lock queue.
ROW_WAIT_MS: Final = 200
# Lock waits with other locks held: below the writer's own limit.
UNIT_WAIT_MS: Final = (2, 5, 10, 15)
# Pause after a round without progress.
PAUSE_S: Final = 0.02
# Idle time after which the connection is closed.
IDLE_S: Final = 60.0

log = logging.getLogger("ordercast.db")

OnOutcomes = Callable[[GroupOutcome], None]
Bucket = list[HeldUnit]


class HeldUnits:
    """The queue of units that wait for a row. `on_outcomes` is called on this thread or on the caller's."""

    def __init__(self, connector: Connector, on_outcomes: OnOutcomes) -> None:
        self._connector = connector
        self._on_outcomes = on_outcomes
        self._lock = threading.Lock()  # guards the two below, which the writer's thread reads
        self._held: list[HeldUnit] = []
        self._rows: Counter[Row] = Counter()
        """The number of waiting units by row."""
        self._errors: dict[Row, Exception] = {}
        """The error by which each row was found locked."""
        self._was_well = True
        self._news = threading.Event()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self._groups: Groups | None = None

    def __repr__(self) -> str:
        return f"<HeldUnits {len(self._held)} waiting for {list(self._rows)}>"

    def __bool__(self) -> bool:
        """Whether any unit waits."""
        return bool(self._held)

    # --- On the writer's thread -------------------------------------------------------------------------------------

    def divert(self, group: list[QueuedUnit]) -> list[QueuedUnit]:
        """Queue those units of the group that need locked rows; return the rest."""
        with self._lock:
            known = dict(self._errors)
        rest, held = [], []
        for waiting in group:
            rows = known.keys() & kind_rows(waiting)
            if rows and waiting.waits:
                held.append(HeldUnit(waiting, frozenset(rows), known[next(iter(rows))]))
            else:
                rest.append(waiting)
        self.take(held)
        return rest

    def take(self, held: Iterable[HeldUnit]) -> None:
        """Queue these units; refuse those beyond HELD_MAX."""
        refused = []
        with self._lock:
            for each in held:
                if len(self._held) >= HELD_MAX or self._is_stopping:
                    refused.append(each)
                else:
                    self._held.append(each)
                    self._remember_rows(each)
        self._refuse(refused)
        CHANGES_HELD.set(len(self._held))
        if self._thread is None and self._held:
            self._thread = threading.Thread(target=self._run, name="ordercast-held", daemon=True)
            self._thread.start()
        self._news.set()

    def stop(self) -> None:
        """Attempt all once more, refuse the rest, and end the thread; blocks."""
        self._is_stopping = True
        self._news.set()
        if self._thread is not None:
            self._thread.join()

    def give_up(self, seconds_max: float) -> None:
        """As `Groups.give_up`; thread-safe."""
        if (groups := self._groups) is not None:
            groups.give_up(seconds_max)

    # --- On the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        round_ = 0
        while True:
            self._wait_for_units()
            is_last = self._is_stopping
            round_ = 0 if self._attempt_all(round_) else round_ + 1
            if is_last:
                break
            if round_:
                time.sleep(PAUSE_S)
        self._drop(self._held, refuse=True)
        self._close()

    def _wait_for_units(self) -> None:
        """Wait until a unit is queued."""
        if not self._held and not self._was_well:
            log.info("no change waits for locks of another program any more")
            self._was_well = True
        while not self._held and not self._is_stopping:
            if not self._news.wait(IDLE_S):
                self._close()
            self._news.clear()

    def _attempt_all(self, round_: int) -> bool:
        """Attempt every bucket once; return whether any unit was run."""
        buckets = self._buckets()
        wait_ms = max(UNIT_WAIT_MS[0], ROW_WAIT_MS // max(1, len(buckets)))
        was_any_done = False
        for bucket in buckets:
            self._refuse_late()
            was_any_done |= self._attempt(bucket, round_, wait_ms)
        return was_any_done

    def _buckets(self) -> list[Bucket]:
        """The units by the rows they wait for, in order; those with unknown rows singly."""
        buckets: dict[object, Bucket] = {}
        with self._lock:
            for each in self._held:
                buckets.setdefault(each.rows or id(each.waiting.future), []).append(each)
        return list(buckets.values())

    def _attempt(self, bucket: Bucket, round_: int, wait_ms: int) -> bool:
        """Run a bucket's units in order until one is locked out; return whether any was run."""
        unit_ms = UNIT_WAIT_MS[min(round_, len(UNIT_WAIT_MS) - 1)]
        was_any_done = False
        while bucket := self._still_held(bucket):
            group, first = _next_group(bucket, alone=not was_any_done)
            outcomes = self._run_group([held.waiting for held in group], wait_ms if first else unit_ms, first)
            if outcomes is None:
                return False
            self._settle(group, outcomes)
            if outcomes.held:
                return was_any_done or bool(outcomes.done)
            was_any_done = True
        return was_any_done

    def _run_group(
        self, group: list[QueuedUnit], wait_ms: int, first: Callable[[Transaction], None] | None
    ) -> GroupOutcome | None:
        try:
            if self._groups is None:
                self._groups = Groups(self._connector, self._not_connected)
            return self._groups.run(group, wait_ms=wait_ms, first=first)
        except self._connector.operational_errors as error:
            log.warning("no connection for changes that wait for a lock: %s", error)
            self._not_connected(error)
            return None

    def _not_connected(self, error: Exception) -> None:
        """Refuse all units after a failed connection: each would wait as long again."""
        with self._lock:
            held = list(self._held)
        self._on_outcomes(GroupOutcome([UnitOutcome(each.waiting.future, None, NotCommitted(error)) for each in held]))
        self._drop(held)

    def _settle(self, group: Bucket, outcomes: GroupOutcome) -> None:
        """Resolve the units with an outcome; others keep their place, perhaps with better known rows."""
        again = {id(held.waiting.future): held for held in outcomes.held}
        with self._lock:
            waiting = {id(each.waiting.future) for each in self._held}
        # Without those refused meanwhile, as no connection was possible.
        outcomes.done = [done for done in outcomes.done if id(done.future) in waiting]
        self._drop([each for each in group if id(each.waiting.future) not in again])
        with self._lock:
            for number, each in enumerate(self._held):
                found = again.get(id(each.waiting.future))
                if found is not None and found.rows and found.rows != each.rows:
                    self._remember_rows(found)
                    self._forget_rows(each)
                    self._held[number] = found
        self._on_outcomes(outcomes)

    def _refuse_late(self) -> None:
        latest = time.monotonic() - self._connector.locked_ms_max / 1000
        self._drop([each for each in self._held if each.waiting.since < latest], refuse=True)

    def _drop(self, held: list[HeldUnit], *, refuse: bool = False) -> None:
        """Remove units from the queue; refuse them if `refuse`."""
        gone = {id(each.waiting.future) for each in held}
        if not gone:
            return
        with self._lock:
            for each in self._held:
                if id(each.waiting.future) in gone:
                    self._forget_rows(each)
            self._held = [each for each in self._held if id(each.waiting.future) not in gone]
        CHANGES_HELD.set(len(self._held))
        if refuse:
            self._refuse(held)

    def _remember_rows(self, held: HeldUnit) -> None:
        self._rows.update(held.rows)
        for row in held.rows:
            self._errors.setdefault(row, held.error)

    def _forget_rows(self, held: HeldUnit) -> None:
        self._rows.subtract(held.rows)
        for row in held.rows:
            if self._rows[row] <= 0:
                del self._rows[row], self._errors[row]

    def _refuse(self, held: list[HeldUnit]) -> None:
        if not held:
            return
        if self._was_well:  # logged already
            what = self._connector.what_is_held(held[0].error)
            log.warning("changes are refused: %s is locked by another program; the others go on", what)
        self._was_well = False
        done = [UnitOutcome(each.waiting.future, None, locked(self._connector, each.error)) for each in held]
        self._on_outcomes(GroupOutcome(done))

    def _still_held(self, bucket: Bucket) -> Bucket:
        with self._lock:
            futures = {id(each.waiting.future) for each in self._held}
        return [each for each in bucket if id(each.waiting.future) in futures]

    def _close(self) -> None:
        if self._groups is not None:
            groups, self._groups = self._groups, None
            groups.close()


def _next_group(bucket: Bucket, *, alone: bool) -> tuple[Bucket, Callable[[Transaction], None] | None]:
    """The next units of a bucket to run, and the statement that waits for their rows first."""
    unit, rows = bucket[0].waiting.unit, frozenset(row for row in bucket[0].rows if row[0])
    if not isinstance(unit, Batchable):
        return bucket[:1], None
    if alone and not rows:  # unknown rows: one unit is enough to find out
        return bucket[:1], None
    group = [each for each in bucket if type(each.waiting.unit) is type(unit)][:AT_ONCE_MAX]
    return group, (lambda transaction: unit.hold(transaction, rows)) if rows else None
