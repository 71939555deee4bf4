"""Units of work on existing bookings: transitions, rescheduling, reading."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any, Final, NamedTuple

import msgspec

from ordercast.commerce.booking_flow import (
    BookingChanged,
    BookingUnchanged,
    decide_booking_move,
    may_know_booking,
)
from ordercast.commerce.booking_states import BookingState, BookingStatus, booking_status
from ordercast.commerce.errors import NotFound
from ordercast.commerce.ids import BookingId
from ordercast.commerce.orders import PaymentInfo
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.slots import minute_of
from ordercast.commerce.states import PaymentStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import feed, ledger
from ordercast.db.documents import Documents
from ordercast.db.lenient_json import is_moment, read_json
from ordercast.db.noun import ERASED_ACTOR, Noun, PersonalData
from ordercast.db.statement import statements_in
from ordercast.db.transaction import Transaction

from . import statements
from .table import booking_history, bookings
from .triggers import TRIGGERS

TABLE: Final = "bookings"
TRACKING: Final = statements.TRACKING
_THEIRS: Final = "booking_id IN (SELECT id FROM bookings WHERE customer_id = :customer_id)"

NOUN: Final = Noun(
    name="bookings",
    tables=(bookings, booking_history),
    statements=statements_in(vars(statements)),
    triggers=TRIGGERS,
    personal={
        # The booking and payment data stay, as for orders.
        "bookings": PersonalData(
            "customer_id = :customer_id",
            (
                "id", "number", "status", "payment_status", "service_id", "service_name", "starts_at", "ends_at",
                "total", "captured", "refunded", "currency", "customer_id", "customer_name", "customer_email",
                "customer_mobile", "payment_info", "note", "created_at", "updated_at",
            ),
            {
                "placed_from": "NULL",
                "customer_name": "NULL",
                "customer_email": "NULL",
                "customer_mobile": "NULL",
                "note": "NULL",
                "payment_info": "@json_object('method', @json_member(payment_info, method))",
                "tracking_hash": "NULL",
                "version": "version + 1",
                "actor": ":actor",
                "reason": "'The personal data was erased.'",
                "updated_at": ":now",
            },
            touched="(customer_name IS NOT NULL OR customer_email IS NOT NULL OR customer_mobile IS NOT NULL"
            " OR note IS NOT NULL)",
            key="number",
            identifies=True,
        ),
        "booking_history": PersonalData(
            _THEIRS,
            (
                "booking_id", "version", "from_status", "to_status", "from_payment_status", "to_payment_status",
                "from_starts_at", "starts_at", "from_carer_id", "carer_id", "reason", "at",
            ),
            {"actor": f"'{ERASED_ACTOR}'", "reason": "NULL"},
            # A guest cancelled by the tracking token.
            touched=f"(actor = 'customer:' || CAST(:customer_id AS TEXT) OR actor = '{Role.GUEST}')",
            key="entry",
        ),
    },
)  # fmt: skip


class RequestedTime(NamedTuple):
    """The requested time of a booking, in Unix minutes, and carer; None keeps the carer."""

    start: int
    carer_id: str | None


class ShopTime(NamedTuple):
    """The time of a decision, and the shop's time zone."""

    now: Timestamp
    zone: tzinfo

    @property
    def minute(self) -> int:
        return minute_of(self.now)


# --- Changing ---------------------------------------------------------------------------------------------------------


def change_status(
    transaction: Transaction,
    booking_id: str,
    name: str,
    actor: Actor,
    *,
    reason: str | None,
    expected_version: int | None,
    now: Timestamp,
    by_token: bool = False,
) -> bytes:
    """Change a booking's status to the one called `name`; return it as JSON.

    Raises NotFound if the actor may not see the booking, and as ``decide_booking_move``. `by_token` says that the actor
    presented its tracking token.
    """
    state = load_state(transaction, booking_id, None if by_token else actor)
    target = booking_status(name)
    decision = decide_booking_move(state, target, actor, reason=reason, expected_version=expected_version, now=now)
    return save_decision(transaction, decision)


def save_decision(
    transaction: Transaction, decision: BookingChanged | BookingUnchanged, *, carer_name: str | None = None
) -> bytes:
    """Write a decision; return the booking as JSON."""
    if isinstance(decision, BookingChanged):
        _save_change(transaction, decision, carer_name)
        return newest_document(transaction, decision.before.id)
    document = booking_document(transaction, decision.booking.id)
    if document is None:
        raise NotFound("booking")
    return document


def _save_change(transaction: Transaction, decision: BookingChanged, carer_name: str | None) -> None:
    before, after = decision.before, decision.slot
    row = transaction.one(statements.CARER_NAME, id=before.id)
    transaction.run(
        statements.CHANGE,
        booking_id=before.id,
        new_status=decision.status,
        new_payment_status=decision.payment.status,
        new_captured=decision.payment.captured,
        new_refunded=decision.payment.refunded,
        new_refunding=decision.payment.refunding,
        new_starts_at=after.starts_at,
        new_ends_at=after.ends_at,
        new_carer_id=after.carer_id,
        new_carer_name=carer_name or (row[0] if row is not None else None),
        new_actor=str(decision.actor),
        new_reason=decision.reason,
        new_updated_at=decision.at,
    )
    ledger.follow(transaction, decision)


# --- Looking ----------------------------------------------------------------------------------------------------------


def load_state(transaction: Transaction, booking_id: str, actor: Actor | None) -> BookingState:
    """Load and lock the state for a decision. Raises NotFound, also if `actor` may not see it, and DamagedRow."""
    row = transaction.one(statements.STATE, id=booking_id)
    if row is None:
        raise NotFound("booking")
    state = transaction.decoded(row, _state_of, TABLE)
    if actor is not None and not may_know_booking(actor, state.customer_id, state.carer_id):
        raise NotFound("booking")
    return state


def _state_of(row: tuple[Any, ...]) -> BookingState:
    id_, status, payment, payment_info, version, *rest = msgspec.convert(row, _StateRow)
    method = msgspec.convert(read_json(payment_info), PaymentInfo).method
    service_id, carer_id, starts_at, ends_at, customer_id, changed_by, changed_at, *sums = rest
    if not (is_moment(starts_at) and is_moment(ends_at)):
        raise ValueError("a booking has its time")
    total, captured, refunded, refunding, currency, carer_left = sums
    return BookingState(
        BookingId(id_),
        status,
        payment,
        method,
        version,
        service_id,
        carer_id,
        starts_at,
        ends_at,
        customer_id=customer_id,
        changed_by=changed_by,
        changed_at=changed_at,
        total=total,
        captured=captured,
        refunded=refunded,
        refunding=refunding,
        currency=currency,
        carer_left=bool(carer_left),
    )


_StateRow = tuple[
    str, BookingStatus, PaymentStatus, str, int, str, str, str, str, str | None, str, str, int, int, int, int, str, int,
]  # fmt: skip


def booking_document(transaction: Transaction, booking_id: str, actor: Actor | None = None) -> bytes | None:
    """The booking's document; None if there is none or `actor` may not see it."""
    row = transaction.one(statements.DOCUMENT, id=booking_id)
    if row is None or (actor is not None and not may_know_booking(actor, *row[1:])):
        return None
    return transaction.decoded(row, _DOCUMENTS.sound, TABLE, booking_id)


class _Sound(msgspec.Struct, rename="camel"):
    """The fields that lists need; a document without them is left out."""

    id: str
    number: int
    status: BookingStatus
    payment_status: PaymentStatus
    version: int
    starts_at: str
    ends_at: str
    carer_id: str
    customer_info: dict[str, Any]


_DOCUMENTS: Final = Documents(TABLE, _Sound)


def newest_document(transaction: Transaction, booking_id: str) -> bytes:
    """The booking that this unit wrote, from its feed row. Raises FeedRowMissing."""
    return feed.newest_document(transaction, booking_id).encode()


class BookingOwner(NamedTuple):
    """Selects a customer's or carer's bookings; all if both are None."""

    customer_id: str | None = None
    carer_id: str | None = None

    @property
    def values(self) -> dict[str, str]:
        return {name: value for name, value in self._asdict().items() if value is not None}


class DayPage(NamedTuple):
    """Selects bookings that begin in an interval, after a position."""

    begin: Timestamp
    end: Timestamp
    after_at: str = ""
    after: int = 0


_LISTS: Final = {
    # owner, and whether filtered by status
    ("all", False): statements.BEFORE,
    ("all", True): statements.WITH_STATUS_BEFORE,
    ("customer_id", False): statements.OF_CUSTOMER_BEFORE,
    ("customer_id", True): statements.OF_CUSTOMER_WITH_STATUS_BEFORE,
    ("carer_id", False): statements.OF_CARER_BEFORE,
    ("carer_id", True): statements.OF_CARER_WITH_STATUS_BEFORE,
}
_DAYS: Final = {
    "all": statements.OF_DAY,
    "customer_id": statements.OF_CUSTOMER_OF_DAY,
    "carer_id": statements.OF_CARER_OF_DAY,
}


def page(
    transaction: Transaction, whose: BookingOwner, *, before: int, limit: int, status: BookingStatus | None
) -> tuple[list[tuple[int, str | None]], int]:
    """The newest bookings below the number `before`: numbers and documents, None for an unreadable one; and the feed's
    newest number of the same snapshot.
    """
    named = next(iter(whose.values), "all")
    statement = _LISTS[named, status is not None]
    values = whose.values | ({} if status is None else {"status": status})
    rows = transaction.all(statement, before=before, limit=limit, **values)
    return _DOCUMENTS.listed(transaction, rows), feed.newest_seq(transaction)


def page_of_day(
    transaction: Transaction, whose: BookingOwner, day: DayPage, *, limit: int, status: BookingStatus | None
) -> tuple[list[tuple[str, str | None]], int]:
    """The bookings of a day, in order of time, with their positions; else as `page`."""
    statement = _DAYS[next(iter(whose.values), "all")]
    rows = transaction.all(statement, **day._asdict(), status=status or "", limit=limit, **whose.values)
    places = [f"{starts_at}~{number}" for starts_at, number, _ in rows]
    found = [document for _, document in _DOCUMENTS.listed(transaction, (row[1:] for row in rows))]
    return list(zip(places, found, strict=True)), feed.newest_seq(transaction)


def history(transaction: Transaction, booking_id: str, *, after: int, limit: int) -> list[tuple[Any, ...]]:
    """The next transitions after `after`, oldest first, as ``statements.HISTORY``."""
    return transaction.all(statements.HISTORY, booking_id=booking_id, after=after, limit=limit)
