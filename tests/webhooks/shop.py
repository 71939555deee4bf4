"""A shop whose webhooks are sent by hand: each test says what time it is, and when the worker looks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ordercast.commerce.letters import Language
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.commerce.webhook_endpoints import SealedSecret
from ordercast.db import Store, Transaction, feed
from ordercast.db.webhooks import endpoints
from ordercast.db.webhooks.endpoints import WebhookEndpoint
from ordercast.outgoing import Networks
from ordercast.webhooks import DeliveryWorker, SecretBox
from ordercast.webhooks.http_sender import HttpSender
from ordercast.webhooks.secret_box import new_secret

SHOP_SECRET = "a secret of at least thirty-two bytes"
START_MS = 1_795_241_719_608
DISABLED_AFTER_MS = 5 * 86_400_000
ADMIN = Actor(Role.ADMIN, "usr_1")


@dataclass
class Clock:
    ms: int = START_MS

    @property
    def now(self) -> Timestamp:
        return timestamp(self.ms)


@dataclass
class WebhookShop:
    store: Store
    clock: Clock = field(default_factory=Clock)
    box: SecretBox = field(default_factory=lambda: SecretBox([SHOP_SECRET]))
    _made: int = 0

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[DeliveryWorker]:
        """A worker as a node that leads has it; it is let go of at the end."""
        options = {"disabled_after_ms": DISABLED_AFTER_MS, "mailed_in": Language.ENGLISH, **options}
        make_sender = options.pop("make_sender", lambda: HttpSender(Networks(["127.0.0.0/8"])))
        worker = DeliveryWorker(
            self.store, make_sender, self.box, now_ms=lambda: self.clock.ms, chance=lambda: 0.0, **options
        )
        try:
            yield worker
        finally:
            await worker.close()

    async def send(self, **options: Any) -> None:
        """Make and send all that is due, by a worker that was just started."""
        async with self.worker(**options) as worker:
            await worker.run_due()

    async def add(self, url: str, events: Sequence[str] = ("*",), secret: str | None = None) -> WebhookEndpoint:
        self._made += 1
        made, now = self._made, self.clock.now

        def unit(transaction: Transaction) -> WebhookEndpoint:
            endpoint = WebhookEndpoint(
                id=f"whe_{made}",
                url=url,
                description="",
                events=tuple(events),
                secrets=(SealedSecret(self.box.seal(secret or new_secret())),),
                enabled=True,
                disabled_by=None,
                failing_since=None,
                through=feed.newest_seq(transaction),
                version=1,
                created_at=now,
                updated_at=now,
            )
            endpoints.add(transaction, endpoint, ADMIN)
            return endpoint

        return await self.store.write(unit)

    async def endpoint(self, endpoint_id: str = "whe_1") -> WebhookEndpoint:
        return await self.store.read(lambda transaction: endpoints.find(transaction, endpoint_id))

    # --- Changes of the shop --------------------------------------------------------------------------------------

    async def place(self, *names: str) -> None:
        """Place an order of each name, as another program does."""

        def unit(transaction: Transaction) -> None:
            for name in names:
                transaction.run(f"INSERT INTO orders (id, customer_email) VALUES ('ord_{name}', '{name}@example.com')")

        await self.store.write(unit)

    async def move(self, name: str, status: str) -> None:
        await self.store.write(lambda t: t.run(f"UPDATE orders SET status = '{status}' WHERE id = 'ord_{name}'"))

    # --- What is kept ---------------------------------------------------------------------------------------------

    async def rows(self, columns: str = "event, subject, state, attempts", of: str = "whe_1") -> list[tuple[Any, ...]]:
        """Of an endpoint's deliveries, in the order of their making."""
        return await self.store.read(
            lambda t: t.all(f"SELECT {columns} FROM webhook_deliveries WHERE endpoint_id = '{of}' ORDER BY entry")
        )

    async def attempts(self) -> list[tuple[Any, ...]]:
        return await self.store.read(
            lambda t: t.all("SELECT status, headers, body, problem FROM webhook_attempts ORDER BY entry")
        )
