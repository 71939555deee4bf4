"""Address verification by a mailed link, and claiming earlier orders."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import msgspec
from litestar import Response, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.errors import AddressUnverified, NotPermitted
from ordercast.commerce.letters import MailKind
from ordercast.commerce.people import Role
from ordercast.db import Transaction, accounts
from ordercast.db.accounts import Account
from ordercast.db.orders.claiming import claim

from .auth import TokenRefused
from .body import JsonBody
from .budgets import REFUSED_TOKENS
from .context import AnyRequest, ApiContext, Context, caller_of
from .errors import LinkRefused, SignInRefused
from .mail_links import read_verification
from .password_reset import MailAccepted, MailedToken, MailRequest, mailed
from .responses import json_response, refusals
from .sign_in import PASSWORD_MAX, User, device_of, user_of, verify_password

# Accounts that claim an address, newest first, whose password is checked: each check is slow.
CANDIDATES_MAX: Final = 5


class VerifyEmail(Struct, frozen=True, forbid_unknown_fields=True):
    token: MailedToken
    """The token of the mailed link, after its `#token=`."""
    password: Annotated[str, Meta(min_length=1, max_length=PASSWORD_MAX)] | None = None
    """The password chosen at registration. Without it, the request needs the token of the registered account."""


class ClaimedOrders(Struct, frozen=True, rename="camel"):
    order_ids: list[str]
    """The claimed orders, oldest first."""


@post(
    "/api/auth/resend-verification",
    dto=JsonBody[MailRequest],
    return_dto=None,
    status_code=202,
    tags=["people"],
    responses=refusals(400, 409, 422, 503),
)
async def resend_verification(
    data: JSONBody[MailRequest], request: AnyRequest, context: Context
) -> Response[MailAccepted]:
    """Mail the verification link again. The response is the same whether the address is registered or not."""
    return await mailed(context, request, MailKind.VERIFY, data)


@post(
    "/api/auth/verify-email",
    dto=JsonBody[VerifyEmail],
    return_dto=None,
    status_code=200,
    tags=["people"],
    responses=refusals(400, 401, 422, 409, 503),
)
async def verify_email(data: JSONBody[VerifyEmail], request: AnyRequest, context: Context) -> Response[User]:
    """Verify an address by the token of a mailed link.

    The link proves the mailbox; the password, or being signed in, proves which of the accounts with that address is the
    caller's. So nobody confirms what a stranger registered. Idempotent.
    """
    async with context.budgets.counting(REFUSED_TOKENS, caller_of(request), LinkRefused):
        email = read_verification(context.keys, data.token)
    account = await _account_of_caller(context, request, email, data.password)
    if not account.verified:
        await context.store.write(lambda transaction: accounts.verify(transaction, account))
    return json_response(msgspec.json.encode(user_of(account)), headers={"Cache-Control": "no-store"})


async def _account_of_caller(context: ApiContext, request: AnyRequest, email: str, password: str | None) -> Account:
    """The caller's account with that address. Raises SignInRefused, TooManyAttempts."""
    signed_in = await _signed_in(context, request)
    if signed_in is not None and signed_in.email == email:
        return signed_in
    if password is None:
        raise SignInRefused
    caller = caller_of(request)
    # The link proves that the device is the owner's, whoever else guesses passwords.
    await context.budgets.remember_device(device_of(email, caller))
    candidates = await context.store.read(lambda transaction: _with(transaction, email))
    return await verify_password(context, email, password, caller, candidates)


async def _signed_in(context: ApiContext, request: AnyRequest) -> Account | None:
    try:
        actor = (await context.identify(request)).actor
    except TokenRefused:
        return None
    if not actor.id:
        return None
    account = await context.store.read(lambda transaction: accounts.find_by_id(transaction, actor.id))
    return account if account is not None and account.active else None


def _with(transaction: Transaction, email: str) -> list[Account | None]:
    return [accounts.find(transaction, email), *accounts.find_unverified(transaction, email, CANDIDATES_MAX)]


@post(
    "/api/auth/claim-orders",
    status_code=200,
    tags=["people"],
    responses=refusals(401, 403),
)
async def claim_orders(request: AnyRequest, context: Context) -> Response[ClaimedOrders]:
    """Claim orders that were placed without an account, with the customer's verified address.

    They then appear in the customer's list, events and export; others' orders stay theirs. Idempotent: repeated, it
    claims what came since.
    """
    actor = (await context.require_identity(request)).actor
    if actor.role is not Role.CUSTOMER:
        raise NotPermitted(actor, "claim orders")
    account = await context.store.read(lambda transaction: accounts.find_by_id(transaction, actor.id))
    if account is None:
        raise NotPermitted(actor, "claim orders without an account here")
    if not account.verified:
        raise AddressUnverified
    claimed: list[str] = []
    unit = partial(claim, account=account, actor=actor, now=context.now())
    while part := await context.store.write(unit):
        claimed += part
    return json_response(msgspec.json.encode(ClaimedOrders(claimed)), headers={"Cache-Control": "no-store"})


ROUTES: Final = [resend_verification, verify_email, claim_orders]
