"""The bus by Redis when Redis, the way to it, or another node fails; see `test_bus.py` for what every bus must do."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import redis.asyncio

from ordercast.hub import NodesTimedOut, Options, Server
from ordercast.hub.bus.redis import MESSAGE_BYTES_MAX, RedisBus
from ordercast.hub.bus.redis_pubsub import HEARTBEATS_MISSED_MAX, OUTBOX_BYTES_MAX, PubSubState
from tests.hub.links import connect
from tests.journey.cutting_proxy import CuttingProxy
from tests.valkey import Valkey
from tests.waiting import until

# Three missing are a silence: longer than a machine that is busy keeps anybody from a core.
HEARTBEAT_S = 0.2


class End:
    """One node's end and what it has received."""

    def __init__(self, url: str, prefix: str = "ordercast") -> None:
        self.received: list[bytes] = []
        self.bus = RedisBus(url, prefix=prefix, name="test", heartbeat_s=HEARTBEAT_S)
        self.bus.open(self.received.append)
        self.bus.start()

    async def receives_from(self, other: End, message: bytes) -> None:
        """Whatever `other` publishes is received here again."""

        def is_heard() -> bool:
            other.bus.publish(message)
            return message in self.received

        await until(is_heard)

    async def is_in_state(self, state: PubSubState) -> None:
        await until(lambda: self.bus.state is state)


@pytest.fixture
async def new_end() -> AsyncIterator[Callable[..., End]]:
    ends: list[End] = []

    def make(url: str, prefix: str = "ordercast") -> End:
        ends.append(End(url, prefix))
        return ends[-1]

    yield make
    for end in ends:
        await end.bus.close()


@pytest.fixture
def proxy(valkey: Valkey) -> Iterator[CuttingProxy]:
    with CuttingProxy(valkey.port) as proxy:
        yield proxy


NewEnd = Callable[..., End]


async def both_up(*ends: End) -> None:
    for end in ends:
        async with asyncio.timeout(60):
            await end.bus.until_up()


# Redis goes and comes back


async def test_it_comes_back_with_redis_and_what_was_published_meanwhile_is_dropped_and_counted(
    new_end: NewEnd, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ordercast.hub")
    one, other = new_end(valkey.url), new_end(valkey.url)
    await both_up(one, other)
    assert repr(one.bus) == f"<RedisBus {one.bus.node} up others=1 dropped=0>"

    valkey.kill()
    await one.is_in_state(PubSubState.AWAY)
    for _ in range(5):
        one.bus.publish(b"lost")
    assert one.bus.dropped == 5

    valkey.start()
    await both_up(one, other)
    assert one.bus.dropped == 5
    await other.receives_from(one, b"back")
    await one.receives_from(other, b"and forth")
    assert b"lost" not in other.received
    log_of_one = [record.message for record in caplog.records if one.bus.node in record.message]
    assert sum("away (ConnectionError" in line for line in log_of_one) == 1, "told once, not at each try"
    assert any("up; dropped meanwhile: 5" in line for line in log_of_one)


async def test_redis_may_come_later_than_the_node(new_end: NewEnd, caplog: pytest.LogCaptureFixture) -> None:
    valkey = Valkey()
    one, other = new_end(valkey.url), new_end(valkey.url)
    await until(lambda: "away (" in caplog.text)
    assert await one.bus.others() == set()

    valkey.start()
    try:
        await other.receives_from(one, b"hello")
    finally:
        valkey.kill()


async def test_a_redis_that_stands_still_leaves_it_deaf_until_it_goes_on(
    new_end: NewEnd, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = new_end(valkey.url), new_end(valkey.url)
    await both_up(one, other)

    with valkey.stopped():
        await one.is_in_state(PubSubState.HEARTBEAT_LOST)
        assert f"deaf (HeartbeatLost: {HEARTBEATS_MISSED_MAX} heartbeats have not come back)" in caplog.text

    await both_up(one, other)
    await other.receives_from(one, b"back")


async def test_what_waits_for_a_redis_that_stands_still_is_bounded(valkey: Valkey) -> None:
    received: list[bytes] = []
    bus = RedisBus(valkey.url, heartbeat_s=60)
    bus.open(received.append)
    bus.start()
    await bus.until_up()
    with valkey.stopped():
        for _ in range(30):
            bus.publish(bytes(1_000_000))
            await asyncio.sleep(0)
        assert 30 - bus.dropped <= OUTBOX_BYTES_MAX / 1_000_000
        assert bus.dropped < 30
    await bus.close()


async def test_a_password_that_is_wrong_is_logged(
    new_end: NewEnd, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    end = new_end(valkey.url.replace("//", "//somebody:opensesame@"))

    await until(lambda: "away (AuthenticationError" in caplog.text)

    assert end.bus.state is PubSubState.AWAY
    assert "opensesame" not in caplog.text


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="Redis URL must specify one of the following schemes"):
        RedisBus("http://127.0.0.1:6379")


# The way to Redis fails


async def test_a_connection_that_is_cut_is_made_anew(new_end: NewEnd, valkey: Valkey, proxy: CuttingProxy) -> None:
    near, far = new_end(valkey.url), new_end(f"redis://127.0.0.1:{proxy.port}")
    await both_up(near, far)

    for number in range(3):
        proxy.cut()
        await near.receives_from(far, b"there %d" % number)
        await far.receives_from(near, b"back %d" % number)


async def test_a_connection_that_dies_in_silence_is_noticed_and_made_anew(
    new_end: NewEnd, valkey: Valkey, proxy: CuttingProxy, caplog: pytest.LogCaptureFixture
) -> None:
    near, far = new_end(valkey.url), new_end(f"redis://127.0.0.1:{proxy.port}")
    await both_up(near, far)

    proxy.blackhole()
    await until(lambda: "deaf" in caplog.text)

    await near.receives_from(far, b"there")
    await far.receives_from(near, b"back")


async def test_a_subscription_that_redis_ends_is_taken_again(new_end: NewEnd, valkey: Valkey) -> None:
    one, other = new_end(valkey.url), new_end(valkey.url)
    await both_up(one, other)

    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        assert await client.client_kill_filter(_type="pubsub") == 2

    await other.receives_from(one, b"back")
    await one.receives_from(other, b"and forth")


async def test_a_process_that_stood_still_does_not_count_it_as_silence(
    new_end: NewEnd, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = new_end(valkey.url), new_end(valkey.url)
    await both_up(one, other)
    await until(one.bus.others)

    # Longer than all the heartbeats that may be missing, and no turn of the loop in it.
    time.sleep(HEARTBEAT_S * (HEARTBEATS_MISSED_MAX + 3))  # noqa: ASYNC251 - that is the point
    assert other.bus.node in await one.bus.others()
    await asyncio.sleep(HEARTBEAT_S * 2)

    assert one.bus.state is PubSubState.UP
    assert "connecting anew" not in caplog.text


# Other nodes


async def test_a_node_that_publishes_nothing_any_more_is_forgotten(new_end: NewEnd, valkey: Valkey) -> None:
    end = new_end(valkey.url)
    await both_up(end)

    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        await client.publish("ordercast:alive", "ghost")

    async def others() -> set[str]:
        return set(await end.bus.others())

    await until(lambda: end.bus._last_heartbeats)
    assert await others() == {"ghost"}

    async def is_forgotten() -> bool:
        return await others() == set()

    await until(is_forgotten)


async def test_who_was_there_is_not_forgotten_while_redis_is_away(new_end: NewEnd, valkey: Valkey) -> None:
    one, other = new_end(valkey.url), new_end(valkey.url)
    await both_up(one, other)
    await until(one.bus.others)

    valkey.kill()
    await one.is_in_state(PubSubState.AWAY)
    await asyncio.sleep(HEARTBEAT_S * (HEARTBEATS_MISSED_MAX + 2))

    assert other.bus.node in await one.bus.others()


@pytest.mark.parametrize("garbage", [b"", b"\xff", b"cos\nsystem\n(S'true'\ntR.", b"\x92\x01\x02", b"\x91\xa1x"])
async def test_garbage_is_logged_and_no_more(
    new_end: NewEnd, valkey: Valkey, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = new_end(valkey.url), new_end(valkey.url)
    await both_up(one, other)

    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        for channel in ("all", "alive", "gone", f"node:{one.bus.node}"):
            await client.publish(f"ordercast:{channel}", garbage)

    await one.receives_from(other, b"still here")
    assert "message not understood" in caplog.text


async def test_a_message_that_is_too_large_is_dropped_and_logged(
    new_end: NewEnd, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = new_end(valkey.url), new_end(valkey.url)
    await both_up(one, other)

    one.bus.publish(bytes(MESSAGE_BYTES_MAX))
    one.bus.send(other.bus.node, bytes(MESSAGE_BYTES_MAX + 1))

    await other.receives_from(one, b"still here")
    assert one.bus.dropped == 2
    assert max(map(len, other.received)) < MESSAGE_BYTES_MAX
    assert "MESSAGE_BYTES_MAX" in caplog.text


# Servers


async def test_servers_are_one_by_redis(valkey: Valkey) -> None:
    servers = [Server(Options(bus_timeout_s=60), bus=RedisBus(valkey.url)) for _ in range(2)]
    first, second = servers
    for server in servers:
        server.start()
    link = connect(second, auth={"name": "b"})
    (socket,) = second.main.sockets.values()

    async def fetched() -> bool:
        return len(await first.fetch_sockets()) == 1

    await until(fetched)
    (there,) = await first.fetch_sockets()
    assert there.id == socket.id
    assert there.handshake.auth == {"name": "b"}

    first.emit("typing", {"who": b"\x01"})
    await until(lambda: link.sent)
    assert link.take() == ['451-["typing",{"who":{"_placeholder":true,"num":0}}]', b"\x01"]

    pending = asyncio.create_task(first.timeout(60).emit_with_ack("ask"))
    await until(lambda: link.sent)
    link.receive('30["answer"]')
    assert await pending == ["answer"]

    there.join("room")
    await until(lambda: "room" in socket.rooms)
    first.in_("room").disconnect_sockets(close=True)
    await until(lambda: link.closed_for)
    for server in servers:
        await server.close()


async def test_a_request_while_redis_is_away_times_out(valkey: Valkey) -> None:
    servers = [Server(Options(bus_timeout_s=0.2), bus=RedisBus(valkey.url, heartbeat_s=HEARTBEAT_S)) for _ in range(2)]
    for server in servers:
        server.start()
    connect(servers[0])

    async def knows_the_other() -> bool:
        return await servers[0].server_side_emit_with_ack("load") == [] and "pending" in repr(servers[0].cluster)

    bus = servers[0].cluster._bus  # type: ignore[union-attr]
    await until(bus.others)
    await until(knows_the_other)
    valkey.kill()
    await until(lambda: "away" in repr(bus))

    with pytest.raises(NodesTimedOut) as silent:
        await servers[0].fetch_sockets()
    assert len(silent.value.nodes) == 1
    for server in servers:
        await server.close()
