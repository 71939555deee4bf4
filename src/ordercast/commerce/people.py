"""Who acts: roles, and the actor that travels with each change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# As OpenID Connect Core 1.0 bounds `sub`; our own have 30.
SUBJECT_CHARACTERS_MAX: Final = 255


class Role(StrEnum):
    ADMIN = "admin"
    STORE = "store"
    CUSTOMER = "customer"
    DRIVER = "driver"
    CARER = "carer"
    """Somebody who can be booked."""
    SERVICE = "service"
    """A trusted back end or timer."""
    GUEST = "guest"
    """Someone without an account, perhaps holding the tracking token of one order or booking."""


STAFF: Final = frozenset({Role.ADMIN, Role.STORE})
INSIDERS: Final = STAFF | {Role.DRIVER, Role.CARER, Role.SERVICE}
"""Who may be told which of them acted."""
SEES_EVERY_ORDER: Final = STAFF | {Role.SERVICE}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with a role; `id` is empty for a guest."""

    role: Role
    id: str = ""
    name: str | None = None

    def __str__(self) -> str:
        """As history records it: ``store:usr_...``, or ``guest``."""
        return f"{self.role}:{self.id}" if self.id else str(self.role)


GUEST: Final = Actor(Role.GUEST)
