"""Payments over HTTP: refunds, cards that a customer keeps, and the board's cards of money that differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.masking import masked
from ordercast.commerce.money import AMOUNT_MAX
from ordercast.commerce.orders import CardPayment, Order, Reason, SavedCardPayment
from ordercast.commerce.payments import PaymentAction, PaymentTaken
from ordercast.commerce.people import STAFF, Actor, Role
from ordercast.commerce.states import PaymentStatus
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction, UnitOfWork, ledger, mismatches, rows_of_order, saved_cards
from ordercast.db import payments as units
from ordercast.db.idempotency import Outcome, RequestKey
from ordercast.db.mismatches import PaymentMismatch

from .auth import Identity
from .body import JsonBody, Version
from .budgets import ORDERS
from .context import AnyRequest, ApiContext, Context
from .idempotency import commit_once, created, find_outcome, request_key, run_once
from .order_views import document_for
from .orders import with_action
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .responses import CONFLICTS, REFUSALS, json_response


class RefundOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """`amount` in minor units; without one, all that is left. `version` is the one that the asker saw."""

    reason: Reason
    version: Version
    amount: Annotated[int, Meta(ge=1, le=AMOUNT_MAX)] | None = None


class PaidOrder(Order, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The order as it stands with the payment that it was given."""

    payment_action: PaymentAction | None = None
    """What the customer is to do before the payment is made."""


class PayOrder(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    payment_info: CardPayment | SavedCardPayment


class PaymentMethodInfo(Struct, frozen=True, rename="camel"):
    """A saved card, as far as it may be shown."""

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
    """Pay by card for an order that stands and is not paid: its payment failed, or it was to be paid in cash. For its
    customer, who holds its tracking token, and the shop.
    """
    identity = await context.require_identity(request)
    actor = identity.actor
    check_texts(data)
    _check_may_pay(identity, order_id)
    key = request_key(request, actor, data)
    with context.exclusive(key):
        # Looked up before the payment is taken: a request sent twice must not be paid twice.
        outcome = await find_outcome(context, key)
        if outcome is None:
            await context.budgets.take(ORDERS, context.budget_key(request))
            found = await context.store.read(lambda transaction: document_for(transaction, order_id, identity))
            order = msgspec.json.decode(found, type=Order)
            outcome = await _pay(context, order, data, _Payer(actor, context.budget_key(request)), key)
    document = msgspec.json.decode(outcome.answer)
    shown = msgspec.json.encode(masked(document)) if identity.order_id == order_id else outcome.answer
    return created(outcome, shown, 200)


@post("/api/orders/{order_id:str}/pay/check", status_code=200, tags=["payments"], responses=REFUSALS | CONFLICTS)
async def check_payment(order_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Order]:
    """Look at the provider whether a payment that waited for its customer was made, and answer the order: for a page
    that they came back to, in case the provider's message is late.
    """
    identity = await context.require_identity(request)
    _check_may_pay(identity, order_id)

    def look(transaction: Transaction) -> tuple[bytes, tuple[str, str] | None]:
        return document_for(transaction, order_id, identity), ledger.payment_of(transaction, order_id)

    document, payment = await context.store.read(look)
    if payment is None or msgspec.json.decode(document, type=Order).payment_status is not PaymentStatus.UNPAID:
        return json_response(document)
    # Each look is a request to the provider, which others need too.
    await context.budgets.take(ORDERS, context.budget_key(request))
    provider = context.providers.by_name.get(payment[0])
    theirs = None if provider is None else await provider.lookup(payment[1])
    if theirs is not None:
        found, now = theirs, context.now()
        await context.store.write(
            UnitOfWork(
                lambda transaction: units.looked_up(transaction, order_id, payment[0], found, now),
                rows_of_order(order_id),
            )
        )
    return json_response((await context.store.read(look))[0])


def _check_may_pay(identity: Identity, order_id: str) -> None:
    if identity.order_id != order_id and identity.actor.role not in {Role.CUSTOMER, *STAFF}:
        raise NotPermitted(identity.actor, "pay for an order")


@dataclass(frozen=True, slots=True)
class _Payer:
    """Who pays, and what it is charged to."""

    actor: Actor
    whose: str | None


async def _pay(context: ApiContext, order: Order, data: PayOrder, payer: _Payer, key: RequestKey | None) -> Outcome:
    async def pay(taken: PaymentTaken) -> Outcome:
        def effect(transaction: Transaction) -> bytes:
            return units.pay(transaction, order.id, taken, payer.actor, now=context.now())

        return with_action(await commit_once(context, key, effect, rows=rows_of_order(order.id)), taken.action)

    counted = context.limit_declined_cards(payer.whose)
    return await context.checkout.pay(order, data.payment_info, payer.actor, pay, counted=counted)


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
    """Give a part or all of an order's money back. For the shop.

    The answer shows it as `amountRefunding` until the payment provider has done it, which `payment_update` tells. Money
    that was paid in cash is handed back by the shop, and counts as refunded at once.
    """
    actor = (await context.require_identity(request)).actor
    reason = " ".join(data.reason.split())
    check_texts(msgspec.structs.replace(data, reason=reason))
    if not reason:
        raise InvalidField("reason", "A refund needs a reason.")
    now = context.now()

    def effect(transaction: Transaction) -> bytes:
        return units.ask_refund(transaction, order_id, data.amount, reason, actor, version=data.version, now=now)

    outcome = await run_once(context, request, actor, data, effect, rows=rows_of_order(order_id))
    return created(outcome, outcome.answer, 200)


# --- Saved cards ------------------------------------------------------------------------------------------------------


@get("/api/payment-methods", tags=["payments"], responses=REFUSALS)
async def list_payment_methods(request: AnyRequest, context: Context) -> Response[PaymentMethodPage]:
    """The cards that the signed-in customer has saved."""
    customer = await _customer(request, context)
    cards = await context.store.read(lambda transaction: saved_cards.of_customer(transaction, customer.id))
    items = [PaymentMethodInfo(kept.id, kept.card.brand, kept.card.last4, kept.created_at) for kept in cards]
    return json_response(msgspec.json.encode(PaymentMethodPage(items)))


@delete("/api/payment-methods/{method_id:str}", tags=["payments"], responses=REFUSALS)
async def delete_payment_method(method_id: FromPath[str], request: AnyRequest, context: Context) -> None:
    """Keep a card no longer, here and at the payment provider's."""
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
    """Where a payment provider's money differs from ours, newest first; with `resolved`, what was seen to as well."""
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
    """Take a card off the board: somebody has seen to it. One that was taken off before stays as it was."""
    actor = await context.authorize(request, "resolve payment mismatches")
    note, now = None if data.note is None else " ".join(data.note.split()), context.now()
    check_texts(msgspec.structs.replace(data, note=note))
    card = await context.store.write(lambda transaction: mismatches.resolve(transaction, mismatch_id, actor, note, now))
    return json_response(msgspec.json.encode(card))


ROUTES: Final = [
    pay_order,
    check_payment,
    refund_order,
    list_payment_methods,
    delete_payment_method,
    list_mismatches,
    resolve_mismatch,
]
