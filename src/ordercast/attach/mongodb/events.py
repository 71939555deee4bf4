"""Makes the events of one collection's documents by its mapping, and writes them to the feed in the transaction that
keeps the change and the place behind it: so each is told once, in the order of its document.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ordercast import telemetry
from ordercast.attach.filters import matches
from ordercast.attach.gaps import publish_failures
from ordercast.attach.kept_changes import Change, failed
from ordercast.attach.mapping import Emit
from ordercast.attach.mapping import Mapping as MappingFile
from ordercast.attach.outbox_relay import ACTOR, OutboxRow
from ordercast.attach.sections import Verb
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import GapReason, Transaction, events

Document = Mapping[str, Any]

# As of a row of MySQL: more than any screen takes.
EVENT_BYTES_MAX: Final = 4_000_000

log = logging.getLogger("ordercast.attach")


class CollectionEvents:
    """Hears of one collection's changes, as ``contrib.mongodb`` tells them; on the writer's thread."""

    def __init__(self, mapping: MappingFile, database: str, collection: str) -> None:
        self.collection = collection
        self._mapping = mapping
        self._database = database
        self._emits = tuple(emit for emit in mapping.emits if emit.table == collection)
        self._failed: list[tuple[str, str, str]] = []
        """Of the step that is under way: mapping, entity and error."""
        self._left_out = False
        self._errors: Counter[str] = Counter()
        self._last_error: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<CollectionEvents {self.collection} {len(self._emits)}>"

    def warnings(self) -> list[str]:
        """What was not told as the file says, a sentence for each."""
        lines = {emit.name: emit.line for emit in self._emits}
        return [
            self._mapping.fault(
                lines[name], f"{count} {'change was' if count == 1 else 'changes were'} not told: {said}."
            )
            for name, count in self._errors.items()
            if (said := self._last_error[name])
        ]

    # --- Changes ------------------------------------------------------------------------------------------------------

    def changed(
        self, transaction: Transaction, new: dict[str, Any] | None, old: dict[str, Any] | None, now: Timestamp
    ) -> None:
        verb: Verb = "insert" if old is None else "delete" if new is None else "update"
        was, now_is = old or {}, new or old or {}
        writer = {"database": self._database}
        key = {"_id": now_is.get("_id")}
        change = Change(verb, self.collection, key, now_is, was, {}, writer, is_document=True)
        for emit in self._emits:
            if verb in emit.on and _is_meant(emit, change):
                self._tell(transaction, emit, change, now)

    def _tell(self, transaction: Transaction, emit: Emit, change: Change, now: Timestamp) -> None:
        row = OutboxRow(0, "", now, emit.table, emit.name, None)
        try:
            row = change.told(row, emit)
        except (LookupError, ValueError, TypeError, RecursionError) as error:
            row = failed(row, str(error) or type(error).__name__)
        if row.document is not None and len(row.document.encode("utf-8", "replace")) > EVENT_BYTES_MAX:
            row = failed(row, "the event is too large")
        if row.error is not None:
            self._failed.append((emit.name, row.entity, row.error))
        elif row.document is not None:
            transaction.run(events.TELL, kind=str(row.kind), id=row.entity, actor=ACTOR, at=now, after=row.document)

    # --- Gaps ---------------------------------------------------------------------------------------------------------

    def left_out(self) -> None:
        self._left_out = True

    def flush(self, transaction: Transaction, now: Timestamp) -> None:
        if self._left_out:
            self._failed += [(emit.name, self.collection, "it cannot be kept, see the log") for emit in self._emits]
        if self._failed:
            names = sorted({name for name, *_ in self._failed})
            publish_failures(transaction, self._mapping, names, actor=ACTOR, now=now)

    def begin(self) -> None:
        self._failed.clear()

    def saved(self) -> None:
        for name, entity, error in self._failed:
            log.warning("%s: a change of %s was not told: %s", name, entity, error)
            self._errors[name] += 1
            self._last_error[name] = error
            telemetry.ATTACH_ERRORS.labels(name).set(self._errors[name])
        self._failed.clear()
        self._left_out = False

    def lost(self, transaction: Transaction, now: Timestamp) -> None:
        names = [emit.name for emit in self._emits]
        publish_failures(transaction, self._mapping, names, actor=ACTOR, now=now, reason=GapReason.SOURCE_HISTORY_LOST)


def _is_meant(emit: Emit, change: Change) -> bool:
    paths = (path.split(".") for path in emit.changed)
    if change.verb == "update" and emit.changed and not any(_differs(path, change.new, change.old) for path in paths):
        return False
    return not emit.filter or matches(emit.filter, change.new, change.old)


def _differs(steps: Sequence[str], new: Document, old: Document) -> bool:
    was, now = _at(old, steps), _at(new, steps)
    # To Python 1, 1.0 and true are one.
    return was != now or repr(was) != repr(now)


def _at(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(value, list):
            value = value[int(step)] if step.isascii() and step.isdigit() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value
