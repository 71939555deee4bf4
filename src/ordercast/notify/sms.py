"""Sends SMS: `FolderSms` writes files, for development; `HttpSms` posts signed ones to the shop's gateway service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ordercast.commerce.notification_preferences import sms_text
from ordercast.commerce.webhook_signatures import sign_standard
from ordercast.mail.folder import Folder
from ordercast.outgoing import AddressRefused, Networks
from ordercast.outgoing.http import OutgoingHttp, RequestFailed

from .responses import raise_for_status
from .sender import Delayed, OutgoingNotification, Refused

# The operator configures the URL, so it may be a private address.
_ANYWHERE: Final = Networks(("0.0.0.0/0", "::/0"))


class SmsMessage(msgspec.Struct, frozen=True):
    """The JSON body that the gateway service receives."""

    id: str
    """Idempotency key: the same if it is sent again."""
    to: str
    """E.164."""
    text: str
    """At most three SMS segments."""


def sms_of(notification: OutgoingNotification) -> SmsMessage:
    text = sms_text(notification.title, notification.text, notification.link)
    return SmsMessage(notification.id, notification.address, text)


# Only files with this suffix are deleted when the folder is full.
_SUFFIX: Final = ".sms.json"


class FolderSms:
    """Writes each SMS to a file named by its id, so a repeated one overwrites the first."""

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
        """Nothing to close."""


class HttpSms:
    """Posts each SMS to the gateway service, signed by Standard Webhooks; ``webhook-id`` is the SMS's id, for
    deduplication.
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
            response = await self._http.post(self._url, {"Content-Type": "application/json", **headers}, body)
        except AddressRefused:
            raise Refused("address") from None
        except RequestFailed as why:
            raise Delayed(str(why)) from None
        raise_for_status(response, "the SMS service")

    async def close(self) -> None:
        await self._http.close()
