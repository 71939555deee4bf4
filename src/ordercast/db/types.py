"""The words that other rooms share with this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar

import msgspec

if TYPE_CHECKING:
    from .damage import DamagedRows
    from .transaction import Transaction

T = TypeVar("T")


class ChangeKind(StrEnum):
    """What a row of the feed tells of; the first word is the noun that changed."""

    ORDER_PLACED = "order.placed"
    ORDER_IMPORTED = "order.imported"
    ORDER_STATUS_CHANGED = "order.status_changed"
    ORDER_PAYMENT_CHANGED = "order.payment_changed"
    ORDER_CHANGED = "order.changed"
    DELIVERY_MOVED = "delivery.moved"
    PRODUCT_ADDED = "product.added"
    PRODUCT_CHANGED = "product.changed"
    PAYMENT_MISMATCH = "payment.mismatch"
    NOTIFICATION_MADE = "notification.made"
    EVENT_PUBLISHED = "event.published"
    ACCESS_REVOKED = "access.revoked"
    CUSTOMER_ERASED = "customer.erased"
    FEED_RESYNC = "feed.resync"
    """Something behind this cannot be told: whoever hears of it looks anew."""


class Change(msgspec.Struct, frozen=True):
    """One row of the feed: what changed, as it was at that moment. Rows come in the order of their commits."""

    seq: int
    kind: str
    """A `ChangeKind`, or what another version of this program, or a person, has written."""
    entity_id: str
    version: int
    actor: str
    """``role:id``; for a change made by another program ``db:external``, or ``db:role@program`` in PostgreSQL."""
    reason: str | None
    at: str
    before: msgspec.Raw | None
    """The whole order before the change, as JSON; None for a new one."""
    after: msgspec.Raw | None
    """The whole order after it; for ``event.published``, ``{"event", "rooms", "args"}``."""


Row: TypeAlias = tuple[str, str]
"""A row that a unit of work needs for itself: its table, and what it is known by there."""


def rows_of_order(order_id: str) -> frozenset[Row]:
    """What a command on an order needs, whatever else it does."""
    return frozenset({("orders", order_id)})


@dataclass(frozen=True, slots=True)
class UnitOfWork(Generic[T]):
    """A unit of work that says more of itself than a plain function can."""

    run: Callable[[Transaction], T]
    rows: frozenset[Row] = frozenset()
    """What it cannot do without. While another program holds one of them, such units wait in the order in which they
    came, and nobody waits for them.
    """
    waits: bool = True
    """Whether it waits at all for what others hold, or is refused at once: it comes again by itself."""
    is_silent: bool = False
    """Whether it leaves nothing that anybody has to be woken for."""

    def __call__(self, transaction: Transaction) -> T:
        return self.run(transaction)


class Batchable(Generic[T]):
    """A unit of work of which many that wait together are done at once, in fewer statements."""

    __slots__ = ()

    @property
    def rows(self) -> frozenset[Row]:
        """Which rows of tables that others use too it needs for itself."""
        return frozenset()

    @staticmethod
    def find_held(transaction: Transaction, units: Sequence[Any]) -> frozenset[Row]:
        """Which of the rows that `units` need are held by others just now; waits for none."""
        del transaction, units
        return frozenset()

    @staticmethod
    def hold(transaction: Transaction, rows: frozenset[Row]) -> None:
        """Have these rows for this transaction, in one order for everybody; waits for them."""

    def __call__(self, transaction: Transaction) -> T:
        raise NotImplementedError

    @staticmethod
    def run_batch(transaction: Transaction, units: Sequence[Any]) -> Sequence[Any]:
        """Do all of `units`, each of this class, as if one after another: give each one's result, or the error that it
        alone would have raised. What this raises itself takes all of it back, and they are run one by one.
        """
        raise NotImplementedError


class SessionRow(msgspec.Struct, frozen=True):
    """What a socket needs to be recovered: kept when it connects and when its rooms change."""

    pid: str
    sid: str
    namespace: str
    identity: bytes
    """JSON, opaque here."""
    rooms: tuple[str, ...]
    seen_at: str


class Conflict(Exception):
    """Another node has changed meanwhile what this unit decided on: it is run again. Nobody outside hears of it."""


class Unstorable(Exception):
    """A value that the database cannot hold, such as a text with a NUL, or a number past 64 bits. It is refused before
    it comes so far: what lets one through is a fault of ours.
    """

    def __init__(self) -> None:
        super().__init__("Something in this request cannot be kept: a NUL in a text, or a number that is too large.")


# A CHECK, or a value of another type. What a trigger refuses may be an operator's own word, and hold for a time.
_BROKEN_RULES: Final = frozenset({"SQLITE_CONSTRAINT_CHECK", "SQLITE_CONSTRAINT_DATATYPE"})
_CHECK_VIOLATION: Final = "23514"


class RuleBroken(Exception):
    """A CHECK of the database, or a domain, refuses the value. Doors look for what it would refuse before it comes so
    far; what another program did meanwhile may let one through.
    """

    @classmethod
    def of(cls, error: Exception) -> RuleBroken | None:
        """What the driver of either database raises for it."""
        is_sqlites = getattr(error, "sqlite_errorname", None) in _BROKEN_RULES
        is_postgresqls = (
            getattr(error, "sqlstate", None) == _CHECK_VIOLATION
            and getattr(getattr(error, "diag", None), "constraint_name", None) is not None
        )
        if not (is_sqlites or is_postgresqls):
            return None
        sentence, *_ = str(error).splitlines() or [""]
        broken = cls(f"The database refuses this: {sentence.rstrip('.')}.")
        broken.__cause__ = error
        return broken


class StoreError(Exception):
    """The store could not do what was asked; nothing was written. Come back in `retry_after_s`."""

    retry_after_s = 1


class Overloaded(StoreError):
    """More work is waiting than the store's bound allows."""

    def __init__(self, what: str, waiting: int) -> None:
        super().__init__(f"{waiting} {what} are waiting already.")


class NotCommitted(StoreError):
    """The database could not do it, whatever was asked: locked by another program, disk full, and the like."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The change was not committed: {clause(cause)}.")


class Unheard(StoreError):
    """No trigger told the feed of what this unit has written: it is taken back, for nobody would hear of it."""

    def __init__(self, entity_id: str) -> None:
        super().__init__(
            f"The change of {entity_id} was not committed: the trigger that tells of it is missing; nobody would hear."
        )


class LockedElsewhere(NotCommitted):
    """Another program holds a row, a table or a whole file that the change needs, such as a person who forgot to
    commit. The same may be asked again, under the same key, and succeeds when that program has ended.
    """

    retry_after_s = 2

    def __init__(self, cause: Exception, what: str = "what it needs") -> None:
        super().__init__(cause)
        self.what = what

    def __str__(self) -> str:
        return f"The change was not committed: {self.what} is locked by another program."


class OutcomeUnknown(StoreError):
    """The connection to the database was lost while the change was being committed: it may have been kept."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(
            f"Whether the change was committed is not known ({clause(cause)}); repeat it with the same Idempotency-Key."
        )


class StoreUnavailable(StoreError):
    """The database could not be read: locked by another program, an I/O error, and the like."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The database could not be read: {clause(cause)}.")


class ReadLockedElsewhere(StoreUnavailable):
    """Another program has locked a whole table that was to be read, or the whole file."""

    retry_after_s = 2

    def __str__(self) -> str:
        return "The database could not be read: a table that is needed is locked by another program."


class StoreClosed(StoreError):
    def __init__(self) -> None:
        super().__init__("The store is closed.")


class Unusable(StoreError):
    """The file cannot be opened as a shop's database: no database at all, one of a newer version, no place for one."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The database cannot be opened: {clause(cause)}.")


def is_database_error(error: BaseException) -> bool:
    """Whether a driver raised it."""
    return isinstance(error, sqlite3.Error) or any(
        class_.__module__ == "psycopg" and class_.__name__ == "Error" for class_ in type(error).__mro__
    )


def clause(cause: Exception) -> str:
    """What a driver's error says, to be put into a sentence: further lines are for the log, and may hold a row."""
    words = str(cause).strip().partition("\n")[0].rstrip(".")
    return words or type(cause).__name__


class Store(Protocol):
    """What the rooms above ask of a database; see ``SqliteStore`` and ``PostgresqlStore`` for each promise."""

    @property
    def epoch(self) -> str: ...
    @property
    def lags(self) -> bool: ...
    @property
    def leads(self) -> bool: ...
    @property
    def damaged(self) -> DamagedRows: ...
    @property
    def is_running(self) -> bool: ...
    def migrate(self) -> None: ...
    def prepare(self) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def write(self, unit: Callable[[Transaction], T]) -> T: ...
    async def read(self, query: Callable[[Transaction], T]) -> T: ...
    async def faults(self) -> list[str]: ...
    def warnings(self) -> list[str]: ...
    def changes(self, after: int, limit: int) -> list[Change]: ...
    async def older(self, after: int, limit: int) -> list[Change]: ...
    async def has(self, seq: int) -> bool: ...
    @property
    def last_seq(self) -> int: ...
    @property
    def first_seq(self) -> int: ...
    def watch(self, wake: Callable[[], None]) -> None: ...
    async def save_session(self, session: SessionRow) -> None: ...
    def save_session_soon(self, pid: str, session: SessionRow | None) -> None: ...
    async def load_session(self, pid: str) -> SessionRow | None: ...
    async def forget_session(self, pid: str) -> None: ...
    async def prune(self, *, feed_rows_max: int, sessions_age_s_max: int, now: str) -> None: ...
