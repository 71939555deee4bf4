"""Signing in with an address and a password."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.people import Role
from ordercast.commerce.text_patterns import text_matching
from ordercast.db import Transaction, accounts
from ordercast.db.access import open_sign_in
from ordercast.db.accounts import Account

from .auth import issue_token
from .body import NO_CONTROLS, PLAIN, JsonBody
from .budgets import ACCOUNT_GUESSES, ACCOUNT_STRANGERS, SIGN_INS
from .context import AnyRequest, ApiContext, Context, caller_of
from .csrf import comes_from_ours
from .errors import SignInRefused
from .refresh_tokens import RefreshToken
from .request_log import ACTOR
from .responses import json_response, refusals

PASSWORD_MAX: Final = 1_024
COOKIE: Final = "ordercast_refresh"
# The cookie is sent only to these routes.
COOKIE_PATH: Final = "/api/auth"


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, text_matching(PLAIN, NO_CONTROLS, min_length=1, max_length=254)]
    password: Annotated[str, Meta(min_length=1, max_length=PASSWORD_MAX)]


class User(Struct, frozen=True):
    id: str
    email: str
    name: str
    role: Role


class SignedIn(Struct, frozen=True, rename="camel"):
    token: str
    expires_in: int
    """Seconds."""
    user: User


@post(
    "/api/auth/login",
    dto=JsonBody[SignIn],
    return_dto=None,
    status_code=200,
    tags=["people"],
    responses=refusals(400, 401, 422),
)
async def sign_in(data: JSONBody[SignIn], request: AnyRequest, context: Context) -> Response[SignedIn]:
    """Sign in: exchange an address and password for an access token, and a cookie for `/api/auth/refresh`."""
    account = await find_account(context, data, caller_of(request))
    return await open_session(context, request, account)


async def find_account(context: ApiContext, data: SignIn, caller: str) -> Account:
    """The account for the credentials: the one that has the address, or the newest that claims it. Raises
    TooManyAttempts or SignInRefused.
    """
    candidates = await context.store.read(lambda transaction: _with_address(transaction, data.email))
    return await verify_password(context, data.email, data.password, caller, candidates)


async def confirm_password(context: ApiContext, account: Account, password: str, caller: str) -> None:
    """Check a signed-in person's password again. Raises TooManyAttempts or SignInRefused."""
    await verify_password(context, account.email, password, caller, (account,))


def _with_address(transaction: Transaction, email: str) -> tuple[Account | None, Account | None]:
    unverified = accounts.find_unverified(transaction, email)
    return accounts.find(transaction, email), unverified[0] if unverified else None


def device_of(email: str, caller: str) -> str:
    """The key of a device: address and client."""
    return f"{email.lower()} {caller}"


async def verify_password(
    context: ApiContext, email: str, password: str, caller: str, candidates: Sequence[Account | None]
) -> Account:
    """The first account that the password matches. If none does, as much time is spent as for the most candidates.

    A device that signed in before, or used a mailed link, has its own budget, so that strangers' guesses do not lock
    the owner out elsewhere.
    """
    email = email.lower()
    device = device_of(email, caller)
    async with AsyncExitStack() as counted:
        await counted.enter_async_context(context.budgets.counting(ACCOUNT_GUESSES, device, SignInRefused))
        if not await context.budgets.is_known_device(device):
            await counted.enter_async_context(context.budgets.counting(SIGN_INS, caller, SignInRefused))
            await counted.enter_async_context(context.budgets.counting(ACCOUNT_STRANGERS, email, SignInRefused))
        for account in candidates:
            password_hash = None if account is None else account.password_hash
            matches = await context.passwords.match(password_hash, password, caller)
            if account is not None and account.active and matches:
                break
        else:
            raise SignInRefused
    if account.verified:  # an unverified claim gets no knowledge of the account
        await context.budgets.remember_device(device)
    return account


# --- Answers that carry tokens ----------------------------------------------------------------------------------------


async def open_session(context: ApiContext, request: AnyRequest, account: Account) -> Response[SignedIn]:
    """Open a sign-in; respond with its first tokens. Pages that may not use the cookie get none.

    Raises SignInRefused if the account changed during the slow password check.
    """
    now_ms = context.now_ms()
    request.state[ACTOR] = f"{account.role}:{account.id}"

    def check(transaction: Transaction) -> None:
        if not accounts.is_unchanged(transaction, account):
            raise SignInRefused

    if not comes_from_ours(request, context.origins):
        await context.store.read(check)
        return token_response(context, account, None, now_ms)
    token, sign_in_id = RefreshToken.make(), context.new_id("sgn")
    times = context.token_policy.session_times(now_ms)

    def unit(transaction: Transaction) -> None:
        accounts.hold(transaction, account.id)
        check(transaction)
        open_sign_in(transaction, sign_in_id, account.id, token.hashes, times)

    await context.store.write(unit)
    return token_response(context, account, sign_in_id, now_ms, refresh_cookie(context, request, token))


def token_response(
    context: ApiContext,
    account: Account,
    sign_in_id: str | None,
    looked_up_at_ms: int,
    cookie: Cookie | None = None,
) -> Response[SignedIn]:
    """Respond with an access token for the account as it was at that time."""
    ttl_s = context.token_policy.token_ttl_s
    token = issue_token(
        context.keys.current,
        account.role,
        account.id,
        ttl_s,
        account.name,
        sign_in=sign_in_id,
        issued_at_ms=looked_up_at_ms,
    )
    content = msgspec.json.encode(SignedIn(token, ttl_s, user_of(account)))
    response = json_response(content, headers={"Cache-Control": "no-store"})
    if cookie is not None:
        response.set_cookie(cookie)
    return response


def user_of(account: Account) -> User:
    return User(account.id, account.email, account.name, account.role)


def refresh_cookie(context: ApiContext, request: AnyRequest, token: RefreshToken) -> Cookie:
    return _cookie(request, str(token), context.token_policy.idle_s)


def drop_cookie(request: AnyRequest, response: Response[Any]) -> None:
    """Delete the browser's cookie."""
    response.set_cookie(_cookie(request, "", 0))


def _cookie(request: AnyRequest, value: str, max_age_s: int) -> Cookie:
    # HttpOnly, SameSite, Secure.
    is_secure = request.scope["scheme"] == "https"
    return Cookie(
        key=COOKIE,
        value=value,
        path=COOKIE_PATH,
        max_age=max_age_s,
        httponly=True,
        samesite="strict",
        secure=is_secure,
    )


ROUTES: Final = [sign_in]
