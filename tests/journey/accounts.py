"""What clients heard, held against what the database says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ordercast.db import Change
from ordercast.db.store import change_of
from ordercast.feed.audience import route
from ordercast.feed.position import ROW_END, Position

from .listener import Listener

Query = Callable[[str], list[tuple[Any, ...]]]
Heard = tuple[str, Position]
"""An event's name, and its place in the feed."""


class Truth:
    """The feed, the orders and their histories, as `query` finds them."""

    def __init__(self, query: Query, epoch: str) -> None:
        columns = "seq, kind, entity_id, version, actor, reason, at, before, after"
        self.rows = [change_of(row) for row in query(f"SELECT {columns} FROM feed WHERE seq > 0 ORDER BY seq")]
        self.last_seq = self.rows[-1].seq
        ((self.unnumbered,),) = query("SELECT count(*) FROM feed WHERE seq IS NULL")
        self.told = [told for row in self.rows for told in _told(row, epoch)]
        self.versions: dict[str, int] = dict(query("SELECT id, version FROM orders"))
        self.bought = query("SELECT customer_name, id FROM orders WHERE customer_name LIKE 'buyer-%'")

    def entitled(self, rooms: Iterable[str], after: Position) -> list[Heard]:
        """What a socket in these rooms must have heard from that position on, in order."""
        rooms = set(rooms)
        return [(event, position) for position, event, told in self.told if position > after and rooms & set(told)]


def _told(row: Change, epoch: str) -> list[tuple[Position, str, Sequence[str]]]:
    routed = list(route(row, str))
    last = len(routed) - 1
    return [
        (Position(epoch, row.seq, ROW_END if n == last else n), each.name, each.rooms) for n, each in enumerate(routed)
    ]


class Account:
    """One client, the rooms that its token opens, and what it must have heard.

    A stock JavaScript client comes back as the one it was. python-socketio's begins anew at each connection, and is
    told where: what it missed it must fetch, and from there on nothing may be missing.
    """

    def __init__(self, name: str, client: Listener, rooms: Sequence[str], *, recovers: bool = True) -> None:
        self.name = name
        self.client = client
        self._rooms = rooms
        self._recovers = recovers

    def __repr__(self) -> str:
        return f"<Account {self.name}>"

    def spells(self) -> list[tuple[Position, list[Heard]]]:
        """What was heard without a break: where each spell began, and the durable events from there on."""
        spells: list[tuple[Position, list[Heard]]] = []
        for entry in self.client.of_kind("event"):
            position = Position.parse(entry["args"][-1]) if isinstance(entry["args"][-1], str) else None
            if position is None:
                continue  # fleeting
            if entry["event"] == "ready":
                if not spells or not self._recovers:
                    spells.append((position, []))
                continue
            spells[-1][1].append((entry["event"], position))
        return spells

    @property
    def strangers(self) -> int:
        """How often it came back under another id, as who comes while the database is away: its place is honoured."""
        return sum(not each["recovered"] for each in self.client.of_kind("connect")[1:]) if self._recovers else 0

    @property
    def epoch(self) -> str:
        return self.spells()[0][0].epoch

    def has_heard(self, truth: Truth) -> bool:
        began, heard = self.spells()[-1]
        wanted = truth.entitled(self._rooms, began)
        return not wanted or wanted[-1] in heard

    def settle(self, truth: Truth) -> int:
        """All that it was entitled to, once, in the order of the feed; gives how many events that was."""
        spells = self.spells()
        count = 0
        for n, (began, all_heard) in enumerate(spells):
            # What came after the truth was looked for is not looked at.
            heard = [each for each in all_heard if each[1].seq <= truth.last_seq]
            wanted = truth.entitled(self._rooms, began)
            if n < len(spells) - 1:
                wanted = wanted[: len(heard)]
            assert heard == wanted, f"{self.name}: {_difference(heard, wanted)}"
            count += len(heard)
        assert self.client.events("resync") == []
        return count

    def versions(self) -> dict[str, list[int]]:
        """Of each order, in the order in which they were heard."""
        found = defaultdict(list)
        for entry in self.client.of_kind("event"):
            if entry["event"] in {"newOrder", "orderStatusUpdated", "order_update", "payment_update"}:
                change = entry["args"][0]
                found[change.get("orderId") or change["id"]].append(change["version"])
        return found


def _difference(heard: list[Heard], wanted: list[Heard]) -> str:
    lost, more = Counter(wanted) - Counter(heard), Counter(heard) - Counter(wanted)
    place = next((n for n, pair in enumerate(zip(heard, wanted, strict=False)) if pair[0] != pair[1]), None)
    return (
        f"of {len(wanted)} events {lost.total()} were lost {list(lost)[:5]}, {more.total()} were twice or not for it"
        f" {list(more)[:5]}; the first difference is at {place}"
    )
