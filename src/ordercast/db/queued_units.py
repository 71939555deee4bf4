"""Units of work that wait for their turn: the rows they need, how they are batched, and what came of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from .transaction import Transaction
from .types import Batchable, Row, UnitOfWork

Unit = Callable[[Transaction], Any]
RunBatch = Callable[[Transaction, Sequence[Any]], Sequence[Any]]


class QueuedUnit(NamedTuple):
    unit: Unit
    future: asyncio.Future[Any]
    since: float
    """Monotonic time."""

    @property
    def waits(self) -> bool:
        """Whether it may wait for locks."""
        return not isinstance(self.unit, UnitOfWork) or self.unit.waits


class UnitOutcome(NamedTuple):
    future: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class HeldUnit(NamedTuple):
    """A unit that was locked out of these `rows`, as far as known."""

    waiting: QueuedUnit
    rows: frozenset[Row]
    error: Exception


@dataclass(slots=True)
class GroupOutcome:
    """The outcomes of a group; `committed` if anything may have been."""

    done: list[UnitOutcome]
    held: list[HeldUnit] = field(default_factory=list)
    committed: bool = False


def rows_of(waiting: QueuedUnit) -> frozenset[Row]:
    """The rows that a unit declares; it may need more."""
    unit = waiting.unit
    return unit.rows if isinstance(unit, Batchable | UnitOfWork) else frozenset()


def kind_rows(waiting: QueuedUnit) -> frozenset[Row]:
    """`rows_of`, and the pseudo row of the unit's kind."""
    return rows_of(waiting) | {kind_row(waiting)} if isinstance(waiting.unit, Batchable) else rows_of(waiting)


def kind_row(waiting: QueuedUnit) -> Row:
    """The pseudo row of the unit's kind."""
    return ("", type(waiting.unit).__name__)


def batch_runner(waiting: QueuedUnit) -> RunBatch | None:
    """What runs it together with others of its kind; None for one that runs by itself."""
    unit = waiting.unit
    return unit.run_batch if isinstance(unit, Batchable) else None


def split_runs(group: list[QueuedUnit]) -> Iterator[list[QueuedUnit]]:
    """Split into batches of adjacent units; no unit overtakes another."""
    for _alike, run in groupby(group, key=lambda waiting: (waiting.waits, batch_runner(waiting))):
        yield list(run)


def is_silent(waiting: QueuedUnit) -> bool:
    """Whether its commit is to wake nobody."""
    return isinstance(waiting.unit, UnitOfWork) and waiting.unit.is_silent


def outcome_of(waiting: QueuedUnit, result: Any) -> UnitOutcome:
    """An exception among a batch's results is that unit's error."""
    if isinstance(result, Exception):
        return UnitOutcome(waiting.future, None, result)
    return UnitOutcome(waiting.future, result, None)
