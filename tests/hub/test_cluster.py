"""Two nodes of one site: what is emitted to, requested of, and done to everybody reaches the sockets of both."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ordercast.hub import (
    AckTimeout,
    MemoryBus,
    MemoryRecovery,
    NodesTimedOut,
    NotConnected,
    Options,
    RemoteSocket,
    Server,
    Socket,
)
from ordercast.hub.cluster_messages import Disconnect, Target, encode_message
from ordercast.protocol.errors import UnencodableValue
from tests.clock import let_pass
from tests.hub.links import Link, connect, settle


class Site:
    """Two nodes; `a` is a client of the first, `b` and `c` of the second, `b` in a room."""

    def __init__(self) -> None:
        options = Options(bus_timeout_s=60)
        self.buses = [MemoryBus()]
        self.buses.append(MemoryBus(self.buses[0]))
        self.first, self.second = (Server(options, bus=bus) for bus in self.buses)
        self.links: dict[str, Link] = {}
        self.sockets: dict[str, Socket] = {}
        for name, server in {"a": self.first, "b": self.second, "c": self.second}.items():
            self.links[name] = connect(server, auth={"name": name})
            (self.sockets[name],) = [s for s in server.main.sockets.values() if s.auth["name"] == name]
        self.sockets["b"].join("room")

    async def received(self) -> dict[str, list[str | bytes]]:
        await settle()
        return {name: emitted for name, link in self.links.items() if (emitted := link.take())}

    async def answer(self, name: str, *args: Any) -> None:
        """The client acknowledges what it was sent last."""
        await settle()
        calls = str(self.links[name].take()[-1])
        self.links[name].receive(f"3{calls[2 : calls.index('[')]}{json.dumps(list(args))}")


@pytest.fixture
async def site() -> Site:
    return Site()


# Telling


async def test_an_event_reaches_the_sockets_of_every_node_once(site: Site) -> None:
    assert site.first.emit("hi", 1, {"a": b"\x01"}, datetime(2026, 1, 1, tzinfo=UTC)) == 1

    emitted = ['451-["hi",1,{"a":{"_placeholder":true,"num":0}},"2026-01-01T00:00:00Z"]', b"\x01"]
    assert await site.received() == {"a": emitted, "b": emitted, "c": emitted}


async def test_an_audience_is_the_same_on_every_node(site: Site) -> None:
    site.first.to("room").emit("room")
    assert await site.received() == {"b": ['42["room"]']}

    site.first.except_("room").emit("not room")
    assert await site.received() == {"a": ['42["not room"]'], "c": ['42["not room"]']}

    site.sockets["c"].broadcast.emit("others")
    assert await site.received() == {"a": ['42["others"]'], "b": ['42["others"]']}

    site.first.to(site.sockets["c"].id).volatile.compress(False).emit("c")
    assert await site.received() == {"c": ['42["c"]']}
    sent = site.links["c"].messages[-1]
    assert (sent.volatile, sent.compress) == (True, False)


async def test_what_is_local_stays(site: Site) -> None:
    site.second.local.emit("local")
    site.sockets["b"].local.emit("local")
    site.first.local.sockets_join("x")
    site.second.local.disconnect_sockets()

    assert await site.received() == {"b": ['42["local"]', "41"], "c": ['42["local"]', '42["local"]', "41"]}
    assert site.sockets["a"].connected


async def test_a_namespace_that_another_node_does_not_have_is_no_fault(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    only = site.first.of("/only-here")
    only.emit("hi")
    only.sockets_join("x")
    only.sockets_leave("x")
    only.disconnect_sockets()
    only.server_side_emit("hi")

    assert await only.fetch_sockets() == []
    assert await only.timeout(1).emit_with_ack("ask") == []
    assert await only.server_side_emit_with_ack("ask") == []
    assert not caplog.records


async def test_each_node_gives_an_event_the_offset_of_its_own_recording(site: Site) -> None:
    site.second.main.recovery = recovery = MemoryRecovery()
    site.first.emit("hi", 1)

    received = await site.received()
    assert received["a"] == ['42["hi",1]']
    offset = json.loads(str(received["b"][0])[2:])[-1]
    assert recovery.gap(offset) is None


async def test_what_cannot_be_encoded_reaches_nobody(site: Site) -> None:
    with pytest.raises(UnencodableValue):
        site.first.emit("hi", object())
    with pytest.raises(UnencodableValue):
        site.first.server_side_emit("hi", object())
    assert await site.received() == {}


async def test_nodes_know_the_names_of_each_other(site: Site) -> None:
    assert set(await site.first.main.other_nodes()) == {site.second.main.node}
    assert site.second.main.node
    alone = Server()
    assert (alone.main.node, list(await alone.main.other_nodes())) == ("", [])


# Acting on sockets


async def test_sockets_are_fetched_from_every_node(site: Site) -> None:
    site.sockets["b"].data = {"user": 7}
    site.sockets["c"].data = object()

    sockets = {socket.id: socket for socket in await site.first.fetch_sockets()}

    assert sockets[site.sockets["a"].id] is site.sockets["a"]
    b, c = (sockets[site.sockets[name].id] for name in "bc")
    assert isinstance(b, RemoteSocket)
    assert (b.data, c.data) == ({"user": 7}, None)
    assert b.rooms == {b.id, "room"}
    assert b.handshake == site.sockets["b"].handshake
    assert b.handshake.auth == {"name": "b"}
    assert repr(b) == f"<RemoteSocket {b.id} namespace=/ rooms=2>"
    assert [socket.id for socket in await site.first.to("room").fetch_sockets()] == [b.id]


async def test_a_remote_socket_is_acted_on_like_any_other(site: Site) -> None:
    (b,) = await site.first.to("room").fetch_sockets()

    b.emit("hi")
    b.join("x")
    b.leave("room")
    assert await site.received() == {"b": ['42["hi"]']}
    assert site.sockets["b"].rooms == {b.id, "x"}

    pending = asyncio.create_task(b.emit_with_ack("ask", timeout_s=60))
    await site.answer("b", None, 2)
    assert await pending == (None, 2)

    b.disconnect(close=True)
    assert await site.received() == {"b": ["41"]}
    assert site.links["b"].closed_for is not None
    with pytest.raises(NotConnected):
        await b.emit_with_ack("ask", timeout_s=60)


async def test_sockets_of_every_node_join_leave_and_are_sent_away(site: Site) -> None:
    site.first.sockets_join("x", "y")
    await settle()
    assert all({"x", "y"} <= socket.rooms for socket in site.sockets.values())

    site.second.to("room").sockets_leave("y")
    site.first.except_("room").sockets_leave("x")
    await settle()
    assert [sorted(s.rooms & {"x", "y"}) for s in site.sockets.values()] == [["y"], ["x"], ["y"]]

    site.first.to("x").disconnect_sockets()
    assert await site.received() == {"b": ["41"]}


# Asking


async def test_the_answers_of_every_nodes_clients_are_gathered(site: Site) -> None:
    pending = asyncio.create_task(site.first.timeout(60).emit_with_ack("ask"))
    await site.answer("a", 1)
    await site.answer("b", [2])
    await site.answer("c", {"x": 3}, "4")

    assert await pending == [1, [2], ({"x": 3}, "4")]


async def test_a_client_of_another_node_that_is_late_is_missing(site: Site) -> None:
    pending = asyncio.create_task(site.first.timeout(60).emit_with_ack("ask"))
    await site.answer("a", 1)
    await site.answer("c", 3)
    await settle()
    let_pass(60)

    with pytest.raises(AckTimeout) as caught:
        await pending
    assert caught.value.answers == [1, 3]


async def test_a_node_that_is_silent_is_named_and_the_others_answers_are_given(site: Site) -> None:
    third = MemoryBus(site.buses[0])
    third.open(lambda _message: None)
    site.second.on("ask", lambda: "second")

    fetching = asyncio.create_task(site.first.fetch_sockets())
    await settle()
    let_pass(60)
    with pytest.raises(NodesTimedOut, match="no answer from node node-3") as fetched:
        await fetching
    assert {socket.id for socket in fetched.value.answers} == {site.sockets[name].id for name in "bc"}

    pending = asyncio.create_task(site.first.server_side_emit_with_ack("ask", timeout_s=60))
    await settle()
    let_pass(60)
    with pytest.raises(NodesTimedOut) as requested:
        await pending
    assert requested.value.answers == ["second"]

    pending = asyncio.create_task(site.first.to("nobody").timeout(60).emit_with_ack("ask"))
    await settle()
    let_pass(120)  # for the clients, and then for the node
    with pytest.raises(AckTimeout) as clients:
        await pending
    assert clients.value.answers == []
    assert repr(site.first.cluster) == "<Cluster node=node-1 pending=0>"


# Servers among themselves


async def test_servers_tell_the_others_and_not_themselves(site: Site) -> None:
    calls: list[Any] = []
    for name, server in {"first": site.first, "second": site.second}.items():
        server.on("hello", lambda *args, name=name: calls.append((name, *args)))
    site.second.of("/other").on("hello", lambda: calls.append("other"))

    site.first.server_side_emit("hello", 1, {"a": b"\x01"})
    site.first.of("/other").server_side_emit("hello")
    await settle()

    assert calls == [("second", 1, {"a": b"\x01"}), "other"]


async def test_servers_ask_the_others(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    third = Server(bus=MemoryBus(site.buses[0]))
    site.first.on("load", lambda: "not asked")
    site.second.on("load", lambda *_args: None)

    @site.second.on("load")
    async def load(value: int) -> int:
        await asyncio.sleep(0)
        return value + 1

    @third.on("load")
    def fail(_value: int) -> None:
        raise RuntimeError("oops")

    assert await site.first.server_side_emit_with_ack("load", 1) == [2]
    assert "handler failed: event='load'" in caplog.text


@pytest.mark.parametrize("event", ["connect", "connection", "new_namespace", "connection_error"])
async def test_servers_cannot_counterfeit_each_others_own_events(site: Site, event: str) -> None:
    with pytest.raises(ValueError, match="has a meaning of its own"):
        site.first.server_side_emit(event)
    with pytest.raises(ValueError, match="has a meaning of its own"):
        await site.first.server_side_emit_with_ack(event)


async def test_a_node_alone_emits_to_and_waits_for_nobody() -> None:
    server = Server()
    server.on("hello", lambda: pytest.fail("its own voice"))

    server.server_side_emit("hello")

    assert await server.server_side_emit_with_ack("hello") == []


# What comes over the bus


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x80",
        b"cos\nsystem\n(S'true'\ntR.",
        encode_message(Disconnect(Target("/", (), ()), close=False))[:-1],
        encode_message({"type": "unknown"}),
        encode_message({"type": "emit", "reach": ["/", [], []], "said": [b"42{}", []], "volatile": 0, "compress": 1}),
        encode_message(
            {"type": "emit", "reach": ["/", [], []], "said": [b"42{}", []], "volatile": False, "compress": True}
        ),
    ],
)
async def test_a_message_that_is_not_understood_is_logged_and_no_more(
    site: Site, message: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    site.buses[0].publish(message)

    assert await site.received() == {}
    assert "message not understood" in caplog.text
    site.first.emit("still here")
    assert set(await site.received()) == {"a", "b", "c"}


async def test_a_node_that_has_closed_is_gone_from_the_site(site: Site) -> None:
    await site.second.close()
    site.links["b"].take()
    site.links["c"].take()

    site.first.emit("hi")

    assert await site.received() == {"a": ['42["hi"]']}
    assert len(await site.first.fetch_sockets()) == 1
    assert repr(site.buses[0]) == "<MemoryBus node-1 nodes=1>"
