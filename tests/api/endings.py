"""Bringing an order to its end by SQL, one permitted move after another."""

from __future__ import annotations

import time

from ordercast.commerce.timestamps import timestamp
from ordercast.db import SqliteStore, Transaction

_UNDERWAY = ("processing", "ready_for_delivery", "driver_assigned", "picked_up", "in_transit")
PATHS = {
    "processing": ("processing",),
    "cancelled": ("cancelled",),
    "rejected": ("rejected",),
    "expired": ("expired",),
    "delivered": (*_UNDERWAY, "delivered"),
    "returned": (*_UNDERWAY, "delivery_failed", "returning", "returned"),
}

_MOVE = (
    "UPDATE orders SET status = :status, version = version + 1, updated_at = :at, actor = 'store:usr_1', "
    "driver_id = CASE :status WHEN 'driver_assigned' THEN 'drv_1' ELSE driver_id END WHERE id = :id"
)


async def bring(store: SqliteStore, order_id: str, status: str, *, seconds_ago: float = 0) -> None:
    """Let an order for delivery, paid in cash, have come to `status` so many seconds ago."""
    at = timestamp(time.time_ns() // 1_000_000 - round(seconds_ago * 1000))

    def unit(transaction: Transaction) -> None:
        for step in PATHS[status]:
            transaction.run(_MOVE, status=step, at=at, id=order_id)

    await store.write(unit)
