"""Notification preferences: which topics by which channels, and quiet hours.

Each notification appears in its recipient's list. Whether it is also sent by push, mail or SMS, and when, is decided
when it is sent, so changed preferences apply to waiting tasks too.
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

# RFC 5646: a language and its subtags.
LANGUAGE_TAG: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,7}$(?!\n)"
# E.164: a plus, the country code, at most 15 digits in all.
E164: Final = r"^\+[1-9][0-9]{6,14}$(?!\n)"


class Channel(StrEnum):
    """How a notification is sent to a person whose browser is closed."""

    PUSH = "push"
    MAIL = "mail"
    SMS = "sms"


class TaskState(StrEnum):
    """The state of a notification on one channel."""

    DUE = "due"
    SENT = "sent"
    REFUSED = "refused"
    """Rejected permanently by the receiver, or expired."""
    DROPPED = "dropped"
    """Muted by its recipient, or the recipient is gone."""


PUSHED: Final = frozenset({Channel.PUSH})


def default_channels(role: Role, topic: Topic) -> frozenset[Channel]:
    """The default channels of a topic. Push needs a subscription on the device; mail and SMS are opt-in."""
    return PUSHED if topic is not Topic.SHOP or role in STAFF else frozenset()


# --- Quiet hours ------------------------------------------------------------------------------------------------------

_SEVERITIES: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A daily interval in the recipient's time zone; it may cross midnight."""

    begin: time
    end: time
    lets_through: Severity | None = Severity.ERROR
    """Notifications of this severity or more are sent during quiet hours too; None: none are."""

    def until(self, now: datetime, zone: tzinfo) -> datetime | None:
        """The end of the quiet hours that contain `now`; None outside of them.

        Both ends are instants, so daylight saving shortens or lengthens a night: where an hour comes twice, quiet hours
        that ended in its first half do not begin again.
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
    """The instant of a local time: the first of a repeated hour; a skipped one is moved by the gap."""
    return datetime.combine(day, at, zone).astimezone(UTC)


# --- Deciding ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NotificationPreferences:
    """One user's preferences; None or a missing topic means the default."""

    language: str | None = None
    """BCP 47."""
    timezone: str | None = None
    quiet_hours: QuietHours | None = None
    mobile: str | None = None
    """Phone number for SMS (E.164)."""
    topics: Mapping[Topic, frozenset[Channel]] = field(default_factory=dict)

    def channels(self, role: Role, topic: Topic) -> frozenset[Channel]:
        chosen = self.topics.get(topic)
        return default_channels(role, topic) if chosen is None else chosen

    def by_topic(self, role: Role) -> Iterator[tuple[Topic, frozenset[Channel]]]:
        """Each topic that the role receives, with its channels."""
        for topic in Topic:
            if topic is not Topic.SHOP or role in STAFF:
                yield topic, self.channels(role, topic)

    def wants(self, channel: Channel) -> bool:
        """Whether any topic uses that channel."""
        return any(channel in chosen for chosen in self.topics.values())


class Send:
    """Send it now."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Send it when quiet hours end."""

    until: datetime


class Drop:
    """Do not send it: the recipient muted it."""


def decide(
    preferences: NotificationPreferences,
    role: Role,
    channel: Channel,
    kind: NotificationKind,
    severity: Severity,
    *,
    now: datetime,
    zone: tzinfo,
) -> Send | Hold | Drop:
    """Decide whether a notification is sent by a channel now, later or never; `zone` is the recipient's."""
    if channel not in preferences.channels(role, topic_of(kind)):
        return Drop()
    quiet = preferences.quiet_hours
    until = None if quiet is None or not quiet.keeps(severity) else quiet.until(now, zone)
    return Send() if until is None else Hold(until)


# --- Languages --------------------------------------------------------------------------------------------------------


def language_for(*tags: str | None, default: Language) -> Language:
    """The first supported language among these tags (RFC 4647 section 3.4 lookup: subtags are ignored)."""
    for tag in tags:
        name = (tag or "").partition("-")[0].lower()
        if name in _KNOWN:
            return Language(name)
    return default


_KNOWN: Final = frozenset(map(str, Language))


# --- SMS --------------------------------------------------------------------------------------------------------------

# Three segments: a readable length at a bounded price (3GPP TS 23.040: 153 GSM 03.38 characters each, or 67 UTF-16
# units).
SMS_CHARACTERS_MAX: Final = 3 * 153
SMS_UNITS_MAX: Final = 3 * 67
# The ASCII characters of the GSM 03.38 alphabet that take one septet.
_GSM: Final = re.compile(r"[A-Za-z0-9 \n@$!\"#%&'()*+,\-./:;<=>?_]*")


def sms_text(title: str, text: str, link: str) -> str:
    """Compose an SMS of at most three segments; a long sentence is cut, the link is kept."""
    body, tail = f"{title}: {text}", f" {link}" if link else ""
    is_gsm = _GSM.fullmatch(body + tail) is not None
    room = (SMS_CHARACTERS_MAX if is_gsm else SMS_UNITS_MAX) - _units(tail)
    if _units(body) <= room:
        return body + tail
    mark = "..." if is_gsm else "\N{HORIZONTAL ELLIPSIS}"
    room -= len(mark)
    while _units(body) > room:
        body = body[:-1]
    return body.rstrip() + mark + tail


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
