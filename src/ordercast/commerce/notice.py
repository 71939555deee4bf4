"""Notices: which screens and people of the shop have noticed an order or booking, and the escalation until one has.

Three facts, none of which implies another: an event was *sent* (written to a staff socket), a screen *received* it (a
page painted it), a person *opened* it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from .timestamps import Timestamp, timestamp

# Screens counted: sixteen say as much as more, and each costs a write.
SCREENS_MAX: Final = 16


class NoticeSubject(StrEnum):
    """What notices are about."""

    ORDER = "order"
    BOOKING = "booking"


class NoticeStep(StrEnum):
    """Escalation steps, each taken once; the least intrusive first."""

    BOARD = "board"
    PUSH = "push"
    MAIL = "mail"
    WEBHOOK = "webhook"


class Receipt(NamedTuple):
    """A screen painted it."""

    screen: str
    by: str
    at: Timestamp


class Opening(NamedTuple):
    """A person opened it."""

    by: str
    at: Timestamp


@dataclass(frozen=True, slots=True)
class Notice:
    """The notices of one order or booking. The first screen and the first person are kept."""

    received_at: Timestamp | None = None
    received_by: str | None = None
    screens: tuple[str, ...] = ()
    """The screens that painted it, each once, at most SCREENS_MAX."""
    opened_at: Timestamp | None = None
    opened_by: str | None = None

    def with_receipts(self, receipts: Iterable[Receipt]) -> Notice:
        notice = self
        for screen, by, at in receipts:
            if notice.received_at is None or at < notice.received_at:
                notice = replace(notice, received_at=at, received_by=by)
            if screen not in notice.screens and len(notice.screens) < SCREENS_MAX:
                notice = replace(notice, screens=(*notice.screens, screen))
        return notice

    def with_openings(self, openings: Iterable[Opening]) -> Notice:
        notice = self
        for by, at in openings:
            if notice.opened_at is None or at < notice.opened_at:
                notice = replace(notice, opened_at=at, opened_by=by)
        return notice


@dataclass(frozen=True, slots=True)
class EscalationLimits:
    """Seconds without an opening before each step; steps that are not named are off."""

    after_s: Mapping[NoticeStep, float] = field(default_factory=dict)
    unsent_s: float = 0
    """Seconds for every step, if sooner, when no screen was connected; 0 for off."""

    def __iter__(self) -> Iterator[NoticeStep]:
        """The steps that are on."""
        return (step for step in NoticeStep if step in self.after_s)

    def due_before(self, step: NoticeStep, now_ms: int) -> DueBefore:
        """The times before which something must have come for this step to be due."""
        after_s = self.after_s[step]
        unsent_s = min(after_s, self.unsent_s) if self.unsent_s else after_s
        return DueBefore(_ago(now_ms, after_s), _ago(now_ms, unsent_s))


class DueBefore(NamedTuple):
    sent: Timestamp
    unsent: Timestamp
    """If no screen was connected."""


def _ago(now_ms: int, seconds: float) -> Timestamp:
    return timestamp(now_ms - round(seconds * 1000))
