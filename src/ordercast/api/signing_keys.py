"""Signing keys: the shop's secret, and the one before it while that is still good.

All that is derived from a secret is good for as long as one of these is the secret: tokens, sign-ins, tracking tokens,
delivery codes. See docs/guides/rotating-the-secret.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

from ordercast.config import Settings


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """`current` makes what is new; `previous`, if there is one, is taken beside it."""

    current: str = field(repr=False)
    previous: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Settings) -> SigningKeys:
        return cls(settings.secret, settings.secret_previous)

    @property
    def all(self) -> tuple[str, ...]:
        """Those that verify, the one that signs first."""
        return (self.current, self.previous) if self.previous else (self.current,)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(map(key_id, self.all))


@lru_cache(maxsize=8)
def key_id(secret: str) -> str:
    """A secret's public name (`kid`, RFC 7515 section 4.1.4). As little can be learnt from it as from a signature."""
    return hashlib.sha256(b"key id:" + secret.encode()).hexdigest()[:16]
