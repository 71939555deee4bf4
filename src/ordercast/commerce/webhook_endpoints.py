"""Rules of outgoing webhooks: filters, retries, and when an endpoint is disabled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from .errors import InvalidField
from .timestamps import Timestamp

# As Standard Webhooks recommends ("deliverability and reliability"): short after a hiccup, three days in all.
RETRY_AFTER_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
ATTEMPTS_MAX: Final = len(RETRY_AFTER_S) + 1
# Random part of a wait, so that deliveries that failed together are not retried together.
JITTER: Final = 0.2
# Upper bound of Retry-After: the longest of our own waits.
RETRY_AFTER_S_MAX: Final = 86_400
FILTERS_MAX: Final = 50
EVERYTHING: Final = "*"

_GONE: Final = 410
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


class DisabledBy(StrEnum):
    """Why an endpoint is disabled."""

    ADMIN = "admin"
    GONE = "gone"
    """It answered 410 (RFC 9110 section 15.5.11)."""
    FAILING = "failing"
    """It accepted nothing for too long."""


class DeliveryState(StrEnum):
    """The state of a delivery."""

    PENDING = "pending"
    """To be sent, for the first time or again."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up after the last attempt."""
    SKIPPED = "skipped"
    """Left out when the endpoint was enabled again."""


# --- Which events -----------------------------------------------------------------------------------------------------


def check_filters(filters: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Sort and deduplicate filters. Raises InvalidField for one that matches no event."""
    names = tuple(known)
    families = {f"{name.partition('.')[0]}.*" for name in names}
    checked = set[str]()
    for index, each in enumerate(filters):
        if each != EVERYTHING and each not in families and each not in names:
            raise InvalidField(
                f"events[{index}]", f"There is no event {each[:64]!r}; `GET /api/webhook-events` lists them."
            )
        checked.add(each)
    return tuple(sorted(checked))


def matches(filters: Iterable[str], event: str) -> bool:
    """Whether a filter matches: an event's name, ``order.*`` for a family, ``*`` for all."""
    wanted = {EVERYTHING, event, f"{event.partition('.')[0]}.*"}
    return any(each in wanted for each in filters)


# --- When again -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows an attempt."""

    state: DeliveryState
    wait_s: float = 0.0
    """Seconds before the next attempt, if the delivery is still pending."""
    is_gone: bool = False
    """The receiver answered 410."""


def judge_attempt(attempts: int, status: int | None, retry_after: str, now_s: float, chance: float) -> Verdict:
    """Decide what follows an attempt, the `attempts`-th of its delivery. `status` is None without a response; `chance`
    is a random number from 0 to 1.
    """
    if status is not None and 200 <= status < 300:
        return Verdict(DeliveryState.DELIVERED)
    if status == _GONE:
        return Verdict(DeliveryState.FAILED, is_gone=True)
    if attempts >= ATTEMPTS_MAX:
        return Verdict(DeliveryState.FAILED)
    planned = RETRY_AFTER_S[attempts - 1] * (1 + JITTER * chance)
    return Verdict(DeliveryState.PENDING, max(planned, retry_after_s(retry_after, now_s)))


def retry_after_s(retry_after: str, now_s: float) -> float:
    """Parse Retry-After (RFC 9110 section 10.2.3) into seconds, bounded; 0 if absent or malformed."""
    text = retry_after.strip()
    if _SECONDS.fullmatch(text):
        return float(min(int(text), RETRY_AFTER_S_MAX))
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, min(until.timestamp() - now_s, RETRY_AFTER_S_MAX))


# --- Secrets ----------------------------------------------------------------------------------------------------------

# Time to deploy a new secret: a day by default, a week at most.
OVERLAP_HOURS_DEFAULT: Final = 24
OVERLAP_HOURS_MAX: Final = 168
# Each valid secret signs every request.
SECRETS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """An encrypted secret of an endpoint; `until` is None for the current one."""

    sealed: str
    until: Timestamp | None = None

    def signs_at(self, now: Timestamp) -> bool:
        return self.until is None or now < self.until


def rotated(secrets: Iterable[SealedSecret], sealed: str, until: Timestamp, now: Timestamp) -> tuple[SealedSecret, ...]:
    """Add a new current secret; the present one signs until `until`, expired ones are dropped. A secret that ends
    already keeps its end, or ends sooner. Raises InvalidField if too many would sign.
    """
    kept = [SealedSecret(each.sealed, min(until, each.until or until)) for each in secrets]
    signing = [each for each in kept if each.signs_at(now)]
    if len(signing) >= SECRETS_MAX:
        raise InvalidField("overlapHours", f"{SECRETS_MAX} secrets sign already; let some of them end first.")
    return (SealedSecret(sealed), *signing)
