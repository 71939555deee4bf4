"""The reconciler: compares payments with the providers' records, and raises a mismatch for each difference."""

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
from ordercast.db.reconciliation import ComparedPayment

from .registry import Providers

log = logging.getLogger("ordercast.payments")

RECONCILE_EVERY_S: Final = 300.0
# Payments per round; the next round continues. So a provider gets at most twenty lookups a minute.
COMPARED_AT_ONCE_MAX: Final = 100
# Older payments change only by disputes, which providers report by webhook.
COMPARED_FOR_MS: Final = 7 * 24 * 3_600_000
# Consecutive lookups without an answer that end a round: the provider is down.
SILENT_MAX: Final = 3
_BEGINNING: Final = (Timestamp(""), 0)


class Reconciler:
    """Compares the payments of the last week, round by round, on the leading node."""

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
        """Run forever."""
        while True:
            try:
                await self.reconcile()
            except StoreError as error:
                log.warning("could not compare payments; retrying: %s", error)
            except Exception:
                log.exception("could not compare payments; retrying")
            await asyncio.sleep(RECONCILE_EVERY_S)

    async def reconcile(self) -> int:
        """Compare the next payments; return how many mismatches were raised."""
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
                log.exception("could not compare payment %s", compared.reference)
            if silent == SILENT_MAX:
                # Continue behind a failing payment: it must not hide those after it.
                self._after = compared.place
                break
        return raised

    async def _compare(self, compared: ComparedPayment) -> int:
        provider = self._providers.by_name.get(compared.provider)
        if provider is None:
            return 0
        theirs = await provider.lookup(compared.reference)
        found = list(discrepancies(compared.payment, compared.currency, theirs))
        if not found and not compared.open_mismatches:
            return 0
        now = timestamp(self._now_ms())
        return await self._store.write(
            lambda transaction: units.record_discrepancies(transaction, compared, found, now)
        )
