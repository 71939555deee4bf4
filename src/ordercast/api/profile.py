"""One's own account: registering, reading, changing the password."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.errors import AddressTaken, InvalidField, NotPermitted
from ordercast.commerce.letters import MailKind
from ordercast.commerce.orders import Email, Name
from ordercast.commerce.passwords import CHOSEN_MAX, CHOSEN_MIN, check_choice
from ordercast.commerce.people import GUEST, Role
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction, accounts
from ordercast.db.accounts import Account

from .body import JsonBody
from .budgets import REGISTRATIONS
from .context import AnyRequest, Context, caller_of
from .errors import SignInRefused
from .idempotency import create_once
from .mailing import mail_to
from .responses import json_response, refusals
from .sign_in import PASSWORD_MAX, SignedIn, User, confirm_password, open_session, user_of

# For the document only; the check names the problem.
NewPassword = Annotated[str, Meta(description=f"{CHOSEN_MIN} to {CHOSEN_MAX} characters", max_length=PASSWORD_MAX)]

_NOT_PRESENT: Final = "This is not the present password."


class Register(Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    name: Name
    password: NewPassword


class ChangePassword(Struct, frozen=True, forbid_unknown_fields=True):
    current: Annotated[str, Meta(min_length=1, max_length=PASSWORD_MAX)]
    new: NewPassword


class Person(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The identity of a token; `email` only with an account, `emailVerified` only while false: then the address is
    unverified.
    """

    id: str
    role: Role
    name: str | None = None
    email: str | None = None
    email_verified: bool = True


class Named(Struct, frozen=True):
    """The registration data to check, and of the idempotency fingerprint: without the password."""

    email: str
    name: str
    role: Role


@post(
    "/api/auth/register",
    dto=JsonBody[Register],
    return_dto=None,
    status_code=201,
    tags=["people"],
    responses=refusals(400, 422, 409, 503),
)
async def register(data: JSONBody[Register], request: AnyRequest, context: Context) -> Response[User]:
    """Register a customer's account. It is not signed in: `/api/auth/login` does that.

    The address is the customer's once they open the mailed link; until then it blocks nobody, and `/api/me` has
    `emailVerified: false`. For an address with an account the response is the same, and its owner is mailed. A shop
    without mail refuses it with 409.
    """
    await context.budgets.take(REGISTRATIONS, caller_of(request))
    wanted = Named(data.email.lower(), data.name, Role.CUSTOMER)
    check_texts(wanted)
    check_choice(data.password, email=data.email, name=data.name)
    # Before any lookup, so that a taken address takes as long.
    password_hash = await context.passwords.hash(data.password, caller_of(request))
    account = Account(context.new_id("cus"), wanted.email, wanted.name, wanted.role, password_hash, verified=False)
    now = context.now()
    mail = mail_to(context, request, MailKind.VERIFY, wanted.email)

    def effect(transaction: Transaction) -> bytes:
        # Without mail, the first account has the address.
        if not context.sends_mail and accounts.is_spoken_for(transaction, wanted.email):
            raise AddressTaken
        accounts.add(transaction, account, now)
        mail(transaction)
        return msgspec.json.encode(user_of(account))

    return await create_once(context, request, GUEST, wanted, effect)


@post(
    "/api/auth/password",
    dto=JsonBody[ChangePassword],
    return_dto=None,
    status_code=200,
    tags=["people"],
    responses=refusals(400, 401, 403, 422),
)
async def change_password(data: JSONBody[ChangePassword], request: AnyRequest, context: Context) -> Response[SignedIn]:
    """Change the password. All sign-ins end; the response has a new one."""
    actor = (await context.require_identity(request)).actor
    account = await context.store.read(lambda transaction: accounts.find_by_id(transaction, actor.id))
    if account is None:
        raise NotPermitted(actor, "change a password: this token is of no account")
    try:
        await confirm_password(context, account, data.current, caller_of(request))
    except SignInRefused:
        raise InvalidField("current", _NOT_PRESENT) from None
    check_choice(data.new, email=account.email, name=account.name, field="new")
    password_hash = await context.passwords.hash(data.new, caller_of(request))
    mail = mail_to(context, request, MailKind.PASSWORD_CHANGED, account.email if account.verified else None)

    def unit(transaction: Transaction) -> None:
        if not accounts.set_hash(transaction, account, password_hash):  # changed meanwhile
            raise InvalidField("current", _NOT_PRESENT)
        mail(transaction)

    await context.store.write(unit)
    return await open_session(context, request, replace(account, password_hash=password_hash))


@get("/api/me", tags=["people"], responses=refusals(401, 403))
async def get_me(request: AnyRequest, context: Context) -> Response[Person]:
    """Get the token's identity."""
    actor = (await context.require_identity(request)).actor
    if actor.role is Role.GUEST:
        raise NotPermitted(actor, "ask who it is")
    account = await context.store.read(lambda transaction: accounts.find_by_id(transaction, actor.id))
    if account is None:
        person = Person(actor.id, actor.role, actor.name)
    else:
        person = Person(account.id, actor.role, account.name, account.email, account.verified)
    return json_response(msgspec.json.encode(person), headers={"Cache-Control": "no-store"})


ROUTES: Final = [register, change_password, get_me]
