"""The types that other rooms share with this one."""

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


class GapReason(StrEnum):
    """The `reason` of a `resync`; `feed.gaps` says what each is."""

    UNREADABLE_ROW = "unreadable_row"
    ROW_TOO_LARGE = "row_too_large"
    HISTORY_PRUNED = "history_pruned"
    TOO_FAR_BEHIND = "too_far_behind"
    OFFSET_UNKNOWN = "offset_unknown"
    EPOCH_CHANGED = "epoch_changed"
    FEED_BEHIND = "feed_behind"
    MAPPING_FAILED = "mapping_failed"
    TABLE_EMPTIED = "table_emptied"
    RIGHTS_CHANGED = "rights_changed"
    SOURCE_HISTORY_LOST = "source_history_lost"


class ChangeKind(StrEnum):
    """The kind of a feed row; the first word is the noun."""

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
    SHOP_OPENING_CHANGED = "shop.opening_changed"
    """Its hours, or its pause."""
    PAYMENT_MISMATCH = "payment.mismatch"
    NOTIFICATION_MADE = "notification.made"
    MESSAGE_SENT = "message.sent"
    MESSAGE_CHANGED = "message.changed"
    CONVERSATION_SEEN = "conversation.seen"
    CONVERSATION_CHANGED = "conversation.changed"
    """Opened, or its participants changed."""
    ORDER_UNSEEN = "notice.order_unseen"
    """Not opened by staff for a while."""
    BOOKING_UNSEEN = "notice.booking_unseen"
    EVENT_PUBLISHED = "event.published"
    ACCESS_REVOKED = "access.revoked"
    CUSTOMER_ERASED = "customer.erased"
    ROW_CHANGED = "row.changed"
    """Of a table of another program's that is watched (``watched_rows``)."""
    FEED_RESYNC = "feed.resync"
    """Something cannot be published: subscribers reload."""


class Change(msgspec.Struct, frozen=True):
    """A feed row: a change, as committed. Rows are in commit order."""

    seq: int
    kind: str
    """A `ChangeKind`, or one of another version."""
    entity_id: str
    version: int
    actor: str
    """``role:id``; ``db:external`` for another program, or ``db:role@program`` in PostgreSQL."""
    reason: str | None
    at: str
    before: msgspec.Raw | None
    """The document before the change, as JSON; None for a new one."""
    after: msgspec.Raw | None
    """The document after it; for ``event.published``, ``{"event", "rooms", "args"}``."""


Row: TypeAlias = tuple[str, str]
"""A row that a unit locks: its table and key."""


def rows_of_order(order_id: str) -> frozenset[Row]:
    """The rows that a command on an order locks."""
    return frozenset({("orders", order_id)})


def rows_of_booking(booking_id: str) -> frozenset[Row]:
    """The rows that a command on a booking locks."""
    return frozenset({("bookings", booking_id)})


@dataclass(frozen=True, slots=True)
class UnitOfWork(Generic[T]):
    """A unit of work with options."""

    run: Callable[[Transaction], T]
    rows: frozenset[Row] = frozenset()
    """The rows it needs. While another program locks one, such units queue apart, in order."""
    waits: bool = True
    """Whether it waits for locks, or fails at once, as it is retried anyway."""
    is_silent: bool = False
    """Whether its commit needs to wake nobody."""

    def __call__(self, transaction: Transaction) -> T:
        return self.run(transaction)


class Batchable(Generic[T]):
    """A unit of work that can be run in batches, with fewer statements."""

    __slots__ = ()

    @property
    def rows(self) -> frozenset[Row]:
        """The rows of shared tables that it locks."""
        return frozenset()

    @staticmethod
    def find_held(transaction: Transaction, units: Sequence[Any]) -> frozenset[Row]:
        """Which of the rows of `units` are locked now; does not wait."""
        del transaction, units
        return frozenset()

    @staticmethod
    def hold(transaction: Transaction, rows: frozenset[Row]) -> None:
        """Lock these rows, in one order for all; waits."""

    def __call__(self, transaction: Transaction) -> T:
        raise NotImplementedError

    @staticmethod
    def run_batch(transaction: Transaction, units: Sequence[Any]) -> Sequence[Any]:
        """Run all `units` of this class as if one after another: return each one's result or own error. If this raises,
        all is rolled back and they run singly.
        """
        raise NotImplementedError


class SessionRow(msgspec.Struct, frozen=True):
    """A recoverable session, saved on connect and when its rooms change."""

    pid: str
    sid: str
    namespace: str
    identity: bytes
    """Opaque JSON."""
    rooms: tuple[str, ...]
    seen_at: str


class Store(Protocol):
    """The port to a database; ``SqliteStore`` and ``PostgresqlStore`` document each method."""

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
    async def session_saved(self, pid: str) -> None: ...
    async def load_session(self, pid: str) -> SessionRow | None: ...
    async def forget_session(self, pid: str) -> None: ...
    async def prune(self, *, feed_rows_max: int, sessions_age_s_max: int, now: str) -> None: ...
