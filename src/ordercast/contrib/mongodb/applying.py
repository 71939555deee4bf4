"""Units of work that mirror the orders of a collection."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from ordercast import telemetry
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.transitions import TERMINAL
from ordercast.db import Transaction, mirrored
from ordercast.db.mirrored import MirroredRow, MirroredState, SourcePosition

from .kept_documents import KeptDocuments
from .mapping import is_order, map_order
from .reading import database_of
from .source import MongoSource, SourceStore
from .values import to_extended_json

log = logging.getLogger("ordercast.feed")

DELETED: Final = "The order was deleted in MongoDB."
# Orders of which it was logged already what could not be read; a log that repeats it at each change helps nobody.
SAID_MAX: Final = 10_000


class Mirror(KeptDocuments):
    """Keeps one source's orders in our shape, besides."""

    def __init__(self, source: str, currency: str) -> None:
        super().__init__(source)
        self._currency = currency
        self._said: OrderedDict[tuple[str, str], None] = OrderedDict()

    def _flush(self, transaction: Transaction, now: Timestamp) -> None:
        """Nothing: each order has said what is to be said."""

    def begin_step(self) -> None:
        """Nothing, as `_flush`."""

    def step_saved(self) -> None:
        """Nothing, as `_flush`."""

    def left_out(self) -> None:
        """Nothing: the next change of the order shows it as it is."""

    def _made_up_for(self, transaction: Transaction, position: SourcePosition, now: Timestamp) -> int:
        """By a trigger, to the shop's people."""
        del transaction, now
        return position.resyncs + 1

    def _show(
        self,
        transaction: Transaction,
        row: MirroredRow | None,
        key: str,
        document: dict[str, Any],
        as_of: str,
        *,
        snapshot: int,
        now: Timestamp,
        imported: bool = False,
    ) -> None:
        raw = to_extended_json(document)
        if row is None:
            row = mirrored.begin(transaction, self.source, key, MirroredState(raw, as_of, snapshot, None), now=now)
        order = self._order(transaction, row, key, document, now)
        mirrored.save_state(
            transaction, self.source, row, MirroredState(raw, as_of, snapshot, order, imported=imported), now=now
        )

    def _delete(self, transaction: Transaction, row: MirroredRow, as_of: str, snapshot: int, now: Timestamp) -> None:
        """Cancel an open order that is gone, so that no screen waits for it; one that had ended is tidied
        away there, and stays as it ended.
        """
        order, reason = None, None
        former = mirrored.document_of(row.document)
        if former is not None and former["status"] not in TERMINAL:
            order, reason = {**former, "status": OrderStatus.CANCELLED}, DELETED
        state = MirroredState(row.raw, as_of, snapshot, order, gone=True, reason=reason)
        mirrored.save_state(transaction, self.source, row, state, now=now)

    def _order(
        self, transaction: Transaction, row: MirroredRow, key: str, document: dict[str, Any], now: Timestamp
    ) -> dict[str, Any] | None:
        """The order in our shape; None, logged and counted, for what is none."""
        if not is_order(document):
            self._untold(key, "it is no order")
            return None
        former = mirrored.document_of(row.document)
        try:
            mapped = map_order(document, number=row.entry, currency=self._currency, now=now, former=former)
        except Exception as error:
            log.debug("a document could not be mapped", exc_info=error)
            self._untold(key, f"it cannot be read ({type(error).__name__})")
            return None
        order_id = mapped.order["id"]
        if row.id is None and not mirrored.id_is_free(transaction, order_id):
            self._untold(key, f"another order is called {order_id}")
            return None
        for name in mapped.unread:
            if self._is_new(key, name):
                log.warning("order %s of %s: its %s cannot be read", order_id, self.source, name)
        return mapped.order

    def _untold(self, key: str, why: str) -> None:
        telemetry.SOURCE_DOCUMENTS_UNTOLD.inc()
        if self._is_new(key, why):
            log.warning("document %s of %s is not mirrored: %s", key, self.source, why)

    def _is_new(self, key: str, what: str) -> bool:
        if (key, what) in self._said:
            return False
        self._said[key, what] = None
        if len(self._said) > SAID_MAX:
            self._said.popitem(last=False)
        return True


def order_source(
    store: SourceStore, url: str, *, collection: str, currency: str, now: Callable[[], Timestamp]
) -> MongoSource:
    """Mirrors a collection's orders; `currency` is what its amounts are in. Raises ValueError for a URL that is none or
    names no database.
    """
    kept = Mirror(f"mongodb:{database_of(url)}.{collection}", currency)
    return MongoSource(store, url, kept, collection=collection, now=now)
