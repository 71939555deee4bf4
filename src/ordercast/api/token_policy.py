"""Token policy: how long access tokens and sign-ins last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db.access import SessionTimes

# Tabs that wake together all present the token that they have; and an answer may be lost on its way.
GRACE_S: Final = 30
# However often it is used: after so many times its idle limit somebody must type a password again.
WHOLE_LIFE_IDLES: Final = 6
# A token is trusted by clocks that differ by this much at most.
SKEW_S: Final = 60

_DAY_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """Of one shop."""

    token_ttl_s: int = 3600
    idle_days: int = 14
    key_ids: tuple[str, ...] = ("",)
    """Names of the secrets by which sign-ins are good."""

    @property
    def idle_s(self) -> int:
        return self.idle_days * _DAY_S

    def session_times(self, now_ms: int) -> SessionTimes:
        """The times of a sign-in that is opened, used or closed now."""

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
