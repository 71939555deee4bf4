"""Signing in with an address and a password."""

from __future__ import annotations

import time
from typing import Annotated, Final

import msgspec
from litestar import Response, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.people import Role
from ordercast.db import StoreError, accounts
from ordercast.db.accounts import Account

from .answers import json_answer
from .auth import issue_token
from .body import JsonBody
from .desk import AnyRequest, AtDesk, FrontDesk
from .documented import REFUSALS
from .refusals import SignInRefused

TOKEN_TTL_S: Final = 12 * 3600  # a working day, so that nobody signs in behind the counter at noon
PASSWORD_MAX: Final = 1_024


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(min_length=1, max_length=254)]
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
    responses={401: REFUSALS[401], 422: REFUSALS[422]},
)
async def sign_in(data: JSONBody[SignIn], request: AnyRequest, desk: AtDesk) -> Response[SignedIn]:
    """Exchange an address and a password for a token."""
    account = await _account(desk, data, request.client.host if request.client else "")
    token = issue_token(desk.secret, account.role, account.id, TOKEN_TTL_S, account.name)
    user = User(account.id, account.email, account.name, account.role)
    content = msgspec.json.encode(SignedIn(token, TOKEN_TTL_S, user))
    return json_answer(content, headers={"Cache-Control": "no-store"})


async def _account(desk: FrontDesk, data: SignIn, caller: str) -> Account:
    """The account that the password opens. Raises TooManyAttempts or SignInRefused."""
    key, now_s = f"{data.email.lower()} {caller}", time.monotonic()
    desk.callers.attempt(caller, now_s)
    desk.sign_ins.attempt(key, now_s)
    try:
        account = await desk.store.read(lambda transaction: accounts.find(transaction, data.email))
        matches = await desk.passwords.match(None if account is None else account.password_hash, data.password)
    except StoreError:  # our trouble, not a guess
        desk.callers.undo(caller)
        desk.sign_ins.undo(key)
        raise
    if account is None or not account.active or not matches:
        raise SignInRefused
    desk.callers.undo(caller)
    desk.sign_ins.forget(key)
    return account


ROUTES: Final = [sign_in]
