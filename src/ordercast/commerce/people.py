"""Roles, and the actor of each change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# OpenID Connect Core 1.0 limits `sub` to this; ours have 30.
SUBJECT_CHARACTERS_MAX: Final = 255


class Role(StrEnum):
    ADMIN = "admin"
    STORE = "store"
    CUSTOMER = "customer"
    DRIVER = "driver"
    CARER = "carer"
    """Can be booked."""
    SERVICE = "service"
    """A trusted back end or a timer."""
    GUEST = "guest"
    """Without an account, perhaps with the tracking token of one order or booking."""


STAFF: Final = frozenset({Role.ADMIN, Role.STORE})
INSIDERS: Final = STAFF | {Role.DRIVER, Role.CARER, Role.SERVICE}
"""Roles that see which colleague acted."""
SEES_EVERY_ORDER: Final = STAFF | {Role.SERVICE}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or program with a role; `id` is empty for a guest."""

    role: Role
    id: str = ""
    name: str | None = None

    def __str__(self) -> str:
        """The form in history: ``store:usr_...``, or ``guest``."""
        return f"{self.role}:{self.id}" if self.id else str(self.role)


GUEST: Final = Actor(Role.GUEST)
