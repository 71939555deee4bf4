"""The port: whoever takes our mails is one of these."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from email.message import EmailMessage
from typing import Protocol


class MailRefused(Exception):
    """For good: this mail is never taken. `code` is the server's, as ``550``, or a word of ours; never its sentence,
    which repeats addresses.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class MailDelayed(Exception):
    """Not now: this mail may be taken later. `code` is the server's."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class MailServerAway(Exception):
    """No mail can be sent just now; the sentence says why, without a password or an address."""


class MailSession(Protocol):
    """A connection over which mails go one after another."""

    async def deliver(self, message: EmailMessage) -> None:
        """Hand a mail over; it is the receiver's once this returns. Raises MailRefused, MailDelayed, MailServerAway."""


class Mailer(Protocol):
    """Takes mails; each adapter is one."""

    def session(self) -> AbstractAsyncContextManager[MailSession]:
        """Open a connection. Raises MailServerAway."""
