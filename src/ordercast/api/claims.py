"""Reads subject and role from verified claims, of this shop or another back end."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ordercast.commerce.people import Role
from ordercast.commerce.room_access import RoomGrants

# Of several roles the first of these counts.
_PRECEDENCE: Final = (Role.ADMIN, Role.STORE, Role.SERVICE, Role.DRIVER, Role.CARER, Role.CUSTOMER)
# Warnings logged once each: more kinds than a back end has.
_WARNINGS_MAX: Final = 64

log = logging.getLogger("ordercast.api")


class ClaimRefused(ValueError):
    """A missing or unknown claim; the message names it, for people."""


class ClaimedRoles(NamedTuple):
    """What a token's claim of roles comes to."""

    role: Role
    own: str
    """The role of the shop's own, where it is none of ours; empty where it is."""
    every: tuple[str, ...]
    """All that it names, and the names of ours for them."""


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """The claim names of a back end's tokens."""

    subjects: tuple[str, ...] = ("sub",)
    """The subject is the first of these claims that is present."""
    role: str = "role"
    """A claim, or a dotted path to a nested one; of a list the most powerful role counts."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Their role names, mapped to ours; our names need no entry."""
    grants: RoomGrants | None = None
    """The shop's own roles, and which rooms the claims open."""

    def subject_in(self, claims: Mapping[str, Any]) -> str:
        """The subject; a number is converted to digits. Raises ClaimRefused."""
        for name in self.subjects:
            value = claims.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
            if isinstance(value, str) and value:
                return value
        raise _refused(
            f"The token has no {_listed(self.subjects)} claim, which would say whom it speaks for.",
            "ORDERCAST_JWT_SUBJECT_CLAIMS names the claims that are looked for",
        )

    def role_in(self, claims: Mapping[str, Any]) -> Role:
        """The role; GUEST for one of the shop's own, which opens nothing of ours. Raises ClaimRefused."""
        return self.roles_in(claims).role

    def roles_in(self, claims: Mapping[str, Any]) -> ClaimedRoles:
        """The roles. Raises ClaimRefused if none of them is known."""
        value = claims[self.role] if self.role in claims else _at(claims, self.role.split("."))
        if value is None or value == []:
            raise _refused(
                f'The token has no "{self.role}" claim, which would say what its bearer may do.',
                "ORDERCAST_JWT_ROLE_CLAIM names the claim that is looked for",
            )
        named = value if isinstance(value, list) else [value]
        names = [name for name in named if isinstance(name, str)]
        known = {role for name in names if (role := self._known(name)) is not None}
        own_roles = self.grants.roles if self.grants is not None else ()
        own = [name for name in own_roles if name in names]
        every = tuple(dict.fromkeys([*names, *map(str, known)]))
        for role in _PRECEDENCE:
            if role in known:
                return ClaimedRoles(role, "", every)
        if own:
            return ClaimedRoles(Role.GUEST, own[0], every)
        raise _refused(
            f'The token\'s "{self.role}" is none of {", ".join([*_PRECEDENCE, *own_roles])}.',
            f"ORDERCAST_JWT_ROLES maps a back end's roles to ours, as user:customer (the token says {value!r:.100})",
        )

    def _known(self, name: str) -> Role | None:
        if name in self.roles:
            return self.roles[name]
        return Role(name) if name in _PRECEDENCE else None


OWN_CLAIMS: Final = ClaimNames()
"""The claim names of our own tokens."""


def required(claims: Mapping[str, Any], name: str, what: str) -> Any:
    """Return the claim `name`, which says `what`. Raises ClaimRefused if it is missing."""
    value = claims.get(name)
    if value is None:
        raise ClaimRefused(f'The token has no "{name}" claim, which would say {what}.')
    return value


def _at(claims: Any, path: Iterable[str]) -> Any:
    for name in path:
        claims = claims.get(name) if isinstance(claims, dict) else None
    return claims


def _listed(names: tuple[str, ...]) -> str:
    return " or ".join(f'"{name}"' for name in names)


def _refused(sentence: str, setting: str) -> ClaimRefused:
    _warn_once(f"{sentence} {setting}.")
    return ClaimRefused(sentence)


@lru_cache(maxsize=_WARNINGS_MAX)
def _warn_once(sentence: str) -> None:
    """Log a misconfiguration for the operator; only holders of a signing key can cause it."""
    log.warning("a well-signed token is refused: %s", sentence)
