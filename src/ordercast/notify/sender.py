"""The port that each channel's adapter implements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ordercast.commerce.letters import Language
from ordercast.commerce.notifications import Severity


@dataclass(frozen=True, slots=True)
class OutgoingNotification:
    """One rendered notification, for one contact point."""

    id: str
    """Idempotency key: the same if the notification is sent again."""
    tag: str
    """A newer notification replaces an older one with the same tag."""
    title: str
    text: str
    link: str
    """Absolute URL of the page to open."""
    language: Language
    severity: Severity
    address: str
    """Push endpoint URL, mail address or phone number."""
    keys: Mapping[str, Any]
    created_at_ms: int


class Refused(Exception):
    """Rejected permanently. `code` is an HTTP status or a short reason, and contains no personal data."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Gone(Refused):
    """Rejected permanently, and the address no longer exists: delete the contact point."""


class Delayed(Exception):
    """Failed temporarily. `after_s` is the server's Retry-After, if it sent one."""

    def __init__(self, code: str, after_s: int | None = None) -> None:
        self.code = code
        self.after_s = after_s
        super().__init__(code)


class NotificationSender(Protocol):
    """Sends notifications by one channel."""

    async def send(self, notification: OutgoingNotification) -> None:
        """Make one attempt; return once the other side accepted it. Raises Refused, Gone or Delayed."""

    async def close(self) -> None: ...
