"""Payments: paying and refunding orders and bookings, saved cards, and mismatches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.bookings import Booking
from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.masking import masked
from ordercast.commerce.money import AMOUNT_MAX
from ordercast.commerce.orders import CardPayment, Order, Reason, SavedCardPayment
from ordercast.commerce.payables import PayableStatus
from ordercast.commerce.payments import PaymentAction, PaymentTaken
from ordercast.commerce.people import STAFF, Actor, Role
from ordercast.commerce.states import OrderStatus, PaymentState, PaymentStatus
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction, UnitOfWork, ledger, mismatches, payables, saved_cards
from ordercast.db import payments as units
from ordercast.db.idempotency import Outcome, RequestKey
from ordercast.db.mismatches import PaymentMismatch
from ordercast.payments.checkout import OpenPayable

from .auth import Identity
from .body import JsonBody, Version
from .booking_views import booking_for, booking_view
from .budgets import ORDERS
from .context import AnyRequest, ApiContext, Context
from .idempotency import commit_once, created, find_outcome, request_key, run_once
from .order_views import document_for
from .orders import with_action
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .responses import CONFLICTS, REFUSALS, json_response


class RefundOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """`amount` in minor units; all that is left by default. `version` is the one that the client saw."""

    reason: Reason
    version: Version
    amount: Annotated[int, Meta(ge=1, le=AMOUNT_MAX)] | None = None


class PaidOrder(Order, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The order with its new payment."""

    payment_action: PaymentAction | None = None
    """What the customer must do to pay."""


class PaidBooking(Booking, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The booking with its new payment."""

    payment_action: PaymentAction | None = None
    """What the customer must do to pay."""


class PayOrder(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    payment_info: CardPayment | SavedCardPayment


class PaymentMethodInfo(Struct, frozen=True, rename="camel"):
    """A saved card, without secrets."""

    id: str
    brand: str | None
    last4: str | None
    created_at: str


class PaymentMethodPage(Struct, frozen=True, rename="camel"):
    items: list[PaymentMethodInfo]
    next_cursor: str | None = None


class MismatchPage(Struct, frozen=True, rename="camel"):
    items: list[PaymentMismatch]
    next_cursor: str | None


class ResolveMismatch(Struct, frozen=True, forbid_unknown_fields=True):
    note: Reason | None = None


# --- Of orders and of bookings ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Payables:
    """Access to payables of one noun: their views, and their tracking tokens."""

    noun: str
    document: Callable[[Transaction, str, Identity], bytes]
    """The document as the identity may see it. Raises NotFound."""
    shown: Callable[[bytes, Identity], bytes]
    """A unit of work's document as the identity may see it."""
    tracked: Callable[[Identity], str | None]
    """The payable of a guest's token."""
    status: Callable[[str], PayableStatus]


def _shown_order(answer: bytes, identity: Identity) -> bytes:
    return answer if identity.order_id is None else msgspec.json.encode(masked(msgspec.json.decode(answer)))


_ORDERS: Final = _Payables("order", document_for, _shown_order, lambda identity: identity.order_id, OrderStatus)
_BOOKINGS: Final = _Payables("booking", booking_for, booking_view, lambda identity: identity.booking_id, BookingStatus)


class _PayableFields(Struct, rename="camel"):
    """The fields of a document that paying needs."""

    id: str
    status: str
    payment_status: PaymentStatus
    total: int
    currency: str
    amount_paid: int


_PAYABLE_FIELDS: Final = msgspec.json.Decoder(_PayableFields)


# --- Paying again -----------------------------------------------------------------------------------------------------


@post(
    "/api/orders/{order_id:str}/pay",
    dto=JsonBody[PayOrder],
    return_dto=None,
    status_code=200,
    tags=["payments"],
    responses=REFUSALS | CONFLICTS,
)
async def pay_order(
    order_id: FromPath[str], data: JSONBody[PayOrder], request: AnyRequest, context: Context
) -> Response[PaidOrder]:
    """Pay an open, unpaid order by card: its payment failed, or it was to be paid in cash. For its customer, holders of
    its tracking token, and staff.
    """
    return await _pay(context, request, _ORDERS, order_id, data)


@post(
    "/api/bookings/{booking_id:str}/pay",
    dto=JsonBody[PayOrder],
    return_dto=None,
    status_code=200,
    tags=["payments"],
    responses=REFUSALS | CONFLICTS,
)
async def pay_booking(
    booking_id: FromPath[str], data: JSONBody[PayOrder], request: AnyRequest, context: Context
) -> Response[PaidBooking]:
    """Pay an open, unpaid booking by card. For its customer, holders of its tracking token, and staff."""
    return await _pay(context, request, _BOOKINGS, booking_id, data)


async def _pay(
    context: ApiContext, request: AnyRequest, of: _Payables, payable_id: str, data: PayOrder
) -> Response[Any]:
    identity = await context.require_identity(request)
    check_texts(data)
    _check_may_pay(of, identity, payable_id)
    key = request_key(request, identity.actor, data)
    with context.exclusive(key):
        # Before the payment: a repeated request must not be charged twice.
        outcome = await find_outcome(context, key)
        if outcome is None:
            await context.budgets.take(ORDERS, context.budget_key(request))
            found = await context.store.read(lambda transaction: of.document(transaction, payable_id, identity))
            payer = _Payer(identity.actor, context.budget_key(request))
            outcome = await _take(context, _unpaid(of, found), data, payer, key)
    return created(outcome, of.shown(outcome.answer, identity), 200)


def _unpaid(of: _Payables, document: bytes) -> OpenPayable:
    found = _PAYABLE_FIELDS.decode(document)
    payment = PaymentState(found.payment_status, found.total, found.amount_paid)
    return OpenPayable(of.noun, found.id, of.status(found.status), payment, found.currency)


@dataclass(frozen=True, slots=True)
class _Payer:
    """The payer, and the keys of their budgets."""

    actor: Actor
    whose: str | None


async def _take(
    context: ApiContext, unpaid: OpenPayable, data: PayOrder, payer: _Payer, key: RequestKey | None
) -> Outcome:
    async def pay(taken: PaymentTaken) -> Outcome:
        def effect(transaction: Transaction) -> bytes:
            return units.pay(transaction, unpaid.id, taken, payer.actor, now=context.now())

        done = await commit_once(context, key, effect, rows=payables.rows(unpaid.noun, unpaid.id))
        return with_action(done, taken.action)

    counted = context.limit_declined_cards(payer.whose)
    return await context.checkout.pay(unpaid, data.payment_info, payer.actor, pay, counted=counted)


@post("/api/orders/{order_id:str}/pay/check", status_code=200, tags=["payments"], responses=REFUSALS | CONFLICTS)
async def check_payment(order_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Order]:
    """Look up at the provider whether a pending payment was made; return the order. For the page that the customer
    returns to, if the webhook is late.
    """
    return await _check(context, request, _ORDERS, order_id)


@post("/api/bookings/{booking_id:str}/pay/check", status_code=200, tags=["payments"], responses=REFUSALS | CONFLICTS)
async def check_booking_payment(booking_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Booking]:
    """As for an order's payment; returns the booking."""
    return await _check(context, request, _BOOKINGS, booking_id)


async def _check(context: ApiContext, request: AnyRequest, of: _Payables, payable_id: str) -> Response[Any]:
    identity = await context.require_identity(request)
    _check_may_pay(of, identity, payable_id)

    def look(transaction: Transaction) -> tuple[bytes, tuple[str, str] | None]:
        return of.document(transaction, payable_id, identity), ledger.payment_of(transaction, payable_id)

    document, payment = await context.store.read(look)
    if payment is None or _PAYABLE_FIELDS.decode(document).payment_status is not PaymentStatus.UNPAID:
        return json_response(document)
    # Each lookup is a request to the provider.
    await context.budgets.take(ORDERS, context.budget_key(request))
    provider = context.providers.by_name.get(payment[0])
    theirs = None if provider is None else await provider.lookup(payment[1])
    if theirs is not None:
        found, now = theirs, context.now()
        await context.store.write(
            UnitOfWork(
                lambda transaction: units.apply_lookup(transaction, payable_id, payment[0], found, now),
                payables.rows(of.noun, payable_id),
            )
        )
    return json_response((await context.store.read(look))[0])


def _check_may_pay(of: _Payables, identity: Identity, payable_id: str) -> None:
    if of.tracked(identity) != payable_id and identity.actor.role not in {Role.CUSTOMER, *STAFF}:
        raise NotPermitted(identity.actor, f"pay for {'a' if of is _BOOKINGS else 'an'} {of.noun}")


# --- Refunds ----------------------------------------------------------------------------------------------------------


@post(
    "/api/orders/{order_id:str}/refund",
    dto=JsonBody[RefundOrder],
    return_dto=None,
    status_code=200,
    tags=["payments"],
    responses=REFUSALS | CONFLICTS,
)
async def refund_order(
    order_id: FromPath[str], data: JSONBody[RefundOrder], request: AnyRequest, context: Context
) -> Response[Order]:
    """Refund an order's payment, in part or whole. For staff.

    The response has it in `amountRefunding` until the provider has done it, published as `payment_update`. Cash is
    refunded by the shop, and counts at once.
    """
    return await _refund(context, request, _ORDERS, order_id, data)


@post(
    "/api/bookings/{booking_id:str}/refund",
    dto=JsonBody[RefundOrder],
    return_dto=None,
    status_code=200,
    tags=["payments"],
    responses=REFUSALS | CONFLICTS,
)
async def refund_booking(
    booking_id: FromPath[str], data: JSONBody[RefundOrder], request: AnyRequest, context: Context
) -> Response[Booking]:
    """Refund a booking's payment, as an order's. For staff."""
    return await _refund(context, request, _BOOKINGS, booking_id, data)


async def _refund(
    context: ApiContext, request: AnyRequest, of: _Payables, payable_id: str, data: RefundOrder
) -> Response[Any]:
    identity = await context.require_identity(request)
    actor, now = identity.actor, context.now()
    reason = " ".join(data.reason.split())
    check_texts(msgspec.structs.replace(data, reason=reason))
    if not reason:
        raise InvalidField("reason", "A refund needs a reason.")

    def effect(transaction: Transaction) -> bytes:
        of.document(transaction, payable_id, identity)
        return units.ask_refund(transaction, payable_id, data.amount, reason, actor, version=data.version, now=now)

    outcome = await run_once(context, request, actor, data, effect, rows=payables.rows(of.noun, payable_id))
    return created(outcome, of.shown(outcome.answer, identity), 200)


# --- Saved cards ------------------------------------------------------------------------------------------------------


@get("/api/payment-methods", tags=["payments"], responses=REFUSALS)
async def list_payment_methods(request: AnyRequest, context: Context) -> Response[PaymentMethodPage]:
    """List the customer's saved cards."""
    customer = await _customer(request, context)
    cards = await context.store.read(lambda transaction: saved_cards.of_customer(transaction, customer.id))
    items = [PaymentMethodInfo(kept.id, kept.card.brand, kept.card.last4, kept.created_at) for kept in cards]
    return json_response(msgspec.json.encode(PaymentMethodPage(items)))


@delete("/api/payment-methods/{method_id:str}", tags=["payments"], responses=REFUSALS)
async def delete_payment_method(method_id: FromPath[str], request: AnyRequest, context: Context) -> None:
    """Delete a saved card, here and at the payment provider."""
    customer, now = await _customer(request, context), context.now()
    await context.store.write(lambda transaction: saved_cards.remove(transaction, method_id, customer.id, now))


async def _customer(request: AnyRequest, context: ApiContext) -> Actor:
    actor = (await context.require_identity(request)).actor
    if actor.role is not Role.CUSTOMER:
        raise NotPermitted(actor, "keep cards")
    return actor


# --- Mismatches -------------------------------------------------------------------------------------------------------


@get("/api/payment-mismatches", tags=["payments"], responses=REFUSALS)
async def list_mismatches(
    request: AnyRequest,
    context: Context,
    resolved: Annotated[bool, QueryParameter()] = False,
    limit: Limit = LIMIT_DEFAULT,
    cursor: IdCursor = mismatches.NEWEST,
) -> Response[MismatchPage]:
    """List differences from the provider's records, newest first; with `resolved`, resolved ones too."""
    await context.authorize(request, "see payment mismatches")
    found = await context.store.read(
        lambda transaction: mismatches.page(transaction, cursor, limit + 1, resolved_too=resolved)
    )
    page = MismatchPage(*cut(found, limit, lambda each: each.id))
    return json_response(msgspec.json.encode(page))


@post(
    "/api/payment-mismatches/{mismatch_id:str}/resolve",
    dto=JsonBody[ResolveMismatch],
    return_dto=None,
    status_code=200,
    tags=["payments"],
    responses=REFUSALS,
)
async def resolve_mismatch(
    mismatch_id: FromPath[str], data: JSONBody[ResolveMismatch], request: AnyRequest, context: Context
) -> Response[PaymentMismatch]:
    """Resolve a mismatch; idempotent."""
    actor = await context.authorize(request, "resolve payment mismatches")
    note, now = None if data.note is None else " ".join(data.note.split()), context.now()
    check_texts(msgspec.structs.replace(data, note=note))
    card = await context.store.write(lambda transaction: mismatches.resolve(transaction, mismatch_id, actor, note, now))
    return json_response(msgspec.json.encode(card))


ROUTES: Final = [
    pay_order,
    pay_booking,
    check_payment,
    check_booking_payment,
    refund_order,
    refund_booking,
    list_payment_methods,
    delete_payment_method,
    list_mismatches,
    resolve_mismatch,
]
