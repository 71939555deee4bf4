"""Proof of notice: which screens and people of the shop have noticed an order or a booking, and what is done while
nobody has.

Three things are known of it, each for what it is: an event was *sent* (written to a socket of the shop's people), a
screen *received* it (a page says that it has painted it), a person *opened* it. None of them stands for another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from .timestamps import Timestamp, timestamp

# A shop has a few screens; that sixteen have shown an order says as much as how many more did, and each costs a write.
SCREENS_MAX: Final = 16


class NoticeSubject(StrEnum):
    """What there is to notice."""

    ORDER = "order"
    BOOKING = "booking"


class NoticeStep(StrEnum):
    """What is done about what nobody has opened, each once; the least intrusive first."""

    BOARD = "board"
    PUSH = "push"
    MAIL = "mail"
    WEBHOOK = "webhook"


class Receipt(NamedTuple):
    """A screen has painted it."""

    screen: str
    by: str
    at: Timestamp


class Opening(NamedTuple):
    """A person has opened it."""

    by: str
    at: Timestamp


@dataclass(frozen=True, slots=True)
class Notice:
    """What is known of one of them. The first screen and the first person stay the first, whatever comes later."""

    received_at: Timestamp | None = None
    received_by: str | None = None
    screens: tuple[str, ...] = ()
    """The screens that have painted it, each once, as far as SCREENS_MAX."""
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
    """How long it may wait for a person before each step; a step that is not named is not taken."""

    after_s: Mapping[NoticeStep, float] = field(default_factory=dict)
    unsent_s: float = 0
    """The same for every step, if that is sooner, of what came while no screen was connected; 0 for none."""

    def __iter__(self) -> Iterator[NoticeStep]:
        """The steps that are taken."""
        return (step for step in NoticeStep if step in self.after_s)

    def due_before(self, step: NoticeStep, now_ms: int) -> DueBefore:
        """The moments before which it came that this step is due for."""
        after_s = self.after_s[step]
        unsent_s = min(after_s, self.unsent_s) if self.unsent_s else after_s
        return DueBefore(_ago(now_ms, after_s), _ago(now_ms, unsent_s))


class DueBefore(NamedTuple):
    sent: Timestamp
    unsent: Timestamp
    """Of those that no screen was connected for."""


def _ago(now_ms: int, seconds: float) -> Timestamp:
    return timestamp(now_ms - round(seconds * 1000))
