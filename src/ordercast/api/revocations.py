"""Revoking a token, a sign-in, or all of a person's. For an admin."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.text_rules import check_texts
from ordercast.db import access

from .body import JsonBody
from .context import ADMINS, AnyRequest, Context
from .responses import json_response, refusals

NAME_MAX: Final = 200


class Revoke(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
    """A token's `jti`, a sign-in's `sid`, a person's `sub`, or an order's id for its tracking token."""
    reason: Annotated[str, Meta(max_length=500)] | None = None


class Revoked(Struct, frozen=True):
    name: str
    since: str


@post(
    "/api/auth/revoke",
    dto=JsonBody[Revoke],
    return_dto=None,
    status_code=200,
    tags=["people"],
    responses=refusals(400, 401, 403, 422),
)
async def revoke(data: JSONBody[Revoke], request: AnyRequest, context: Context) -> Response[Revoked]:
    """Revoke a token, or all that a person has, and disconnect their sockets, on every node."""
    actor = await context.authorize(request, "revoke tokens", ADMINS)
    check_texts(data)
    if not data.name.strip():
        raise InvalidField("name", "A name is needed.")
    since = context.now()
    await context.store.write(
        lambda transaction: access.revoke(
            transaction, data.name, since=since, until=None, actor=actor, reason=data.reason
        )
    )
    return json_response(msgspec.json.encode(Revoked(data.name, since)))


ROUTES: Final = [revoke]
