"""Which ways the settings name; each is loaded when something goes by it for the first time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ordercast.commerce.notification_preferences import Way
from ordercast.config import Settings, vapid_private_key
from ordercast.mail import mailer_of
from ordercast.outgoing import Networks

from .outgoing import OutgoingNotification, SendingWay

if TYPE_CHECKING:
    from .vapid import VapidKey


class OnDemand:
    """A way whose modules are loaded when it is first taken: a start has no use for them."""

    def __init__(self, name: str, make: Callable[[], SendingWay]) -> None:
        self._name = name
        self._make = make
        self._made: asyncio.Task[SendingWay] | None = None

    def __repr__(self) -> str:
        return self._name

    async def send(self, notification: OutgoingNotification) -> None:
        if self._made is None:
            # On a thread: what speaks HTTP takes a tenth of a second to load, which the loop has not got.
            self._made = asyncio.ensure_future(asyncio.to_thread(self._make))
        try:
            way = await asyncio.shield(self._made)
        except Exception:
            self._made = None  # to be tried again
            raise
        await way.send(notification)

    async def close(self) -> None:
        if self._made is not None:
            await (await self._made).close()


def ways_offered(settings: Settings) -> frozenset[Way]:
    """The ways that this shop has."""
    has = {Way.PUSH: settings.pushes, Way.MAIL: bool(settings.mailbox), Way.SMS: settings.sms_url not in {"", "off"}}
    return frozenset(way for way, is_there in has.items() if is_there)


def ways_of(settings: Settings, public_url: str) -> dict[Way, SendingWay]:
    make: dict[Way, Callable[[], SendingWay]] = {
        Way.PUSH: lambda: _push(settings),
        Way.MAIL: lambda: _mail(settings, public_url),
        Way.SMS: lambda: _sms(settings),
    }
    return {way: OnDemand(way, make[way]) for way in sorted(ways_offered(settings))}


def push_key(settings: Settings) -> Callable[[], str] | None:
    """What tells the key that browsers subscribe with, worked out when it is first asked for; None where nobody is
    pushed to.
    """
    if not settings.pushes:
        return None
    known: list[str] = []

    def key() -> str:
        if not known:
            known.append(_vapid_key(settings).public)
        return known[0]

    return key


def ways_sentence(settings: Settings) -> str:
    """Which ways there are, for the operator."""
    offered = ways_offered(settings)
    off = {Way.PUSH: settings.push_off_because, Way.MAIL: "ORDERCAST_MAIL_URL", Way.SMS: "ORDERCAST_SMS_URL"}
    return ", ".join(f"{way} {'on' if way in offered else f'off ({off[way]})'}" for way in Way)


def _vapid_key(settings: Settings) -> VapidKey:
    from .vapid import VapidKey  # noqa: PLC0415 - slow to load

    return VapidKey(vapid_private_key(settings), settings.vapid_contact, time.time)


def _push(settings: Settings) -> SendingWay:
    from ordercast.outgoing.http import OutgoingHttp  # noqa: PLC0415 - slow to load

    from .push import PushWay  # noqa: PLC0415 - slow to load

    return PushWay(OutgoingHttp(Networks(settings.outgoing_networks)), _vapid_key(settings))


def _mail(settings: Settings, public_url: str) -> SendingWay:
    from .by_mail import MailWay  # noqa: PLC0415 - with the others

    mailer = mailer_of(settings)
    assert mailer is not None
    domain = urlsplit(public_url).hostname or "localhost"
    return MailWay(mailer, sender=settings.mail_sender, domain=domain, now_ms=lambda: time.time_ns() // 1_000_000)


def _sms(settings: Settings) -> SendingWay:
    from .sms import FolderSms, HttpSms  # noqa: PLC0415 - slow to load

    if not settings.sms_url.startswith("file:"):
        return HttpSms(settings.sms_url, settings.sms_secret, time.time)
    return FolderSms(Path(url2pathname(urlsplit(settings.sms_url).path)))
