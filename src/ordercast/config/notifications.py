"""Settings of mail, Web Push and SMS."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from typing import Literal
from urllib.parse import urlsplit

from .errors import PREFIX, ConfigError
from .network import wrong_service_url
from .payments import PaymentSettings
from .secrets import SIGNING_KEY, is_standard_secret, keep_first, kept

_MAIL_FROM = re.compile(r'([^<>"\\\x00-\x1f\x7f,;:]*<)?[^<>@\s,;:"\\()]+@[^<>@\s,;:"\\()]+(?(1)>)')
# FIPS 186-5: what a private key of P-256 is below.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_URL_SAFE = str.maketrans("-_", "+/")


class NotificationSettings(PaymentSettings, frozen=True, kw_only=True):
    mail_url: str = ""
    """Who takes our mails: ``smtp://``, ``smtps://``, a folder as ``file:///...``, or ``off``. Empty: a folder beside
    an embedded database, nobody with a database server.
    """
    mail_from: str = ""
    """Whom they are from, as ``Our Shop <orders@shop.example.com>``."""
    push: Literal["on", "off"] = "on"
    """Whether Web Push is on. On a database server it needs `vapid_private_key`."""
    vapid_private_key: str = ""
    """The VAPID key (RFC 8292): 32 bytes in base64. Empty: generated once beside an embedded database."""
    vapid_subject: str = ""
    """The operator's contact for push services, as ``mailto:ops@shop.example.com``; empty: `mail_from`, or
    `public_url`.
    """
    sms_url: str = ""
    """The SMS gateway: a service's URL, a folder as ``file:///...``, or ``off``; empty: off."""
    sms_secret: str = ""
    """A Standard Webhooks secret (``whsec_...``): signs requests to that service."""
    language: Literal["en", "bn"] = "en"
    """Of mails to whoever does not say theirs."""

    @property
    def mailbox(self) -> str:
        """Who takes our mails: `mail_url`, or the folder in its place; empty for nobody."""
        if self.mail_url:
            return "" if self.mail_url == "off" else self.mail_url
        return "" if self.sqlite_path is None else self.sqlite_path.absolute().with_suffix(".mail").as_uri()

    @property
    def shown_mailbox(self) -> str:
        """The same for people and logs, without user and password."""
        parts = urlsplit(self.mailbox)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.scheme else "off"

    @property
    def mail_sender(self) -> str:
        """The sender of mails; by default one that cannot be answered."""
        return self.mail_from or "Ordercast <noreply@localhost>"

    @property
    def pushes(self) -> bool:
        """Whether browsers can be pushed to."""
        return not self.push_off_because

    @property
    def push_off_because(self) -> str:
        """The setting by which nobody is pushed to; empty where somebody may be."""
        if self.push == "off":
            return f"{PREFIX}PUSH"
        return "" if self.vapid_private_key or self.sqlite_path is not None else f"{PREFIX}VAPID_PRIVATE_KEY"

    @property
    def vapid_contact(self) -> str:
        """`vapid_subject`, or what other settings give in its place; a push service may refuse the last resort."""
        if self.vapid_subject:
            return self.vapid_subject
        if self.mail_from:
            return f"mailto:{self.mail_from.rpartition('<')[2].rstrip('>')}"
        return self.public_url if self.public_url.startswith("https:") else "mailto:noreply@localhost"


# --- Checks -----------------------------------------------------------------------------------------------------------


def check_mail(settings: NotificationSettings) -> None:
    url, sender = settings.mail_url, settings.mail_from
    if url and url != "off":
        _check_mail_url(url)
    if url.startswith("smtp") and not sender:
        raise ConfigError("mail_from", "is required with a mail server, as Our Shop <orders@shop.example.com>")
    if sender and _MAIL_FROM.fullmatch(sender) is None:
        raise ConfigError("mail_from", f"{sender!r} is no address such as Our Shop <orders@example.com>")


def _check_mail_url(url: str) -> None:
    """Its words are not repeated: a password may be any of them."""
    try:
        parts = urlsplit(url)
        is_known = parts.port is None or parts.port > 0
    except ValueError:
        is_known = False
    rest = parts.path.strip("/") + parts.query + parts.fragment if is_known else ""
    if is_known and parts.scheme in {"smtp", "smtps"} and parts.hostname and not rest:
        return
    if is_known and parts.scheme == "file" and not parts.netloc and len(parts.path) > 1:
        return
    raise ConfigError(
        "mail_url",
        "is none of smtp://user:password@host:587, smtps://..., file:///a/folder and off; in a password write @ as %40",
    )


def check_notifications(settings: NotificationSettings) -> None:
    if settings.vapid_private_key and not _is_p256_number(settings.vapid_private_key):
        raise ConfigError("vapid_private_key", "must be 32 bytes in base64, as from `openssl rand -base64 32`")
    subject = settings.vapid_subject
    if subject and re.fullmatch(r"mailto:[^@\s]+@[^@\s]+|https://[!-~]+", subject) is None:
        raise ConfigError("vapid_subject", f"{subject!r} is neither mailto:somebody@example.com nor an https URL")
    _check_sms(settings)


def _check_sms(settings: NotificationSettings) -> None:
    url, secret = settings.sms_url, settings.sms_secret
    parts = urlsplit(url)
    is_folder = parts.scheme == "file" and not parts.netloc and len(parts.path) > 1
    if url in {"", "off"} or is_folder:
        if secret:
            raise ConfigError("sms_secret", "is of no use without a service in ORDERCAST_SMS_URL")
        return
    if (problem := wrong_service_url(url)) is not None:
        raise ConfigError("sms_url", f"{problem}; or a folder as file:///a/folder, or off")
    if not is_standard_secret(secret):
        raise ConfigError("sms_secret", SIGNING_KEY)


def _is_p256_number(text: str) -> bool:
    try:
        key = base64.b64decode(
            text.rstrip("=").translate(_URL_SAFE) + "=" * (-len(text.rstrip("=")) % 4), validate=True
        )
    except (binascii.Error, ValueError):
        return False
    return len(key) == 32 and 0 < int.from_bytes(key, "big") < _P256_ORDER


# --- The key of push services -----------------------------------------------------------------------------------------


def vapid_private_key(settings: NotificationSettings) -> str:
    """The key by which push services know us: as it is set, or made once and kept beside an embedded database; base64,
    of either alphabet. Raises ConfigError.
    """
    if settings.vapid_private_key:
        return settings.vapid_private_key
    assert settings.sqlite_path is not None
    path = settings.sqlite_path.with_suffix(".vapid")
    key = kept("vapid_private_key", path)
    if key is None:
        number = 1 + secrets.randbelow(_P256_ORDER - 1)
        made = base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
        key = keep_first("vapid_private_key", path, made)
    if not _is_p256_number(key):
        raise ConfigError("vapid_private_key", f"{path} holds none; remove it to have a new one made")
    return key
