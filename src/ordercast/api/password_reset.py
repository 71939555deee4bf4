"""Resetting a password by a mailed link."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, post
from litestar.params import JSONBody
from msgspec import Struct

from ordercast.commerce.letters import MailKind
from ordercast.commerce.orders import Email
from ordercast.commerce.passwords import check_choice
from ordercast.commerce.text_patterns import text_matching
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction, accounts
from ordercast.db.accounts import Account

from .auth import TOKEN_CHARACTERS_MAX
from .body import NO_CONTROLS, PLAIN, JsonBody
from .budgets import MAIL_REQUESTS, REFUSED_TOKENS
from .context import AnyRequest, ApiContext, Context, caller_of
from .errors import LinkRefused
from .mail_links import ResetClaims, fits, read_reset
from .mailing import check_sends_mail, mail_to
from .profile import NewPassword
from .responses import json_response, refusals
from .sign_in import device_of

MailedToken = Annotated[str, text_matching(PLAIN, NO_CONTROLS, min_length=1, max_length=TOKEN_CHARACTERS_MAX)]


class MailRequest(Struct, frozen=True, forbid_unknown_fields=True):
    email: Email


class MailAccepted(Struct, frozen=True, rename="camel"):
    """A mail is sent if there is an account."""

    accepted: bool = True


class ResetPassword(Struct, frozen=True, forbid_unknown_fields=True):
    token: MailedToken
    """The token of the mailed link, after its `#token=`."""
    password: NewPassword


@post(
    "/api/auth/forgot-password",
    dto=JsonBody[MailRequest],
    return_dto=None,
    status_code=202,
    tags=["people"],
    responses=refusals(400, 409, 422, 503),
)
async def forgot_password(data: JSONBody[MailRequest], request: AnyRequest, context: Context) -> Response[MailAccepted]:
    """Mail a link to reset the password. The response is the same whether the address has an account or not."""
    return await mailed(context, request, MailKind.RESET, data)


@post(
    "/api/auth/reset-password",
    dto=JsonBody[ResetPassword],
    return_dto=None,
    status_code=204,
    tags=["people"],
    responses=refusals(400, 422, 503),
)
async def reset_password(data: JSONBody[ResetPassword], request: AnyRequest, context: Context) -> None:
    """Set a new password by the token of a mailed link, valid once and for half an hour. All sign-ins of the former
    password end; sign in afterwards.
    """
    caller = caller_of(request)
    account = await _account_of(context, data.token, caller)
    check_choice(data.password, email=account.email, name=account.name)
    password_hash = await context.passwords.hash(data.password, caller)
    mail = mail_to(context, request, MailKind.PASSWORD_CHANGED, account.email)

    def unit(transaction: Transaction) -> None:
        if not accounts.set_hash(transaction, account, password_hash):
            raise LinkRefused
        mail(transaction)

    await context.store.write(unit)
    # Guesses of others no longer keep the owner from signing in here.
    await context.budgets.remember_device(device_of(account.email, caller))


async def mailed(
    context: ApiContext, request: AnyRequest, kind: MailKind, wanted: MailRequest
) -> Response[MailAccepted]:
    """Queue a mail. Whether there is an account is looked up when it is sent, so the response reveals nothing."""
    check_sends_mail(context)
    await context.budgets.take(MAIL_REQUESTS, caller_of(request))
    check_texts(wanted)
    mail = mail_to(context, request, kind, wanted.email)
    await context.store.write(mail)
    return json_response(msgspec.json.encode(MailAccepted()), status_code=202)


async def _account_of(context: ApiContext, token: str, caller: str) -> Account:
    """The account of a reset link. Raises LinkRefused, or TooManyAttempts."""
    async with context.budgets.counting(REFUSED_TOKENS, caller, LinkRefused):
        claims = read_reset(context.keys, token)
        return await context.store.read(lambda transaction: _find(transaction, claims))


def _find(transaction: Transaction, claims: ResetClaims) -> Account:
    account = accounts.find_by_id(transaction, claims.sub)
    if account is None or not account.active or not account.verified or not fits(claims, account):
        raise LinkRefused
    return account


ROUTES: Final = [forgot_password, reset_password]
