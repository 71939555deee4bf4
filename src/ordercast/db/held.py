"""Where units of work wait for rows that another program holds, so that nobody else does.

A connection and a thread of their own, begun when first needed. Whoever comes while a row is known to be held, and
needs it, comes here at once, behind those who did before. A unit of work holds nothing while it waits, for longer than
a few milliseconds: what others need beside it stays theirs.
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
from .groups import Done, Groups, Held, Outcomes, QueuedUnit, kind_rows, locked
from .transaction import Transaction
from .types import Batchable, Row

# Four seconds' worth of those who need one row, in a busy shop; whoever comes later is told at once.
HELD_MAX: Final = 1_024
# As many are committed together as by the writer.
AT_ONCE_MAX: Final = 256
# In the queue for a row with nothing in hand; shared by the rows that are held. Longer would keep others waiting for
# their turn, shorter would lose the place in that queue, which other nodes stand in too.
ROW_WAIT_MS: Final = 200
# With something in hand, which others may need: below what the writer waits before it sets them aside too.
UNIT_WAIT_MS: Final = (2, 5, 10, 15)
# Between two rounds in which nobody got anywhere.
PAUSE_S: Final = 0.02
# A connection that nobody has needed for so long is the server's again.
IDLE_S: Final = 60.0

log = logging.getLogger("ordercast.db")

Tell = Callable[[Outcomes], None]
Bucket = list[Held]


class HeldUnits:
    """The queue of units that wait for a row. `tell` is called with outcomes, on this thread or on the caller's."""

    def __init__(self, connector: Connector, tell: Tell) -> None:
        self._connector = connector
        self._tell = tell
        self._lock = threading.Lock()  # of the two below, which the writer's thread looks at
        self._held: list[Held] = []
        self._rows: Counter[Row] = Counter()
        """How many wait for each row."""
        self._errors: dict[Row, Exception] = {}
        """How each of them was found to be held."""
        self._was_well = True
        self._news = threading.Event()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self._groups: Groups | None = None

    def __repr__(self) -> str:
        return f"<HeldUnits {len(self._held)} waiting for {list(self._rows)}>"

    def __bool__(self) -> bool:
        """Whether any unit is held."""
        return bool(self._held)

    # --- On the writer's thread -------------------------------------------------------------------------------------

    def divert(self, group: list[QueuedUnit]) -> list[QueuedUnit]:
        """Take those of the group that need what is known to be held; gives the rest."""
        with self._lock:
            known = dict(self._errors)
        rest, held = [], []
        for waiting in group:
            rows = known.keys() & kind_rows(waiting)
            if rows and waiting.waits:
                held.append(Held(waiting, frozenset(rows), known[next(iter(rows))]))
            else:
                rest.append(waiting)
        self.take(held)
        return rest

    def take(self, held: Iterable[Held]) -> None:
        """Queue these; those that are too many are refused."""
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
        """Try once more, then refuse who still waits; blocks until that is done."""
        self._is_stopping = True
        self._news.set()
        if self._thread is not None:
            self._thread.join()

    def give_up(self, seconds_max: float) -> None:
        """As `Groups.give_up`; may be called from any thread."""
        if (groups := self._groups) is not None:
            groups.give_up(seconds_max)

    # --- On the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        round_ = 0
        while True:
            self._await_news()
            is_last = self._is_stopping
            round_ = 0 if self._attempt_all(round_) else round_ + 1
            if is_last:
                break
            if round_:
                time.sleep(PAUSE_S)
        self._drop(self._held, refuse=True)
        self._close()

    def _await_news(self) -> None:
        """Wait until a unit is held."""
        if not self._held and not self._was_well:
            log.info("no change waits any more for what another program has locked")
            self._was_well = True
        while not self._held and not self._is_stopping:
            if not self._news.wait(IDLE_S):
                self._close()
            self._news.clear()

    def _attempt_all(self, round_: int) -> bool:
        """Attempt every bucket once; whether any unit of them was done."""
        buckets = self._buckets()
        wait_ms = max(UNIT_WAIT_MS[0], ROW_WAIT_MS // max(1, len(buckets)))
        was_any_done = False
        for bucket in buckets:
            self._refuse_late()
            was_any_done |= self._attempt(bucket, round_, wait_ms)
        return was_any_done

    def _buckets(self) -> list[Bucket]:
        """Those that wait for the same, in their order; where nobody knows for what, each by itself."""
        buckets: dict[object, Bucket] = {}
        with self._lock:
            for each in self._held:
                buckets.setdefault(each.rows or id(each.waiting.future), []).append(each)
        return list(buckets.values())

    def _attempt(self, bucket: Bucket, round_: int, wait_ms: int) -> bool:
        """Run those of a bucket, in their order, until one is held up; whether any was run."""
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
    ) -> Outcomes | None:
        try:
            if self._groups is None:
                self._groups = Groups(self._connector, self._not_connected)
            return self._groups.run(group, wait_ms=wait_ms, first=first)
        except self._connector.operational_errors as error:
            log.warning("no connection for those who wait for a row: %s", error)
            self._not_connected(error)
            return None

    def _not_connected(self, error: Exception) -> None:
        """Refuse all that are held: each would wait for as long again."""
        with self._lock:
            held = list(self._held)
        self._tell(Outcomes([Done(each.waiting.future, None, NotCommitted(error)) for each in held]))
        self._drop(held)

    def _settle(self, group: Bucket, outcomes: Outcomes) -> None:
        """Resolve the units that have an outcome; those without keep their place, and may be known better now."""
        again = {id(held.waiting.future): held for held in outcomes.held}
        with self._lock:
            waiting = {id(each.waiting.future) for each in self._held}
        # Without those who were told meanwhile, of a connection that could not be had.
        outcomes.done = [done for done in outcomes.done if id(done.future) in waiting]
        self._drop([each for each in group if id(each.waiting.future) not in again])
        with self._lock:
            for number, each in enumerate(self._held):
                found = again.get(id(each.waiting.future))
                if found is not None and found.rows and found.rows != each.rows:
                    self._remember_rows(found)
                    self._forget_rows(each)
                    self._held[number] = found
        self._tell(outcomes)

    def _refuse_late(self) -> None:
        latest = time.monotonic() - self._connector.locked_ms_max / 1000
        self._drop([each for each in self._held if each.waiting.since < latest], refuse=True)

    def _drop(self, held: list[Held], *, refuse: bool = False) -> None:
        """Remove these from the queue; with `refuse`, refuse them."""
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

    def _remember_rows(self, held: Held) -> None:
        self._rows.update(held.rows)
        for row in held.rows:
            self._errors.setdefault(row, held.error)

    def _forget_rows(self, held: Held) -> None:
        self._rows.subtract(held.rows)
        for row in held.rows:
            if self._rows[row] <= 0:
                del self._rows[row], self._errors[row]

    def _refuse(self, held: list[Held]) -> None:
        if not held:
            return
        if self._was_well:  # else it has been said
            what = self._connector.what_is_held(held[0].error)
            log.warning("changes are refused: %s is locked by another program; the others go on", what)
        self._was_well = False
        done = [Done(each.waiting.future, None, locked(self._connector, each.error)) for each in held]
        self._tell(Outcomes(done))

    def _still_held(self, bucket: Bucket) -> Bucket:
        with self._lock:
            futures = {id(each.waiting.future) for each in self._held}
        return [each for each in bucket if id(each.waiting.future) in futures]

    def _close(self) -> None:
        if self._groups is not None:
            groups, self._groups = self._groups, None
            groups.close()


def _next_group(bucket: Bucket, *, alone: bool) -> tuple[Bucket, Callable[[Transaction], None] | None]:
    """Those of a bucket that are run next, and what is waited for first, in their stead."""
    unit, rows = bucket[0].waiting.unit, frozenset(row for row in bucket[0].rows if row[0])
    if not isinstance(unit, Batchable):
        return bucket[:1], None
    if alone and not rows:  # nobody knows for what; one is enough to find out whether it is there
        return bucket[:1], None
    group = [each for each in bucket if type(each.waiting.unit) is type(unit)][:AT_ONCE_MAX]
    return group, (lambda transaction: unit.hold(transaction, rows)) if rows else None
