"""A table of another program that may be watched, without its database: rows are what a test says."""

from __future__ import annotations

import json
import re

from ordercast.db import ChangeKind, Store, events
from ordercast.db.watched_rows import RowState, TableFilter, TableSnapshot, WatchableTable

TABLE = WatchableTable(
    "Order", {"id": "integer"}, {"status": "text"}, 100, frozenset({"store-owners"}), (re.compile("customer_.+"),)
)


class OneTable:
    """A `WatchableTables` of no rows but those that are told."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, name: str) -> WatchableTable | None:
        return TABLE if name == TABLE.name else None

    async def snapshot(self, wanted: TableFilter, rooms: frozenset[str]) -> TableSnapshot:
        del wanted, rooms
        states: list[RowState] = []
        return TableSnapshot(states, self._store.last_seq, self._store.last_seq)


async def tell(store: Store, number: int, was: str | None, now: str | None, *rooms: str) -> None:
    """Have the row of that number go from one status to another; None where it is not there."""

    def state(status: str | None) -> dict[str, object] | None:
        if status is None:
            return None
        row = {"id": number, "status": status}
        return {"key": {"id": number}, "rooms": ["store-owners", *rooms], "where": {"status": status}, "row": row}

    document = json.dumps({"table": TABLE.name, "was": state(was), "now": state(now)})
    values = {"id": f"Order {number}", "actor": "db:shop", "at": "2026-11-24T09:10:00.000Z", "after": document}
    await store.write(lambda transaction: transaction.run(events.TELL, kind=str(ChangeKind.ROW_CHANGED), **values))
