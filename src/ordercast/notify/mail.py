"""Sends a notification as a mail, through the mailer that other mails use."""

from __future__ import annotations

from collections.abc import Callable

from ordercast.commerce.letters import Language, Letter
from ordercast.mail import MailDelayed, Mailer, MailRefused, MailServerAway
from ordercast.mail.message import compose

from .sender import Delayed, OutgoingNotification, Refused

_ACTION = {Language.ENGLISH: "Open", Language.BENGALI: "খুলুন"}


class MailSender:
    def __init__(self, mailer: Mailer, *, sender: str, domain: str, now_ms: Callable[[], int]) -> None:
        """`domain` is the part of Message-ID after the `@`."""
        self._mailer = mailer
        self._sender = sender
        self._domain = domain
        self._now_ms = now_ms

    def __repr__(self) -> str:
        return f"<MailSender by {self._mailer!r}>"

    async def send(self, notification: OutgoingNotification) -> None:
        letter = Letter(notification.title, (notification.text,), _ACTION[notification.language], notification.link)
        try:
            message = compose(
                letter,
                mail_id=notification.id,
                domain=self._domain,
                sender=self._sender,
                recipient=notification.address,
                language=notification.language,
                now_ms=self._now_ms(),
            )
            async with self._mailer.session() as session:
                await session.deliver(message)
        except MailRefused as refusal:
            raise Refused(refusal.code) from None
        except MailDelayed as delay:
            raise Delayed(delay.code) from None
        except MailServerAway as away:
            raise Delayed(str(away)) from None

    async def close(self) -> None:
        """Nothing to close: a session lasts for one mail."""
