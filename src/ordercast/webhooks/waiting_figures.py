"""Metrics of pending deliveries, for Prometheus and readiness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ordercast.db import Store, is_moment
from ordercast.db.webhooks import deliveries
from ordercast.db.webhooks.endpoints import WebhookEndpoint
from ordercast.telemetry import WEBHOOKS_OLDEST_S, WEBHOOKS_PENDING

# Counts up to ten thousand index rows per endpoint, so rarely.
COUNTED_EVERY_MS: Final = 5_000


class WaitingFigures:
    """Set on the leading node only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counted_at_ms = -COUNTED_EVERY_MS
        self._are_set = False

    def __repr__(self) -> str:
        return f"<WaitingFigures of {self._counted_at_ms}>"

    async def update(self, endpoints: Sequence[WebhookEndpoint], now_ms: int) -> None:
        """Count the endpoints' pending deliveries, unless that was done in the last COUNTED_EVERY_MS."""
        if not endpoints:
            if self._are_set:
                self.clear()
            return
        if 0 <= now_ms - self._counted_at_ms < COUNTED_EVERY_MS:
            return
        self._counted_at_ms = now_ms
        found = await self._store.read(lambda t: [deliveries.waiting(t, endpoint.id) for endpoint in endpoints])
        ages = [age for each in found if (age := _age_s(each.since, now_ms)) is not None]
        WEBHOOKS_PENDING.set(sum(each.queued for each in found))
        WEBHOOKS_OLDEST_S.set(max(ages, default=0.0))
        self._are_set = True

    def clear(self) -> None:
        WEBHOOKS_PENDING.set(0)
        WEBHOOKS_OLDEST_S.set(0)
        self._are_set = False


def _age_s(since: str | None, now_ms: int) -> float | None:
    if since is None or not is_moment(since):
        return None
    return max(0.0, math.floor(now_ms - datetime.fromisoformat(since).timestamp() * 1000) / 1000)
