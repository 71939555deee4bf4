"""Drivers over HTTP: the shop sees who there are, and gives one an order; they say whether they work."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.orders import Order
from ordercast.commerce.people import STAFF, Role
from ordercast.db import Transaction, rows_of_order
from ordercast.db import drivers as units
from ordercast.db.drivers import Driver
from ordercast.db.orders import assign_driver

from .answers import json_answer
from .body import IdText, JsonBody
from .desk import AnyRequest, AtDesk
from .documented import CONFLICTS, REFUSALS
from .listing import LIMIT_DEFAULT, LIMIT_MAX
from .repeats import done_once
from .shown import shown_now

MYSELF: Final = "me"


class DriverPage(Struct, frozen=True, rename="camel"):
    items: list[Driver]
    next_cursor: str | None


class AssignDriver(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A driver, or `nearest`: who on duty has no order and is nearest to the shop. `version` is the one seen."""

    version: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    driver_id: IdText | None = None
    nearest: bool = False


class Duty(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    on_duty: bool


@get("/api/drivers", tags=["deliveries"], responses=REFUSALS)
async def list_drivers(
    request: AnyRequest,
    desk: AtDesk,
    limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str, QueryParameter(max_length=64)] = "",
) -> Response[DriverPage]:
    """List the drivers, those too who are not active now. For the shop."""
    actor = (await desk.identify_someone(request)).actor
    if actor.role not in STAFF:
        raise NotPermitted(actor, "list drivers")
    found = await desk.store.read(lambda transaction: units.page(transaction, cursor, limit + 1))
    page = DriverPage(found[:limit], found[limit - 1].id if len(found) > limit else None)
    return json_answer(msgspec.json.encode(page))


@post(
    "/api/drivers/{driver_id:str}/duty",
    dto=JsonBody[Duty],
    return_dto=None,
    status_code=200,
    tags=["deliveries"],
    responses=REFUSALS,
)
async def set_duty(
    driver_id: FromPath[str], data: JSONBody[Duty], request: AnyRequest, desk: AtDesk
) -> Response[Driver]:
    """Begin or end a driver's work: the shop for anybody, a driver for `me`. The orders that they have stay theirs."""
    actor = (await desk.identify_someone(request)).actor
    whose = actor.id if driver_id == MYSELF and actor.role is Role.DRIVER else driver_id
    if actor.role not in STAFF and not (actor.role is Role.DRIVER and whose == actor.id):
        raise NotPermitted(actor, "say whether a driver works")
    now = desk.now()
    name = (actor.name or "") if actor.role is Role.DRIVER else None

    def unit(transaction: Transaction) -> Driver:
        return units.set_duty(transaction, whose, data.on_duty, now, known_elsewhere_as=name)

    driver = await desk.store.write(unit)
    return json_answer(msgspec.json.encode(driver))


@post(
    "/api/orders/{order_id:str}/driver",
    dto=JsonBody[AssignDriver],
    return_dto=None,
    status_code=200,
    tags=["deliveries"],
    responses=REFUSALS | CONFLICTS,
)
async def choose_driver(
    order_id: FromPath[str], data: JSONBody[AssignDriver], request: AnyRequest, desk: AtDesk
) -> Response[Order]:
    """Give an order that is ready for delivery to a driver. A driver takes one by moving it to `driver_assigned`."""
    actor = (await desk.identify_someone(request)).actor
    now, driver_id = desk.now(), chosen(data.driver_id, nearest=data.nearest)

    def unit(transaction: Transaction) -> bytes:
        return assign_driver(
            transaction,
            order_id,
            driver_id,
            actor,
            expected_version=data.version,
            now=now,
            rules=desk.deliveries,
        )

    outcome = await done_once(desk, request, actor, data, unit, rows=rows_of_order(order_id))
    return json_answer(await shown_now(desk.store, outcome.answer, actor))


def chosen(driver_id: str | None, *, nearest: bool) -> str | None:
    """The driver who was named; None for the nearest. Raises InvalidField unless it is one of both."""
    if (driver_id is None) is not nearest:
        raise InvalidField("driverId", "Name a driver, or ask for the nearest one.")
    return driver_id


ROUTES: Final = [list_drivers, set_duty, choose_driver]
