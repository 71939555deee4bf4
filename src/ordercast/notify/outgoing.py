"""The port: each way by which a notification leaves us is one of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ordercast.commerce.letters import Language
from ordercast.commerce.notifications import Severity


@dataclass(frozen=True, slots=True)
class OutgoingNotification:
    """In the words of whoever it is for."""

    id: str
    """Of the task's making: one that is sent twice has it twice."""
    tag: str
    """What it is about: a newer one takes the place of an older one with the same tag."""
    title: str
    text: str
    link: str
    """The whole URL of the page that it is about."""
    language: Language
    severity: Severity
    address: str
    """Where it goes: a push service's URL, a mail address, a number."""
    keys: Mapping[str, Any]
    created_at_ms: int


class Refused(Exception):
    """For good. `code` is an answer's status, or a word of ours; it names nobody."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Gone(Refused):
    """For good, and whatever else goes there too: nobody is reached at that address any more."""


class Delayed(Exception):
    """Not now. `after_s` is when the other side would have it again, if it said so."""

    def __init__(self, code: str, after_s: int | None = None) -> None:
        self.code = code
        self.after_s = after_s
        super().__init__(code)


class SendingWay(Protocol):
    """Sends notifications; each adapter is one."""

    async def send(self, notification: OutgoingNotification) -> None:
        """Hand it over; it is the other side's once this returns. Raises Refused, Gone, Delayed."""

    async def close(self) -> None: ...
