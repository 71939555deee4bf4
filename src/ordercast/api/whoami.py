"""Who a token is, in which role, and which rooms it opens."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Response, get
from msgspec import Struct

from ordercast.commerce.room_access import Reason

from .auth import Identity
from .context import AnyRequest, Context
from .errors import SignInRequired
from .responses import json_response, refusals
from .token_rooms import rooms_of_role


class RoomOfIdentity(Struct, frozen=True, omit_defaults=True):
    """A room, and why somebody is in it."""

    room: str
    """Its name."""
    reason: Reason
    """Why."""
    by: str
    """The role, the template of `[rooms]`, or the rule of `[[room]]`."""
    since: str | None = None
    """When it was asked for; left out for rooms of the token."""


class WhoAmI(Struct, frozen=True, rename="camel"):
    """The identity of a token."""

    id: str
    """Whose it is; empty for who follows one order or booking by its tracking token."""
    role: str
    """One of ours, or one of the mapping file's own."""
    name: str | None
    """As the token says."""
    rooms: list[RoomOfIdentity]
    """All that it opens."""
    expires_at: int | None
    """Seconds since 1970; null for a token that does not expire."""


def rooms_of_token(identity: Identity) -> list[RoomOfIdentity]:
    """The rooms that the token opens, and why."""
    own = rooms_of_role(identity)
    claimed = [RoomOfIdentity(each.room, each.reason, each.by) for each in identity.grants if each.room not in own]
    return [RoomOfIdentity(room, Reason.ROLE, identity.role) for room in own] + claimed


@get("/api/whoami", tags=["people"], responses=refusals(401))
async def whoami(request: AnyRequest, context: Context) -> Response[WhoAmI]:
    """Get who the token is, in which role, which rooms it opens and why.

    Rooms that a socket has asked for are its own: the command `whoami` has them too.
    """
    identity = await context.identify(request)
    if identity.is_nobody:
        raise SignInRequired
    return json_response(msgspec.json.encode(who(identity)), headers={"Cache-Control": "no-store"})


def who(identity: Identity) -> WhoAmI:
    actor = identity.actor
    return WhoAmI(actor.id, identity.role, actor.name, rooms_of_token(identity), identity.expires_at)


ROUTES: Final = [whoami]
