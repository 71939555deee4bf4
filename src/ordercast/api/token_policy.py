"""Lifetimes of access tokens and sign-ins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db.access import SessionTimes

# Tabs that wake together present the same token; responses may be lost.
GRACE_S: Final = 30
# The maximum life of a sign-in, as a multiple of its idle limit.
WHOLE_LIFE_IDLES: Final = 6
# Tolerated clock skew.
SKEW_S: Final = 60

_DAY_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """A shop's policy."""

    token_ttl_s: int = 3600
    idle_days: int = 14
    key_ids: tuple[str, ...] = ("",)
    """Ids of the accepted secrets."""

    @property
    def idle_s(self) -> int:
        return self.idle_days * _DAY_S

    def session_times(self, now_ms: int) -> SessionTimes:
        """The lifetimes of a sign-in at this time."""

        def at(seconds: int) -> Timestamp:
            return timestamp(now_ms + seconds * 1000)

        return SessionTimes(
            now=at(0),
            idle_end=at(self.idle_s),
            oldest_start=at(-WHOLE_LIFE_IDLES * self.idle_s),
            graceful_since=at(-GRACE_S),
            tokens_end=at(self.token_ttl_s + SKEW_S),
            key_ids=self.key_ids,
        )
