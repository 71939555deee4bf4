"""Units of work that keep documents as they are, and have each change of one heard of: as it was before, and is now."""

from __future__ import annotations

from typing import Any, Protocol

from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Transaction, mirrored
from ordercast.db.mirrored import MirroredRow, MirroredState, SourcePosition

from .kept_documents import KeptDocuments
from .values import from_extended_json, to_extended_json, to_json

Json = dict[str, Any]


class DocumentEvents(Protocol):
    """Makes events of documents' changes, within the transaction that keeps the change: ``attach`` has it."""

    def changed(self, transaction: Transaction, new: Json | None, old: Json | None, now: Timestamp) -> None:
        """A document came (no `old`), changed, or went (no `new`). What cannot be made of it is no exception."""
        ...

    def begin(self) -> None:
        """A step begins, perhaps again: what was told of it in a transaction before was rolled back."""
        ...

    def saved(self) -> None:
        """The step is committed."""
        ...

    def left_out(self) -> None:
        """A change could not be kept."""
        ...

    def flush(self, transaction: Transaction, now: Timestamp) -> None:
        """All changes of a step were told."""
        ...

    def lost(self, transaction: Transaction, now: Timestamp) -> None:
        """Changes were lost; by now each difference was told, and not what was in between."""
        ...

    def warnings(self) -> list[str]:
        """What was not told, a sentence for each."""
        ...


class EmittingDocuments(KeptDocuments):
    """Keeps one collection."""

    def __init__(self, source: str, events: DocumentEvents) -> None:
        super().__init__(source)
        self._events = events

    def begin_step(self) -> None:
        self._events.begin()

    def step_saved(self) -> None:
        self._events.saved()

    def left_out(self) -> None:
        self._events.left_out()

    def _flush(self, transaction: Transaction, now: Timestamp) -> None:
        self._events.flush(transaction, now)

    def _made_up_for(self, transaction: Transaction, position: SourcePosition, now: Timestamp) -> int:
        self._events.lost(transaction, now)
        return position.resyncs

    def _show(
        self,
        transaction: Transaction,
        row: MirroredRow | None,
        key: str,
        document: Json,
        as_of: str,
        *,
        snapshot: int,
        now: Timestamp,
        imported: bool = False,
    ) -> None:
        state = MirroredState(to_extended_json(document), as_of, snapshot, None, imported=imported)
        if row is None:
            mirrored.begin(transaction, self.source, key, state, now=now)
        else:
            mirrored.save_state(transaction, self.source, row, state, now=now)
        # A later snapshot shows what is known, and an interrupted first one goes on: neither is news.
        if not imported and (row is None or row.raw != state.raw):
            old = None if row is None else to_json(from_extended_json(row.raw))
            self._events.changed(transaction, to_json(document), old, now)

    def _delete(self, transaction: Transaction, row: MirroredRow, as_of: str, snapshot: int, now: Timestamp) -> None:
        """What the shop has deleted is nobody's to keep. Should the stream show of it what is older than the snapshot
        that has not seen it, it comes and goes again.
        """
        del as_of, snapshot
        mirrored.forget(transaction, row)
        self._events.changed(transaction, None, to_json(from_extended_json(row.raw)), now)
