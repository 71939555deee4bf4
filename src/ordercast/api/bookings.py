"""Bookings: routes for making, reading and changing them; changing also by socket commands."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from dataclasses import replace
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Struct

from ordercast.commerce.booking_states import BookingState, BookingStatus, booking_status
from ordercast.commerce.bookings import Booking, BookService, CarerId, Moment, minute_wanted
from ordercast.commerce.errors import (
    IllegalTransition,
    InvalidField,
    NotFound,
    NotPermitted,
    ReasonRequired,
    StaleVersion,
    StateConflict,
    TimeNotFree,
    UnknownStatus,
)
from ordercast.commerce.ids import BookingId
from ordercast.commerce.masking import public_actor
from ordercast.commerce.orders import Reason
from ordercast.commerce.payments import PaymentAction, PaymentTaken
from ordercast.commerce.people import SEES_EVERY_ORDER, Actor, Role
from ordercast.commerce.slots import day_in
from ordercast.commerce.states import PaymentStatus
from ordercast.commerce.stats import bounds, zone
from ordercast.commerce.text_rules import check_texts
from ordercast.commerce.unpaid_limits import UNBOUNDED
from ordercast.db import Transaction, rows_of_booking
from ordercast.db import bookings as units
from ordercast.db.bookings import BookingOwner, DayPage, RequestedTime, ShopTime
from ordercast.db.bookings.availability import nearest_free
from ordercast.db.bookings.placing import NewBooking, place, price
from ordercast.db.bookings.rescheduling import reschedule
from ordercast.db.idempotency import Outcome, RequestKey
from ordercast.payments.checkout import Purchase

from .auth import Identity, tracking_hash, tracking_token
from .body import INTEGER_MAX, IdText, JsonBody, Version
from .booking_views import booking_for, booking_view, tracks, view_for_person, view_of_outcome
from .budgets import ORDERS
from .commands import Command, CommandDoc, IdempotentCommand
from .context import AnyRequest, ApiContext, Context
from .idempotency import command_key, commit_once, created, find_outcome, request_key, run_once
from .mailing import language_of
from .orders import StatusName, with_action
from .paging import LIMIT_DEFAULT, LIMIT_MAX, JsonPage, Limit, NumberCursor, cut, cut_history
from .responses import CONFLICTS, REFUSALS, json_response
from .tracking_tokens import with_tracking_token

_DAY_CURSOR: Final = re.compile(r"(?P<at>[0-9T:.Z-]{20,24})~(?P<number>[0-9]{1,18})")
_NUMBER_CURSOR: Final = re.compile(r"[0-9]{1,18}")


class MadeBooking(Booking, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    tracking_token: str | None = None
    """For a guest: grants reading and cancelling this booking."""
    payment_action: PaymentAction | None = None
    """What the customer must do to pay; until then the booking is unpaid."""


class BookingPage(Struct, frozen=True, rename="camel"):
    items: list[Booking]
    next_cursor: str | None
    position: str
    """``epoch:seq`` of the feed at the time of the list: live events continue from here."""


class BookingHistoryEntry(Struct, frozen=True, rename="camel"):
    version: int
    from_status: BookingStatus | None
    to_status: BookingStatus
    from_payment_status: PaymentStatus | None
    to_payment_status: PaymentStatus
    from_starts_at: str | None
    """The former time, if it was rescheduled."""
    starts_at: str
    from_carer_id: str | None
    """The former carer, if it was reassigned."""
    carer_id: str
    actor: str
    reason: str | None
    at: str


class BookingHistory(Struct, frozen=True, rename="camel"):
    items: list[BookingHistoryEntry]
    next_cursor: str | None


class MoveBooking(Struct, frozen=True, forbid_unknown_fields=True):
    """`version` is the one that the client saw."""

    status: StatusName
    version: Version
    reason: Reason | None = None


class UpdateBookingStatus(IdempotentCommand, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`MoveBooking` as a socket command."""

    booking_id: IdText
    status: StatusName
    version: Version
    reason: Reason | None = None


class CancelBooking(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason
    version: Version | None = None


class RescheduleBooking(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The new time, carer, or both. Duration and price stay."""

    starts_at: Moment
    version: Version
    carer_id: CarerId | None = None
    reason: Reason | None = None


# --- Making -----------------------------------------------------------------------------------------------------------


@post("/api/bookings", dto=JsonBody[BookService], return_dto=None, tags=["bookings"], responses=REFUSALS | CONFLICTS)
async def make_booking(data: JSONBody[BookService], request: AnyRequest, context: Context) -> Response[MadeBooking]:
    """Book a service. The price comes from the catalogue, the carer is a free one by default; a guest gets a tracking
    token. If the time is not free, the error has the nearest free ones.
    """
    identity = await context.identify(request)
    check_texts(data)
    actor = identity.actor
    key = request_key(request, actor, data)
    with context.exclusive(key):
        # Before the payment: a repeated request must not be charged twice.
        outcome = await find_outcome(context, key)
        if outcome is None:
            outcome = await _or_nearest(context, _make(data, request, context, actor, key))
    content = await with_tracking_token(context, actor, outcome, units.TRACKING)
    return created(outcome, content, 201)


async def _make(
    command: BookService, request: AnyRequest, context: ApiContext, actor: Actor, key: RequestKey | None
) -> Outcome:
    whose = context.budget_key(request)
    await context.budgets.take(ORDERS, whose)
    is_customer = actor.role is Role.CUSTOMER
    booking_id = BookingId(context.new_id("bkg"))
    # Limits apply to guests who pay later.
    placed_from = context.placed_from(request) if actor.role is Role.GUEST else None
    new = NewBooking(
        command=command,
        booking_id=booking_id,
        customer_id=actor.id if is_customer else context.new_id("cus"),
        tracking_hash=None if is_customer else tracking_hash(tracking_token(context.keys.current, booking_id)),
        actor=actor,
        shop_time=_shop_time(context),
        placed_from=placed_from,
        waiting=UNBOUNDED if placed_from is None else context.waiting,
        language=language_of(request, context.language),
    )

    async def make(payment: PaymentTaken) -> Outcome:
        paid = replace(new, payment=payment, shop_time=_shop_time(context))
        if payment.status is not PaymentStatus.UNPAID:
            paid = replace(paid, placed_from=None, waiting=UNBOUNDED)
        return with_action(
            await commit_once(context, key, lambda transaction: place(transaction, paid)), payment.action
        )

    wanted = Purchase(BookingState.noun, booking_id, command.payment_info, lambda transaction: price(transaction, new))
    counted = context.limit_declined_cards(whose)
    return await context.checkout.place(wanted, actor, make, counted=counted)


async def _or_nearest(context: ApiContext, work: Awaitable[Outcome]) -> Outcome:
    """Await `work`; add the nearest free times, found by a reader, to TimeNotFree."""
    try:
        return await work
    except TimeNotFree as error:
        wanted, shop_time = error.wanted, _shop_time(context)
        found = await context.store.read(
            lambda transaction: nearest_free(transaction, wanted, shop_time.minute, shop_time.zone)
        )
        raise TimeNotFree(wanted, found) from None


def _shop_time(context: ApiContext) -> ShopTime:
    return ShopTime(context.now(), zone(context.timezone))


# --- Looking ----------------------------------------------------------------------------------------------------------


@get("/api/bookings", tags=["bookings"], responses=REFUSALS)
async def list_bookings(
    request: AnyRequest,
    context: Context,
    *,
    status: Annotated[str | None, QueryParameter(max_length=64)] = None,
    day: Annotated[str | None, QueryParameter(max_length=10)] = None,
    carer_id: Annotated[str | None, QueryParameter(name="carerId", max_length=255)] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Annotated[str | None, QueryParameter(max_length=64)] = None,
) -> Response[BookingPage]:
    """List bookings, newest first; those of a local `day` by time. Staff see all, or a carer's; customers and carers
    see their own.
    """
    identity = await context.require_identity(request)
    whose = _whose(identity.actor, carer_id)
    wanted = None if status is None else booking_status(status)

    def query(transaction: Transaction) -> tuple[list[tuple[Any, str | None]], int]:
        if day is None:
            return units.page(transaction, whose, before=_before(cursor), limit=limit + 1, status=wanted)
        return units.page_of_day(transaction, whose, _of_day(context, day, cursor), limit=limit + 1, status=wanted)

    found, seq = await context.store.read(query)
    rows, next_cursor = cut(found, limit, lambda row: row[0])
    shown = [view_for_person(each.encode(), identity.actor).decode() for _place, each in rows if each is not None]
    return json_response(JsonPage(shown, next_cursor, f"{context.store.epoch}:{seq}").encode())


def _whose(actor: Actor, carer_id: str | None) -> BookingOwner:
    """The bookings that the actor may list. Raises NotPermitted."""
    match actor.role:
        case Role.ADMIN | Role.STORE | Role.SERVICE:
            return BookingOwner(carer_id=carer_id)
        case Role.CUSTOMER if carer_id is None:
            return BookingOwner(customer_id=actor.id)
        case Role.CARER if carer_id in {None, actor.id}:
            return BookingOwner(carer_id=actor.id)
        case Role.CUSTOMER | Role.CARER:
            raise NotPermitted(actor, "list the bookings of a carer")
        case Role.DRIVER | Role.GUEST:
            raise NotPermitted(actor, "list bookings")


def _before(cursor: str | None) -> int:
    if cursor is not None and _NUMBER_CURSOR.fullmatch(cursor) is None:
        raise InvalidField("cursor", "This is the cursor of another list.")
    return INTEGER_MAX if cursor is None else int(cursor)


def _of_day(context: ApiContext, day: str, cursor: str | None) -> DayPage:
    begin, end = bounds(day_in("day", day), zone(context.timezone))
    if cursor is None:
        return DayPage(begin, end)
    place = _DAY_CURSOR.fullmatch(cursor)
    if place is None:
        raise InvalidField("cursor", "This is the cursor of another list.")
    return DayPage(begin, end, place["at"], int(place["number"]))


@get("/api/bookings/{booking_id:str}", tags=["bookings"], responses=REFUSALS)
async def get_booking(booking_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Booking]:
    """Get a booking, for those who may see it; for a guest by its tracking token, as Bearer or as `?token=`."""
    identity = await context.require_identity(request)
    document = await context.store.read(lambda transaction: booking_for(transaction, booking_id, identity))
    return json_response(document)


@get("/api/bookings/{booking_id:str}/history", tags=["bookings"], responses=REFUSALS)
async def get_booking_history(
    booking_id: FromPath[str],
    request: AnyRequest,
    context: Context,
    limit: Limit = LIMIT_MAX,
    cursor: NumberCursor = "0",
) -> Response[BookingHistory]:
    """Get a booking's history, oldest first: who, when and why.

    Customers, guests and carers see the actor's role, not the person, and not the staff's reasons.
    """
    identity = await context.require_identity(request)

    def query(transaction: Transaction) -> list[tuple[Any, ...]]:
        booking_for(transaction, booking_id, identity)
        return units.history(transaction, booking_id, after=int(cursor), limit=limit + 1)

    rows, next_cursor = cut_history(await context.store.read(query), limit)
    entries = [_shown_to(identity.actor, BookingHistoryEntry(*row)) for row in rows]
    return json_response(msgspec.json.encode(BookingHistory(entries, next_cursor)))


def _shown_to(viewer: Actor, entry: BookingHistoryEntry) -> BookingHistoryEntry:
    if viewer.role in SEES_EVERY_ORDER or entry.actor == str(viewer):
        return entry
    actor, reason = public_actor(entry.actor, entry.reason)
    return msgspec.structs.replace(entry, actor=actor, reason=reason)


# --- Moving -----------------------------------------------------------------------------------------------------------


@post(
    "/api/bookings/{booking_id:str}/status",
    dto=JsonBody[MoveBooking],
    return_dto=None,
    status_code=200,
    tags=["bookings"],
    responses=REFUSALS | CONFLICTS,
)
async def move_booking(
    booking_id: FromPath[str], data: JSONBody[MoveBooking], request: AnyRequest, context: Context
) -> Response[Booking]:
    """Change a booking's status. 409 if `version` is no longer current."""
    identity = await context.require_identity(request)
    key = request_key(request, identity.actor, data)
    return json_response(await change_status(context, identity, booking_id, data.status, data, key=key))


@post(
    "/api/bookings/{booking_id:str}/cancel",
    dto=JsonBody[CancelBooking],
    return_dto=None,
    status_code=200,
    tags=["bookings"],
    responses=REFUSALS | CONFLICTS,
)
async def cancel_booking(
    booking_id: FromPath[str], data: JSONBody[CancelBooking], request: AnyRequest, context: Context
) -> Response[Booking]:
    """Cancel a booking: the customer, or a guest by the tracking token, until it begins; staff until it is over."""
    identity = await context.require_identity(request)
    key = request_key(request, identity.actor, data)
    return json_response(await change_status(context, identity, booking_id, BookingStatus.CANCELLED, data, key=key))


async def update_booking_status(context: ApiContext, identity: Identity, command: UpdateBookingStatus) -> Any:
    """Change a booking's status; return the booking."""
    key = command_key(identity, "update_booking_status", command)
    document = await change_status(context, identity, command.booking_id, command.status, command, key=key)
    return msgspec.json.decode(document)


async def change_status(
    context: ApiContext,
    identity: Identity,
    booking_id: str,
    status: str,
    wanted: MoveBooking | CancelBooking | UpdateBookingStatus,
    *,
    key: RequestKey | None,
) -> bytes:
    """Change a booking's status; return it as the caller may see it. Raises as ``db.bookings.change_status``."""
    if identity.actor.role is Role.SERVICE:  # the table's service is our timer
        raise NotPermitted(identity.actor, "move a booking")
    reason = _on_one_line(wanted.reason)
    check_texts(msgspec.structs.replace(wanted, reason=reason))
    now, by_token = context.now(), tracks(identity, booking_id)

    def effect(transaction: Transaction) -> bytes:
        return units.change_status(
            transaction,
            booking_id,
            status,
            identity.actor,
            reason=reason,
            expected_version=wanted.version,
            now=now,
            by_token=by_token,
        )

    with context.exclusive(key):
        outcome = await commit_once(context, key, effect, rows=rows_of_booking(booking_id))
    return await view_of_outcome(context.store, outcome, identity)


@post(
    "/api/bookings/{booking_id:str}/reschedule",
    dto=JsonBody[RescheduleBooking],
    return_dto=None,
    status_code=200,
    tags=["bookings"],
    responses=REFUSALS | CONFLICTS,
)
async def reschedule_booking(
    booking_id: FromPath[str], data: JSONBody[RescheduleBooking], request: AnyRequest, context: Context
) -> Response[Booking]:
    """Reschedule a booking. It stays confirmed if staff do so; a customer's change needs a new confirmation."""
    identity = await context.require_identity(request)
    reason = _on_one_line(data.reason)
    check_texts(msgspec.structs.replace(data, reason=reason))
    shop_time, by_token = _shop_time(context), tracks(identity, booking_id)
    start = minute_wanted("startsAt", data.starts_at, shop_time.minute)

    def effect(transaction: Transaction) -> bytes:
        return reschedule(
            transaction,
            booking_id,
            RequestedTime(start, data.carer_id),
            identity.actor,
            reason=reason,
            expected_version=data.version,
            shop_time=shop_time,
            by_token=by_token,
        )

    done = run_once(context, request, identity.actor, data, effect, rows=rows_of_booking(booking_id))
    outcome = await _or_nearest(context, done)
    return json_response(booking_view(outcome.answer, identity))


def _on_one_line(reason: str | None) -> str | None:
    """Join a reason's lines: it is stored on one."""
    return None if reason is None else " ".join(reason.split())


ROUTES: Final = [
    make_booking,
    list_bookings,
    get_booking,
    get_booking_history,
    move_booking,
    cancel_booking,
    reschedule_booking,
]
COMMANDS: Final = [
    Command(
        "update_booking_status",
        UpdateBookingStatus,
        update_booking_status,
        CommandDoc(
            data=Booking,
            errors=(
                NotFound,
                NotPermitted,
                StaleVersion,
                IllegalTransition,
                StateConflict,
                UnknownStatus,
                ReasonRequired,
            ),
            example={"bookingId": "bkg_01JDN8W1E3G5J7K9M1N3P5R7TV", "status": "confirmed", "version": 1},
        ),
    )
]
