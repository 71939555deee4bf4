"""SMS: the port of a gateway is `SendingWay`; here is the one that writes files, for development."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec

from ordercast.commerce.notification_preferences import sms_text
from ordercast.mail.folder import Folder

from .outgoing import Delayed, OutgoingNotification


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
