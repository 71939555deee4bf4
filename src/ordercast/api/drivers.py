"""Drivers over HTTP: the shop sees who there are, and gives one an order."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from ordercast.commerce.errors import NotPermitted
from ordercast.commerce.orders import Order
from ordercast.commerce.people import STAFF
from ordercast.db import Transaction
from ordercast.db import drivers as units
from ordercast.db.drivers import Driver
from ordercast.db.orders import assign_driver

from .answers import json_answer
from .body import JsonBody
from .desk import AnyRequest, AtDesk
from .documented import CONFLICTS, REFUSALS
from .listing import LIMIT_DEFAULT, LIMIT_MAX


class DriverPage(Struct, frozen=True, rename="camel"):
    items: list[Driver]
    next_cursor: str | None


class AssignDriver(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """`version` is the one that the asker saw."""

    driver_id: Annotated[str, Meta(min_length=1, max_length=64)]
    version: Annotated[int, Meta(ge=1, le=2**63 - 1)]


@get("/api/drivers", tags=["people"], responses=REFUSALS)
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
    "/api/orders/{order_id:str}/driver",
    dto=JsonBody[AssignDriver],
    return_dto=None,
    status_code=200,
    tags=["orders"],
    responses=REFUSALS | CONFLICTS,
)
async def choose_driver(
    order_id: FromPath[str], data: JSONBody[AssignDriver], request: AnyRequest, desk: AtDesk
) -> Response[Order]:
    """Give an order that is ready for delivery to a driver. A driver takes one by moving it to `driver_assigned`."""
    actor = (await desk.identify_someone(request)).actor
    now = desk.now()

    def unit(transaction: Transaction) -> bytes:
        return assign_driver(transaction, order_id, data.driver_id, actor, expected_version=data.version, now=now)

    return json_answer(await desk.store.write(unit))


ROUTES: Final = [list_drivers, choose_driver]
