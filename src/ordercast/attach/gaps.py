"""Gaps: a change that a mapping made no event of is one ``resync`` for those who should have heard of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from ordercast.commerce.rooms import EVERYBODY
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Transaction, events
from ordercast.db.types import ChangeKind, GapReason

from .mapping import Mapping, Section


def gap_rooms(emit: Section) -> list[str]:
    """Whom an event of which nothing is known may have been for."""
    constants = [room.constant for room in emit.rooms]
    return [room for room in constants if room] if all(constants) else [EVERYBODY]


def gap_document(rooms: Sequence[str], reason: GapReason) -> str:
    """What the feed has of a gap."""
    return json.dumps({"reason": reason, "rooms": list(rooms)})


def publish_failures(
    transaction: Transaction,
    mapping: Mapping,
    names: Iterable[str],
    *,
    actor: str,
    now: Timestamp,
    reason: GapReason = GapReason.MAPPING_FAILED,
) -> None:
    """Insert one gap into the feed for all that these `[[emit]]` failed to make."""
    known = {emit.name: gap_rooms(emit) for emit in mapping.sections}
    rooms = sorted({room for name in names for room in known.get(name, [EVERYBODY])})
    gap = gap_document([EVERYBODY] if EVERYBODY in rooms else rooms, reason)
    transaction.run(events.TELL, kind=str(ChangeKind.FEED_RESYNC), id="attach", actor=actor, at=now, after=gap)
