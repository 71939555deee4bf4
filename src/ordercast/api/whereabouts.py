"""Where drivers are, as their telephones say: the newest alone, told at a bounded rate to whose order they carry."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ordercast.commerce.deliveries import DeliveryRules
from ordercast.commerce.moments import Moment
from ordercast.db import Store, StoreError, deliveries, drivers
from ordercast.db.deliveries import Carried
from ordercast.db.drivers import Place

log = logging.getLogger("ordercast.api")

# On a map nobody sees more; what comes faster is folded into the newest.
TOLD_EVERY_S: Final = 1.0
# For choosing the nearest, and for who opens the page now. More often would be a commit a second for each driver.
KEPT_EVERY_S: Final = 15.0
DRIVERS_MAX: Final = 10_000


class TellsDeliveries(Protocol):
    """Who tells what is true for a moment only: see ``feed.fleeting``."""

    def driver_moved(self, order: Carried, driver_id: str, place: Place, eta: str | None) -> None: ...


@dataclass(slots=True)
class _Driver:
    place: Place
    is_told: bool = False
    kept_at_s: float | None = None


class Whereabouts:
    """The places of the drivers whose sockets are on this node; lost with it, but for what was kept."""

    def __init__(
        self,
        store: Store,
        telling: TellsDeliveries,
        rules: DeliveryRules,
        now: Callable[[], Moment],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._store = store
        self._telling = telling
        self._rules = rules
        self._now = now
        self._spawn = spawn
        self._drivers: OrderedDict[str, _Driver] = OrderedDict()
        self._telling_of: set[str] = set()

    def __repr__(self) -> str:
        return f"<Whereabouts {len(self._drivers)} drivers>"

    def learn(self, driver_id: str, place: Place) -> bool:
        """Take where a driver is, unless something newer is known; gives whether it was taken. It is told soon."""
        known = self._drivers.get(driver_id)
        if known is not None and place.at < known.place.at:
            return False
        driver = known or _Driver(place)
        driver.place, driver.is_told = place, False
        self._drivers[driver_id] = driver
        self._drivers.move_to_end(driver_id)
        while len(self._drivers) > DRIVERS_MAX:
            self._drivers.popitem(last=False)
        if driver_id not in self._telling_of:
            self._telling_of.add(driver_id)
            self._spawn(self._tell(driver_id, driver))
        return True

    async def _tell(self, driver_id: str, driver: _Driver) -> None:
        """Tell the newest place, and what comes meanwhile no sooner than TOLD_EVERY_S after it."""
        try:
            while not driver.is_told:
                driver.is_told = True
                try:
                    await self._tell_once(driver_id, driver)
                except StoreError as error:
                    # The next place is on its way already.
                    log.warning("driver's place not told: %s (%s)", driver_id, error)
                await asyncio.sleep(TOLD_EVERY_S)
        finally:
            self._telling_of.discard(driver_id)

    async def _keep(self, driver_id: str, place: Place) -> None:
        try:
            await self._store.write(lambda transaction: drivers.keep_place(transaction, driver_id, place, self._now()))
        except StoreError as error:
            log.warning("driver's place not kept: %s (%s)", driver_id, error)

    async def _tell_once(self, driver_id: str, driver: _Driver) -> None:
        now_s = asyncio.get_running_loop().time()
        if driver.kept_at_s is None or now_s - driver.kept_at_s >= KEPT_EVERY_S:
            driver.kept_at_s = now_s
            # Behind the telling's back: who watches the map needs no write.
            self._spawn(self._keep(driver_id, driver.place))
        carried = await self._store.read(lambda transaction: deliveries.carried_by(transaction, driver_id))
        # What has come while we looked is what is told now.
        driver.is_told = True
        for order in carried:
            eta = deliveries.arrival(order.stage, self._rules, driver.place, order.destination, self._now())
            self._telling.driver_moved(order, driver_id, driver.place, eta)
