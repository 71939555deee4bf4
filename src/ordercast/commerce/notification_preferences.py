"""What somebody wants to be told of, by which ways, and when not.

A notification is on its person's screens in any case. Whether it also goes by push, mail or SMS, and whether now, is
decided when it is sent: so what somebody chooses holds from that moment on, also for what is waiting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from .letters import Language
from .notifications import NotificationKind, Severity, Topic, topic_of
from .people import STAFF, Role

# RFC 5646, as far as a table of languages needs it: a language, and what may stand behind it.
LANGUAGE_TAG: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,7}$(?!\n)"
# E.164: a plus, the country's code, at most 15 digits in all.
E164: Final = r"^\+[1-9][0-9]{6,14}$(?!\n)"


class Way(StrEnum):
    """How a notification reaches somebody who looks at no screen of ours."""

    PUSH = "push"
    MAIL = "mail"
    SMS = "sms"


class TaskState(StrEnum):
    """What became of a notification by one way."""

    DUE = "due"
    SENT = "sent"
    REFUSED = "refused"
    """By the receiving side, for good; or nobody took it for too long."""
    DROPPED = "dropped"
    """It was not wanted, or there was nobody to send it to any more."""


PUSHED: Final = frozenset({Way.PUSH})


def by_default(role: Role, topic: Topic) -> frozenset[Way]:
    """The ways of a topic for who has chosen none. A device is pushed to only after its owner has asked for that on it;
    mail and SMS go to nobody who has not chosen them.
    """
    return PUSHED if topic is not Topic.SHOP or role in STAFF else frozenset()


# --- Quiet hours ------------------------------------------------------------------------------------------------------

_SEVERITIES: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when to when, each day, by the person's clock. They may go over midnight."""

    begin: time
    end: time
    lets_through: Severity | None = Severity.ERROR
    """What matters this much comes all the same; None: nothing does."""

    def until(self, now: datetime, zone: tzinfo) -> datetime | None:
        """When the quiet hours end in which `now` lies; None where it lies in none.

        They lie between two moments, whatever clocks do meanwhile: a night on which they are put forward is an hour
        shorter, and where an hour comes twice, quiet hours that ended in its first half do not begin again.
        """
        today = now.astimezone(zone).date()
        for day in (today - timedelta(days=1), today):
            begin = _moment(day, self.begin, zone)
            end = _moment(day + timedelta(days=self.end <= self.begin), self.end, zone)
            if begin <= now < end:
                return end
        return None

    def keeps(self, severity: Severity) -> bool:
        return self.lets_through is None or _SEVERITIES[severity] < _SEVERITIES[self.lets_through]


def _moment(day: date, at: time, zone: tzinfo) -> datetime:
    """Of an hour that comes twice the first; of one that is left out, as much later as was left out."""
    return datetime.combine(day, at, zone).astimezone(UTC)


# --- Deciding ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NotificationPreferences:
    """Of one person; whatever is None or missing is by default."""

    language: str | None = None
    """BCP 47."""
    timezone: str | None = None
    quiet_hours: QuietHours | None = None
    mobile: str | None = None
    """Where SMS go (E.164)."""
    topics: Mapping[Topic, frozenset[Way]] = field(default_factory=dict)

    def ways(self, role: Role, topic: Topic) -> frozenset[Way]:
        chosen = self.topics.get(topic)
        return by_default(role, topic) if chosen is None else chosen

    def by_topic(self, role: Role) -> Iterator[tuple[Topic, frozenset[Way]]]:
        """Every topic that somebody of that role hears of."""
        for topic in Topic:
            if topic is not Topic.SHOP or role in STAFF:
                yield topic, self.ways(role, topic)

    def wants(self, way: Way) -> bool:
        """Whether they have chosen it for anything."""
        return any(way in chosen for chosen in self.topics.values())


class Send:
    """Now."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Not before then: the quiet hours' end."""

    until: datetime


class Drop:
    """Never: they do not want it."""


def decide(
    preferences: NotificationPreferences,
    role: Role,
    way: Way,
    kind: NotificationKind,
    severity: Severity,
    *,
    now: datetime,
    zone: tzinfo,
) -> Send | Hold | Drop:
    """Whether a notification goes to somebody by a way; `zone` is theirs."""
    if way not in preferences.ways(role, topic_of(kind)):
        return Drop()
    quiet = preferences.quiet_hours
    until = None if quiet is None or not quiet.keeps(severity) else quiet.until(now, zone)
    return Send() if until is None else Hold(until)


# --- Languages --------------------------------------------------------------------------------------------------------


def language_for(*tags: str | None, default: Language) -> Language:
    """The language of ours that the first of these speaks (RFC 4647 section 3.4: what stands behind is left off)."""
    for tag in tags:
        name = (tag or "").partition("-")[0].lower()
        if name in _KNOWN:
            return Language(name)
    return default


_KNOWN: Final = frozenset(map(str, Language))


# --- SMS --------------------------------------------------------------------------------------------------------------

# Three parts, which is what a person reads and a shop pays (3GPP TS 23.040: 153 characters of GSM 03.38 in each of
# several, or 67 of UCS-2, which is UTF-16).
SMS_CHARACTERS_MAX: Final = 3 * 153
SMS_UNITS_MAX: Final = 3 * 67
# Of GSM 03.38's alphabet what is ASCII too, and takes one place in it.
_GSM: Final = re.compile(r"[A-Za-z0-9 \n@$!\"#%&'()*+,\-./:;<=>?_]*")


def sms_text(title: str, text: str, link: str) -> str:
    """What an SMS says, within three parts; of what is too long the sentence is cut, and not the link."""
    said, tail = f"{title}: {text}", f" {link}" if link else ""
    is_gsm = _GSM.fullmatch(said + tail) is not None
    room = (SMS_CHARACTERS_MAX if is_gsm else SMS_UNITS_MAX) - _units(tail)
    if _units(said) <= room:
        return said + tail
    mark = "..." if is_gsm else "\N{HORIZONTAL ELLIPSIS}"
    room -= len(mark)
    while _units(said) > room:
        said = said[:-1]
    return said.rstrip() + mark + tail


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
