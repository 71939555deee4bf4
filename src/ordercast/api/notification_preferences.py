"""Notification preferences: topics, channels and quiet hours."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Final

import msgspec
from litestar import Response, get, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.notification_preferences import E164, Channel, NotificationPreferences, QuietHours
from ordercast.commerce.notifications import Severity, Topic
from ordercast.commerce.people import STAFF, Role
from ordercast.commerce.stats import zone
from ordercast.commerce.text_patterns import text_matching
from ordercast.db import notification_preferences as units

from .auth import Identity
from .body import JsonBody
from .context import AnyRequest, Context
from .push import LanguageTag, owner_of
from .responses import json_response, refusals

ClockTime = Annotated[
    str, text_matching(r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)", "A time of the day is wanted, such as 09:30")
]
ZoneName = Annotated[str, Meta(min_length=1, max_length=64)]
MobileNumber = Annotated[
    str,
    text_matching(
        E164,
        "A number with its country is wanted, such as +8801700000000",
        description="With its country, as E.164 has it: `+8801700000000`.",
    ),
]


class Quiet(
    Struct,
    frozen=True,
    rename={"begin": "from", "end": "to", "lets_through": "letsThrough"},
    forbid_unknown_fields=True,
):
    """Daily quiet hours, in which nothing is pushed, mailed or texted; what is held is sent as one digest at their end.
    They may cross midnight.
    """

    begin: ClockTime
    """Local time, as `22:00`."""
    end: ClockTime
    """Local time, as `07:00`."""
    lets_through: Severity | None = Severity.ERROR
    """The severity that is sent all the same; null: none."""


class Preferences(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Omitted fields mean the default."""

    language: LanguageTag | None = None
    """Language of notifications (BCP 47); null: the device's, or the shop's."""
    timezone: ZoneName | None = None
    """Time zone, as `Asia/Dhaka`; null: the shop's."""
    quiet_hours: Quiet | None = None
    """Quiet hours."""
    mobile: MobileNumber | None = None
    """Phone number for SMS."""
    topics: dict[Topic, list[Channel]] = {}
    """Channels of each topic, besides the list on screens, which has all."""


class ShownPreferences(Struct, frozen=True, rename="camel"):
    """The effective preferences, with every topic of the role."""

    language: str | None
    """Language of notifications (BCP 47); null: the device's, or the shop's."""
    timezone: str | None
    """Time zone; null: the shop's."""
    quiet_hours: Quiet | None
    """Quiet hours."""
    mobile: str | None
    """Phone number for SMS (E.164)."""
    topics: dict[Topic, list[Channel]]
    """Channels of each topic, besides the list on screens."""
    ways: list[Channel]
    """The channels that this shop has configured."""


@get("/api/me/notification-preferences", tags=["notifications"], responses=refusals(401, 403))
async def get_preferences(request: AnyRequest, context: Context) -> Response[ShownPreferences]:
    """Get the caller's notification preferences, with defaults for their role."""
    identity = await context.require_identity(request)
    user_id, _ = _person(identity)
    found = await context.store.read(lambda transaction: units.find(transaction, user_id))
    return _shown(found, identity.actor.role, context.channels)


@put(
    "/api/me/notification-preferences",
    dto=JsonBody[Preferences],
    return_dto=None,
    tags=["notifications"],
    responses=refusals(400, 401, 403, 422),
)
async def put_preferences(
    data: JSONBody[Preferences], request: AnyRequest, context: Context
) -> Response[ShownPreferences]:
    """Replace the preferences; effective at once, also for waiting notifications."""
    identity = await context.require_identity(request)
    user_id, for_shop = _person(identity)
    wanted, now = _read(data, identity.actor.role), context.now()
    await context.store.write(lambda transaction: units.save(transaction, user_id, wanted, for_shop=for_shop, now=now))
    return _shown(wanted, identity.actor.role, context.channels)


def _person(identity: Identity) -> tuple[str, bool]:
    """The caller's id, and whether they are staff. Raises NotPermitted for guests, who have push only."""
    if identity.order_id is not None:
        raise NotPermitted(identity.actor, "choose notification preferences")
    return owner_of(identity)


def _read(data: Preferences, role: Role) -> NotificationPreferences:
    """Convert the request. Raises InvalidField."""
    if data.timezone is not None:
        try:
            zone(data.timezone)
        except InvalidField as wrong:
            raise InvalidField("timezone", str(wrong)) from None
    quiet = None if data.quiet_hours is None else _quiet(data.quiet_hours)
    topics = {topic: frozenset(ways) for topic, ways in data.topics.items()}
    if Topic.SHOP in topics and role not in STAFF:
        raise InvalidField("topics.shop", "Only staff can choose this topic.")
    if data.mobile is None and any(Channel.SMS in ways for ways in topics.values()):
        raise InvalidField("mobile", "SMS need a number to go to.")
    return NotificationPreferences(data.language, data.timezone, quiet, data.mobile, topics)


def _quiet(given: Quiet) -> QuietHours:
    if given.begin == given.end:
        raise InvalidField("quietHours.to", "Quiet hours end at another time than they begin.")
    return QuietHours(time.fromisoformat(given.begin), time.fromisoformat(given.end), given.lets_through)


def _shown(found: NotificationPreferences, role: Role, ways: frozenset[Channel]) -> Response[ShownPreferences]:
    quiet = found.quiet_hours
    shown = ShownPreferences(
        found.language,
        found.timezone,
        None if quiet is None else Quiet(f"{quiet.begin:%H:%M}", f"{quiet.end:%H:%M}", quiet.lets_through),
        found.mobile,
        {topic: sorted(chosen) for topic, chosen in found.by_topic(role)},
        sorted(ways),
    )
    return json_response(msgspec.json.encode(shown), headers={"Cache-Control": "no-store"})


ROUTES: Final = [get_preferences, put_preferences]
