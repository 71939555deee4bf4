"""The names of the audiences of a shop: whoever opens a room and whoever tells it must mean the same one."""

from __future__ import annotations

from typing import Final

STORE_OWNERS: Final = "store-owners"


def customer_room(customer_id: str) -> str:
    return f"customer_{customer_id}"


def driver_room(driver_id: str) -> str:
    return f"driver_{driver_id}"


def order_room(order_id: str) -> str:
    return f"order_{order_id}"


def user_room(user_id: str) -> str:
    return f"user_{user_id}"
