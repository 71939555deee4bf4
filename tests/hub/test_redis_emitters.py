"""Back ends that speak through Redis, rightly and wrongly; `tests/journey/test_redis.py` has those of Node.js."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import redis.asyncio

from ordercast.emitter import Emitter
from ordercast.hub import MemoryBus, MemoryRecovery, Options, Server
from ordercast.hub.bus.redis_emitters import RedisEmitters
from ordercast.hub.bus.redis_pubsub import PubSubState
from tests.hub.links import Link, connect
from tests.valkey import Valkey
from tests.waiting import until

# Three missing are a silence: longer than a machine that is busy keeps anybody from a core.
HEARTBEAT_S = 0.2


class Site:
    """Two nodes with a bus between them, a client on each, and a back end that speaks to both."""

    def __init__(self, url: str, key: str) -> None:
        bus = MemoryBus()
        options = Options(backlog_bytes_max=100_000)
        self.servers = [Server(options, bus=bus), Server(options, bus=MemoryBus(bus))]
        self.emitters = [RedisEmitters(server, url, key=key, heartbeat_s=HEARTBEAT_S) for server in self.servers]
        self.links: list[Link] = [connect(server) for server in self.servers]
        self.redis = redis.asyncio.Redis.from_url(url)
        self.key = key
        self.emitter = Emitter(self.redis, key)

    async def publish(self, channel: str, message: bytes) -> None:
        await self.redis.publish(self.key + channel, message)

    async def received(self) -> list[list[str | bytes]]:
        """What each client was sent, up to an end that is published last."""
        await self.emitter.emit("end")
        await until(lambda: all('42["end"]' in link.sent for link in self.links))
        return [[sent for sent in link.take() if sent != '42["end"]'] for link in self.links]


@pytest.fixture
async def new_site(shared_valkey: Valkey) -> AsyncIterator[Callable[..., Any]]:
    sites: list[Site] = []

    async def make(key: str = "socket.io") -> Site:
        site = Site(shared_valkey.url, key)
        sites.append(site)
        for emitters in site.emitters:
            emitters.start()
            async with asyncio.timeout(60):
                await emitters.until_up()
        return site

    yield make
    for site in sites:
        for emitters in site.emitters:
            await emitters.close()
        await site.redis.aclose()


@pytest.fixture
async def site(new_site: Callable[..., Any]) -> Site:
    made: Site = await new_site()
    return made


async def test_an_event_reaches_each_socket_once_though_every_node_receives_it(site: Site) -> None:
    for server in site.servers:
        server.main.sockets_join("room")

    assert await site.emitter.to("room").emit("hi", b"\x01") == 2
    await site.emitter.to("nobody").emit("hi")

    once = ['451-["hi",{"_placeholder":true,"num":0}]', b"\x01"]
    assert await site.received() == [once, once]


async def test_flags_and_exceptions_are_kept(site: Site) -> None:
    (first,) = site.servers[0].main.sockets.values()
    await site.emitter.except_(first.id).volatile.compress(False).emit("hi")

    assert await site.received() == [[], ['42["hi"]']]
    message = site.links[1].messages[-2]
    assert (message.text, message.volatile, message.compress) == (b'42["hi"]', True, False)


async def test_requests_are_obeyed_on_every_node(site: Site) -> None:
    calls: list[Any] = []
    for server in site.servers:
        server.on("reload", lambda *args: calls.append(args))
    sockets = [socket for server in site.servers for socket in server.main.sockets.values()]

    await site.emitter.sockets_join("a", "b")
    await site.emitter.to("a").sockets_leave("b")
    await site.emitter.server_side_emit("reload", 1)
    await site.emitter.to(sockets[0].id).disconnect_sockets(close=True)

    await until(lambda: site.links[0].closed_for)
    await until(lambda: calls == [(1,), (1,)])
    assert sockets[1].rooms == {sockets[1].id, "a"}
    assert sockets[1].connected


async def test_what_is_not_for_us_is_left_alone(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    await site.emitter.of("/unknown").emit("hi")
    await site.emitter.of("/unknown").disconnect_sockets()
    await site.emitter.of("/unknown").server_side_emit("hi")
    await Emitter(site.redis, "another").emit("hi")
    await site.publish("-request#/#", b'{"type":5,"requestId":"1","opts":{}}')
    await site.publish("-response#/#", b"anything")

    assert await site.received() == [[], []]
    assert [emitters.refused for emitters in site.emitters] == [0, 0]
    assert not caplog.records


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ("#/#", b"\xc1"),
        ("#/#", b"cos\nsystem\n(S'true'\ntR."),
        ("#/other#", msgspec.msgpack.encode(("u", {"data": ["hi"], "nsp": "/"}, {}))),
        ("#/#", msgspec.msgpack.encode(("u", {"data": ["hi", b"x" * 100_000]}, {}))),
        ("#/#", msgspec.msgpack.encode(("u", {"data": ["hi", *[b"x"] * 11]}, {}))),
        ("#/#", msgspec.msgpack.encode(("u", {"data": ["disconnect"]}, {}))),
        ("-request#/#", b"{"),
        ("-request#/#", b'{"type":4}'),
        ("-request#/#", b'{"type":2,"opts":{},"rooms":[]}'),
        ("-request#/#", b'{"type":6,"data":["connection"]}'),
        ("-request#/#", b'{"type":6,"data":["new_namespace"]}'),
    ],
    ids=range(11),
)
async def test_what_is_not_understood_is_logged_and_harms_nobody(
    site: Site, channel: str, message: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for server in site.servers:
        for event in ("connection", "new_namespace"):
            server.on(event, lambda *_args: pytest.fail("counterfeited"))

    for _ in range(50):
        await site.publish(channel, message)

    assert await site.received() == [[], []]
    assert [emitters.refused for emitters in site.emitters] == [50, 50]
    complaints = [record for record in caplog.records if "not understood" in record.message]
    assert len(complaints) == 2, "one a node: a flood must not fill the log"
    assert max(len(record.message) for record in complaints) < 500


async def test_a_key_is_no_pattern(new_site: Callable[..., Any]) -> None:
    site = await new_site("[a-z]*?\\")

    await site.emitter.emit("hi")
    await Emitter(site.redis, "xyz").emit("another site")

    assert await site.received() == [['42["hi"]'], ['42["hi"]']]


async def test_where_emits_are_recorded_each_node_gives_its_own_offset(site: Site) -> None:
    recovery = site.servers[0].main.recovery = MemoryRecovery()
    await site.emitter.emit("hi", "last")
    await until(lambda: all(link.sent for link in site.links))

    first, second = (msgspec.json.decode(str(link.take()[0])[2:]) for link in site.links)
    assert first[:2] == ["hi", "last"]
    assert recovery.gap(first[2]) is None
    assert second == ["hi", "last"]


async def test_it_comes_back_with_redis(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ordercast.hub")
    server = Server()
    emitters = RedisEmitters(server, valkey.url, heartbeat_s=HEARTBEAT_S)
    link = connect(server)
    emitters.start()
    await emitters.until_up()
    assert repr(emitters) == "<RedisEmitters socket.io# up refused=0>"

    valkey.kill()
    await until(lambda: emitters.state is PubSubState.AWAY)
    valkey.start()
    await emitters.until_up()
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        await Emitter(client).emit("back")
    await until(lambda: link.sent)

    assert link.sent == ['42["back"]']
    assert "back ends at socket.io: up" in caplog.text
    await emitters.close()
