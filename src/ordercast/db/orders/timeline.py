"""All that became of an order in one line of time: moves, money, messages, notices, notes; with people's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum, auto
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.conversations import Subject
from ordercast.commerce.geo import Location
from ordercast.commerce.people import Role
from ordercast.commerce.states import OrderStatus, PaymentStatus
from ordercast.db import accounts, notices, order_notes
from ordercast.db.noun import Noun
from ordercast.db.statement import Statement, statements_in
from ordercast.db.transaction import Transaction

from . import history

# Of each kind: an order that has more of one has the first moves, and the newest of what people write.
EACH_MAX: Final = 200

# --- Statements -------------------------------------------------------------------------------------------------------

DELIVERIES: Final = Statement("""
    SELECT deliveries.version, accounts.name, deliveries.eta_at, deliveries.lat, deliveries.lng
    FROM deliveries LEFT JOIN accounts ON accounts.id = deliveries.driver_id
    WHERE deliveries.order_id = :order_id ORDER BY deliveries.entry LIMIT :limit
""")
PAYMENTS: Final = Statement("""
    SELECT kind, amount, currency, at FROM payments WHERE payable_id = :order_id ORDER BY entry LIMIT :limit
""")
REFUNDS: Final = Statement("""
    SELECT state, amount, currency, at, reason FROM refunds WHERE payable_id = :order_id LIMIT :limit
""")
MESSAGES: Final = Statement(f"""
    SELECT messages.sender, messages.text, messages.created_at
    FROM conversations JOIN messages ON messages.conversation_id = conversations.id
    WHERE conversations.about = '{Subject.ORDER}' AND conversations.subject_id = :order_id
      AND messages.deleted_at IS NULL
    ORDER BY messages.position DESC LIMIT :limit
""")

NOUN: Final = Noun(name="order_timeline", statements=statements_in(globals()))

# --- Entries ----------------------------------------------------------------------------------------------------------


class TimelineKind(StrEnum):
    """What it was: a change of the status, of the payment's state alone, or of anything else in the order; money that
    was asked for, held or paid, or given back; that the shop noticed the order; a message; a note of the shop's people.
    """

    MOVED = auto()
    PAYMENT_CHANGED = auto()
    CHANGED = auto()
    PAYMENT = auto()
    REFUND = auto()
    NOTICE = auto()
    MESSAGE = auto()
    NOTE = auto()


class TimelineEntry(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Something that became of an order; what does not belong to its kind is left out."""

    kind: TimelineKind
    """Which of them it is."""
    at: str
    actor: str | None = None
    actor_name: str | None = None
    """The name of who did it: of somebody with an account here, or of the buyer."""
    reason: str | None = None
    """Why it was done."""
    from_status: OrderStatus | None = None
    """Where it was before."""
    to_status: OrderStatus | None = None
    """Where it is then."""
    from_payment_status: PaymentStatus | None = None
    """How the payment was before."""
    to_payment_status: PaymentStatus | None = None
    """How the payment is then."""
    driver_name: str | None = None
    """Who brings it then."""
    promised_at: str | None = None
    """When it should be ready, where that was promised then, for the first time or anew."""
    eta: str | None = None
    """When it should be there, as it was estimated then."""
    position: Location | None = None
    """Where the driver was then."""
    step: str | None = None
    """Of a payment or a refund, what happened to it; of a notice, `sent` to a screen, `received` by one, `opened`, or
    what was done while nobody had opened it.
    """
    amount: int | None = None
    """Of a payment or a refund, in minor units."""
    currency: str | None = None
    """Of that amount."""
    text: str | None = None
    """What was written."""


def timeline(transaction: Transaction, order_id: str, buyer: str | None) -> list[TimelineEntry]:
    """What became of an order, of which it is known that there is one; the oldest first. `buyer` is its customer's
    name.
    """
    found = sorted((entry for source in _SOURCES for entry in source(transaction, order_id)), key=attrgetter("at"))
    names = accounts.names(transaction, {entry.actor for entry in found if entry.actor is not None})
    return [
        msgspec.structs.replace(entry, actor_name=_name(entry.actor, names, buyer)) if entry.actor else entry
        for entry in found
    ]


def _name(actor: str, names: dict[str, str], buyer: str | None) -> str | None:
    is_buyer = actor.partition(":")[0] in {Role.CUSTOMER, Role.GUEST}
    return names.get(actor) or (buyer if is_buyer else None)


# --- Sources ----------------------------------------------------------------------------------------------------------


def _moves(transaction: Transaction, order_id: str) -> Iterator[TimelineEntry]:
    stages = {row[0]: row[1:] for row in transaction.all(DELIVERIES, order_id=order_id, limit=EACH_MAX)}
    promised = None
    for entry in transaction.readable(
        history(transaction, order_id, after=0, limit=EACH_MAX), lambda row: _move(row, stages), "order_history"
    ):
        is_anew = entry.promised_at != promised
        promised = entry.promised_at
        yield entry if is_anew else msgspec.structs.replace(entry, promised_at=None)


def _move(row: tuple[Any, ...], stages: dict[int, tuple[Any, ...]]) -> TimelineEntry:
    _entry, version, from_status, to_status, from_payment, to_payment, actor, reason, at, promised_at = row
    kind = TimelineKind.CHANGED
    if from_status != to_status:
        kind = TimelineKind.MOVED
    elif from_payment != to_payment:
        kind = TimelineKind.PAYMENT_CHANGED
    driver, eta, lat, lng = stages.get(version, (None, None, None, None))
    return msgspec.convert(
        {
            "kind": kind, "at": at, "actor": actor, "reason": reason, "fromStatus": from_status, "toStatus": to_status,
            "fromPaymentStatus": from_payment, "toPaymentStatus": to_payment, "driverName": driver, "eta": eta,
            "promisedAt": promised_at,
            "position": None if lat is None or lng is None else {"lat": lat, "lng": lng},
        },
        TimelineEntry,
    )  # fmt: skip


def _payments(transaction: Transaction, order_id: str) -> Iterator[TimelineEntry]:
    for kind, statement, table in (
        (TimelineKind.PAYMENT, PAYMENTS, "payments"),
        (TimelineKind.REFUND, REFUNDS, "refunds"),
    ):
        yield from transaction.read(
            statement,
            lambda row, kind=kind: _of_money(kind, row),  # type: ignore[misc]
            table,
            order_id=order_id,
            limit=EACH_MAX,
        )


def _of_money(kind: TimelineKind, row: tuple[Any, ...]) -> TimelineEntry:
    step, amount, currency, at, *reasons = row
    reason = reasons[0] if reasons else None
    return TimelineEntry(kind=kind, at=at, step=step, amount=int(amount), currency=currency, reason=reason)


def _messages(transaction: Transaction, order_id: str) -> Iterator[TimelineEntry]:
    for sender, text, at in transaction.all(MESSAGES, order_id=order_id, limit=EACH_MAX):
        yield TimelineEntry(kind=TimelineKind.MESSAGE, at=at, actor=sender, text=text)


def _notes(transaction: Transaction, order_id: str) -> Iterator[TimelineEntry]:
    for note in order_notes.newest(transaction, order_id, EACH_MAX):
        yield TimelineEntry(kind=TimelineKind.NOTE, at=note.created_at, actor=note.actor, text=note.text)


def _notices(transaction: Transaction, order_id: str) -> Iterator[TimelineEntry]:
    seen = notices.order_notice(transaction, order_id)
    kind = TimelineKind.NOTICE
    if seen.sent is not None:
        yield TimelineEntry(kind=kind, at=seen.sent.at, step="sent")
    for step, notice in (("received", seen.received), ("opened", seen.opened)):
        if notice is not None:
            yield TimelineEntry(kind=kind, at=notice.at, step=step, actor=notice.by)
    for taken in seen.escalations:
        yield TimelineEntry(kind=kind, at=taken.at, step=taken.step)


_SOURCES: Final[tuple[Callable[[Transaction, str], Iterator[TimelineEntry]], ...]] = (
    _moves, _payments, _notices, _messages, _notes,
)  # fmt: skip
