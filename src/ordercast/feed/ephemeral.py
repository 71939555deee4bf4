"""Ephemeral events: without an offset, dropped first under pressure, never replayed.

Their audiences are defined here, as those of durable events in ``audience``.
"""

from __future__ import annotations

import msgspec

from ordercast.commerce.rooms import STORE_OWNERS, customer_room, order_room, watch_room
from ordercast.commerce.stats import Stats
from ordercast.db.deliveries import Carried
from ordercast.db.drivers import DriverPosition
from ordercast.hub import Namespace


class EphemeralEvents:
    """Emits to this node's sockets, and through the bus to other nodes'."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def has_store_listeners(self) -> bool:
        """Whether staff are connected to this node."""
        return bool(self._namespace.adapter.recipients((STORE_OWNERS,), ()))

    def emit_stats(self, stats: Stats) -> None:
        """Emit today's figures to staff. Each node emits to its own sockets, with its own latency."""
        self._namespace.to(STORE_OWNERS).local.volatile.emit("stats", msgspec.to_builtins(stats))

    def emit_driver_position(self, order: Carried, driver_id: str, place: DriverPosition, eta: str | None) -> None:
        """Emit a driver's position to staff, and to the buyer while the order is carried."""
        rooms = [STORE_OWNERS, watch_room(order.id), order_room(order.id)]
        if order.customer_id is not None:
            rooms.append(customer_room(order.customer_id))
        update = {
            "orderId": order.id,
            "number": order.number,
            "stage": order.stage,
            "driver": {"id": driver_id},
            "position": msgspec.to_builtins(place),
            "eta": eta,
        }
        self._namespace.to(*rooms).volatile.emit("delivery_update", update)
