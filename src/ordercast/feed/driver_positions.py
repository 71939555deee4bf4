"""Positions of drivers, as their telephones report them: the newest alone, broadcast at a bounded rate to those whose
order they carry.
"""

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

# On a map nobody sees more; what comes faster is folded into the newest.
BROADCAST_EVERY_S: Final = 1.0
# For choosing the nearest, and for who opens the page now. More often would be a commit a second for each driver.
STORE_EVERY_S: Final = 15.0
DRIVERS_MAX: Final = 10_000


@dataclass(slots=True)
class _Driver:
    position: DriverPosition
    is_broadcast: bool = False
    stored_at_s: float | None = None


class DriverPositions:
    """Those of the drivers whose sockets are on this node; lost with it, but for what was stored."""

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
        """Take a driver's position, unless a newer one is known; gives whether it was taken. It is broadcast soon."""
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
        """Broadcast the newest position, and what comes meanwhile no sooner than BROADCAST_EVERY_S after it."""
        try:
            while not driver.is_broadcast:
                driver.is_broadcast = True
                try:
                    await self._broadcast_once(driver_id, driver)
                except StoreError as error:
                    # The next position is on its way already.
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
            # Beside the broadcast: who watches the map needs no write.
            self._spawn(self._store_position(driver_id, driver.position))
        carried = await self._store.read(lambda transaction: deliveries.carried_by(transaction, driver_id))
        # What has come while we looked is what is broadcast now.
        driver.is_broadcast = True
        for order in carried:
            eta = deliveries.arrival(order.stage, self._rules, driver.position, order.destination, self._now())
            self._ephemeral.emit_driver_position(order, driver_id, driver.position, eta)
