"""Personal data: export and erasure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.people import Actor
from ordercast.db import accounts
from ordercast.db import privacy as units
from ordercast.db.nouns import PERSONAL_DATA

from .body import JsonBody
from .context import ADMINS, CUSTOMERS, AnyRequest, ApiContext, Context, caller_of
from .errors import SignInRefused
from .responses import CONFLICTS, REFUSALS, json_response, refusals
from .sign_in import PASSWORD_MAX, confirm_password

_REFUSALS: Final = refusals(400, 401, 403, 404)


class Export(Struct, frozen=True, rename="camel"):
    """`data` is all personal data, a list of rows by table."""

    customer_id: str
    exported_at: str
    data: dict[str, list[dict[str, Any]]]


class Erased(Struct, frozen=True, rename="camel"):
    customer_id: str
    erased_at: str
    orders: int
    """The number of orders that stay, without personal data."""


class EraseMe(Struct, frozen=True, forbid_unknown_fields=True):
    password: Annotated[str, Meta(min_length=1, max_length=PASSWORD_MAX)]


@get("/api/customers/{customer_id:str}/export", tags=["people"], responses=_REFUSALS)
async def export_customer(customer_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Export]:
    """Export a customer's personal data, registered or guest. For an admin."""
    await context.authorize(request, "export personal data", ADMINS)
    return await _export(context, customer_id)


@get("/api/me/export", tags=["people"], responses=_REFUSALS)
async def export_me(request: AnyRequest, context: Context) -> Response[Export]:
    """Export one's own personal data. For a customer."""
    return await _export(context, (await context.authorize(request, "export personal data", CUSTOMERS)).id)


@post(
    "/api/customers/{customer_id:str}/erase",
    status_code=200,
    tags=["people"],
    responses=_REFUSALS | {409: CONFLICTS[409]},
)
async def erase_customer(customer_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Erased]:
    """Erase a customer, registered or guest, whose orders have all ended. For an admin."""
    return await _erase(context, customer_id, await context.authorize(request, "erase personal data", ADMINS))


@post(
    "/api/me/erase",
    dto=JsonBody[EraseMe],
    return_dto=None,
    status_code=200,
    tags=["people"],
    responses={**_REFUSALS, 409: CONFLICTS[409], 422: REFUSALS[422]},
)
async def erase_me(data: JSONBody[EraseMe], request: AnyRequest, context: Context) -> Response[Erased]:
    """Erase oneself, with the account. For a customer with an account; needs the password again."""
    actor = await context.authorize(request, "be forgotten here", CUSTOMERS)
    account = await context.store.read(lambda transaction: accounts.find_by_id(transaction, actor.id))
    if account is None:
        raise NotPermitted(actor, "be forgotten without an account here; the shop can do it")
    try:
        await confirm_password(context, account, data.password, caller_of(request))
    except SignInRefused:
        raise InvalidField("password", "This is not the present password.") from None
    return await _erase(context, actor.id, actor)


async def _export(context: ApiContext, customer_id: str) -> Response[Any]:
    await context.store.read(lambda transaction: units.check_known(transaction, customer_id))
    name = f"attachment; filename={customer_id}.json" if customer_id.isidentifier() else "attachment"
    headers = {"Cache-Control": "no-store", "Content-Disposition": name}
    return Stream(_parts(context, customer_id), media_type="application/json", headers=headers)


async def _parts(context: ApiContext, customer_id: str) -> AsyncIterator[bytes]:
    """An `Export`, streamed page by page, however large."""
    head = {"customerId": customer_id, "exportedAt": context.now()}
    yield msgspec.json.encode(head)[:-1] + b',"data":'
    opening = b"{"
    for table in PERSONAL_DATA:
        yield opening + msgspec.json.encode(units.camel(table)) + b":["
        async for rows in _rows_of(context, table, customer_id):
            yield rows
        opening = b"],"
    yield b"]}}"


async def _rows_of(context: ApiContext, table: str, customer_id: str) -> AsyncIterator[bytes]:
    after: int | str | None = None
    comma = b""
    while True:
        part = await context.store.read(partial(units.export, table=table, customer_id=customer_id, after=after))
        if part.rows:
            yield comma + part.rows
            comma = b","
        if part.next_after is None:
            return
        after = part.next_after


async def _erase(context: ApiContext, customer_id: str, actor: Actor) -> Response[Erased]:
    looked_at = context.now()
    copies = await context.store.read(lambda transaction: units.find_copies(transaction, customer_id, looked_at))
    erasure_id, now = context.new_id("era"), context.now()
    orders = await context.store.write(
        lambda transaction: units.erase(transaction, erasure_id, customer_id, copies, actor=actor, now=now)
    )
    return json_response(msgspec.json.encode(Erased(customer_id, now, orders)), headers={"Cache-Control": "no-store"})


ROUTES: Final = [export_customer, export_me, erase_customer, erase_me]
