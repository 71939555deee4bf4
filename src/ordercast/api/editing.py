"""Edits of what staff keep: some fields of a thing, at the version that was seen."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.errors import NotPermitted
from ordercast.commerce.people import STAFF, Actor, Role

from .desk import AnyRequest, FrontDesk

ADMIN: Final = frozenset({Role.ADMIN})


async def staff_asking(desk: FrontDesk, request: AnyRequest, deed: str, *, roles: frozenset[Role] = STAFF) -> Actor:
    """Who asks, if they may do it. Raises SignInRequired, TokenRefused or NotPermitted."""
    actor = (await desk.identify_someone(request)).actor
    if actor.role not in roles:
        raise NotPermitted(actor, deed)
    return actor


def given(edit: Struct, *, besides: frozenset[str]) -> dict[str, Any]:
    """The fields that a request names, by their own names, without those in `besides`."""
    values = {name: getattr(edit, name) for name in edit.__struct_fields__ if name not in besides}
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}
