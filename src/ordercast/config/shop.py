"""Settings of the shop: time zone, deliveries, escalation, retention, chat attachments."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta

from .errors import ConfigError
from .notifications import NotificationSettings
from .secrets import check_secret


class ShopSettings(NotificationSettings, frozen=True, kw_only=True):
    timezone: Annotated[str, Meta(max_length=64)] = "UTC"
    """The shop's time zone, as ``Asia/Dhaka``: when its day begins, and which hour it is there."""
    shop_location: Annotated[str, Meta(pattern=r"^$|^-?\d{1,2}(\.\d+)?, ?-?\d{1,3}(\.\d+)?$")] = ""
    """Latitude and longitude of where goods are picked up, such as ``23.7806,90.4074``; the demo shop has its own."""
    shop_telephone: Annotated[str, Meta(pattern=r"^$|^\+?\d[\d ().-]{3,30}\d$")] = ""
    """Where buyers call the shop, such as ``+880 2 5500 1234``; empty: no page and no mail offers it."""
    preparation_minutes: Annotated[int, Meta(ge=0, le=1_440)] = 0
    """In so many minutes an order will be ready that is accepted without a time of its own; 0 promises nothing."""
    pending_minutes_max: Annotated[int, Meta(ge=0, le=525_600)] = 30
    """An order that the shop has not answered for so long expires; 0 lets it wait for ever."""
    booking_reminder_s: Annotated[int, Meta(ge=0, le=2_592_000)] = 86_400
    """So long before a booking begins its customer and its carer are reminded of it; 0 for never."""
    delivery_speed_kmh: Annotated[float, Meta(ge=1, le=200)] = 18.0
    delivery_stop_minutes: Annotated[float, Meta(ge=0, le=120)] = 3.0
    """What a driver needs at the counter and at a door, each."""
    delivery_attempts_max: Annotated[int, Meta(ge=1, le=100)] = 3
    """After so many failed attempts an order can only come back."""
    delivery_proof: Literal["optional", "required"] = "optional"
    notice_escalation: Literal["on", "off"] = "on"
    """Whether anything is done about orders and bookings that nobody of the shop has opened."""
    notice_board_s: Annotated[int, Meta(ge=0, le=86_400)] = 60
    """Seconds unopened until the board rings louder; 0 leaves this step out."""
    notice_push_s: Annotated[int, Meta(ge=0, le=86_400)] = 120
    """Seconds until staff are notified and pushed to; 0 leaves this step out."""
    notice_mail_s: Annotated[int, Meta(ge=0, le=86_400)] = 300
    """Seconds until staff are mailed; 0 leaves this step out."""
    notice_webhook_s: Annotated[int, Meta(ge=0, le=86_400)] = 600
    """Seconds to the last step, an event for the shop's systems; 0 leaves this step out."""
    notice_unsent_s: Annotated[int, Meta(ge=0, le=86_400)] = 30
    """Each step is taken after so long, if that is sooner, of what no screen was there for; 0 for no such."""
    stats_every_ms: Annotated[int, Meta(ge=100, le=3_600_000)] = 2_000
    """How often today's figures are counted anew at most, while they change."""
    notification_days: Annotated[int, Meta(ge=1, le=3_650)] = 30
    """How long notifications that were read are kept."""
    webhook_log_days: Annotated[int, Meta(ge=7, le=365)] = 30
    """How long it is kept what was sent to webhook endpoints and what they answered; longer than it is tried."""
    webhook_disable_hours: Annotated[int, Meta(ge=1, le=720)] = 120
    """A webhook endpoint to which nothing was delivered for so long is switched off."""
    chat_attachment_secret: str = ""
    """Signs files in conversations, as the shop's back end vouches for them; empty: none are taken."""
    chat_attachment_secret_previous: str = ""
    """The secret before it, while what was signed with it is still to be good."""
    chat_attachment_hosts: tuple[str, ...] = ()
    """Where those files are: names such as ``files.shop.example.com`` or ``*.example.com``."""
    chat_attachment_types: tuple[str, ...] = ("image/jpeg", "image/png", "image/webp", "image/gif", "application/pdf")
    chat_attachment_bytes_max: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 10_000_000

    @property
    def notice_steps(self) -> dict[str, int]:
        """What is done about an order that nobody has opened, and after how many seconds."""
        if self.notice_escalation == "off":
            return {}
        steps = {name: getattr(self, f"notice_{name}_s") for name in ("board", "push", "mail", "webhook")}
        return {name: seconds for name, seconds in steps.items() if seconds}


# --- Checks -----------------------------------------------------------------------------------------------------------


def check_place_and_time(settings: ShopSettings) -> None:
    if not _is_zone(settings.timezone):
        raise ConfigError("timezone", f"{settings.timezone!r} is no time zone here; one is called Asia/Dhaka, say")
    if settings.shop_location and not _is_place(settings.shop_location):
        raise ConfigError("shop_location", "is not on the earth: latitude -90 to 90, then longitude -180 to 180")


def check_attachments(settings: ShopSettings) -> None:
    for name in ("chat_attachment_secret", "chat_attachment_secret_previous"):
        check_secret(name, getattr(settings, name))
    if bool(settings.chat_attachment_secret) is not bool(settings.chat_attachment_hosts):
        name = "hosts" if settings.chat_attachment_secret else "secret"
        raise ConfigError(f"chat_attachment_{name}", "is required where files are taken: both, or neither")
    if settings.chat_attachment_secret_previous and not settings.chat_attachment_secret:
        raise ConfigError("chat_attachment_secret_previous", "is of no use without ORDERCAST_CHAT_ATTACHMENT_SECRET")
    for host in settings.chat_attachment_hosts:
        if re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+", host) is None:
            raise ConfigError("chat_attachment_hosts", f"{host!r} is not a host such as files.shop.example.com")
    for type_ in settings.chat_attachment_types:
        if re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", type_) is None:
            raise ConfigError("chat_attachment_types", f"{type_!r} is not a media type such as image/png")


def _is_zone(name: str) -> bool:
    try:
        return name == "UTC" or bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _is_place(text: str) -> bool:
    lat, _, lng = text.partition(",")
    return abs(float(lat)) <= 90 and abs(float(lng)) <= 180
