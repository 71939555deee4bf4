"""Makes bookings: chooses a free carer and inserts the booking under a lock on the carers."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from ordercast.commerce.booking_flow import BookingSlot
from ordercast.commerce.bookings import (
    BookingPlaced,
    BookService,
    check_booking,
    is_bookable,
    least_busy,
    minute_wanted,
)
from ordercast.commerce.errors import InvalidField, PriceChanged, TimeNotFree
from ordercast.commerce.ids import BookingId
from ordercast.commerce.letters import Language
from ordercast.commerce.money import Money
from ordercast.commerce.payments import BY_CASH, PaymentTaken
from ordercast.commerce.people import Actor
from ordercast.commerce.services import Carer, Service
from ordercast.commerce.slots import WantedTime, moment_of
from ordercast.commerce.unpaid_limits import UNBOUNDED, UnpaidHoldings, UnpaidLimits
from ordercast.db import carers, ledger, services, shop
from ordercast.db.transaction import Transaction

from . import ShopTime, availability, newest_document, statements


@dataclass(frozen=True, slots=True)
class NewBooking:
    """A request, with the server's part."""

    command: BookService
    booking_id: BookingId
    customer_id: str | None
    tracking_hash: bytes | None
    actor: Actor
    shop_time: ShopTime
    placed_from: str | None = None
    """The hashed address of a guest who pays later, for the limits."""
    waiting: UnpaidLimits = UNBOUNDED
    language: Language | None = None
    payment: PaymentTaken = BY_CASH


def bookable_service(transaction: Transaction, command: BookService, actor: Actor) -> Service:
    """The requested service. Raises InvalidField and as ``check_booking``; also called before the payment."""
    service = services.find(transaction, command.service_id)
    if service is None:
        raise InvalidField("serviceId", "There is no such service.")
    check_booking(command, service, actor)
    currency = shop.currency(transaction)
    if service.currency != currency:
        sentence = f"{service.name} is priced in {service.currency}, and this shop sells in {currency}."
        raise InvalidField("serviceId", sentence)
    return service


def place(transaction: Transaction, new: NewBooking) -> bytes:
    """Make a booking; return it as JSON.

    Raises PriceChanged, TimeNotFree, ProviderUnavailable if its payment is being refunded already, and as
    ``bookable_service``.
    """
    ledger.check_promise(transaction, new.payment)
    service = bookable_service(transaction, new.command, new.actor)
    charged = Money(service.price, service.currency)
    if new.payment.amount is not None and new.payment.amount != charged:
        raise PriceChanged(new.payment.amount, charged)
    start = minute_wanted("startsAt", new.command.starts_at, new.shop_time.minute)
    carer = _free_carer(transaction, new, service, start, holds=True)
    slot = BookingSlot(moment_of(start), moment_of(start + service.duration_minutes), carer.id)
    placed = BookingPlaced(
        new.booking_id,
        new.command,
        service,
        slot,
        carer.name,
        new.payment,
        new.customer_id,
        new.actor,
        new.shop_time.now,
    )
    _check_waiting(transaction, new)
    _insert(transaction, placed, new)
    ledger.take(transaction, placed.id, placed.customer_id, new.payment, total=charged, now=placed.now)
    return newest_document(transaction, placed.id)


def price(transaction: Transaction, new: NewBooking) -> Money:
    """The price, if the time is free now; called before the payment. Raises as `place`."""
    service = bookable_service(transaction, new.command, new.actor)
    start = minute_wanted("startsAt", new.command.starts_at, new.shop_time.minute)
    _free_carer(transaction, new, service, start, holds=False)
    return Money(service.price, service.currency)


def _free_carer(transaction: Transaction, new: NewBooking, service: Service, start: int, *, holds: bool) -> Carer:
    """The free carer: the requested one or the least busy. With `holds` they are locked until the commit."""
    carer_id, zone = new.command.carer_id, new.shop_time.zone
    carer_ids = service.carer_ids if carer_id is None else [carer_id]
    known = carers.known(transaction, carer_ids)
    if holds:
        carers.hold(transaction, known)
    found = availability.diaries(transaction, known.values(), availability.busy_span(start, service.duration_minutes))
    bookable = [each for each in found if is_bookable(each, service, start, new.actor, zone)]
    chosen = least_busy(bookable, service)
    if chosen is None:
        raise TimeNotFree(WantedTime(service.id, start, service.duration_minutes, carer_id))
    return known[chosen.carer_id]


def _check_waiting(transaction: Transaction, new: NewBooking) -> None:
    """Check the limits of unpaid bookings. Raises TooManyWaiting."""
    if new.placed_from is not None:
        row = transaction.one(statements.WAITING_OF_CALLER, placed_from=new.placed_from)
        new.waiting.check(UnpaidHoldings(1 + (row[0] if row is not None else 0), 0))


def _insert(transaction: Transaction, placed: BookingPlaced, new: NewBooking) -> None:
    command, service, payment = placed.command, placed.service, placed.payment
    customer, now = command.customer_info, placed.now
    transaction.run(
        statements.INSERT,
        id=placed.id,
        payment_status=payment.status,
        service_id=service.id,
        service_name=service.name,
        service_name_bn=service.name_bn,
        **placed.slot._asdict(),
        carer_name=placed.carer_name,
        total=service.price,
        captured=placed.captured,
        currency=service.currency,
        payment_info=msgspec.json.encode(payment.info).decode(),
        customer_id=placed.customer_id,
        customer_name=customer.name,
        customer_email=customer.email,
        customer_mobile=customer.mobile,
        note=command.note or None,
        tracking_hash=new.tracking_hash,
        language=new.language,
        placed_from=new.placed_from,
        actor=str(placed.actor),
        created_at=now,
        updated_at=now,
    )
