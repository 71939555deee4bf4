"""The names of rooms, as used for joining and emitting."""

from __future__ import annotations

import re
from typing import Final

STORE_OWNERS: Final = "store-owners"
SHOPPERS: Final = "shoppers"
CONVERSATION_PREFIX: Final = "conversation_"
_WATCH: Final = "watch_order_"
TABLE_WATCH_PREFIX: Final = "rows:"
EVERYBODY: Final = "\x00everybody"
"""Instead of a room: all authenticated sockets, for a row of the feed that does not name its rooms."""

ROOMS: Final = {
    STORE_OWNERS: "The shop's people: tokens of the roles `admin` and `store`.",
    SHOPPERS: "Whoever asked for it by `watch_shop`, also without a token: what it hears, everybody may know.",
    "customer_{id}": "The customer of that id.",
    "driver_{id}": "The driver of that id.",
    "carer_{id}": "The carer of that id.",
    "user_{id}": "Whoever signed in under that id: the shop's people, customers, drivers and carers.",
    "order_{id}": "Whoever holds the tracking token of that order: its guest.",
    "booking_{id}": "Whoever holds the tracking token of that booking: its guest.",
    "watch_order_{id}": "The shop's people and trusted back ends that watch that order by `watch_order`.",
    "conversation_{id}": "Who has that conversation open, by `watch_conversation` or `typing`, and takes part in it.",
}
"""The members of each room; only the server joins sockets (``api.token_rooms.rooms_of``)."""

_ID: Final = re.compile(r"[a-z]+_[^_]+$")


def room_kind(room: str) -> str:
    """A room's kind, as in `ROOMS`: ``order_{id}`` for an order's room."""
    return _ID.sub("{id}", room) if room != STORE_OWNERS else room


def customer_room(customer_id: str) -> str:
    return f"customer_{customer_id}"


def driver_room(driver_id: str) -> str:
    return f"driver_{driver_id}"


def carer_room(carer_id: str) -> str:
    return f"carer_{carer_id}"


def order_room(order_id: str) -> str:
    return f"order_{order_id}"


def booking_room(booking_id: str) -> str:
    """The room of guests with the booking's tracking token."""
    return f"booking_{booking_id}"


def watch_room(order_id: str) -> str:
    """The room of staff and back ends that watch an order; buyers are in ``order_room``."""
    return f"{_WATCH}{order_id}"


def is_watch_room(room: str) -> bool:
    return room.startswith(_WATCH)


def is_table_watch_room(room: str) -> bool:
    """Whether it is of those who watch rows of an attached table, whose filter is its name."""
    return room.startswith(TABLE_WATCH_PREFIX)


def is_watched_room(room: str) -> bool:
    """Whether a command other than `join_room` opens it."""
    is_order = is_watch_room(room) or is_conversation_room(room)
    return is_order or is_table_watch_room(room) or room == SHOPPERS


def user_room(user_id: str) -> str:
    return f"user_{user_id}"


def conversation_room(conversation_id: str) -> str:
    """The room of authorized watchers of a conversation."""
    return f"{CONVERSATION_PREFIX}{conversation_id}"


def is_conversation_room(room: str) -> bool:
    return room.startswith(CONVERSATION_PREFIX)
