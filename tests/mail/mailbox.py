"""A shop's mails as whoever gets them sees them: sent into a folder, and read there."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import UTC, tzinfo
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from ordercast.api.mail_links import MailLinks
from ordercast.api.signing_keys import SigningKeys
from ordercast.db import Store
from ordercast.mail import Letters, Mailer, MailWorker
from ordercast.mail.folder import FolderMailer

PUBLIC_URL = "https://shop.example.com"
SENDER = "Our Shop <orders@shop.example.com>"


@dataclass(frozen=True)
class Received:
    """One mail, as it is read."""

    to: str
    subject: str
    text: str
    message: EmailMessage

    @property
    def link(self) -> str:
        found = re.search(r"https?://\S+", self.text)
        assert found is not None, self.text
        return found[0]

    @property
    def token(self) -> str:
        return self.link.partition("#token=")[2]


def read(content: bytes) -> Received:
    message: Any = email.message_from_bytes(content, policy=email.policy.default)
    return Received(
        message["To"], message["Subject"], message.get_body(("plain",)).get_content().replace("\r\n", "\n"), message
    )


def sending_of(
    store: Store, mailer: Mailer, secret: str, *, zone: tzinfo = UTC, telephone: str = "", **more: Any
) -> MailWorker:
    letters = Letters(MailLinks(PUBLIC_URL, SigningKeys(secret)), zone, telephone)
    return MailWorker(store, mailer, letters, sender=SENDER, public_url=PUBLIC_URL, **more)


class Mailbox:
    """All that a shop sends."""

    def __init__(self, store: Store, folder: Path, secret: str, **letters: Any) -> None:
        self._folder = folder
        self._sending = sending_of(store, FolderMailer(folder), secret, **letters)

    async def receive(self) -> list[Received]:
        """What has come since this was last asked, in the order of its writing."""
        while await self._sending.send_due():
            pass
        files = sorted(self._folder.glob("*.eml"), key=lambda file: file.name.removeprefix("mail_ord_"))
        found = [read(file.read_bytes()) for file in files]
        for file in files:
            file.unlink()
        return found

    async def receive_one(self) -> Received:
        (mail,) = await self.receive()
        return mail
