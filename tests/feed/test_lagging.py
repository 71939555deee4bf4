"""A node that has read less of the feed than another: as any node may have, for a moment, on a database server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.waiting import until

from ordercast.db import Change, SqliteStore

from .conftest import PLACE, Node
from .test_recovery import ids
from .test_relay import admin

Outside = Callable[..., None]


class LaggingStore(SqliteStore):
    """Reads nothing behind `held_at`, as if it had not come to it yet; None lets it go."""

    lags = True
    held_at: int | None = None

    @property
    def last_seq(self) -> int:
        newest = super().last_seq
        return newest if self.held_at is None else min(newest, self.held_at)

    def changes(self, after: int, limit: int) -> list[Change]:
        last_seq = self.last_seq
        return [change for change in super().changes(after, limit) if change.seq <= last_seq]

    async def has(self, seq: int) -> bool:
        return seq <= super().last_seq


@pytest.fixture
async def behind(database: Path) -> AsyncIterator[LaggingStore]:
    store = LaggingStore(database)
    await store.start()
    yield store
    await store.close()


async def test_a_client_that_has_heard_more_elsewhere_waits_and_hears_nothing_twice(
    node: Node, behind: LaggingStore, outside: Outside
) -> None:
    other = Node(behind)
    first = await admin(node)
    behind.held_at = 0
    outside(PLACE, "ord_1", "cus_1")
    await until(lambda: ids(first) == ["ord_1"])

    line = other.line()
    line.connect(token="store:1", pid=first.answer["pid"], offset=first.events()[-1][-1])
    await asyncio.sleep(0.05)
    assert line.heard("ready") == []  # it is known by now, and not let in
    behind.held_at = None
    outside(PLACE, "ord_2", "cus_1")
    await until(lambda: line.heard("ready") and ids(line))

    assert line.answer["sid"] == first.answer["sid"]
    assert ids(line) == ["ord_2"]
    assert line.heard("resync") == []
    other.relay.stop()
    await other.server.close()


async def test_a_position_that_no_node_ever_told_is_of_another_history(behind: LaggingStore, outside: Outside) -> None:
    node = Node(behind)
    outside(PLACE, "ord_1", "cus_1")
    await until(lambda: node.relay.position.seq == 1)

    line = await admin(node, offset=f"{behind.epoch}:7")

    assert [event[1] for event in line.heard("resync")] == [{"reason": "epoch_changed"}]
    node.relay.stop()
    await node.server.close()


async def test_a_node_that_cannot_catch_up_says_so(
    node: Node, behind: LaggingStore, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.feed.relay.WAIT_S_MAX", 0.05)
    other = Node(behind)
    first = await admin(node)
    behind.held_at = 0
    outside(PLACE, "ord_1", "cus_1")
    await until(lambda: ids(first) == ["ord_1"])

    line = await admin(other, pid=first.answer["pid"], offset=first.events()[-1][-1])

    assert [event[1] for event in line.heard("resync")] == [{"reason": "feed_behind"}]
    other.relay.stop()
    await other.server.close()


async def test_who_is_connected_while_the_database_is_restored_is_told(
    node: Node, store: SqliteStore, outside: Outside
) -> None:
    line, nobody = await admin(node), node.line()
    nobody.connect()
    outside(PLACE, "ord_1", "cus_1")
    await until(lambda: ids(line) == ["ord_1"])

    store.epoch = "restored"
    node.relay.pull()
    outside(PLACE, "ord_2", "cus_1")
    await until(lambda: len(ids(line)) == 2)

    ((_, reason, position),) = line.heard("resync")
    assert (reason, position) == ({"reason": "epoch_changed"}, "restored:1")
    assert line.heard("newOrder")[-1][-1].startswith("restored:2")
    assert nobody.heard("resync") == []


async def test_rows_that_were_pruned_before_a_node_came_to_them_are_told_to_be_missing(
    behind: LaggingStore, outside: Outside
) -> None:
    node = Node(behind)
    line, nobody = await admin(node), node.line()
    nobody.connect()
    outside(PLACE, "ord_1", "cus_1")
    await until(lambda: ids(line) == ["ord_1"])
    behind.held_at = 1
    for number in range(2, 7):
        outside(PLACE, f"ord_{number}", "cus_1")
    outside("DELETE FROM feed WHERE seq < 5")
    behind.held_at = None
    node.relay.pull()
    await until(lambda: len(ids(line)) == 3)

    assert ids(line) == ["ord_1", "ord_5", "ord_6"]
    ((_, reason, position),) = line.heard("resync")
    assert (reason, position) == ({"reason": "history_pruned"}, f"{behind.epoch}:4")
    assert [event[0] for event in line.events()].index("resync") == 3  # ready, two events of the first order, resync
    assert nobody.heard("resync") == []
    node.relay.stop()
    await node.server.close()


async def test_a_replay_whose_rows_are_gone_says_so(node: Node, store: SqliteStore, outside: Outside) -> None:
    for number in range(4):
        outside(PLACE, f"ord_{number}", "cus_1")
    await until(lambda: node.relay.position.seq == 4)
    node.relay.clear_memory()
    outside("DELETE FROM feed WHERE seq = 2")  # in the middle, where `first_seq` does not show it

    line = await admin(node, offset=f"{store.epoch}:1")

    assert [event[1] for event in line.heard("resync")] == [{"reason": "history_pruned"}]


async def test_many_who_wait_for_the_same_row_are_let_in_when_it_comes(
    node: Node, behind: LaggingStore, outside: Outside
) -> None:
    other = Node(behind)
    first = await admin(node)
    behind.held_at = 0
    outside(PLACE, "ord_1", "cus_1")
    await until(lambda: ids(first) == ["ord_1"])
    lines = [other.line() for _ in range(20)]
    for line in lines:
        line.connect(token="store:1", offset=first.events()[-1][-1])
    await asyncio.sleep(0.02)
    assert not any(line.heard("ready") for line in lines)

    behind.held_at = None
    outside(PLACE, "ord_2", "cus_1")
    await until(lambda: all(ids(line) == ["ord_2"] for line in lines))
    other.relay.stop()
    await other.server.close()
