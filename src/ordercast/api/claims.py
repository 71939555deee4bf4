"""Which claims of a verified token name its bearer and the bearer's role, here or at another back end."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from ordercast.commerce.people import Role

# Where somebody has several roles, the first of these that they have.
_PRECEDENCE: Final = (Role.ADMIN, Role.STORE, Role.SERVICE, Role.DRIVER, Role.CARER, Role.CUSTOMER)
# Sentences that are logged once each: more kinds of wrong tokens than a back end has.
_WARNINGS_MAX: Final = 64

log = logging.getLogger("ordercast.api")


class ClaimRefused(ValueError):
    """A claim that is missing, or says what this shop does not know; the message names it, for people."""


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """How a back end's tokens are read."""

    subjects: tuple[str, ...] = ("sub",)
    """The first of these claims that is there is the bearer's id."""
    role: str = "role"
    """A claim, or by a path with dots one within another; of a list, the most powerful role counts."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Their names of roles, and ours; our own names need none."""

    def subject_in(self, claims: Mapping[str, Any]) -> str:
        """The bearer's id; a number is taken as its digits. Raises ClaimRefused."""
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
        """The bearer's role. Raises ClaimRefused."""
        value = claims[self.role] if self.role in claims else _at(claims, self.role.split("."))
        if value is None or value == []:
            raise _refused(
                f'The token has no "{self.role}" claim, which would say what its bearer may do.',
                "ORDERCAST_JWT_ROLE_CLAIM names the claim that is looked for",
            )
        named = value if isinstance(value, list) else [value]
        known = {role for name in named if isinstance(name, str) and (role := self._known(name)) is not None}
        for role in _PRECEDENCE:
            if role in known:
                return role
        raise _refused(
            f'The token\'s "{self.role}" is none of {", ".join(_PRECEDENCE)}.',
            f"ORDERCAST_JWT_ROLES maps a back end's roles to ours, as user:customer (the token says {value!r:.100})",
        )

    def _known(self, name: str) -> Role | None:
        if name in self.roles:
            return self.roles[name]
        return Role(name) if name in _PRECEDENCE else None


OWN_CLAIMS: Final = ClaimNames()
"""Of the tokens that this shop signs itself."""


def required(claims: Mapping[str, Any], name: str, what: str) -> Any:
    """The claim `name`, which says `what`. Raises ClaimRefused for a token that has none."""
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
    """Tell the operator, for whom alone the settings are; only whoever can sign tokens gets so far."""
    log.warning("a well-signed token is refused: %s", sentence)
