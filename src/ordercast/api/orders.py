"""Orders: placing, looking, moving; over HTTP, and moving by a socket as well."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.deliveries import Proof
from ordercast.commerce.errors import (
    IllegalTransition,
    LivesElsewhere,
    NotFound,
    NotPermitted,
    ProofRequired,
    ReasonRequired,
    StaleVersion,
    StateConflict,
    UnknownStatus,
)
from ordercast.commerce.ids import CustomerId, OrderId
from ordercast.commerce.letters import Language
from ordercast.commerce.masking import move_shown_to
from ordercast.commerce.orders import Order, PlaceOrder, Reason
from ordercast.commerce.payments import PaymentAction, PaymentTaken
from ordercast.commerce.people import SEES_EVERY_ORDER, Actor, Role
from ordercast.commerce.promised_time import Preparation, PreparationMinutes
from ordercast.commerce.states import OrderState, OrderStatus, PaymentStatus
from ordercast.commerce.stats import zone
from ordercast.commerce.text_rules import check_texts
from ordercast.commerce.unpaid_limits import UNBOUNDED
from ordercast.db import Transaction, accounts, rows_of_order
from ordercast.db import orders as units
from ordercast.db.idempotency import Outcome, RequestKey
from ordercast.db.orders.placing import NewOrder, Placing
from ordercast.db.orders.quotes import price
from ordercast.payments.checkout import Purchase

from .auth import Identity, tracking_hash, tracking_token
from .body import IdText, JsonBody, Version
from .budgets import ORDERS
from .commands import Command, CommandDoc, IdempotentCommand
from .context import AnyRequest, ApiContext, Context
from .idempotency import command_key, commit_once, created, find_outcome, request_key
from .mailing import confirmed_in
from .order_views import document_for, masked_view, view_of_outcome
from .paging import LIMIT_MAX, Limit, NumberCursor, cut_history
from .responses import CONFLICTS, REFUSALS, json_response
from .tracking_tokens import with_tracking_token

StatusName = Annotated[str, Meta(min_length=1, max_length=64)]
"""Present or former."""


class PlacedOrder(Order, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    tracking_token: str | None = None
    """For a guest: shows this order to whoever holds it."""
    payment_action: PaymentAction | None = None
    """What the customer is to do before the payment is made; the order waits for it unpaid."""


class HistoryEntry(Struct, frozen=True, rename="camel"):
    version: int
    from_status: OrderStatus | None
    to_status: OrderStatus
    from_payment_status: PaymentStatus | None
    to_payment_status: PaymentStatus
    actor: str
    reason: str | None
    at: str
    promised_at: str | None = None
    """When the order would be ready, as was promised then."""
    actor_name: str | None = None
    """Of an actor who has an account, for the shop."""


class History(Struct, frozen=True, rename="camel"):
    items: list[HistoryEntry]
    next_cursor: str | None


class MoveOrder(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`status` may be a former name; `version` is the one that the asker saw."""

    status: StatusName
    """The state to move it to."""
    version: Version
    reason: Reason | None = None
    proof: Proof | None = None
    """Of a delivery that was handed over."""
    preparation_minutes: PreparationMinutes | None = None
    """With the move to `processing`: in how many minutes it will be ready. The shop's default, if it has one."""


class UpdateOrderStatus(IdempotentCommand, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """As `MoveOrder`, by a socket."""

    order_id: IdText
    status: StatusName
    """The state to move it to; a former name is understood."""
    version: Version
    reason: Reason | None = None
    proof: Proof | None = None
    preparation_minutes: PreparationMinutes | None = None
    """With the move to `processing`: in how many minutes it will be ready."""


class CancelOrder(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason
    version: Version | None = None


# --- Placing ----------------------------------------------------------------------------------------------------------


@post("/api/orders", dto=JsonBody[PlaceOrder], return_dto=None, tags=["orders"], responses=REFUSALS | CONFLICTS)
async def place_order(data: JSONBody[PlaceOrder], request: AnyRequest, context: Context) -> Response[PlacedOrder]:
    """Place an order. Prices come from the catalogue; a guest is answered with a tracking token."""
    identity = await context.identify(request)
    check_texts(data)
    actor = identity.actor
    key = request_key(request, actor, data)
    with context.exclusive(key):
        # Looked up before the payment is taken: a request sent twice must not be paid twice.
        outcome = await find_outcome(context, key)
        if outcome is None:
            outcome = await _place(data, request, context, actor, key)
    content = await with_tracking_token(context, actor, outcome, units.TRACKING)
    return created(outcome, content, 201)


@dataclass(frozen=True, slots=True)
class _Placer:
    """Who places an order, and what it is charged to."""

    actor: Actor
    whose: str | None
    placed_from: str | None
    language: Language | None
    """In which they are mailed of it, if they are."""


async def _place(
    command: PlaceOrder, request: AnyRequest, context: ApiContext, actor: Actor, key: RequestKey | None
) -> Outcome:
    whose = context.budget_key(request)
    await context.budgets.take(ORDERS, whose)
    placed_from = None
    if actor.role is Role.GUEST:
        context.waiting.check_order(sum(item.quantity for item in command.cart_items))
        placed_from = context.placed_from(request)
    async with context.limit_promotion_guesses(command.promo_code, whose):
        language = confirmed_in(context, request, command.customer_info.email)
        return await _paid_and_placed(context, command, _Placer(actor, whose, placed_from, language), key)


async def _paid_and_placed(context: ApiContext, command: PlaceOrder, buyer: _Placer, key: RequestKey | None) -> Outcome:
    """Take the payment and place the order; a payment whose order was refused is given back."""
    actor = buyer.actor
    is_customer = actor.role is Role.CUSTOMER
    order_id = OrderId(context.new_id("ord"))

    async def place(payment: PaymentTaken) -> Outcome:
        # Of guests, those are bounded that pay later.
        placed_from = buyer.placed_from if payment.status is PaymentStatus.UNPAID else None
        new = NewOrder(
            command=command,
            order_id=order_id,
            customer_id=CustomerId(actor.id if is_customer else context.new_id("cus")),
            tracking_hash=None if is_customer else tracking_hash(tracking_token(context.keys.current, order_id)),
            actor=actor,
            payment=payment,
            now=context.now(),
            placed_from=placed_from,
            waiting=UNBOUNDED if placed_from is None else context.waiting,
            zone=zone(context.timezone),
            confirmed_in=buyer.language,
        )
        return with_action(await context.store.write(Placing(new, key)), payment.action)

    counted = context.limit_declined_cards(buyer.whose)
    wanted = Purchase(
        OrderState.noun,
        order_id,
        command.payment_info,
        lambda transaction: price(transaction, command, actor, context.now(), zone(context.timezone)),
    )
    return await context.checkout.place(wanted, actor, place, counted=counted)


def with_action(outcome: Outcome, action: PaymentAction | None) -> Outcome:
    """Add to the order what its customer is to do. A replayed answer has the order alone: it can be paid for anew."""
    if action is None or outcome.replayed:
        return outcome
    document = outcome.answer[:-1] + b',"paymentAction":' + msgspec.json.encode(action) + b"}"
    return replace(outcome, answer=document)


# --- Looking ----------------------------------------------------------------------------------------------------------


@get("/api/orders/{order_id:str}", tags=["orders"], responses=REFUSALS)
async def get_order(order_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Order]:
    """One order, for those who may know of it; a guest by its tracking token, as Bearer or as `?token=`."""
    identity = await context.require_identity(request)
    document = await context.store.read(lambda transaction: document_for(transaction, order_id, identity))
    return json_response(document)


@get("/api/orders/{order_id:str}/history", tags=["orders"], responses=REFUSALS)
async def get_history(
    order_id: FromPath[str],
    request: AnyRequest,
    context: Context,
    limit: Limit = LIMIT_MAX,
    cursor: NumberCursor = "0",
) -> Response[History]:
    """Get an order's history, oldest first: who, when and why; staff see names.

    Customers and guests see the actor's role, not the person, and not the staff's reasons; a driver without the order,
    no reasons but their own.
    """
    identity = await context.require_identity(request)

    def query(transaction: Transaction) -> tuple[bytes, list[tuple[Any, ...]], dict[str, str]]:
        document = document_for(transaction, order_id, identity)
        found = units.history(transaction, order_id, after=int(cursor), limit=limit + 1)
        is_shop = identity.actor.role in SEES_EVERY_ORDER
        actors = {HistoryEntry(*row[1:]).actor for row in found} if is_shop else ()
        return document, found, accounts.names(transaction, actors)

    document, found, names = await context.store.read(query)
    rows, next_cursor = cut_history(found, limit)
    moves = [HistoryEntry(*row) for row in rows]
    named = [msgspec.structs.replace(move, actor_name=names.get(move.actor)) for move in moves]
    entries = moves_shown_to(identity.actor, document, named)
    return json_response(msgspec.json.encode(History(entries, next_cursor)))


def moves_shown_to(viewer: Actor, document: bytes, entries: list[HistoryEntry]) -> list[HistoryEntry]:
    """The moves of the order `document` as `viewer` may see them."""
    if viewer.role in SEES_EVERY_ORDER:
        return entries
    order = msgspec.json.decode(document)
    redacted = [move_shown_to(viewer, order, entry.actor, entry.reason) for entry in entries]
    return [
        msgspec.structs.replace(entry, actor=actor, reason=reason)
        for entry, (actor, reason) in zip(entries, redacted, strict=True)
    ]


# --- Moving -----------------------------------------------------------------------------------------------------------


@post(
    "/api/orders/{order_id:str}/status",
    dto=JsonBody[MoveOrder],
    return_dto=None,
    status_code=200,
    tags=["orders"],
    responses=REFUSALS | CONFLICTS,
)
async def move_order(
    order_id: FromPath[str], data: JSONBody[MoveOrder], request: AnyRequest, context: Context
) -> Response[Order]:
    """Move an order along its status flow. A version that is no longer the order's is answered with 409."""
    identity = await context.require_identity(request)
    return json_response(await change_status(context, identity, order_id, data.status, data, proof=data.proof))


@post(
    "/api/orders/{order_id:str}/cancel",
    dto=JsonBody[CancelOrder],
    return_dto=None,
    status_code=200,
    tags=["orders"],
    responses=REFUSALS | CONFLICTS,
)
async def cancel_order(
    order_id: FromPath[str], data: JSONBody[CancelOrder], request: AnyRequest, context: Context
) -> Response[Order]:
    """Cancel an order: its buyer while it is pending, a guest by the tracking token; the shop until the goods have left
    it.
    """
    identity = await context.require_identity(request)
    return json_response(await change_status(context, identity, order_id, OrderStatus.CANCELLED, data))


async def update_order_status(context: ApiContext, identity: Identity, command: UpdateOrderStatus) -> Any:
    """Move an order, and answer it as it is now."""
    document = await change_status(
        context,
        identity,
        command.order_id,
        command.status,
        command,
        proof=command.proof,
        key=command_key(identity, "update_order_status", command),
    )
    return msgspec.json.decode(document)


async def change_status(
    context: ApiContext,
    identity: Identity,
    order_id: str,
    status: str,
    wanted: MoveOrder | CancelOrder | UpdateOrderStatus,
    *,
    proof: Proof | None = None,
    key: RequestKey | None = None,
) -> bytes:
    """Move an order to `status`; gives it as the asker may see it. Raises TooManyAttempts, and what
    ``db.orders.change_status`` does.
    """
    actor, by_token = identity.actor, identity.order_id == order_id
    # A reason may be typed on several lines; it is kept on one.
    reason = None if wanted.reason is None else " ".join(wanted.reason.split())
    check_texts(msgspec.structs.replace(wanted, reason=reason))
    now, handover = context.now(), context.handover(order_id, proof)
    asked = None if isinstance(wanted, CancelOrder) else wanted.preparation_minutes
    preparation = Preparation(asked, context.preparation_minutes or None)

    def effect(transaction: Transaction) -> bytes:
        return units.change_status(
            transaction,
            order_id,
            status,
            actor,
            reason=reason,
            expected_version=wanted.version,
            now=now,
            handover=handover,
            preparation=preparation,
            by_token=by_token,
        )

    await context.limit_delivery_codes(order_id, actor, handover)
    outcome = await commit_once(context, key, effect, rows=rows_of_order(order_id))
    return masked_view(outcome.answer) if by_token else await view_of_outcome(context.store, outcome, actor)


ROUTES: Final = [place_order, get_order, get_history, move_order, cancel_order]
COMMANDS: Final = [
    Command(
        "update_order_status",
        UpdateOrderStatus,
        update_order_status,
        CommandDoc(
            data=Order,
            errors=(
                NotFound,
                NotPermitted,
                StaleVersion,
                IllegalTransition,
                StateConflict,
                UnknownStatus,
                ReasonRequired,
                ProofRequired,
                LivesElsewhere,
            ),
            example={"orderId": "ord_01JDN8WPV2M5Q3T7Y9B1C4E6GH", "status": "processing", "version": 1},
        ),
    )
]
