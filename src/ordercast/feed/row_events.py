"""The events of a row of an attached table that is watched: it entered a filter, changed within it, or left it.

Which of them somebody hears, and whether any, follows from the filter, from the rooms they are in, and from the row
before and after, and from nothing else: so it is the same live and in a replay. The values of a row are shown to those
alone who may see it as it is now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import msgspec

from ordercast.commerce.room_access import may_see
from ordercast.db import Change, read_json
from ordercast.db.watched_rows import RowChange, RowState, TableFilter
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import encode_event

from .position import Position

ENTERED: Final = "row_entered"
CHANGED: Final = "row_changed"
LEFT: Final = "row_left"


class RowEvents(msgspec.Struct, frozen=True):
    """What one row of the feed may be told as."""

    change: RowChange
    position: Position
    at: str
    namespace: str
    row: Any
    """What is told of it as it is now."""

    @classmethod
    def of(cls, change: Change, epoch: str, namespace: str) -> RowEvents:
        """Raises what a damaged row makes of it."""
        made = RowChange.of(change)
        row = None if made.now is None else read_json(made.now.row)
        keys = [state.key for state in (made.was, made.now) if state is not None]
        encode_event(namespace, CHANGED, [row, keys])  # what cannot be is a gap, and no fault of who watches
        return cls(made, Position(epoch, change.seq), change.at, namespace, row)

    def told(self, wanted: TableFilter, joined: Collection[str]) -> tuple[str, ...]:
        """The names of the events for somebody in these rooms who watches that."""
        was, now = self.change.was, self.change.now
        had = was is not None and wanted.takes(was) and may_see(joined, was.rooms)
        has = now is not None and wanted.takes(now) and may_see(joined, now.rooms)
        if had and has:
            assert was is not None
            assert now is not None
            return (CHANGED,) if was.key == now.key else (LEFT, ENTERED)
        return (ENTERED,) if has else (LEFT,) if had else ()

    def message(self, wanted: TableFilter, event: str, *, is_last: bool) -> Message:
        """One of them. Of several for one socket the last alone takes its offset past this row: who is cut off between
        two is told both again.
        """
        state = self.change.was if event == LEFT else self.change.now
        assert state is not None
        position = self.position if is_last else self.position._replace(seq=self.position.seq - 1)
        payload: dict[str, Any] = {
            "id": f"{self.position}.{wanted.id}",
            "seq": self.position.seq,
            "at": self.at,
            "watch": wanted.id,
            "table": wanted.table,
            "rowId": state.id,
            "key": state.key,
        }
        if event != LEFT:
            payload["row"] = self.row
        return encode_event(self.namespace, event, [payload, str(position)])

    def replayed(self, watched: Sequence[TableFilter], joined: Collection[str]) -> Iterator[Message]:
        """What somebody in these rooms is told of it."""
        found = [
            (wanted, event)
            for wanted in watched
            if wanted.table == self.change.table
            for event in self.told(wanted, joined)
        ]
        for number, (wanted, event) in enumerate(found, 1):
            yield self.message(wanted, event, is_last=number == len(found))


def said_of(state: RowState) -> dict[str, Any]:
    """What a watcher is told of a row in a snapshot."""
    return {"rowId": state.id, "key": state.key, "row": read_json(state.row)}
