"""Where people are reached who look at no screen: browsers that are pushed to, and where mail and SMS go."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Final

import msgspec

from ordercast.commerce.notification_preferences import Way
from ordercast.commerce.notifications import GUEST_PREFIX
from ordercast.commerce.timestamps import Timestamp

from .columns import flag, identifier, index, json_object, line, moment, one_of, table, word
from .dialects import Trigger
from .noun import Noun, PersonalData
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "contact_points"
# Browsers of one person; the one that asked longest ago makes room for another. Push services end those that are gone.
DEVICES_MAX: Final = 20
# Orders that are followed on one browser, and move with it when its URL changes; nobody follows a hundred.
ON_DEVICE_MAX: Final = 100

OF_CUSTOMER: Final = (
    f"user_id IN (SELECT '{GUEST_PREFIX}' || id FROM orders WHERE customer_id = :customer_id"
    " UNION ALL SELECT CAST(:customer_id AS text))"
)
"""SQL: which rows are a customer's, or the guest's of an order of theirs."""

contact_points = table(
    TABLE,
    # Made of the way and what it leads to, so that a browser that asks again is there once.
    identifier("id", primary_key=True),
    # An account's or another issuer's person, or `guest:` and the order that a tracking token shows.
    identifier("user_id"),
    word("way"),
    # Whether what all the shop's people are told goes there too.
    flag("for_shop", False),
    # A browser's, the digest of its URL: a guest's orders, and whoever signed in on it, are each reached there.
    word("device", default=""),
    # The push service's URL for one browser, which is as good as a password; a number; of mail nothing: the account's.
    line("address", default=""),
    # By which a browser reads what it is pushed (RFC 8291).
    json_object("keys", "{}"),
    # That of the page on which it was asked for.
    line("language", optional=True),
    moment("created_at"),
    one_of("way", Way),
    index("contact_points_by_user", "user_id", "way", "created_at", "id"),
    index("contact_points_by_device", "device", "id", where="device <> ''"),
    index("contact_points_of_shop", "id", where="for_shop = 1"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

_POINT: Final = "SELECT id, user_id, way, for_shop, address, keys, language, created_at FROM contact_points"
# A browser has few owners, but any number of orders may be followed on it.
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

# Whoever was signed out everywhere is pushed to nowhere: one of the devices may be in other hands.
_ENDED: Final = tuple(
    cleandoc(f"""
        DELETE FROM contact_points
          WHERE user_id = {name} AND way = '{Way.PUSH}' AND created_at <= NEW.since
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
    way: Way
    for_shop: bool
    address: str
    keys: str
    """JSON."""
    language: str | None
    created_at: str


_Row = tuple[str, str, Way, int, str, str, str | None, str]


def device_id(endpoint: str, user_id: str) -> str:
    """The id under which somebody is reached on the browser with that push service's URL. Of people it is whose who
    asked last on it; beside that any number of orders may be followed there.
    """
    return _id_of(Way.PUSH, endpoint, *([user_id] if user_id.startswith(GUEST_PREFIX) else ()))


def _id_of(way: Way, *leads_to: str) -> str:
    return f"cpt_{_digest(way, *leads_to)}"


def _device_of(endpoint: str) -> str:
    return _digest(endpoint)


def _digest(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:32]


def on_device(transaction: Transaction, endpoint: str) -> Sequence[ContactPoint]:
    """Whoever is reached on the browser with that URL."""
    return transaction.read(BY_DEVICE, _point, TABLE, device=_device_of(endpoint), limit=ON_DEVICE_MAX)


def devices(transaction: Transaction, user_id: str) -> Sequence[ContactPoint]:
    """The browsers that somebody is pushed to on, the oldest first."""
    return transaction.read(OF_USER, _point, TABLE, user_id=user_id, way=Way.PUSH, limit=DEVICES_MAX)


def add(transaction: Transaction, point: ContactPoint) -> None:
    """Keep a contact point, which is from now on this person's, whoever's it was; and of devices no more than
    DEVICES_MAX.
    """
    values = {name: getattr(point, name) for name in ("id", "user_id", "way", "address", "keys", "language")}
    device = _device_of(point.address) if point.way is Way.PUSH else ""
    transaction.run(ADD, **values, for_shop=int(point.for_shop), device=device, created_at=point.created_at)
    if point.way is Way.PUSH:
        transaction.run(MAKE_ROOM, user_id=point.user_id, way=Way.PUSH, kept=DEVICES_MAX)


def keep(
    transaction: Transaction, user_id: str, way: Way, address: str | None, *, for_shop: bool, now: Timestamp
) -> None:
    """Have somebody reached by mail or SMS at that address alone; None: not at all."""
    point_id = _id_of(way, user_id)
    if address is None:
        transaction.run(REMOVE, id=point_id)
    else:
        add(transaction, ContactPoint(point_id, user_id, way, for_shop, address, "{}", None, now))


def remove(transaction: Transaction, point_id: str, user_id: str | None = None) -> bool:
    """Forget a contact point, of that person or of whoever; False where there is none."""
    if user_id is None:
        return bool(transaction.run(REMOVE, id=point_id))
    return bool(transaction.run(REMOVE_OF_USER, id=point_id, user_id=user_id))


def _point(row: tuple[Any, ...]) -> ContactPoint:
    id_, user_id, way, for_shop, *rest = msgspec.convert(row, _Row)
    return ContactPoint(id_, user_id, way, bool(for_shop), *rest)
