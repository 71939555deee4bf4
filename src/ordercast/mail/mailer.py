"""The port to mail servers."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from email.message import EmailMessage
from typing import Protocol


class MailRefused(Exception):
    """Rejected permanently. `code` is the server's, as ``550``, or a word of ours; never its text, which repeats
    addresses.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class MailDelayed(Exception):
    """Rejected temporarily. `code` is the server's."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class MailServerAway(Exception):
    """No mail can be sent now; the message says why, without password or addresses."""


class MailSession(Protocol):
    """A connection that sends mails one after another."""

    async def deliver(self, message: EmailMessage) -> None:
        """Send a mail; return once the server accepted it. Raises MailRefused, MailDelayed, MailServerAway."""


class Mailer(Protocol):
    """Sends mails; implemented by each adapter."""

    def session(self) -> AbstractAsyncContextManager[MailSession]:
        """Open a connection. Raises MailServerAway."""
