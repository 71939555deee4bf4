"""The words that other rooms share with this one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

import msgspec

if TYPE_CHECKING:
    from .damage import DamagedRows
    from .dialects import Dialect
    from .transaction import Transaction

T = TypeVar("T")


class ChangeKind(StrEnum):
    """What a row of the feed tells of; the first word is the noun that changed."""

    ORDER_PLACED = "order.placed"
    ORDER_IMPORTED = "order.imported"
    ORDER_STATUS_CHANGED = "order.status_changed"
    ORDER_PAYMENT_CHANGED = "order.payment_changed"
    ORDER_CHANGED = "order.changed"
    BOOKING_PLACED = "booking.placed"
    BOOKING_IMPORTED = "booking.imported"
    BOOKING_STATUS_CHANGED = "booking.status_changed"
    BOOKING_RESCHEDULED = "booking.rescheduled"
    BOOKING_PAYMENT_CHANGED = "booking.payment_changed"
    BOOKING_CHANGED = "booking.changed"
    DELIVERY_MOVED = "delivery.moved"
    PRODUCT_ADDED = "product.added"
    PRODUCT_CHANGED = "product.changed"
    PAYMENT_MISMATCH = "payment.mismatch"
    NOTIFICATION_MADE = "notification.made"
    MESSAGE_SENT = "message.sent"
    MESSAGE_CHANGED = "message.changed"
    CONVERSATION_SEEN = "conversation.seen"
    CONVERSATION_CHANGED = "conversation.changed"
    """It was opened, or somebody takes part from now on, or no more."""
    ORDER_UNSEEN = "notice.order_unseen"
    """Nobody has opened it for a while."""
    BOOKING_UNSEEN = "notice.booking_unseen"
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


def rows_of_booking(booking_id: str) -> frozenset[Row]:
    """The same on a booking."""
    return frozenset({("bookings", booking_id)})


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
    @property
    def dialect(self) -> Dialect: ...
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
