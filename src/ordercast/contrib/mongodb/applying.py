"""Units of work that write what was read from MongoDB, together with how far it was read."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from ordercast import telemetry
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.transitions import TERMINAL
from ordercast.db import Transaction, mirrored
from ordercast.db.mirrored import MirroredRow, MirroredState, SourcePosition

from .deltas import updated
from .mapping import is_order, map_order
from .reading import ForeignChange, SnapshotBatch
from .values import from_extended_json, to_extended_json

log = logging.getLogger("ordercast.feed")

DELETED: Final = "The order was deleted in MongoDB."
# Orders of which it was logged already what could not be read; a log that repeats it at each change helps nobody.
SAID_MAX: Final = 10_000
UNSEEN_AT_ONCE_MAX: Final = 250


class Mirror:
    """Writes one source's documents. Its methods run inside a transaction, on the writer's thread."""

    def __init__(self, source: str, currency: str) -> None:
        self.source = source
        self._currency = currency
        self._said: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Mirror of {self.source}>"

    # --- Steps ------------------------------------------------------------------------------------------------------

    def take_piece(
        self, transaction: Transaction, position: SourcePosition, piece: SnapshotBatch, *, now: Timestamp
    ) -> SourcePosition:
        """Write documents of a snapshot, as far as they differ from what is mirrored."""
        moved = self.pass_piece(transaction, position, piece, now=now)
        # What the first snapshot shows was there before us; what a later one does was missed, and is news.
        imported = position.snapshot == 1 and not position.lost
        for document in piece.documents:
            key = to_extended_json(document["_id"])
            row = mirrored.find(transaction, self.source, key)
            self._show(
                transaction, row, key, document, piece.as_of, snapshot=position.snapshot, now=now, imported=imported
            )
        return moved

    def pass_piece(
        self, transaction: Transaction, position: SourcePosition, piece: SnapshotBatch, *, now: Timestamp
    ) -> SourcePosition:
        """Move on behind a piece, whatever was made of it; the last one is empty."""
        after = to_extended_json(piece.documents[-1]["_id"]) if piece.documents else position.after_key
        # The stream begins where the oldest piece was, as a rule the first one: pieces that are read from other members
        # may lag. Younger pieces hold more already, and each row knows of which moment it is.
        starts_at = min(position.starts_at or piece.as_of, piece.as_of)
        return mirrored.move(transaction, position, now=now, after_key=after, starts_at=starts_at)

    def miss_unseen(
        self, transaction: Transaction, position: SourcePosition, *, now: Timestamp
    ) -> tuple[SourcePosition, bool]:
        """Take some of what a snapshot has not seen for deleted; answers whether there may be more."""
        assert position.starts_at is not None
        moved = mirrored.move(transaction, position, now=now)
        keys = mirrored.unseen(transaction, self.source, position.snapshot, UNSEEN_AT_ONCE_MAX)
        for key in keys:
            row = mirrored.find(transaction, self.source, key)
            assert row is not None
            self._delete(transaction, row, position.starts_at, position.snapshot, now)
        return moved, len(keys) == UNSEEN_AT_ONCE_MAX

    def begin_snapshot(
        self, transaction: Transaction, position: SourcePosition, *, lost: bool, now: Timestamp
    ) -> SourcePosition:
        return mirrored.move(
            transaction,
            position,
            now=now,
            snapshot=position.snapshot + 1,
            phase=mirrored.SNAPSHOT,
            after_key=None,
            token=None,
            starts_at=None,
            lost=lost,
        )

    def end_snapshot(self, transaction: Transaction, position: SourcePosition, *, now: Timestamp) -> SourcePosition:
        """Everything is as it stands there; if something was lost before, it is delivered now."""
        return mirrored.move(
            transaction,
            position,
            now=now,
            phase=mirrored.STREAM,
            after_key=None,
            lost=False,
            resyncs=position.resyncs + position.lost,
        )

    def take_changes(
        self,
        transaction: Transaction,
        position: SourcePosition,
        changes: Sequence[ForeignChange],
        token: str,
        *,
        now: Timestamp,
    ) -> SourcePosition:
        """Write changes of the stream, and the place behind them."""
        # First: on PostgreSQL another reader of the source then waits here, and finds that it was overtaken.
        moved = mirrored.move(transaction, position, now=now, token=token)
        for change in changes:
            self._take(transaction, change, position.snapshot, now)
        return moved

    # --- One document -----------------------------------------------------------------------------------------------

    def _take(self, transaction: Transaction, change: ForeignChange, snapshot: int, now: Timestamp) -> None:
        row = mirrored.find(transaction, self.source, change.key)
        if row is not None and change.at <= row.as_of:
            return  # a snapshot has shown it already
        if change.operation == "delete":
            if row is not None:
                self._delete(transaction, row, row.as_of, snapshot, now)
            return
        document = change.document
        if change.operation == "update":
            if row is None or row.gone:
                # It was deleted before a snapshot could see it, or is forgotten here.
                log.debug("a change of a document that is not mirrored is left out: %s", change.key)
                return
            document = updated(from_extended_json(row.raw), change.description or {})
        if document is None:
            raise ValueError(f"an event of the kind {change.operation} without its document")
        as_of = "" if row is None else row.as_of
        self._show(transaction, row, change.key, document, as_of, snapshot=snapshot, now=now)

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
