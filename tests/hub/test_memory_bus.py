"""What every bus must do, shown on the one in memory."""

from __future__ import annotations

from ordercast.hub import MemoryBus
from tests.hub.links import settle


class Site:
    def __init__(self, nodes: int) -> None:
        self.heard: dict[str, list[bytes]] = {}
        self.buses: list[MemoryBus] = []
        for _ in range(nodes):
            bus = MemoryBus(self.buses[0]) if self.buses else MemoryBus()
            notices: list[bytes] = []
            self.heard[bus.open(notices.append)] = notices
            self.buses.append(bus)


async def test_a_notice_reaches_every_other_node_in_order() -> None:
    site = Site(3)

    for notice in (b"1", b"2", b"3"):
        site.buses[1].publish(notice)
    assert all(notices == [] for notices in site.heard.values()), "nobody is called back before the call has returned"

    await settle()
    assert list(site.heard.values()) == [[b"1", b"2", b"3"], [], [b"1", b"2", b"3"]]


async def test_a_notice_to_one_node_reaches_it_alone() -> None:
    site = Site(3)
    _, _, third = site.heard

    site.buses[0].send(third, b"x")
    site.buses[0].send("unknown", b"y")
    await settle()

    assert list(site.heard.values()) == [[], [], [b"x"]]


async def test_the_others_are_those_that_are_alive() -> None:
    site = Site(3)
    first, second, third = site.heard
    assert set(await site.buses[0].others()) == {second, third}

    await site.buses[1].close()
    site.buses[0].publish(b"x")
    await settle()

    assert set(await site.buses[2].others()) == {first}
    assert site.heard[second] == []


async def test_sites_are_apart() -> None:
    one, other = Site(1), Site(1)

    one.buses[0].publish(b"x")
    await settle()

    assert list(other.heard.values()) == [[]]
    assert await other.buses[0].others() == set()
