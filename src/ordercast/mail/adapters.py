"""Chooses the mailer by the settings."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ordercast.config import Settings

from .folder import FolderMailer
from .mailer import Mailer
from .message import address_of
from .smtp import SmtpMailer, SmtpServer


def mailer_of(settings: Settings) -> Mailer | None:
    """The configured mailer; None if mail is off."""
    url = settings.mailbox
    if not url:
        return None
    if url.startswith("file:"):
        return FolderMailer(Path(url2pathname(urlsplit(url).path)))
    return SmtpMailer(SmtpServer.of_url(url), address_of(settings.mail_sender).domain)


def mail_summary(settings: Settings) -> str:
    """One line for the operator's log: where mails go."""
    mailer = mailer_of(settings)
    if mailer is None:
        return "none is sent (ORDERCAST_MAIL_URL): addresses are not confirmed, forgotten passwords are for an admin"
    if isinstance(mailer, FolderMailer):
        return f"written into {url2pathname(urlsplit(settings.mailbox).path)}, and sent to nobody (ORDERCAST_MAIL_URL)"
    return f"sent by {settings.shown_mailbox}"
