"""The bus by PostgreSQL when the way to it, or another node, fails; `hub/test_bus.py` has what every bus must do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from ordercast.postgresql_bus import CHANNEL, OUTBOX_BYTES_MAX, PostgresqlBus
from tests.journey.cutting_proxy import CuttingProxy
from tests.postgres import Postgres
from tests.waiting import until

# Three missing are a silence: longer than a machine that is busy keeps anybody from a core.
HEARTBEAT_S = 0.3


class End:
    """One node's end and what it has received."""

    def __init__(self, url: str) -> None:
        self.received: list[bytes] = []
        self.bus = PostgresqlBus(url, name="test", heartbeat_s=HEARTBEAT_S)
        self.bus.open(self.received.append)
        self.bus.start()

    async def receives_from(self, other: End, message: bytes) -> None:
        """Whatever `other` publishes is received here."""

        def is_received() -> bool:
            other.bus.publish(message)
            return message in self.received

        await until(is_received)


NewEnd = Callable[[CuttingProxy | None], End]


@pytest.fixture
def database(postgres_server: Postgres) -> Iterator[str]:
    name = postgres_server.new_database()
    yield name
    postgres_server.drop(name)


@pytest.fixture
def proxy(postgres_server: Postgres) -> Iterator[CuttingProxy]:
    with CuttingProxy(postgres_server.port) as proxy:
        yield proxy


@pytest.fixture
async def new_end(postgres_server: Postgres, database: str) -> AsyncIterator[NewEnd]:
    ends: list[End] = []

    def make(way: CuttingProxy | None = None) -> End:
        port = postgres_server.port if way is None else way.port
        ends.append(End(postgres_server.url(database, port=port)))
        return ends[-1]

    yield make
    for end in ends:
        await end.bus.close()


@pytest.mark.parametrize("way_to_lose", ["cut", "blackhole"])
async def test_it_comes_back_and_what_was_published_meanwhile_is_dropped_and_counted(
    new_end: NewEnd, proxy: CuttingProxy, way_to_lose: str
) -> None:
    one, other = new_end(proxy), new_end(None)
    await other.receives_from(one, b"before")

    getattr(proxy, way_to_lose)()
    await until(lambda: not one.bus.is_up)
    dropped = one.bus.dropped
    one.bus.publish(b"meanwhile")
    assert one.bus.dropped == dropped + 1

    await other.receives_from(one, b"after")
    await one.receives_from(other, b"back")
    assert b"meanwhile" not in other.received


async def test_a_node_that_dies_is_forgotten(new_end: NewEnd) -> None:
    one, dying = new_end(None), new_end(None)
    await one.receives_from(dying, b"x")
    assert list(await one.bus.others()) == [dying.bus.node]

    task = dying.bus._task
    assert task is not None
    task.cancel()  # like a kill -9: it does not say that it leaves

    async def is_forgotten() -> bool:
        return not await one.bus.others()

    await until(is_forgotten)


async def test_more_than_may_wait_is_dropped(new_end: NewEnd) -> None:
    one, other = new_end(None), new_end(None)
    await other.receives_from(one, b"up")
    dropped = one.bus.dropped
    for _ in range(9):
        one.bus.publish(bytes(OUTBOX_BYTES_MAX // 4))
    assert one.bus.dropped > dropped


async def test_what_another_program_notifies_there_harms_nobody(
    new_end: NewEnd, postgres_server: Postgres, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = new_end(None), new_end(None)
    await other.receives_from(one, b"up")
    for payload in ("", "hello", "node 1 0 1 !!!!", "node 1 0 1 gQ==", "node 1 7 2 gQ=="):
        postgres_server.execute(f"SELECT pg_notify('{CHANNEL}', '{payload}')", database)
    await other.receives_from(one, b"still up")
    assert [record.getMessage() for record in caplog.records if "not understood" in record.getMessage()]


async def test_a_database_that_is_away_keeps_nobody_waiting() -> None:
    end = End("postgresql://nobody@127.0.0.1:1/nothing")
    end.bus.publish(b"x")
    assert (end.bus.dropped, end.bus.is_up) == (1, False)
    await end.bus.close()
