"""``ordercast token``, and ``revoke`` which takes it back."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import msgspec
import uvloop
from cyclopts import Parameter
from cyclopts.validators import Number

from ordercast.api.auth import OWN_CLAIM_NAMES, TokenRefused, issue_token, verify_token
from ordercast.api.claims import ClaimNames
from ordercast.api.signing_keys import SigningKeys
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.room_access import RoomGrants
from ordercast.commerce.timestamps import timestamp
from ordercast.config import ConfigError, Settings
from ordercast.config.tokens import TOKEN_ROLES

from .process import DatabaseUrl, load_settings, started_store


def token(
    *,
    role: Annotated[
        str,
        Parameter(help=f"What it may do: {', '.join(TOKEN_ROLES)}, or a role of the mapping file's own (`[rooms]`)."),
    ],
    sub: Annotated[str | None, Parameter(help="Whose it is: a customer's, driver's, carer's or user's id.")] = None,
    ttl: Annotated[int, Parameter(help="How long it is good for, in seconds.", validator=Number(gt=0))] = 3600,
    room: Annotated[
        tuple[str, ...],
        Parameter(help="For a service: a room that it may publish to, again for each; `user_*` for all that begin so."),
    ] = (),
    claim: Annotated[
        tuple[str, ...],
        Parameter(help="What it says besides, again for each: `vendorId=7`, or JSON as `branches=[1, 2]`."),
    ] = (),
    database_url: DatabaseUrl = None,
) -> None:
    """Print a JWT signed with the configured secret."""
    settings = load_settings(make_secret=False, database_url=database_url)
    if room and role != "service":
        print("ordercast: --room is for the role service, which alone publishes.", file=sys.stderr)
        sys.exit(1)
    if role not in TOKEN_ROLES and role not in (own := _own_roles(settings)):
        print(f"ordercast: there is no role {role}: it is one of {', '.join([*TOKEN_ROLES, *own])}.", file=sys.stderr)
        sys.exit(1)
    print(issue_token(settings.secret, role, sub or f"{role}-cli", ttl, rooms=room, claims=dict(map(_claim, claim))))


def _own_roles(settings: Settings) -> tuple[str, ...]:
    grants = _grants(settings)
    return () if grants is None else tuple(grants.roles)


def _grants(settings: Settings) -> RoomGrants | None:
    """What the mapping file says of roles and claims."""
    if settings.mapping_path is None:
        return None
    from ordercast.app import mapping_at  # noqa: PLC0415 - slow to load, and most shops have no such file

    return mapping_at(settings.mapping_path).rooms


def _claim(text: str) -> tuple[str, Any]:
    """A claim and its value: JSON, or else a text."""
    name, is_given, value = text.partition("=")
    if not name or not is_given or name in OWN_CLAIM_NAMES:
        names = ", ".join(OWN_CLAIM_NAMES)
        print(f"ordercast: --claim {text} is none: it is name=value, and no name of {names}.", file=sys.stderr)
        sys.exit(1)
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value


def revoke(
    name: Annotated[str, Parameter(help="A token, its jti, a sign-in's sid, a person's sub, or an order's id.")],
    *,
    reason: Annotated[str | None, Parameter(help="Kept with the revocation.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Refuse a token, or all that somebody was given until now. A running shop ends their sockets at once."""
    settings = load_settings(make_secret=False, database_url=database_url)
    named = _name_in(settings, name)
    is_known = uvloop.run(_revoke(settings, named, reason)) or named != name
    print(f"{named} is revoked.")
    if not is_known:
        print(
            "No account, customer, order or sign-in of this shop has that name: look whether it is spelt right, unless"
            " another back end or a token gave it.",
            file=sys.stderr,
        )


def _name_in(settings: Settings, text: str) -> str:
    """The id to revoke: of a token, or as given."""
    if text.count(".") != 2:
        return text
    try:
        names = verify_token(SigningKeys.of(settings), text, ClaimNames(grants=_grants(settings))).names
    except TokenRefused as error:
        raise ConfigError("secret", f"does not fit this token: {error.message}") from None
    return names[0]


async def _revoke(settings: Settings, name: str, reason: str | None) -> bool:
    """Revoke the name; return whether this shop knows it."""
    from ordercast.db import access  # noqa: PLC0415 - slow to load, and `token` has no use for it

    now, operator = timestamp(time.time_ns() // 1_000_000), Actor(Role.ADMIN, "cli")
    async with started_store(settings) as store:
        await store.write(lambda t: access.revoke(t, name, since=now, until=None, actor=operator, reason=reason))
        return await store.read(lambda t: access.is_known(t, name))
