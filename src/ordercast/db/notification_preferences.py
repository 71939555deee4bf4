"""Units of work on notification preferences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any, Final

import msgspec

from ordercast.commerce.notification_preferences import Channel, NotificationPreferences, QuietHours
from ordercast.commerce.notifications import Severity, Topic
from ordercast.commerce.timestamps import Timestamp

from . import contact_points
from .columns import identifier, json_object, line, moment, table, word
from .lenient_json import read_json
from .noun import Noun, PersonalData
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "notification_preferences"

notification_preferences = table(
    TABLE,
    identifier("user_id", primary_key=True),
    line("language", optional=True),
    line("timezone", optional=True),
    # Local time, as 22:00.
    word("quiet_from", optional=True),
    word("quiet_to", optional=True),
    # The severity from which on quiet hours do not apply.
    word("quiet_lets_through", optional=True),
    line("mobile", optional=True),
    # Channels by topic, for the topics that were changed.
    json_object("topics", "{}"),
    moment("updated_at"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

COLUMNS: Final = "language, timezone, quiet_from, quiet_to, quiet_lets_through, mobile, topics"
OF_USER: Final = Statement(f"SELECT user_id, {COLUMNS} FROM notification_preferences WHERE user_id = :user_id")
KEEP: Final = Statement(f"""
    INSERT INTO notification_preferences (user_id, {COLUMNS}, updated_at)
    VALUES (:user_id, :language, :timezone, :quiet_from, :quiet_to, :quiet_lets_through, :mobile, :topics, :updated_at)
    ON CONFLICT (user_id) DO UPDATE SET language = excluded.language, timezone = excluded.timezone,
      quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
      quiet_lets_through = excluded.quiet_lets_through, mobile = excluded.mobile, topics = excluded.topics,
      updated_at = excluded.updated_at
""")

NOUN: Final = Noun(
    name=TABLE,
    tables=(notification_preferences,),
    statements=statements_in(globals()),
    personal={
        TABLE: PersonalData(
            "user_id = :customer_id",
            ("language", "timezone", "quiet_from", "quiet_to", "quiet_lets_through", "mobile", "topics", "updated_at"),
            key="user_id",
        ),
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------


def find(transaction: Transaction, user_id: str) -> NotificationPreferences:
    """A user's preferences, or the defaults."""
    row = transaction.read_one(OF_USER, lambda row: preferences_of(row[1:]), TABLE, user_id=user_id)
    return NotificationPreferences() if row is None else row


def save(
    transaction: Transaction, user_id: str, preferences: NotificationPreferences, *, for_shop: bool, now: Timestamp
) -> None:
    """Save a user's preferences, and their mail and SMS contact points; `for_shop` says whether staff notifications go
    there too.
    """
    quiet = preferences.quiet_hours
    transaction.run(
        KEEP,
        user_id=user_id,
        language=preferences.language,
        timezone=preferences.timezone,
        quiet_from=None if quiet is None else f"{quiet.begin:%H:%M}",
        quiet_to=None if quiet is None else f"{quiet.end:%H:%M}",
        quiet_lets_through=None if quiet is None else quiet.lets_through,
        mobile=preferences.mobile,
        topics=_json(preferences.topics),
        updated_at=now,
    )
    mail_to = "" if preferences.wants(Channel.MAIL) else None
    text_to = preferences.mobile if preferences.wants(Channel.SMS) else None
    contact_points.keep(transaction, user_id, Channel.MAIL, mail_to, for_shop=for_shop, now=now)
    contact_points.keep(transaction, user_id, Channel.SMS, text_to, for_shop=for_shop, now=now)


def _json(topics: Mapping[Topic, frozenset[Channel]]) -> str:
    return msgspec.json.encode({topic: sorted(channels) for topic, channels in topics.items()}, order="sorted").decode()


_Row = tuple[str | None, str | None, str | None, str | None, Severity | None, str | None, str]


def preferences_of(row: tuple[Any, ...]) -> NotificationPreferences:
    """Convert a row of `COLUMNS`. Raises msgspec.ValidationError or ValueError if another program damaged it."""
    language, timezone, begin, end, lets_through, mobile, topics = msgspec.convert(row, _Row)
    quiet = None
    if begin is not None and end is not None:
        quiet = QuietHours(time.fromisoformat(begin), time.fromisoformat(end), lets_through)
    chosen = msgspec.convert(read_json(topics), dict[Topic, frozenset[Channel]])
    return NotificationPreferences(language, timezone, quiet, mobile, chosen)
