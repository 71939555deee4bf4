"""The reconciler: compares payments with the providers' own, and raises a mismatch where they differ."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from ordercast.commerce.errors import ProviderUnavailable
from ordercast.commerce.reconciliation import discrepancies
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db import Store, StoreError
from ordercast.db import reconciliation as units
from ordercast.db.reconciliation import Compared

from .registry import Providers

log = logging.getLogger("ordercast.payments")

RECONCILE_EVERY_S: Final = 300.0
# Payments looked up in one round, one after another; the next goes on behind them. So a provider is asked for no more
# than twenty in a minute.
COMPARED_AT_ONCE_MAX: Final = 100
# Older payments change no more, but by disputes, which providers tell by webhook.
COMPARED_FOR_MS: Final = 7 * 24 * 3_600_000
# So many payments in a row without an answer end a round: a provider that is away is asked for no more.
SILENT_MAX: Final = 3
_BEGINNING: Final = (Timestamp(""), 0)


class Reconciler:
    """Compares the payments of the last week in turn, again and again, on the node that leads."""

    def __init__(
        self,
        store: Store,
        providers: Providers,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = store
        self._providers = providers
        self._now_ms = now_ms
        self._after = _BEGINNING

    def __repr__(self) -> str:
        return f"<Reconciler behind {self._after}>"

    async def run(self) -> None:
        """Compare for ever."""
        while True:
            try:
                await self.reconcile()
            except StoreError as error:
                log.warning("payments could not be compared; trying again later: %s", error)
            except Exception:
                log.exception("payments could not be compared; trying again later")
            await asyncio.sleep(RECONCILE_EVERY_S)

    async def reconcile(self) -> int:
        """Compare the next payments; how many mismatches were raised."""
        since = (timestamp(self._now_ms() - COMPARED_FOR_MS), 0)
        page = await self._store.read(
            lambda transaction: units.to_compare(transaction, max(self._after, since), COMPARED_AT_ONCE_MAX)
        )
        self._after = page[-1].place if len(page) == COMPARED_AT_ONCE_MAX else _BEGINNING
        raised = silent = 0
        for compared in page:
            try:
                raised += await self._compare(compared)
                silent = 0
            except StoreError:
                raise
            except ProviderUnavailable:
                silent += 1
            except Exception:
                log.exception("the payment %s could not be compared", compared.reference)
            if silent == SILENT_MAX:
                # The next round goes on behind them: payments that it cannot tell of must not hide those behind.
                self._after = compared.place
                break
        return raised

    async def _compare(self, compared: Compared) -> int:
        provider = self._providers.by_name.get(compared.provider)
        if provider is None:
            return 0
        theirs = await provider.lookup(compared.reference)
        found = list(discrepancies(compared.payment, compared.currency, theirs))
        if not found and not compared.open_mismatches:
            return 0
        now = timestamp(self._now_ms())
        return await self._store.write(lambda transaction: units.found(transaction, compared, found, now))
