from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chance import examples
from tests.quick import migrated
from tests.waiting import until

from ordercast.db import SqliteStore
from ordercast.feed import history_cache, replay_buffer
from ordercast.feed import recovery as recovery_module
from ordercast.hub import DisconnectReason, Options

from .conftest import PLACE, Line, Node
from .test_relay import admin

Outside = Callable[..., None]


def ids(line: Line) -> list[str]:
    return [event[1]["id"] for event in line.heard("newOrder")]


def offset(line: Line) -> str:
    """What the stock client would present: the last string argument that it saw."""
    found: str = line.events()[-1][-1]
    return found


async def place(node: Node, store: SqliteStore, *order_ids: str) -> None:
    def unit(transaction: Any) -> None:
        for order_id in order_ids:
            transaction.run("INSERT INTO orders (id, customer_name) VALUES (:id, 'x')", id=order_id)

    await store.write(unit)
    await until(lambda: node.relay.position.seq == store.last_seq)


async def test_one_small_event_follows_connect_so_that_silence_can_be_recovered_from(node: Node) -> None:
    line = await admin(node)

    assert [event[0] for event in line.events()] == ["ready"]
    assert offset(line) == str(node.relay.position)


async def test_who_returns_has_its_id_and_hears_what_it_missed_before_anything_new(
    node: Node, store: SqliteStore
) -> None:
    first = await admin(node)
    await place(node, store, "ord_1")
    first.client.closed(DisconnectReason.TRANSPORT_CLOSE)
    await place(node, store, "ord_2", "ord_3")

    second = await admin(node, pid=first.answer["pid"], offset=offset(first))

    assert second.answer == first.answer
    assert ids(second) == ["ord_2", "ord_3"]
    kinds = [text[0] for text in second.texts()]
    assert kinds == ["0"] + ["2"] * 5  # CONNECT, two orders of two events each, ready


async def test_a_client_cut_between_two_events_of_one_row_hears_the_second_alone(
    node: Node, store: SqliteStore
) -> None:
    first = await admin(node)
    await place(node, store, "ord_1")
    between = first.heard("new_order")[0][-1]

    second = await admin(node, pid=first.answer["pid"], offset=between)

    assert [event[0] for event in second.events()] == ["newOrder", "ready"]


async def test_a_session_is_taken_from_a_connection_that_is_still_thought_alive(node: Node, store: SqliteStore) -> None:
    ghost = await admin(node)

    heir = await admin(node, pid=ghost.answer["pid"], offset=offset(ghost))
    await place(node, store, "ord_1")

    assert ghost.closed_for is not None
    assert ids(heir) == ["ord_1"]
    assert ids(ghost) == []
    assert node.server.main.sockets.keys() == {heir.answer["sid"]}


async def test_another_node_or_a_restarted_one_replays_from_the_database(node: Node, store: SqliteStore) -> None:
    line = await admin(node)
    await place(node, store, "ord_1", "ord_2")
    restarted = Node(store)

    returned = await admin(restarted, pid=line.answer["pid"], offset=str(line.events()[0][-1]))

    assert returned.answer["sid"] == line.answer["sid"]
    assert ids(returned) == ["ord_1", "ord_2"]
    restarted.relay.stop()


async def test_an_offset_is_honoured_without_a_session(node: Node, store: SqliteStore) -> None:
    line = await admin(node)
    await place(node, store, "ord_1")

    returned = await admin(node, pid="gone", offset=line.events()[0][-1])

    assert returned.answer["pid"] != "gone"
    assert ids(returned) == ["ord_1"]
    assert returned.heard("resync") == []


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ({"pid": "x", "offset": "nonsense"}, "offset_unknown"),
        ({"pid": "x", "offset": "otherepoch:1"}, "epoch_changed"),
        ({"pid": "x"}, "session_unknown"),
        ({"pid": "x", "offset": ["a"]}, "session_unknown"),
    ],
)
async def test_a_gap_that_cannot_be_filled_is_told(node: Node, claim: dict[str, Any], reason: str) -> None:
    line = await admin(node, **claim)

    assert line.heard("resync") == [["resync", {"reason": reason}]]


async def test_history_that_was_pruned_is_a_gap(node: Node, store: SqliteStore) -> None:
    line = await admin(node)
    await place(node, store, *(f"ord_{number}" for number in range(10)))
    await store.prune(feed_rows_max=2, sessions_age_s_max=3600, now="2026-01-01T00:00:01.000Z")
    restarted = Node(store)

    returned = await admin(restarted, pid=line.answer["pid"], offset=line.events()[0][-1])

    assert returned.heard("resync") == [["resync", {"reason": "history_pruned"}]]
    assert returned.answer["pid"] != line.answer["pid"]
    restarted.relay.stop()


async def test_a_gap_of_more_rows_than_are_replayed_is_told(
    node: Node, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_module, "REPLAY_ROWS_MAX", 3)
    line = await admin(node)
    await place(node, store, "ord_1", "ord_2", "ord_3", "ord_4")

    returned = await admin(node, pid=line.answer["pid"], offset=line.events()[0][-1])

    assert returned.heard("resync") == [["resync", {"reason": "too_far_behind"}]]


async def test_what_was_published_to_a_sockets_own_id_is_replayed_too(
    node: Node, store: SqliteStore, outside: Outside
) -> None:
    line = await admin(node)
    outside("INSERT INTO published_events (event, rooms, args) VALUES ('hello', ?, '[1]')", f'["{line.answer["sid"]}"]')
    await until(lambda: line.heard("hello"))

    returned = await admin(node, pid=line.answer["pid"], offset=line.events()[0][-1])

    assert [event[:2] for event in returned.heard("hello")] == [["hello", 1]]


async def test_those_who_return_at_once_take_turns_and_leave_some_to_others(
    node: Node, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_module, "REPLAY_ROWS", 2)
    await place(node, store, *(f"ord_{number}" for number in range(20)))
    turns_of_others = 0
    start = f"{node.relay.position.epoch}:0"
    returning = [node.line() for _ in range(5)]
    for line in returning:
        line.connect(token="store:1", offset=start)

    while not all(line.heard("ready") for line in returning):
        await asyncio.sleep(0)
        turns_of_others += 1

    assert all(len(ids(line)) == 20 for line in returning)
    assert turns_of_others >= 5 * 20 / 2


async def test_a_session_in_use_is_kept_anew_before_it_grows_old(
    node: Node, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_module, "TOUCH_AFTER_S", -1.0)
    line = await admin(node)
    pid = line.answer["pid"]
    row = await store.load_session(pid)
    assert row is not None
    await store.save_session(msgspec.structs.replace(row, seen_at="2025-12-31T00:00:00.000Z"))

    await admin(node, pid=pid, offset=offset(line))

    row = await store.load_session(pid)
    assert row is not None
    assert row.seen_at == "2026-01-01T00:00:00.000Z"


async def test_a_session_opens_to_nobody_else(node: Node, store: SqliteStore) -> None:
    mine = await admin(node)
    await place(node, store, "ord_1")
    thief = node.line()
    thief.connect(token="customer_9", pid=mine.answer["pid"], offset=mine.events()[0][-1])
    await until(lambda: thief.heard("ready"))

    assert thief.answer["sid"] != mine.answer["sid"]
    assert thief.heard("new_order", "newOrder") == []
    assert mine.closed_for is None


class StockClient:
    """What the stock client keeps from one connection to the next, and hears: nothing before it is connected."""

    def __init__(self) -> None:
        self.pid: str | None = None
        self.offset: str | None = None
        self.early: list[list[Any]] = []
        self.heard: list[str] = []
        self.connected = False

    def claim(self) -> dict[str, Any]:
        return {} if self.pid is None else {"pid": self.pid, "offset": self.offset}

    def receive(self, texts: list[str]) -> None:
        for text in texts:
            if text.startswith("0"):
                self.pid, self.connected = msgspec.json.decode(text[1:])["pid"], True
                for event in self.early:
                    self._emit(event)
                self.early.clear()
            elif self.connected:
                self._emit(msgspec.json.decode(text[1:]))
            else:
                self.early.append(msgspec.json.decode(text[1:]))

    def _emit(self, event: list[Any]) -> None:
        if event[0] == "newOrder":
            self.heard.append(event[1]["id"])
        if isinstance(event[-1], str):
            self.offset = event[-1]


@examples(100, one_fixture_for_all=True)
@given(st.lists(st.sampled_from(["place", "place", "cut", "restart"]), min_size=4, max_size=30), st.data())
async def test_random_cuts_lose_nothing_repeat_nothing_and_keep_the_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], data: st.DataObject
) -> None:
    store = SqliteStore(migrated(tmp_path_factory.mktemp("history") / "shop.db"))
    await store.start()
    node, client = Node(store), StockClient()
    line = await admin(node)
    client.receive(line.texts())  # it has been connected once; from then on nothing may be lost
    line.sent.clear()
    placed: list[str] = []
    try:
        for step in steps:
            if step == "place":
                placed.append(f"ord_{len(placed)}")
                await place(node, store, placed[-1])
                continue
            # The network breaks: the client has received some beginning of what was written to it.
            client.receive(line.texts()[: data.draw(st.integers(0, len(line.sent)))])
            client.connected = False
            if step == "restart":
                node.relay.stop()
                node = Node(store)
            line = await admin(node, **client.claim())
        client.receive(line.texts())
        assert client.heard == placed
    finally:
        node.relay.stop()
        await store.close()


def test_the_limits_of_replay_fit_each_other() -> None:
    assert recovery_module.REPLAY_ROWS <= replay_buffer.ROWS_MAX


async def test_who_asks_for_history_over_and_over_is_told_to_fetch_the_state(store: SqliteStore) -> None:
    node = Node(store, Options(replay_burst=6, replay_per_second=0.001))
    line = await admin(node)
    await place(node, store, *(f"ord_{number}" for number in range(30)))
    start = line.events()[0][-1]

    returned = [await admin(node, offset=start) for _ in range(3)]

    assert [len(ids(line)) for line in returned] == [30, 30, 0]
    assert returned[2].heard("resync") == [["resync", {"reason": "replay_budget"}]]
    assert offset(returned[2]) != start, "it would be told the same when it comes back"
    another = node.line()
    another.connect(token="store:2", offset=start)
    await until(lambda: another.heard("ready"))
    assert len(ids(another)) == 30
    node.relay.stop()
    await node.server.close()


async def test_a_long_history_is_read_and_encoded_once_for_all_who_come_back_for_it(
    node: Node, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_buffer, "ROWS_MAX", 10)
    monkeypatch.setattr(recovery_module, "REPLAY_ROWS", 8)
    line = await admin(node)
    await place(node, store, *(f"ord_{number}" for number in range(60)))
    start = line.events()[0][-1]
    read = 0
    older = store.older

    async def counted(after: int, limit: int) -> Any:
        nonlocal read
        read += 1
        return await older(after, limit)

    monkeypatch.setattr(store, "older", counted)
    first = await admin(node, offset=start)
    made, reads = node.relay.rows_encoded, read
    second = await admin(node, offset=start)

    assert ids(first) == ids(second) == [f"ord_{number}" for number in range(60)]
    assert (made, reads) == (node.relay.rows_encoded, read)
    assert 0 < reads < 10


async def test_rows_are_remembered_up_to_a_bound_in_bytes(
    node: Node, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_buffer, "BYTES_MAX", 20_000)
    monkeypatch.setattr(history_cache, "BYTES_MAX", 20_000)
    line = await admin(node)
    await place(node, store, *(f"ord_{number}" for number in range(60)))

    assert node.relay.recent_rows(line_position(line), 100) is None
    returned = await admin(node, offset=line.events()[0][-1])
    assert len(ids(returned)) == 60


def line_position(line: Line) -> int:
    return int(str(line.events()[0][-1]).split(":")[1].split(".")[0])


async def test_large_events_are_replayed_in_parts_that_a_connection_can_take(
    node: Node, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_module, "REPLAY_BYTES", 2_000)
    line = await admin(node)
    await place(node, store, *(f"ord_{number}" for number in range(20)))
    (socket,) = node.server.main.sockets.values()
    recovery = node.server.main.recovery
    assert recovery is not None

    parts = [part async for part in recovery.missed(socket, ("store-owners",), line.events()[0][-1])]

    assert sum(map(len, parts)) == 40
    assert all(sum(map(len, part)) <= 2_000 or len(part) == 1 for part in parts)


async def test_rows_for_others_are_skipped_once_they_are_known(
    node: Node, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, outside: Outside
) -> None:
    monkeypatch.setattr(replay_buffer, "ROWS_MAX", 10)
    monkeypatch.setattr(history_cache, "ROWS_MAX", 1)
    monkeypatch.setattr(recovery_module, "REPLAY_ROWS", 8)
    line = await admin(node)
    start = line.events()[0][-1]
    await place(node, store, *(f"ord_{number}" for number in range(30)))
    outside(PLACE, "ord_mine", "customer_1")
    await place(node, store, *(f"ord_{number}" for number in range(30, 60)))
    made = []
    for _ in range(3):
        before = node.relay.rows_encoded
        returned = node.line()
        returned.connect(token="customer_customer_1", offset=start)
        await until(functools.partial(returned.heard, "ready"))
        assert [event[1]["orderId"] for event in returned.heard("customer_order_update")] == ["ord_mine"]
        made.append(node.relay.rows_encoded - before)

    assert made[0] > 40
    assert made[1] == made[2] <= 8
