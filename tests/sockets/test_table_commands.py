"""`watch` and `unwatch` of rows of another program's table: who may, and how many."""

from __future__ import annotations

import pytest

from ordercast.db import SqliteStore
from ordercast.feed import table_watches
from ordercast.hub import Server
from ordercast.sockets import table_commands
from tests.api.watched_table import tell
from tests.waiting import until

from .conftest import Connect


async def test_a_socket_watches_so_many_filters_and_may_give_one_back(connect: Connect) -> None:
    phone = await connect("store")
    watched = []
    for number in range(table_commands.WATCHES_MAX):
        (ack,) = await phone.answered(phone.send("watch", {"table": "Order", "key": number}))
        watched.append(ack["data"]["watch"])
    assert len(set(watched)) == len(watched)
    (refused,) = await phone.answered(phone.send("watch", {"table": "Order", "key": 999}))
    assert refused["error"]["code"] == "too_many_watches"
    (again,) = await phone.answered(phone.send("watch", {"table": "Order", "key": 0}))
    assert again["data"]["watch"] == watched[0]
    (ended,) = await phone.answered(phone.send("unwatch", {"watch": watched[3]}))
    assert ended["data"] == {"watch": watched[3]}
    (taken,) = await phone.answered(phone.send("watch", {"table": "Order", "key": 999}))
    assert taken["error"] is None


async def test_long_filters_are_bounded_together(connect: Connect) -> None:
    phone = await connect("store")
    codes = []
    for number in range(7):
        states = [f"{number}{value:030}" for value in range(100)]
        (ack,) = await phone.answered(phone.send("watch", {"table": "Order", "where": {"status": states}}))
        codes.append((ack["error"] or {}).get("field"))
    assert codes == [None] * 5 + ["where"] * 2


async def test_a_node_watches_so_many_different_filters(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_commands, "FILTERS_MAX", 2)
    assert table_watches.FILTERS_MAX > 2
    first, second = await connect("store"), await connect("store")
    for number in (1, 2):
        (ack,) = await first.answered(first.send("watch", {"table": "Order", "key": number}))
        assert ack["error"] is None
    (same,) = await second.answered(second.send("watch", {"table": "Order", "key": 2}))
    assert same["error"] is None
    (other,) = await second.answered(second.send("watch", {"table": "Order", "key": 3}))
    assert (other["error"]["code"], other["error"]["field"]) == ("invalid_field", "where")


async def test_what_is_watched_no_more_is_not_told(connect: Connect, store: SqliteStore, server: Server) -> None:
    phone = await connect("store")
    (one,) = await phone.answered(phone.send("watch", {"table": "Order", "key": 1}))
    (all_,) = await phone.answered(phone.send("watch", {"table": "Order"}))
    await phone.answered(phone.send("unwatch", {"watch": all_["data"]["watch"]}))
    await tell(store, 2, None, "new")
    await tell(store, 1, None, "new")
    await until(lambda: [event for event in phone.events() if event[0] == "row_entered"])
    (heard,) = [event for event in phone.events() if event[0] == "row_entered"]
    assert (heard[1]["watch"], heard[1]["rowId"]) == (one["data"]["watch"], "1")
    assert len(server.main.sockets) == 1


async def test_somebody_without_a_token_watches_nothing(connect: Connect) -> None:
    phone = await connect()
    (ack,) = await phone.answered(phone.send("watch", {"table": "Order"}))
    assert ack["error"]["code"] == "sign_in_required"
