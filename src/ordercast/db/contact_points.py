"""Contact points: browsers subscribed to push, mailboxes and phone numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Final

import msgspec

from ordercast.commerce.notification_preferences import Channel
from ordercast.commerce.notifications import GUEST_PREFIX
from ordercast.commerce.timestamps import Timestamp

from .columns import flag, identifier, index, json_object, line, moment, one_of, table, word
from .dialects import Trigger
from .noun import Noun, PersonalData
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "contact_points"
# Browsers per user; a new subscription replaces the oldest. Push services report those that are gone.
DEVICES_MAX: Final = 20
# Users and guest orders on one browser, which move together when its endpoint changes.
ON_DEVICE_MAX: Final = 100

OF_CUSTOMER: Final = (
    f"user_id IN (SELECT '{GUEST_PREFIX}' || id FROM orders WHERE customer_id = :customer_id"
    " UNION ALL SELECT CAST(:customer_id AS text))"
)
"""SQL condition: the contact points of a customer, and of the guest of each of their orders."""

contact_points = table(
    TABLE,
    # Derived from channel and destination, so that subscribing twice makes one row.
    identifier("id", primary_key=True),
    # A user's id, local or external, or `guest:` and an order's id.
    identifier("user_id"),
    word("way"),
    # Whether notifications for all staff are sent here too.
    flag("for_shop", False),
    # Digest of a browser's endpoint URL: its user and the guest orders on it share it.
    word("device", default=""),
    # The push endpoint, a bearer secret; a phone number; empty for mail, which uses the account's address.
    line("address", default=""),
    # The subscription's encryption keys (RFC 8291).
    json_object("keys", "{}"),
    # The language of the page that subscribed.
    line("language", optional=True),
    moment("created_at"),
    one_of("way", Channel),
    index("contact_points_by_user", "user_id", "way", "created_at", "id"),
    index("contact_points_by_device", "device", "id", where="device <> ''"),
    index("contact_points_of_shop", "id", where="for_shop = 1"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

_POINT: Final = "SELECT id, user_id, way, for_shop, address, keys, language, created_at FROM contact_points"
# One user per browser, but any number of guest orders.
BY_DEVICE: Final = Statement(f"{_POINT} WHERE device = :device AND device <> '' ORDER BY id LIMIT :limit")
OF_USER: Final = Statement(f"{_POINT} WHERE user_id = :user_id AND way = :way ORDER BY created_at, id LIMIT :limit")
ADD: Final = Statement("""
    INSERT INTO contact_points (id, user_id, way, for_shop, device, address, keys, language, created_at)
    VALUES (:id, :user_id, :way, :for_shop, :device, :address, :keys, :language, :created_at)
    ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, for_shop = excluded.for_shop,
      address = excluded.address, keys = excluded.keys, language = excluded.language, created_at = excluded.created_at
""")
MAKE_ROOM: Final = Statement("""
    DELETE FROM contact_points WHERE id IN (
      SELECT id FROM contact_points WHERE user_id = :user_id AND way = :way
      ORDER BY created_at DESC, id DESC LIMIT 1000 OFFSET :kept)
""")
REMOVE: Final = Statement("DELETE FROM contact_points WHERE id = :id")
REMOVE_OF_USER: Final = Statement("DELETE FROM contact_points WHERE id = :id AND user_id = :user_id")

# --- Triggers ---------------------------------------------------------------------------------------------------------

# Revoking all sessions removes push subscriptions: a device may be in other hands.
_ENDED: Final = tuple(
    cleandoc(f"""
        DELETE FROM contact_points
          WHERE user_id = {name} AND way = '{Channel.PUSH}' AND created_at <= NEW.since
    """)
    for name in ("NEW.name", f"'{GUEST_PREFIX}' || NEW.name")
)

NOUN: Final = Noun(
    name=TABLE,
    tables=(contact_points,),
    statements=statements_in(globals()),
    triggers=(
        Trigger("contact_points_revoked", "AFTER INSERT", "revocations", _ENDED),
        Trigger("contact_points_revoked_again", "AFTER UPDATE", "revocations", _ENDED),
    ),
    personal={
        TABLE: PersonalData(OF_CUSTOMER, ("id", "way", "address", "language", "created_at")),
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContactPoint:
    id: str
    user_id: str
    channel: Channel
    for_shop: bool
    address: str
    keys: str
    """JSON."""
    language: str | None
    created_at: str


_Row = tuple[str, str, Channel, int, str, str, str | None, str]


def device_id(endpoint: str, user_id: str) -> str:
    """The contact point's id for a browser's endpoint. The last user who subscribed replaces the one before; guest
    orders have ids besides.
    """
    return _id_of(Channel.PUSH, endpoint, *([user_id] if user_id.startswith(GUEST_PREFIX) else ()))


def _id_of(channel: Channel, *leads_to: str) -> str:
    return f"cpt_{_digest(channel, *leads_to)}"


def _device_of(endpoint: str) -> str:
    return _digest(endpoint)


def _digest(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:32]


def on_device(transaction: Transaction, endpoint: str) -> Sequence[ContactPoint]:
    """The contact points of the browser with that endpoint."""
    return transaction.read(BY_DEVICE, _point, TABLE, device=_device_of(endpoint), limit=ON_DEVICE_MAX)


def devices(transaction: Transaction, user_id: str) -> Sequence[ContactPoint]:
    """A user's subscribed browsers, oldest first."""
    return transaction.read(OF_USER, _point, TABLE, user_id=user_id, way=Channel.PUSH, limit=DEVICES_MAX)


def add(transaction: Transaction, point: ContactPoint) -> None:
    """Insert or replace a contact point, and delete a user's browsers beyond DEVICES_MAX."""
    values = {name: getattr(point, name) for name in ("id", "user_id", "address", "keys", "language")}
    device = _device_of(point.address) if point.channel is Channel.PUSH else ""
    transaction.run(
        ADD, **values, way=point.channel, for_shop=int(point.for_shop), device=device, created_at=point.created_at
    )
    if point.channel is Channel.PUSH:
        transaction.run(MAKE_ROOM, user_id=point.user_id, way=Channel.PUSH, kept=DEVICES_MAX)


def keep(
    transaction: Transaction, user_id: str, channel: Channel, address: str | None, *, for_shop: bool, now: Timestamp
) -> None:
    """Set the user's mail or SMS contact point; delete it if `address` is None."""
    point_id = _id_of(channel, user_id)
    if address is None:
        transaction.run(REMOVE, id=point_id)
    else:
        add(transaction, ContactPoint(point_id, user_id, channel, for_shop, address, "{}", None, now))


def remove(transaction: Transaction, point_id: str, user_id: str | None = None) -> bool:
    """Delete a contact point, only if it is the user's when `user_id` is given; return whether it existed."""
    if user_id is None:
        return bool(transaction.run(REMOVE, id=point_id))
    return bool(transaction.run(REMOVE_OF_USER, id=point_id, user_id=user_id))


def _point(row: tuple[Any, ...]) -> ContactPoint:
    id_, user_id, channel, for_shop, *rest = msgspec.convert(row, _Row)
    return ContactPoint(id_, user_id, channel, bool(for_shop), *rest)
