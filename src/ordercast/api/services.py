"""Services: everybody reads services and free times, staff edit them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from ordercast.commerce.bookings import CarerId
from ordercast.commerce.errors import InvalidField, NotFound
from ordercast.commerce.orders import Name
from ordercast.commerce.people import STAFF, Actor
from ordercast.commerce.services import CARERS_MAX, DURATION_MAX, DURATION_MIN, Service
from ordercast.commerce.shop import Amount
from ordercast.commerce.slots import SLOT_DAYS_MAX, SLOTS_MAX, FreeTime, Span, day_in, minute_of, span_of
from ordercast.commerce.stats import day_of, zone
from ordercast.commerce.text_rules import check_texts
from ordercast.commerce.timestamps import YEAR_MAX, YEAR_MIN, Timestamp
from ordercast.db import Transaction, carers
from ordercast.db import services as units
from ordercast.db import shop as shops
from ordercast.db.bookings import availability

from .body import JsonBody, Version, changed_fields
from .budgets import QUOTES
from .context import AnyRequest, ApiContext, Context
from .idempotency import create_once
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .products import Text
from .responses import CONFLICTS, REFUSALS, json_response, refusals

SLOT_DAYS_DEFAULT: Final = 7

Minutes = Annotated[int, Meta(ge=DURATION_MIN, le=DURATION_MAX)]
CarerIds = Annotated[list[CarerId], Meta(max_length=CARERS_MAX)]
# A local date, or a time with its offset.
SlotBound = Annotated[str | None, QueryParameter(max_length=40)]


class ServicePage(Struct, frozen=True, rename="camel"):
    items: list[Service]
    next_cursor: str | None


class NewService(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`price` is in minor units of the shop's currency."""

    name: Name
    duration_minutes: Minutes
    price: Amount
    slot_minutes: Minutes | None = None
    """Half an hour by default, or less for a shorter service."""
    carer_ids: CarerIds = []
    name_bn: Text = ""
    description: Text = ""
    description_bn: Text = ""
    active: bool = True


class EditService(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Omitted fields stay, and so do bookings. `version` is the one that the client saw."""

    version: Version
    name: Name | UnsetType = UNSET
    name_bn: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    description_bn: Text | UnsetType = UNSET
    duration_minutes: Minutes | UnsetType = UNSET
    slot_minutes: Minutes | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    carer_ids: CarerIds | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class SlotCarer(Struct, frozen=True):
    id: str
    name: str


class Slots(Struct, frozen=True, rename="camel"):
    """The free times of a service, sorted."""

    service_id: str
    time_zone: str
    """The shop's time zone."""
    carers: list[SlotCarer]
    items: list[FreeTime]
    next_from: str | None
    """The next `from`, if there are more."""


# --- For everyone -----------------------------------------------------------------------------------------------------


@get("/api/services", tags=["bookings"], responses=refusals(400, 401, 403, 422))
async def list_services(
    request: AnyRequest,
    context: Context,
    limit: Limit = LIMIT_DEFAULT,
    cursor: IdCursor = "",
    every: FromQuery[bool] = False,
) -> Response[ServicePage]:
    """List bookable services; with `every`, for staff, all."""
    if every:
        await context.authorize(request, "see what cannot be booked")
    found = await context.store.read(lambda transaction: units.page(transaction, cursor, limit + 1, every=every))
    page = ServicePage(*cut(found, limit, lambda each: each.id))
    return json_response(msgspec.json.encode(page))


@get("/api/services/{service_id:str}", tags=["bookings"], responses=refusals(400, 401, 404))
async def get_service(service_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Service]:
    """Get a service; one that is not bookable, for staff only."""
    service = await context.store.read(lambda transaction: units.find(transaction, service_id))
    if service is None or not (service.active or (await context.identify(request)).actor.role in STAFF):
        raise NotFound("service")
    return json_response(msgspec.json.encode(service))


@get("/api/services/{service_id:str}/slots", tags=["bookings"], responses=refusals(400, 401, 404, 422))
async def list_slots(
    service_id: FromPath[str],
    request: AnyRequest,
    context: Context,
    *,
    from_: Annotated[str | None, QueryParameter(name="from", max_length=40)] = None,
    to: SlotBound = None,
    carer_id: Annotated[str | None, QueryParameter(name="carerId", max_length=255)] = None,
) -> Response[Slots]:
    """List the free times of a service, from now or `from` on: for a week, or through the date `to`, or until that
    time. Both are a local date (`2026-12-01`) or a time (`2026-12-01T09:00:00Z`).
    """
    await context.identify(request)
    await context.budgets.take(QUOTES, context.budget_key(request))
    now = context.now()
    tz = zone(context.timezone)
    within = _within(from_, to, now, tz)

    def query(transaction: Transaction) -> Slots:
        service = units.find(transaction, service_id)
        if service is None or not service.active:
            raise NotFound("service")
        found = availability.free(transaction, service, within, tz, of=carer_id, most=SLOTS_MAX + 1)
        named = {each for free in found for each in free.carer_ids}
        known = [SlotCarer(each.id, each.name) for each in carers.known(transaction, named).values()]
        more = found[SLOTS_MAX].starts_at if len(found) > SLOTS_MAX else None
        return Slots(service.id, context.timezone, known, found[:SLOTS_MAX], more)

    return json_response(msgspec.json.encode(await context.store.read(query)))


def _within(begin: str | None, end: str | None, now: Timestamp, tz: tzinfo) -> Span:
    """The requested span, without the past. Raises InvalidField."""
    today = day_of(now, tz)
    first = _bound("from", begin, today, tz, last=False)
    reach = _day_at(first, tz) + timedelta(days=SLOT_DAYS_DEFAULT - 1)
    last = _bound("to", end, reach, tz, last=True)
    if last < first:
        raise InvalidField("to", "It would end before it begins.")
    if last > span_of(_day_at(first, tz), _day_at(first, tz) + timedelta(days=SLOT_DAYS_MAX), tz).end:
        raise InvalidField("to", f"{SLOT_DAYS_MAX} days at most are shown at a time.")
    return Span(max(first, minute_of(now) + 1), last)


def _bound(name: str, given: str | None, default: date, tz: tzinfo, *, last: bool) -> int:
    if given is None or len(given) <= len("2026-12-01"):
        day = default if given is None else day_in(name, given)
        span = _span_of(name, day, tz)
        return span.end if last else span.begin
    try:
        at = datetime.fromisoformat(given)
        seconds = int(at.timestamp())
    except (ValueError, OverflowError):
        raise InvalidField(
            name, "A day such as 2026-12-01 is wanted, or a moment such as 2026-12-01T09:00:00Z."
        ) from None
    if at.tzinfo is None:
        raise InvalidField(name, "A moment needs its offset from UTC, such as Z; a day has none.")
    _check_year(name, at.year)
    return -(-seconds // 60)


def _span_of(name: str, day: date, tz: tzinfo) -> Span:
    _check_year(name, day.year)
    return span_of(day, day, tz)


def _check_year(name: str, year: int) -> None:
    if not YEAR_MIN <= year <= YEAR_MAX:
        raise InvalidField(name, f"A year from {YEAR_MIN} to {YEAR_MAX} is wanted.")


def _day_at(minute: int, tz: tzinfo) -> date:
    return datetime.fromtimestamp(minute * 60, tz).date()


# --- For the shop -----------------------------------------------------------------------------------------------------


@post("/api/services", dto=JsonBody[NewService], return_dto=None, tags=["bookings"], responses=REFUSALS | CONFLICTS)
async def add_service(data: JSONBody[NewService], request: AnyRequest, context: Context) -> Response[Service]:
    """Add a service. For staff."""
    actor = await context.authorize(request, "add a service")
    check_texts(data)
    service_id, now = context.new_id("svc"), context.now()
    slot_minutes = data.slot_minutes or min(30, data.duration_minutes)
    fields = msgspec.structs.asdict(data) | {"slot_minutes": slot_minutes, "carer_ids": _once(data.carer_ids)}

    def effect(transaction: Transaction) -> bytes:
        service = Service(id=service_id, currency=shops.rules(transaction).currency, **fields)
        units.add(transaction, service, actor, now)
        return msgspec.json.encode(service)

    return await create_once(context, request, actor, data, effect)


@patch(
    "/api/services/{service_id:str}",
    dto=JsonBody[EditService],
    return_dto=None,
    tags=["bookings"],
    responses=REFUSALS | CONFLICTS,
)
async def edit_service(
    service_id: FromPath[str], data: JSONBody[EditService], request: AnyRequest, context: Context
) -> Response[Service]:
    """Edit a service, or its carers. For staff."""
    actor = await context.authorize(request, "change a service")
    check_texts(data)
    changes = changed_fields(data, besides=frozenset({"version"}))
    if "carer_ids" in changes:
        changes["carer_ids"] = _once(changes["carer_ids"])
    return json_response(await _edit(context, service_id, changes, data.version, actor))


async def _edit(context: ApiContext, service_id: str, changes: dict[str, Any], version: int, actor: Actor) -> bytes:
    now = context.now()

    def unit(transaction: Transaction) -> bytes:
        # A new price gets the shop's currency.
        named = changes | ({"currency": shops.rules(transaction).currency} if "price" in changes else {})
        changed = units.change(transaction, service_id, named, expected_version=version, actor=actor, now=now)
        return msgspec.json.encode(changed)

    return await context.store.write(unit)


def _once(carer_ids: list[str]) -> list[str]:
    return list(dict.fromkeys(carer_ids))


ROUTES: Final = [list_services, get_service, list_slots, add_service, edit_service]
