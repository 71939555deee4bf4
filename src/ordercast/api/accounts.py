"""Accounts: an admin creates, closes and changes them."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from ordercast.commerce.errors import AddressTaken, OwnAccount
from ordercast.commerce.orders import Email, Name
from ordercast.commerce.passwords import check_choice
from ordercast.commerce.people import Role
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction
from ordercast.db import accounts as units
from ordercast.db.accounts import Account

from .body import JsonBody
from .context import ADMINS, AnyRequest, Context
from .idempotency import create_once
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .profile import Named, NewPassword
from .responses import CONFLICTS, REFUSALS, json_response, refusals

_ID_PREFIXES: Final = {Role.CUSTOMER: "cus", Role.DRIVER: "drv", Role.CARER: "car"}


class AccountInfo(Struct, frozen=True, omit_defaults=True):
    """`verified` is present while false: the address is not confirmed yet."""

    id: str
    email: str
    name: str
    role: Role
    active: bool
    verified: bool = True


class AccountPage(Struct, frozen=True, rename="camel"):
    items: list[AccountInfo]
    next_cursor: str | None


class NewAccount(Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    name: Name
    role: Literal["admin", "store", "driver", "carer", "customer"]
    password: NewPassword


class ChangeAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """Omitted fields stay as they are."""

    name: Name | None = None
    role: Literal["admin", "store", "driver", "carer", "customer"] | None = None
    active: bool | None = None


@get("/api/accounts", tags=["people"], responses=refusals(400, 401, 403, 422))
async def list_accounts(
    request: AnyRequest,
    context: Context,
    limit: Limit = LIMIT_DEFAULT,
    cursor: IdCursor = "",
) -> Response[AccountPage]:
    """List the accounts, also closed ones. For an admin."""
    await context.authorize(request, "list accounts", ADMINS)
    found = await context.store.read(lambda transaction: units.page(transaction, cursor, limit + 1))
    accounts, next_cursor = cut(found, limit, lambda each: each.id)
    page = AccountPage(list(map(_info, accounts)), next_cursor)
    return json_response(msgspec.json.encode(page))


@post(
    "/api/accounts",
    dto=JsonBody[NewAccount],
    return_dto=None,
    status_code=201,
    tags=["people"],
    responses=refusals(400, 401, 403, 422, 409),
)
async def make_account(data: JSONBody[NewAccount], request: AnyRequest, context: Context) -> Response[AccountInfo]:
    """Create an account of any role. For an admin, who vouches for the address: another account that claims it without
    confirmation loses the claim.
    """
    actor = await context.authorize(request, "make accounts", ADMINS)
    wanted = Named(data.email.lower(), data.name, Role(data.role))
    check_texts(wanted)
    check_choice(data.password, email=data.email, name=data.name)
    password_hash = await context.passwords.hash(data.password)
    account_id = context.new_id(_ID_PREFIXES.get(wanted.role, "usr"))
    account = Account(account_id, wanted.email, wanted.name, wanted.role, password_hash)
    now = context.now()

    def effect(transaction: Transaction) -> bytes:
        if not units.add(transaction, account, now):
            raise AddressTaken
        return msgspec.json.encode(_info(account))

    return await create_once(context, request, actor, wanted, effect)


@post(
    "/api/accounts/{account_id:str}",
    dto=JsonBody[ChangeAccount],
    return_dto=None,
    status_code=200,
    tags=["people"],
    responses=REFUSALS | {409: CONFLICTS[409]},
)
async def change_account(
    account_id: FromPath[str], data: JSONBody[ChangeAccount], request: AnyRequest, context: Context
) -> Response[AccountInfo]:
    """Change an account, close it (`active: false`) or reopen it. A change of role, or closing, signs the person out
    everywhere. For an admin.
    """
    actor = await context.authorize(request, "change accounts", ADMINS)
    check_texts(data)
    if account_id == actor.id and (data.active is False or data.role not in {None, actor.role}):
        raise OwnAccount
    role = None if data.role is None else Role(data.role)

    def unit(transaction: Transaction) -> Account:
        return units.change(transaction, account_id, name=data.name, role=role, active=data.active)

    return json_response(msgspec.json.encode(_info(await context.store.write(unit))))


def _info(account: Account) -> AccountInfo:
    return AccountInfo(account.id, account.email, account.name, account.role, account.active, account.verified)


ROUTES: Final = [list_accounts, make_account, change_account]
