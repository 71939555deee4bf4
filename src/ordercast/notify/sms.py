"""SMS: one adapter writes files, for development; the other asks a small service of the shop's own, which knows a
gateway, by signed requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ordercast.commerce.notification_preferences import sms_text
from ordercast.mail.folder import Folder
from ordercast.outgoing import AddressRefused, Networks
from ordercast.outgoing.http import NoAnswer, OutgoingHttp
from ordercast.payments.signatures import sign_standard

from .answers import check_answer
from .outgoing import Delayed, OutgoingNotification, Refused

# The operator names the service; it may be on this machine.
_ANYWHERE: Final = Networks(("0.0.0.0/0", "::/0"))


class SmsMessage(msgspec.Struct, frozen=True):
    """What a gateway is given."""

    id: str
    """The same where it is sent again."""
    to: str
    """E.164."""
    text: str
    """Of at most three parts."""


def sms_of(notification: OutgoingNotification) -> SmsMessage:
    text = sms_text(notification.title, notification.text, notification.link)
    return SmsMessage(notification.id, notification.address, text)


# What a load generator leaves behind must not fill a disk.
_SUFFIX: Final = ".sms.json"


class FolderSms:
    """Writes each SMS under its id, so that one that is sent twice is there once."""

    def __init__(self, path: Path) -> None:
        self._folder = Folder(path, _SUFFIX)

    def __repr__(self) -> str:
        return f"<FolderSms {self._folder.path}>"

    async def send(self, notification: OutgoingNotification) -> None:
        message = sms_of(notification)
        try:
            await asyncio.to_thread(self._folder.write, message.id, msgspec.json.encode(message))
        except OSError as error:
            raise Delayed(f"{self._folder.path} cannot be written to: {error.strerror}") from None

    async def close(self) -> None:
        """Nothing is open."""


class HttpSms:
    """Posts each SMS to the service, signed by Standard Webhooks; its ``webhook-id`` is the SMS's id, by which the
    service knows one that comes twice.
    """

    def __init__(self, url: str, secret: str, now_s: Callable[[], float]) -> None:
        self._url = url
        self._secret = secret
        self._now_s = now_s
        self._http = OutgoingHttp(_ANYWHERE)

    def __repr__(self) -> str:
        return f"<HttpSms {urlsplit(self._url).netloc}>"

    async def send(self, notification: OutgoingNotification) -> None:
        message = sms_of(notification)
        body = msgspec.json.encode(message)
        headers = sign_standard([self._secret], message.id, body, self._now_s())
        try:
            answer = await self._http.post(self._url, {"Content-Type": "application/json", **headers}, body)
        except AddressRefused:
            raise Refused("address") from None
        except NoAnswer as why:
            raise Delayed(str(why)) from None
        check_answer(answer, "the SMS service")

    async def close(self) -> None:
        await self._http.close()
