"""Drivers: staff list them and assign orders (by a socket too); drivers set their duty."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from ordercast.commerce.errors import InvalidField, LivesElsewhere, NotFound, NotPermitted, StaleVersion, StateConflict
from ordercast.commerce.orders import Order
from ordercast.commerce.people import STAFF, Actor, Role
from ordercast.db import Transaction, orders, rows_of_order
from ordercast.db import drivers as units
from ordercast.db.drivers import Driver
from ordercast.db.idempotency import RequestKey

from .auth import Identity
from .body import IdText, JsonBody, Version
from .commands import Command, CommandDoc, IdempotentCommand
from .context import AnyRequest, ApiContext, Context
from .idempotency import command_key, commit_once, request_key
from .order_views import view_of_outcome
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .responses import CONFLICTS, REFUSALS, json_response

MYSELF: Final = "me"


class DriverPage(Struct, frozen=True, rename="camel"):
    items: list[Driver]
    next_cursor: str | None


class AssignDriver(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A driver, or `nearest`: the free one on duty nearest to the shop. `version` is the one that the client saw."""

    version: Version
    driver_id: IdText | None = None
    nearest: bool = False


class AssignDriverCommand(IdempotentCommand, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`AssignDriver` as a socket command."""

    order_id: IdText
    version: Version
    driver_id: IdText | None = None
    nearest: bool = False


class Duty(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    on_duty: bool


@get("/api/drivers", tags=["deliveries"], responses=REFUSALS)
async def list_drivers(
    request: AnyRequest,
    context: Context,
    limit: Limit = LIMIT_DEFAULT,
    cursor: IdCursor = "",
) -> Response[DriverPage]:
    """List the drivers, also inactive ones. For staff."""
    await context.authorize(request, "list drivers")
    found = await context.store.read(lambda transaction: units.page(transaction, cursor, limit + 1))
    page = DriverPage(*cut(found, limit, lambda each: each.id))
    return json_response(msgspec.json.encode(page))


@post(
    "/api/drivers/{driver_id:str}/duty",
    dto=JsonBody[Duty],
    return_dto=None,
    status_code=200,
    tags=["deliveries"],
    responses=REFUSALS,
)
async def set_duty(
    driver_id: FromPath[str], data: JSONBody[Duty], request: AnyRequest, context: Context
) -> Response[Driver]:
    """Begin or end a driver's duty: staff for anybody, a driver for `me`. Their orders stay."""
    actor = (await context.require_identity(request)).actor
    whose = actor.id if driver_id == MYSELF and actor.role is Role.DRIVER else driver_id
    if actor.role not in STAFF and not (actor.role is Role.DRIVER and whose == actor.id):
        raise NotPermitted(actor, "say whether a driver works")
    now = context.now()
    name = (actor.name or "") if actor.role is Role.DRIVER else None

    def unit(transaction: Transaction) -> Driver:
        return units.set_duty(transaction, whose, data.on_duty, now, known_elsewhere_as=name)

    driver = await context.store.write(unit)
    return json_response(msgspec.json.encode(driver))


@post(
    "/api/orders/{order_id:str}/driver",
    dto=JsonBody[AssignDriver],
    return_dto=None,
    status_code=200,
    tags=["deliveries"],
    responses=REFUSALS | CONFLICTS,
)
async def choose_driver(
    order_id: FromPath[str], data: JSONBody[AssignDriver], request: AnyRequest, context: Context
) -> Response[Order]:
    """Assign an order that is ready for delivery to a driver. A driver takes one by moving it to `driver_assigned`."""
    actor = (await context.require_identity(request)).actor
    key = request_key(request, actor, data)
    with context.exclusive(key):
        return json_response(await assign(context, actor, order_id, data, key))


async def assign_driver(context: ApiContext, identity: Identity, command: AssignDriverCommand) -> Any:
    """Assign an order that is ready for delivery to a driver; return the order."""
    key = command_key(identity, "assign_driver", command)
    return msgspec.json.decode(await assign(context, identity.actor, command.order_id, command, key))


async def assign(
    context: ApiContext, actor: Actor, order_id: str, wanted: AssignDriver | AssignDriverCommand, key: RequestKey | None
) -> bytes:
    """Assign an order to a driver; return it as `actor` may see it. Raises InvalidField, and as
    ``db.orders.assign_driver``.
    """
    now, driver_id = context.now(), chosen_driver_id(wanted.driver_id, nearest=wanted.nearest)

    def effect(transaction: Transaction) -> bytes:
        return orders.assign_driver(
            transaction,
            order_id,
            driver_id,
            actor,
            expected_version=wanted.version,
            now=now,
            rules=context.deliveries,
        )

    outcome = await commit_once(context, key, effect, rows=rows_of_order(order_id))
    return await view_of_outcome(context.store, outcome, actor)


def chosen_driver_id(driver_id: str | None, *, nearest: bool) -> str | None:
    """The given driver id; None for the nearest. Raises InvalidField unless exactly one is given."""
    if (driver_id is None) is not nearest:
        raise InvalidField("driverId", "Name a driver, or ask for the nearest one.")
    return driver_id


ROUTES: Final = [list_drivers, set_duty, choose_driver]
COMMANDS: Final = [
    Command(
        "assign_driver",
        AssignDriverCommand,
        assign_driver,
        CommandDoc(
            data=Order,
            errors=(NotFound, NotPermitted, StaleVersion, StateConflict, LivesElsewhere),
            example={"orderId": "ord_01JDN8WPV2M5Q3T7Y9B1C4E6GH", "version": 3, "nearest": True},
        ),
    )
]
