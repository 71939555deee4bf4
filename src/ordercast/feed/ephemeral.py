"""Ephemeral events: emitted without an offset, dropped first under pressure, never replayed.

Who may hear each is written here, as it is in ``audience`` for durable ones.
"""

from __future__ import annotations

import msgspec

from ordercast.commerce.rooms import STORE_OWNERS, customer_room, order_room, watch_room
from ordercast.commerce.stats import Stats
from ordercast.db.deliveries import Carried
from ordercast.db.drivers import DriverPosition
from ordercast.hub import Namespace


class EphemeralEvents:
    """Emits to the sockets of this node, and of the others where there is a bus."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def has_store_listeners(self) -> bool:
        """Whether any of the shop's people is connected to this node."""
        return bool(self._namespace.adapter.recipients((STORE_OWNERS,), ()))

    def emit_stats(self, stats: Stats) -> None:
        """Today's figures, for the shop. Each node emits to its own sockets, with its own latency."""
        self._namespace.to(STORE_OWNERS).local.volatile.emit("stats", msgspec.to_builtins(stats))

    def emit_driver_position(self, order: Carried, driver_id: str, place: DriverPosition, eta: str | None) -> None:
        """Where the driver of an order is, for the shop, and for the buyer while it is carried."""
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
