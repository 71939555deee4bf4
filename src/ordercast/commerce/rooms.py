"""The names of the audiences of a shop: whoever opens a room and whoever tells it must mean the same one."""

from __future__ import annotations

from typing import Final

STORE_OWNERS: Final = "store-owners"
_WATCH: Final = "watch_order_"


def customer_room(customer_id: str) -> str:
    return f"customer_{customer_id}"


def driver_room(driver_id: str) -> str:
    return f"driver_{driver_id}"


def order_room(order_id: str) -> str:
    return f"order_{order_id}"


def watch_room(order_id: str) -> str:
    """Of the shop's people and trusted back ends who look at one order; buyers do so in ``order_room``."""
    return f"{_WATCH}{order_id}"


def is_watch_room(room: str) -> bool:
    return room.startswith(_WATCH)


def user_room(user_id: str) -> str:
    return f"user_{user_id}"
