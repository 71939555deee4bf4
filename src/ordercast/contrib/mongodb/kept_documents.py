"""Units of work that keep what was read from MongoDB, together with how far it was read."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Transaction, mirrored
from ordercast.db.mirrored import MirroredRow, SourcePosition

from .deltas import updated
from .reading import ForeignChange, SnapshotBatch
from .values import from_extended_json, to_extended_json

log = logging.getLogger("ordercast.feed")

UNSEEN_AT_ONCE_MAX: Final = 250


class KeptDocuments(ABC):
    """Writes one source's documents. Its methods run inside a transaction, on the writer's thread."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.source}>"

    # --- What is made of them ---------------------------------------------------------------------------------------

    @abstractmethod
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
        """Keep a document as it is now. `imported`: it was there before anything was told."""

    @abstractmethod
    def _delete(self, transaction: Transaction, row: MirroredRow, as_of: str, snapshot: int, now: Timestamp) -> None:
        """Take a kept document for deleted."""

    @abstractmethod
    def _flush(self, transaction: Transaction, now: Timestamp) -> None:
        """Say what a step leaves to be said at its end."""

    @abstractmethod
    def begin_step(self) -> None:
        """Forget what an attempt at this step has left to be said: it was rolled back."""

    @abstractmethod
    def step_saved(self) -> None:
        """Note that the step is committed."""

    @abstractmethod
    def left_out(self) -> None:
        """Note that a change could not be written, whatever was done."""

    @abstractmethod
    def _made_up_for(self, transaction: Transaction, position: SourcePosition, now: Timestamp) -> int:
        """Say that changes were lost, now that everything is as it stands there; return the place's `resyncs`."""

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
        self._flush(transaction, now)
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
        self._flush(transaction, now)
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
        resyncs = self._made_up_for(transaction, position, now) if position.lost else position.resyncs
        return mirrored.move(
            transaction, position, now=now, phase=mirrored.STREAM, after_key=None, lost=False, resyncs=resyncs
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
        self._flush(transaction, now)
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
