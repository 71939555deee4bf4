"""What every bus must do: the one in memory, the one by Redis, and the one by PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ordercast.hub import Bus, MemoryBus
from ordercast.hub.bus.redis import RedisBus
from ordercast.postgresql_bus import PostgresqlBus
from tests.postgres import Postgres
from tests.valkey import Valkey
from tests.waiting import until


class Site:
    """Nodes of one site; `received` is what each has received, by its name."""

    def __init__(self, kind: str, url: str) -> None:
        self.received: dict[str, list[bytes]] = {}
        self.buses: list[Bus] = []
        self._kind = kind
        self._url = url
        self._prefix = f"test-{secrets.token_hex(4)}"

    async def add(self) -> str:
        bus = self._made()
        messages: list[bytes] = []
        node = bus.open(messages.append)
        bus.start()
        self.received[node] = messages
        self.buses.append(bus)
        await until(self._everybody_knows_everybody)
        return node

    async def _everybody_knows_everybody(self) -> bool:
        others = [await bus.others() for bus in self.buses]
        return all(len(known) == len(self.buses) - 1 for known in others)

    def _made(self) -> Bus:
        if self._kind == "redis":
            return RedisBus(self._url, prefix=self._prefix)
        if self._kind == "postgresql":
            # A database that stalls longer than three heartbeats costs what is on the way: that is another test's.
            return PostgresqlBus(self._url, heartbeat_s=10)
        first = self.buses[0] if self.buses else None
        assert first is None or isinstance(first, MemoryBus)
        return MemoryBus(first)

    async def settle(self) -> None:
        """Everything published before this has been received: a last message has come through behind it."""
        for bus in self.buses:
            bus.publish(b"end")
        ends = len(self.buses) - 1
        await until(lambda: all(messages.count(b"end") == ends for messages in self.received.values()))
        for messages in self.received.values():
            messages[:] = [message for message in messages if message != b"end"]


@pytest.fixture(params=["memory", "redis", "postgresql"])
async def new_site(
    request: pytest.FixtureRequest, shared_valkey: Valkey, postgres_server: Postgres
) -> AsyncIterator[Callable[..., Any]]:
    sites: list[Site] = []
    databases: list[str] = []

    def url() -> str:
        if request.param != "postgresql":
            return shared_valkey.url
        databases.append(postgres_server.new_database())
        return postgres_server.url(databases[-1])

    async def make(nodes: int) -> Site:
        site = Site(request.param, url())
        sites.append(site)
        for _ in range(nodes):
            await site.add()
        return site

    yield make
    for site in sites:
        for bus in site.buses:
            await bus.close()
    for database in databases:
        postgres_server.drop(database)


NewSite = Callable[[int], Any]


async def test_a_message_reaches_every_other_node_in_order(new_site: NewSite) -> None:
    site = await new_site(3)

    for message in (b"1", b"2", b"3"):
        site.buses[1].publish(message)
    assert all(messages == [] for messages in site.received.values()), (
        "nobody is called back before the call has returned"
    )

    await site.settle()
    assert list(site.received.values()) == [[b"1", b"2", b"3"], [], [b"1", b"2", b"3"]]


async def test_a_message_to_one_node_reaches_it_alone(new_site: NewSite) -> None:
    site = await new_site(3)
    _, _, third = site.received

    site.buses[0].send(third, b"x")
    site.buses[0].send("unknown", b"y")
    await site.settle()

    assert list(site.received.values()) == [[], [], [b"x"]]


async def test_messages_to_all_and_to_one_keep_their_order(new_site: NewSite) -> None:
    site = await new_site(2)
    _, second = site.received
    sent = [f"{number}".encode() for number in range(2_000)]

    for number, message in enumerate(sent):
        if number % 3:
            site.buses[0].publish(message)
        else:
            site.buses[0].send(second, message)
    await site.settle()

    assert site.received[second] == sent


async def test_a_message_is_any_bytes(new_site: NewSite) -> None:
    site = await new_site(2)
    sent = [b"", bytes(range(256)), b"\r\n$-1\r\n", b"x" * 1_000_000]

    for message in sent:
        site.buses[0].publish(message)
    await site.settle()

    assert list(site.received.values()) == [[], sent]


async def test_the_others_are_those_that_are_alive(new_site: NewSite) -> None:
    site = await new_site(3)
    first, second, third = site.received
    assert set(await site.buses[0].others()) == {second, third}

    leaving = site.buses.pop(1)
    site.received.pop(second)
    await leaving.close()

    async def is_forgotten() -> bool:
        return all([second not in await bus.others() for bus in site.buses])

    await until(is_forgotten)
    site.buses[0].publish(b"x")
    await site.settle()

    assert set(await site.buses[1].others()) == {first}
    assert list(site.received.values()) == [[], [b"x"]]
    assert third in site.received


async def test_what_a_closed_bus_publishes_reaches_nobody(new_site: NewSite) -> None:
    site = await new_site(3)
    _, second, _ = site.received
    leaving = site.buses.pop(1)
    site.received.pop(second)

    leaving.publish(b"last words")
    await leaving.close()
    leaving.publish(b"too late")
    leaving.send(next(iter(site.received)), b"too late")
    await leaving.close()
    await site.settle()

    assert list(site.received.values()) == [[b"last words"], [b"last words"]]


async def test_sites_are_apart(new_site: NewSite) -> None:
    one, other = await new_site(2), await new_site(2)

    one.buses[0].publish(b"x")
    await one.settle()
    await other.settle()

    assert list(other.received.values()) == [[], []]
    assert len(await other.buses[0].others()) == 1
