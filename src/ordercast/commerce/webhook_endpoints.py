"""Outgoing webhooks: what an endpoint of the shop's own systems is sent, when it is tried again, and when no more."""

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

# As Standard Webhooks recommends ("deliverability and reliability"): soon after a hiccup, and for some three days.
RETRY_AFTER_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
ATTEMPTS_MAX: Final = len(RETRY_AFTER_S) + 1
# So much is added by chance: what failed together does not come back together.
JITTER: Final = 0.2
# A receiver that asks for more patience has it, up to the longest that we would wait anyhow.
ASKED_WAIT_S_MAX: Final = 86_400
FILTERS_MAX: Final = 50
EVERYTHING: Final = "*"

_GONE: Final = 410
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


class DisabledBy(StrEnum):
    """Why nothing is sent to an endpoint."""

    ADMIN = "admin"
    GONE = "gone"
    """It answered 410 (RFC 9110 section 15.5.11)."""
    FAILING = "failing"
    """Nothing was delivered to it for too long."""


class DeliveryState(StrEnum):
    """What has become of a delivery."""

    PENDING = "pending"
    """It is to be sent, for the first time or again."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Nobody took it, however often it was tried."""
    SKIPPED = "skipped"
    """The endpoint was switched on again without what had been waiting."""


# --- Which events -----------------------------------------------------------------------------------------------------


def check_filters(filters: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The filters in the order of their alphabet, each once. Raises InvalidField for one that no event fits."""
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
    """Whether one of the filters fits: an event's name, ``order.*`` for all of a family, ``*`` for all."""
    wanted = {EVERYTHING, event, f"{event.partition('.')[0]}.*"}
    return any(each in wanted for each in filters)


# --- When again -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an attempt."""

    state: DeliveryState
    wait_s: float = 0.0
    """Before the next attempt, where the delivery is still pending."""
    is_gone: bool = False
    """The receiver wants no more at this address, ever."""


def verdict(attempts: int, status: int | None, retry_after: str, now_s: float, chance: float) -> Verdict:
    """What follows from the attempt that was the `attempts`-th: `status` is None where no answer came, `chance` is from
    0 to 1.
    """
    if status is not None and 200 <= status < 300:
        return Verdict(DeliveryState.DELIVERED)
    if status == _GONE:
        return Verdict(DeliveryState.FAILED, is_gone=True)
    if attempts >= ATTEMPTS_MAX:
        return Verdict(DeliveryState.FAILED)
    planned = RETRY_AFTER_S[attempts - 1] * (1 + JITTER * chance)
    return Verdict(DeliveryState.PENDING, max(planned, asked_wait_s(retry_after, now_s)))


def asked_wait_s(retry_after: str, now_s: float) -> float:
    """The seconds that ``Retry-After`` asks for (RFC 9110 section 10.2.3), bounded; 0 for what is none."""
    text = retry_after.strip()
    if _SECONDS.fullmatch(text):
        return float(min(int(text), ASKED_WAIT_S_MAX))
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, min(until.timestamp() - now_s, ASKED_WAIT_S_MAX))


# --- Secrets ----------------------------------------------------------------------------------------------------------

# A receiver has deployed its new secret within a day, and within a week after a holiday.
OVERLAP_HOURS_DEFAULT: Final = 24
OVERLAP_HOURS_MAX: Final = 168
# Each signs every request while it is good.
SECRETS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """One of an endpoint's secrets, as it is kept; `until` is None for the one of now."""

    sealed: str
    until: Timestamp | None = None

    def signs_at(self, now: Timestamp) -> bool:
        return self.until is None or now < self.until


def rotated(secrets: Iterable[SealedSecret], sealed: str, until: Timestamp, now: Timestamp) -> tuple[SealedSecret, ...]:
    """The secrets with a new one, beside which the present one signs until then; those that have ended are gone. One
    whose end is known keeps it, or ends sooner. Raises InvalidField where too many would sign.
    """
    kept = [SealedSecret(each.sealed, min(until, each.until or until)) for each in secrets]
    signing = [each for each in kept if each.signs_at(now)]
    if len(signing) >= SECRETS_MAX:
        raise InvalidField("overlapHours", f"{SECRETS_MAX} secrets sign already; let some of them end first.")
    return (SealedSecret(sealed), *signing)
