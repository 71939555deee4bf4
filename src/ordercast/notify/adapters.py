"""Makes a sender for each channel that the settings configure; its modules are imported at the first notification."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ordercast.commerce.notification_preferences import Channel
from ordercast.config import Settings, vapid_private_key
from ordercast.mail import mailer_of
from ordercast.outgoing import Networks

from .sender import NotificationSender, OutgoingNotification

if TYPE_CHECKING:
    from .vapid import VapidKey


class LazySender:
    """Makes the real sender at the first notification, so that start-up does not import its modules."""

    def __init__(self, name: str, make: Callable[[], NotificationSender]) -> None:
        self._name = name
        self._make = make
        self._made: asyncio.Task[NotificationSender] | None = None

    def __repr__(self) -> str:
        return self._name

    async def send(self, notification: OutgoingNotification) -> None:
        if self._made is None:
            # On a thread: importing an HTTP client takes 100 ms, and would block the event loop.
            self._made = asyncio.ensure_future(asyncio.to_thread(self._make))
        try:
            channel = await asyncio.shield(self._made)
        except Exception:
            self._made = None  # the next notification tries again
            raise
        await channel.send(notification)

    async def close(self) -> None:
        if self._made is not None:
            await (await self._made).close()


def configured_channels(settings: Settings) -> frozenset[Channel]:
    """The channels that the settings configure."""
    has = {
        Channel.PUSH: settings.pushes,
        Channel.MAIL: bool(settings.mailbox),
        Channel.SMS: settings.sms_url not in {"", "off"},
    }
    return frozenset(channel for channel, is_there in has.items() if is_there)


def senders_of(settings: Settings, public_url: str) -> dict[Channel, NotificationSender]:
    make: dict[Channel, Callable[[], NotificationSender]] = {
        Channel.PUSH: lambda: _push(settings),
        Channel.MAIL: lambda: _mail(settings, public_url),
        Channel.SMS: lambda: _sms(settings),
    }
    return {channel: LazySender(channel, make[channel]) for channel in sorted(configured_channels(settings))}


def push_key(settings: Settings) -> Callable[[], str] | None:
    """Return a function for the VAPID public key that browsers subscribe with, computed once; None if push is off."""
    if not settings.pushes:
        return None
    known: list[str] = []

    def key() -> str:
        if not known:
            known.append(_vapid_key(settings).public)
        return known[0]

    return key


def channels_summary(settings: Settings) -> str:
    """One line for the operator's log: which channels are on, and which setting turns the others on."""
    offered = configured_channels(settings)
    off = {
        Channel.PUSH: settings.push_off_because,
        Channel.MAIL: "ORDERCAST_MAIL_URL",
        Channel.SMS: "ORDERCAST_SMS_URL",
    }
    return ", ".join(f"{channel} {'on' if channel in offered else f'off ({off[channel]})'}" for channel in Channel)


def _vapid_key(settings: Settings) -> VapidKey:
    from .vapid import VapidKey  # noqa: PLC0415 - slow to load

    return VapidKey(vapid_private_key(settings), settings.vapid_contact, time.time)


def _push(settings: Settings) -> NotificationSender:
    from ordercast.outgoing.http import OutgoingHttp  # noqa: PLC0415 - slow to load

    from .push import PushSender  # noqa: PLC0415 - slow to load

    return PushSender(OutgoingHttp(Networks(settings.outgoing_networks)), _vapid_key(settings))


def _mail(settings: Settings, public_url: str) -> NotificationSender:
    from .mail import MailSender  # noqa: PLC0415 - with the others

    mailer = mailer_of(settings)
    assert mailer is not None
    domain = urlsplit(public_url).hostname or "localhost"
    return MailSender(mailer, sender=settings.mail_sender, domain=domain, now_ms=lambda: time.time_ns() // 1_000_000)


def _sms(settings: Settings) -> NotificationSender:
    from .sms import FolderSms, HttpSms  # noqa: PLC0415 - slow to load

    if not settings.sms_url.startswith("file:"):
        return HttpSms(settings.sms_url, settings.sms_secret, time.time)
    return FolderSms(Path(url2pathname(urlsplit(settings.sms_url).path)))
