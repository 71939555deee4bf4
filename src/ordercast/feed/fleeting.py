"""What is true for a moment only: told without an offset, dropped first under pressure, never replayed.

Who hears it stands here as it stands in ``audience`` for what lasts.
"""

from __future__ import annotations

import msgspec

from ordercast.commerce.rooms import STORE_OWNERS, customer_room, order_room, watch_room
from ordercast.commerce.stats import Stats
from ordercast.db.deliveries import Carried
from ordercast.db.drivers import Place
from ordercast.hub import Namespace


class Fleeting:
    """Tells the sockets; those of the other nodes too, where there is a bus."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def has_shop(self) -> bool:
        """Whether anybody of the shop is here, on this node."""
        return bool(self._namespace.adapter.recipients((STORE_OWNERS,), ()))

    def stats(self, stats: Stats) -> None:
        """The shop: today's figures. Each node tells its own sockets, with its own latency."""
        self._namespace.to(STORE_OWNERS).local.volatile.emit("stats", msgspec.to_builtins(stats))

    def driver_moved(self, order: Carried, driver_id: str, place: Place, eta: str | None) -> None:
        """The shop, and the buyer of an order that is being carried: where its driver is."""
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
