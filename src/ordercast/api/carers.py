"""Carers: an admin creates them, staff set working hours, carers see their own."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.errors import AddressTaken, NotFound, NotPermitted
from ordercast.commerce.orders import Email, Name
from ordercast.commerce.passwords import check_choice
from ordercast.commerce.people import STAFF, Actor, Role
from ordercast.commerce.services import Carer
from ordercast.commerce.slots import DAYS_OFF_MAX, Day, WeekHours, check_hours, day_in
from ordercast.commerce.text_rules import check_texts
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Transaction, accounts
from ordercast.db import carers as units
from ordercast.db.accounts import Account

from .body import JsonBody, Version
from .context import ADMINS, AnyRequest, Context
from .idempotency import create_once
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .profile import NewPassword
from .responses import CONFLICTS, REFUSALS, json_response, refusals

MYSELF: Final = "me"

DaysOff = Annotated[list[Day], Meta(max_length=DAYS_OFF_MAX)]


class CarerPage(Struct, frozen=True, rename="camel"):
    items: list[Carer]
    next_cursor: str | None


class NewCarer(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An account of the role `carer`, with working hours in the shop's time zone."""

    email: Email
    name: Name
    password: NewPassword
    hours: WeekHours | None = None
    days_off: DaysOff = []


class _Wanted(Struct, frozen=True):
    """A new carer for the idempotency fingerprint, without the password."""

    email: str
    name: str
    hours: WeekHours | None
    days_off: list[str]


class EditCarer(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Omitted fields stay, and so do bookings. `version` is the one that the client saw."""

    version: Version
    hours: WeekHours | None = None
    days_off: DaysOff | None = None


@get("/api/carers", tags=["bookings"], responses=refusals(400, 401, 403, 422))
async def list_carers(
    request: AnyRequest,
    context: Context,
    limit: Limit = LIMIT_DEFAULT,
    cursor: IdCursor = "",
) -> Response[CarerPage]:
    """List the carers with working hours and days off. For staff."""
    await context.authorize(request, "list carers")
    found = await context.store.read(lambda transaction: units.page(transaction, cursor, limit + 1))
    page = CarerPage(*cut(found, limit, lambda each: each.id))
    return json_response(msgspec.json.encode(page))


@get("/api/carers/{carer_id:str}", tags=["bookings"], responses=REFUSALS)
async def get_carer(carer_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Carer]:
    """Get a carer. For staff, and for the carer as `me`."""
    actor = (await context.require_identity(request)).actor
    whose = actor.id if carer_id == MYSELF and actor.role is Role.CARER else carer_id
    if actor.role not in STAFF and not (actor.role is Role.CARER and whose == actor.id):
        raise NotPermitted(actor, "see when this carer works")
    carer = await context.store.read(lambda transaction: units.find(transaction, whose))
    if carer is None:
        raise NotFound("carer")
    return json_response(msgspec.json.encode(carer))


@post("/api/carers", dto=JsonBody[NewCarer], return_dto=None, tags=["bookings"], responses=REFUSALS | CONFLICTS)
async def add_carer(data: JSONBody[NewCarer], request: AnyRequest, context: Context) -> Response[Carer]:
    """Create a carer's account. For an admin, as `POST /api/accounts`."""
    actor = await context.authorize(request, "make accounts", ADMINS)
    wanted = _Wanted(data.email.lower(), data.name, data.hours, data.days_off)
    check_texts(wanted)
    check_choice(data.password, email=data.email, name=data.name)
    _check(data.hours, data.days_off)
    password_hash = await context.passwords.hash(data.password)
    account = Account(context.new_id("car"), wanted.email, wanted.name, Role.CARER, password_hash)
    now = context.now()

    def effect(transaction: Transaction) -> bytes:
        if not accounts.add(transaction, account, now):
            raise AddressTaken
        carer = _set(transaction, account.id, data, version=None, actor=actor, now=now)
        return msgspec.json.encode(carer)

    return await create_once(context, request, actor, wanted, effect)


@patch(
    "/api/carers/{carer_id:str}",
    dto=JsonBody[EditCarer],
    return_dto=None,
    tags=["bookings"],
    responses=REFUSALS | CONFLICTS,
)
async def edit_carer(
    carer_id: FromPath[str], data: JSONBody[EditCarer], request: AnyRequest, context: Context
) -> Response[Carer]:
    """Change a carer's working hours. For staff."""
    actor = await context.authorize(request, "change when a carer works")
    _check(data.hours, data.days_off)
    now = context.now()

    def unit(transaction: Transaction) -> bytes:
        return msgspec.json.encode(_set(transaction, carer_id, data, version=data.version, actor=actor, now=now))

    return json_response(await context.store.write(unit))


def _set(
    transaction: Transaction,
    carer_id: str,
    data: NewCarer | EditCarer,
    *,
    version: int | None,
    actor: Actor,
    now: Timestamp,
) -> Carer:
    return units.change(
        transaction,
        carer_id,
        hours=data.hours,
        days_off=data.days_off,
        expected_version=version,
        actor=actor,
        now=now,
    )


def _check(hours: WeekHours | None, days_off: list[str] | None) -> None:
    if hours is not None:
        check_hours(hours)
    for place, day in enumerate(days_off or ()):
        day_in(f"daysOff[{place}]", day)


ROUTES: Final = [list_carers, get_carer, add_carer, edit_carer]
