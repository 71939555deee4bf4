"""Signing keys: the shop's secret, and the previous one during rotation.

Tokens, sign-ins, tracking tokens and delivery codes derived from a secret are valid while it is one of these. See
docs/guides/rotating-the-secret.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

from ordercast.config import Settings


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """`current` signs; `previous`, if any, is accepted too."""

    current: str = field(repr=False)
    previous: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Settings) -> SigningKeys:
        return cls(settings.secret, settings.secret_previous)

    @property
    def all(self) -> tuple[str, ...]:
        """All accepted secrets, the signing one first."""
        return (self.current, self.previous) if self.previous else (self.current,)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(map(key_id, self.all))


@lru_cache(maxsize=8)
def key_id(secret: str) -> str:
    """A secret's public id (`kid`, RFC 7515 section 4.1.4), which reveals nothing of it."""
    return hashlib.sha256(b"key id:" + secret.encode()).hexdigest()[:16]
