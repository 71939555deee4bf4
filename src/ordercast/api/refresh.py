"""Refreshing a sign-in by its cookie, and signing out."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, post
from litestar.status_codes import HTTP_204_NO_CONTENT

from ordercast.commerce.errors import NotPermitted
from ordercast.commerce.people import Role
from ordercast.db import Transaction, access
from ordercast.db.access import RefreshRefusal

from .auth import TokenRefused
from .budgets import REFUSED_TOKENS
from .context import AnyRequest, ApiContext, Context, caller_of
from .csrf import check_origin
from .errors import RefreshRefused
from .refresh_tokens import RefreshToken
from .responses import REFUSALS, SIGNED_OUT, refusals
from .sign_in import COOKIE, SignedIn, drop_cookie, refresh_cookie, token_response

_REFUSALS: Final = refusals(401, 403)


@post("/api/auth/refresh", status_code=200, tags=["people"], responses=_REFUSALS)
async def refresh(request: AnyRequest, context: Context) -> Response[SignedIn]:
    """Exchange the cookie for an access token and the next cookie. A cookie that was exchanged before, and not just
    now, ends the sign-in: it was copied.
    """
    check_origin(request, context.origins)
    token = await _token(request, context)
    following = [token.next(secret) for secret in context.keys.all]
    now_ms = context.now_ms()
    times, next_hashes = context.token_policy.session_times(now_ms), [each.hashes.token for each in following]

    def unit(transaction: Transaction) -> access.SignInFound | RefreshRefusal:
        return access.refresh(transaction, token.hashes, next_hashes, times)

    found = await context.store.write(unit)
    if isinstance(found, RefreshRefusal):
        await context.budgets.take(REFUSED_TOKENS, caller_of(request))
        raise RefreshRefused
    return token_response(
        context, found.account, found.id, now_ms, refresh_cookie(context, request, following[found.turn])
    )


@post("/api/auth/logout", status_code=HTTP_204_NO_CONTENT, tags=["people"], responses=SIGNED_OUT | {403: REFUSALS[403]})
async def sign_out(request: AnyRequest, context: Context) -> Response[None]:
    """Sign out: end the sign-in of the cookie, and of the token if sent. Tokens are revoked and sockets disconnected,
    on every node.
    """
    check_origin(request, context.origins)
    names = await _names_shown(request, context)
    cookie_token = RefreshToken.parse(request.cookies.get(COOKIE, ""))
    times = context.token_policy.session_times(context.now_ms())

    def unit(transaction: Transaction) -> None:
        found = None if cookie_token is None else access.find(transaction, cookie_token.hashes.family)
        for name in names if found is None else {*names, found.id}:
            access.close(transaction, name, times, reason="Signed out.")

    if names or cookie_token is not None:
        await context.store.write(unit)
    return _signed_out(request)


async def _names_shown(request: AnyRequest, context: ApiContext) -> set[str]:
    """The revocable ids of the token in the request; none if it is invalid."""
    try:
        identity = await context.identify(request)
    except TokenRefused:
        return set()
    return set() if identity.actor.role is Role.GUEST else set(identity.names)


@post("/api/auth/logout-all", status_code=HTTP_204_NO_CONTENT, tags=["people"], responses=SIGNED_OUT | _REFUSALS)
async def sign_out_everywhere(request: AnyRequest, context: Context) -> Response[None]:
    """Sign the caller out everywhere, and revoke all their tokens. Needs a token."""
    check_origin(request, context.origins)
    actor = (await context.require_identity(request)).actor
    if actor.role is Role.GUEST:
        raise NotPermitted(actor, "sign out everywhere")
    since = context.now()
    await context.store.write(
        lambda transaction: access.close_all(transaction, actor.id, since, actor=actor, reason="Signed out everywhere.")
    )
    return _signed_out(request)


async def _token(request: AnyRequest, context: ApiContext) -> RefreshToken:
    """The cookie's token, of an existing sign-in: garbage does not reach the writer. Raises RefreshRefused."""
    token = RefreshToken.parse(request.cookies.get(COOKIE, ""))
    if token is not None and await context.store.read(lambda t: access.find(t, token.hashes.family)) is not None:
        return token
    await context.budgets.take(REFUSED_TOKENS, caller_of(request))
    raise RefreshRefused


def _signed_out(request: AnyRequest) -> Response[Any]:
    response: Response[Any] = Response(None, status_code=HTTP_204_NO_CONTENT, headers={"Cache-Control": "no-store"})
    drop_cookie(request, response)
    return response


ROUTES: Final = [refresh, sign_out, sign_out_everywhere]
