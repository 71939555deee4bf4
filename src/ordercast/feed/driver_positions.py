"""Drivers' positions: the newest is broadcast at a bounded rate to the followers of the orders they carry."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from ordercast.commerce.deliveries import DeliveryRules
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Store, StoreError, deliveries, drivers
from ordercast.db.drivers import DriverPosition

from .ephemeral import EphemeralEvents

log = logging.getLogger("ordercast.feed")

# A map needs no more; positions in between are dropped.
BROADCAST_EVERY_S: Final = 1.0
# For assigning the nearest driver and for new pages. More often would cost a commit per second and driver.
STORE_EVERY_S: Final = 15.0
DRIVERS_MAX: Final = 10_000


@dataclass(slots=True)
class _Driver:
    position: DriverPosition
    is_broadcast: bool = False
    stored_at_s: float | None = None


class DriverPositions:
    """The positions of drivers connected to this node; lost with it, except the stored ones."""

    def __init__(
        self,
        store: Store,
        ephemeral: EphemeralEvents,
        rules: DeliveryRules,
        now: Callable[[], Timestamp],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._store = store
        self._ephemeral = ephemeral
        self._rules = rules
        self._now = now
        self._spawn = spawn
        self._drivers: OrderedDict[str, _Driver] = OrderedDict()
        self._broadcasting: set[str] = set()

    def __repr__(self) -> str:
        return f"<DriverPositions {len(self._drivers)} drivers>"

    def update(self, driver_id: str, position: DriverPosition) -> bool:
        """Accept a position unless a newer one is known; return whether it was accepted. The broadcast follows soon."""
        known = self._drivers.get(driver_id)
        if known is not None and position.at < known.position.at:
            return False
        driver = known or _Driver(position)
        driver.position, driver.is_broadcast = position, False
        self._drivers[driver_id] = driver
        self._drivers.move_to_end(driver_id)
        while len(self._drivers) > DRIVERS_MAX:
            self._drivers.popitem(last=False)
        if driver_id not in self._broadcasting:
            self._broadcasting.add(driver_id)
            self._spawn(self._broadcast(driver_id, driver))
        return True

    async def _broadcast(self, driver_id: str, driver: _Driver) -> None:
        """Broadcast the newest position, at most once in BROADCAST_EVERY_S."""
        try:
            while not driver.is_broadcast:
                driver.is_broadcast = True
                try:
                    await self._broadcast_once(driver_id, driver)
                except StoreError as error:
                    # Not retried: the next position follows.
                    log.warning("driver's position not broadcast: %s (%s)", driver_id, error)
                await asyncio.sleep(BROADCAST_EVERY_S)
        finally:
            self._broadcasting.discard(driver_id)

    async def _store_position(self, driver_id: str, position: DriverPosition) -> None:
        try:
            await self._store.write(
                lambda transaction: drivers.save_position(transaction, driver_id, position, self._now())
            )
        except StoreError as error:
            log.warning("driver's position not stored: %s (%s)", driver_id, error)

    async def _broadcast_once(self, driver_id: str, driver: _Driver) -> None:
        now_s = asyncio.get_running_loop().time()
        if driver.stored_at_s is None or now_s - driver.stored_at_s >= STORE_EVERY_S:
            driver.stored_at_s = now_s
            # Concurrently: the broadcast does not wait for the write.
            self._spawn(self._store_position(driver_id, driver.position))
        carried = await self._store.read(lambda transaction: deliveries.carried_by(transaction, driver_id))
        # Broadcasts the newest, even if it came during the read.
        driver.is_broadcast = True
        for order in carried:
            eta = deliveries.arrival(order.stage, self._rules, driver.position, order.destination, self._now())
            self._ephemeral.emit_driver_position(order, driver_id, driver.position, eta)
