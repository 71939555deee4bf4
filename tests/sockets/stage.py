"""One shop with a port, and people who listen to it by stock clients."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.hub import Server
from tests.api.bookings_at_work import at, book, hire_carers, offer
from tests.api.client import Client
from tests.api.drivers_at_work import given, moved, ready

from .listener import Listener
from .toggled_rules import ToggledRules

SHOP_ROOMS = ("store-owners", "user_{id}", "watch_order_{id}")


@dataclass
class Stage:
    """One shop with a port, and people who listen to it."""

    url: str
    client: Client
    store: SqliteStore
    server: Server
    settings: Settings
    rules: ToggledRules
    clerk: Listener = field(init=False)
    buyer: Listener = field(init=False)
    rider: Listener = field(init=False)
    listeners: list[Listener] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def connect(self, who: str | None = None, *rooms: str, query: str = "", **auth: Any) -> Listener:
        listener = Listener(*rooms)
        self.listeners.append(listener)
        return await listener.connect(f"{self.url}/{query}", token=who, **auth)

    async def booked(self) -> dict[str, Any]:
        """A booking of the buyer's, of a carer of its own."""
        carer_id = f"car_{next(self._numbers)}"
        await hire_carers(self.client, self.store, carer_id)
        return await book(self.client, await offer(self.client, carer_id), at(10))

    async def carried(self) -> dict[str, Any]:
        """An order of the buyer's that the rider has with them."""
        order = await given(self.client, await ready(self.client), "drv_1")
        return await moved(self.client, order, "picked_up", by="drv_1")
