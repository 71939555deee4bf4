"""``[rooms]``: which rooms the claims of a token open, by its role: ``vendor = ["vendor_{vendorId}"]``.

A claim may be chosen by whoever bears it, a name for example. So no claim decides of which kind a room is: each
template begins with a text that no other kind of room begins with, and what a claim adds stays behind it.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ordercast.commerce.people import Role
from ordercast.commerce.room_access import Grant, GrantRefused, Reason
from ordercast.commerce.rooms import ROOMS, STORE_OWNERS, TABLE_WATCH_PREFIX

from .templates import EVERY, Field, Template

# As many as an event may name.
ROOMS_PER_ROLE_MAX: Final = 100
# A room's name costs each node memory for each socket; a token of 4 KiB could make thousands of two short lists.
ROOMS_PER_PERSON_MAX: Final = 200
# As `POST /api/emit` takes them.
ROOM_CHARACTERS_MAX: Final = 200
ROLES_MAX: Final = 100
ROLE_CHARACTERS_MAX: Final = 64

RIGHTS_ROOM: Final = "ordercast-rights"
"""The room of what triggers tell nodes alone: nobody can join it."""
SUBJECT: Final = "sub"
"""In templates and questions: the bearer's id, whichever claim of the token has it."""

OWN_ROLES: Final = frozenset(role.value for role in Role if role is not Role.GUEST)
_FAMILIES: Final = tuple(room.removesuffix("{id}") for room in ROOMS if room.endswith("_{id}"))
"""Beginnings of the rooms of ours."""
_WHOLE: Final = (STORE_OWNERS, RIGHTS_ROOM)
# Which of our kinds of rooms a template may name while our own shop is served.
_OPEN_TO: Final[Mapping[str, frozenset[str]]] = {
    Role.CUSTOMER: frozenset({"customer_"}),
    Role.DRIVER: frozenset({"driver_"}),
    Role.CARER: frozenset({"carer_"}),
}
_STAFF: Final = frozenset({Role.ADMIN.value, Role.STORE.value})


@dataclass(frozen=True, slots=True)
class ClaimRooms:
    """The section, read: a `RoomGrants`."""

    templates: Mapping[str, tuple[Template, ...]] = field(default_factory=dict)
    """By role."""

    @property
    def roles(self) -> tuple[str, ...]:
        """The shop's own roles, in the order of the file."""
        return tuple(role for role in self.templates if role not in OWN_ROLES)

    def of(self, roles: Sequence[str], claims: Mapping[str, Any]) -> tuple[Grant, ...]:
        """The rooms of somebody in these roles; one whose claim is missing is left out. Raises GrantRefused."""
        grants: dict[str, Grant] = {}
        for role in roles:
            for template in self.templates.get(role, ()):
                for room in rooms_of(template, claims):
                    grants.setdefault(room, Grant(room, Reason.CLAIM, f"{role}: {template}"))
                    if len(grants) > ROOMS_PER_PERSON_MAX:
                        raise GrantRefused(f"The token's claims open more than {ROOMS_PER_PERSON_MAX} rooms.")
        return tuple(grants.values())


def rooms_of(template: Template, claims: Mapping[str, Any]) -> Iterator[str]:
    """The rooms that claims make of a template: several where one is a list. Raises GrantRefused."""
    for values in itertools.product(*(_texts(part, claims) for part in template.parts)):
        room = "".join(values)
        if len(room) > ROOM_CHARACTERS_MAX:
            raise GrantRefused(f"The token's claims make a room of more than {ROOM_CHARACTERS_MAX} characters.")
        yield room


def _texts(part: str | Field, claims: Mapping[str, Any]) -> list[str]:
    return [part] if isinstance(part, str) else texts_of(part, claims)


def texts_of(claim: Field, claims: Mapping[str, Any]) -> list[str]:
    """What a claim says, as texts; nothing where it is missing, or neither text nor whole number nor a list of them."""
    value = claims.get(claim.name)
    for step in claim.path:
        value = value.get(step) if isinstance(value, dict) else None
    values = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(text for each in values if (text := _text(each))))


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and is_plain(value) else ""


def is_plain(text: str) -> bool:
    """Whether a text has neither control characters nor halves of ones."""
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)


# --- Checks -----------------------------------------------------------------------------------------------------------


def role_fault(role: str) -> str | None:
    """Why nobody can have a role of that name."""
    if role == Role.GUEST:
        return "a guest has no claims"
    if not role or len(role) > ROLE_CHARACTERS_MAX or ":" in role or not is_plain(role):
        return f"a role is a name of at most {ROLE_CHARACTERS_MAX} characters, without a colon"
    return None


def template_fault(template: Template, role: str, *, is_built_in: bool) -> str | None:
    """Why a template is not to make rooms of that role's claims."""
    if any(each.is_old or each.name == EVERY for each in template.fields):
        return "a room is made of claims, as customer_{sub}"
    beginning, constant = beginning_of(template), template.constant
    fault = ambiguity(beginning) if constant is None else _constant_fault(constant, role)
    if fault is not None:
        return fault
    if beginning.startswith(TABLE_WATCH_PREFIX):
        return f"rooms that begin with {TABLE_WATCH_PREFIX} are those of `watch`"
    family = next((each for each in _FAMILIES if beginning.startswith(each)), None)
    if is_built_in and family is not None and family not in _OPEN_TO.get(role, frozenset()):
        return f"rooms that begin with {family} are ours, and not for {role}: the shop of ours is served (built_in)"
    return None


def _constant_fault(room: str, role: str) -> str | None:
    if room == STORE_OWNERS and role in OWN_ROLES - _STAFF:
        return f"{STORE_OWNERS} is for the shop's people: the roles admin and store, or one of your own"
    if room == RIGHTS_ROOM or not is_plain(room) or len(room) > ROOM_CHARACTERS_MAX:
        return f"a room is a name of at most {ROOM_CHARACTERS_MAX} characters, and not {RIGHTS_ROOM}"
    return None


def ambiguity(beginning: str) -> str | None:
    """Why what stands behind that text could make another kind of room of it."""
    if not beginning:
        return "a claim would name the whole room: begin it with a text, as team_{team}"
    for name in _WHOLE:
        if name.startswith(beginning):
            return f"a claim could make {name} of it: begin it with another text"
    for family in (*_FAMILIES, TABLE_WATCH_PREFIX):
        if family.startswith(beginning) and family != beginning:
            return f"a claim could make a room {family}... of it: begin it with another text"
    return None


def beginning_of(template: Template) -> str:
    """Its text up to the first claim."""
    return template.parts[0] if template.parts and isinstance(template.parts[0], str) else ""


def shadowed(template: Template, others: Sequence[Template]) -> Template | None:
    """One of `others` whose rooms a claim could make of the template: its text begins so, and goes on."""
    mine = beginning_of(template)
    if template.constant is not None:
        return None
    return next((each for each in others if beginning_of(each) != mine and beginning_of(each).startswith(mine)), None)
