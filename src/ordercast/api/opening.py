"""When the shop takes orders: everybody reads it, the shop's people and back ends pause it and set its hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

import msgspec
from litestar import Response, get, post, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.opening import ClosedFor, Opening, PauseMinutes, PauseReason, opening_state, order_times
from ordercast.commerce.people import SEES_EVERY_ORDER
from ordercast.commerce.promised_time import minutes_after
from ordercast.commerce.slots import WeekHours, check_hours
from ordercast.commerce.stats import zone
from ordercast.commerce.text_rules import check_texts
from ordercast.commerce.timestamps import Timestamp, timestamp_at
from ordercast.db import Transaction
from ordercast.db import opening as units
from ordercast.db.domains import COUNT_MAX

from .body import JsonBody
from .context import AnyRequest, ApiContext, Context
from .responses import CONFLICTS, REFUSALS, json_response


class CurrentOpening(Opening, frozen=True, kw_only=True, rename="camel"):
    """Whether the shop takes orders now, and why not; with its hours and its pause."""

    is_open: bool
    """Whether buyers can order now."""
    closed_for: ClosedFor | None
    """Why they cannot."""
    opens_at: str | None
    """When it opens again; null while it is open, and where that is not known."""
    closes_at: str | None
    """When its hours end; null while it is closed, and where it has none."""
    timezone: str
    """The time zone of the hours."""


class SetHours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hours of every week; null for always open."""

    hours: WeekHours | None
    version: Annotated[int, Meta(ge=0, le=COUNT_MAX)]
    """The one that was seen."""


class PauseShop(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how long no orders are taken: some minutes, until a moment, or until somebody resumes."""

    minutes: PauseMinutes | None = None
    """From now on; a week at most."""
    until: Annotated[datetime, Meta(tz=True)] | None = None
    """When it takes orders again, instead."""
    reason: PauseReason | None = None
    """Buyers read it."""


class ResumeShop(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing needs to be said."""


@get("/api/shop/opening", tags=["shop"])
async def get_opening(context: Context) -> Response[CurrentOpening]:
    """Get whether the shop takes orders now, when that changes, its hours and its pause."""
    found = await context.store.read(units.opening)
    return json_response(encoded(context, found, context.now()))


class OrderTimes(Struct, frozen=True):
    """For when orders can be placed that are wanted later."""

    times: list[Timestamp]
    """Every half hour within the shop's hours (RFC 3339, UTC); `POST /api/orders` takes any minute of them."""
    timezone: str
    """The shop's time zone."""


@get("/api/shop/order-times", tags=["shop"])
async def get_order_times(context: Context) -> Response[OrderTimes]:
    """Get for when an order can be wanted: from now and the shop's preparation time on, a week ahead."""
    opening = await context.store.read(units.opening)
    first = minutes_after(context.now(), context.preparation_minutes)
    times = order_times(opening, first, zone(context.timezone))
    return json_response(msgspec.json.encode(OrderTimes(times, context.timezone)))


@put("/api/shop/hours", dto=JsonBody[SetHours], return_dto=None, tags=["shop"], responses=REFUSALS | CONFLICTS)
async def set_hours(data: JSONBody[SetHours], request: AnyRequest, context: Context) -> Response[CurrentOpening]:
    """Replace the shop's hours, by its own clock. For the shop and its back ends; published as `shop_update`."""
    actor = await context.authorize(request, "set the shop's hours", SEES_EVERY_ORDER)
    if data.hours is not None:
        check_hours(data.hours)
    now = context.now()

    def unit(transaction: Transaction) -> None:
        units.set_hours(transaction, data.hours, expected_version=data.version, actor=actor, now=now)

    return await _changed(context, unit, now)


@post(
    "/api/shop/pause",
    dto=JsonBody[PauseShop],
    return_dto=None,
    status_code=200,
    tags=["shop"],
    responses=REFUSALS | CONFLICTS,
)
async def pause_shop(data: JSONBody[PauseShop], request: AnyRequest, context: Context) -> Response[CurrentOpening]:
    """Take no orders for a while. For the shop and its back ends; published as `shop_update`."""
    actor = await context.authorize(request, "pause the shop", SEES_EVERY_ORDER)
    check_texts(data)
    now = context.now()
    until = _until(data, now)
    reason = (data.reason or "").strip() or None

    def unit(transaction: Transaction) -> None:
        units.pause(transaction, until, reason, actor=actor, now=now)

    return await _changed(context, unit, now)


@post(
    "/api/shop/resume",
    dto=JsonBody[ResumeShop],
    return_dto=None,
    status_code=200,
    tags=["shop"],
    responses=REFUSALS | CONFLICTS,
)
async def resume_shop(data: JSONBody[ResumeShop], request: AnyRequest, context: Context) -> Response[CurrentOpening]:
    """Take orders again; without effect where nothing is paused. For the shop and its back ends."""
    del data
    actor = await context.authorize(request, "resume the shop", SEES_EVERY_ORDER)
    now = context.now()
    return await _changed(context, lambda transaction: units.resume(transaction, actor=actor, now=now), now)


async def _changed(
    context: ApiContext, change: Callable[[Transaction], None], now: Timestamp
) -> Response[CurrentOpening]:
    """Run a unit of work on the opening; the answer is how it stands then."""

    def unit(transaction: Transaction) -> Opening:
        change(transaction)
        return units.opening(transaction)

    return json_response(encoded(context, await context.store.write(unit), now))


def _until(data: PauseShop, now: Timestamp) -> Timestamp | None:
    if data.minutes is not None:
        if data.until is not None:
            raise InvalidField("until", "Say minutes, or until when; not both.")
        return minutes_after(now, data.minutes)
    until = None if data.until is None else timestamp_at("until", data.until)
    if until is not None and until <= now:
        raise InvalidField("until", "This moment has passed.")
    return until


def encoded(context: ApiContext, opening: Opening, now: Timestamp) -> bytes:
    """The JSON of a `CurrentOpening`."""
    found = opening_state(opening, now, zone(context.timezone))
    return msgspec.json.encode(
        CurrentOpening(
            **msgspec.structs.asdict(opening),
            is_open=found.is_open,
            closed_for=found.closed_for,
            opens_at=found.opens_at,
            closes_at=found.closes_at,
            timezone=context.timezone,
        )
    )


ROUTES: Final = [get_opening, get_order_times, set_hours, pause_shop, resume_shop]
