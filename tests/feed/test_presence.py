"""Who is present in a conversation, on one node and on several; and what it costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.hub.links import Link
from tests.waiting import until

from ordercast.feed import presence as presence_module
from ordercast.feed import presence_peers
from ordercast.feed.presence import Presence
from ordercast.feed.presence_peers import PresencePeers
from ordercast.hub import DisconnectReason, MemoryBus, Options, Server, Socket

ROOM = "conversation_cnv_1"


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "NOTIFY_EVERY_S", 0.0)
    monkeypatch.setattr(presence_peers, "PUBLISH_EVERY_S", 0.0)
    monkeypatch.setattr(presence_peers, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(presence_peers, "BEAT_EVERY_S", 0.02)


class Tab:
    """One socket of somebody in the conversation."""

    def __init__(self, link: Link, socket: Socket) -> None:
        self.link = link
        self.socket = socket

    @property
    def events(self) -> list[dict[str, Any]]:
        texts = [str(each) for each in self.link.sent]
        found = [json.loads(text[2:]) for text in texts if text.startswith('42["participants"')]
        return [event[1] for event in found]

    @property
    def present(self) -> set[str]:
        return {each["participant"] for each in self.events[-1]["participants"]} if self.events else set()

    def changes(self, name: str) -> list[str]:
        return [each for event in self.events for each in event[name]]


class Node:
    def __init__(self, bus: MemoryBus | None = None) -> None:
        self.bus = bus
        self.server = Server(Options(), bus=bus)

        @self.server.use
        async def identify(socket: Socket) -> None:
            socket.identity = socket.auth["who"]

        self.presence = Presence(self.server.main, linger_s=0.05)
        self.peers = PresencePeers(self.server.main, self.presence)
        self.presence.peers = self.peers if bus is not None else None
        self._task = asyncio.get_running_loop().create_task(self.peers.run()) if bus is not None else None

    def __repr__(self) -> str:
        return f"<Node {self.presence!r}>"

    async def tab(self, who: str, room: str = ROOM) -> Tab:
        link = Link(self.server)
        link.receive("0" + json.dumps({"who": who}))
        sockets = self.server.main.sockets
        await until(lambda: any(each.conn is link for each in sockets.values()))
        tab = Tab(link, next(each for each in sockets.values() if each.conn is link))
        tab.socket.join(room)
        return tab

    def people(self) -> set[str]:
        return {person.key for person in self.presence.present("cnv_1")}

    def nodes_of(self, who: str) -> int:
        return self.presence._present["cnv_1"][who].nodes

    async def die(self) -> None:
        """Like a `kill -9`: it says nothing any more, and its bus counts it among the living no longer."""
        if self._task is not None:
            self._task.cancel()
        self.peers.close()
        self.presence.close()
        if self.bus is not None:
            await self.bus.close()


NewNode = Callable[..., Node]


@pytest.fixture
async def new_node() -> AsyncIterator[NewNode]:
    nodes: list[Node] = []

    def make(site: Node | None = None, *, alone: bool = False) -> Node:
        nodes.append(Node(None if alone else MemoryBus(site.bus if site is not None else None)))
        return nodes[-1]

    yield make
    for node in nodes:
        await node.die()


async def test_several_tabs_are_one_person_who_comes_and_goes_once(new_node: NewNode) -> None:
    node = new_node(alone=True)
    watcher = await node.tab("store:usr_1")
    first = await node.tab("driver:drv_1")
    await until(lambda: watcher.present == {"store", "driver:drv_1"})
    second = await node.tab("driver:drv_1")
    first.link.lose(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT)
    await node.tab("driver:drv_2")
    await until(lambda: "driver:drv_2" in watcher.present)

    second.link.lose(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT)

    await until(lambda: "driver:drv_1" not in watcher.present)
    assert watcher.changes("joined").count("driver:drv_1") == 1
    assert watcher.changes("left") == ["driver:drv_1"]
    assert watcher.events[-1]["count"] == 2


async def test_who_only_looks_on_is_not_present(new_node: NewNode) -> None:
    node = new_node(alone=True)
    watcher = await node.tab("service:crm")
    await node.tab("driver:drv_1")
    await until(lambda: watcher.events)
    assert watcher.present == {"driver:drv_1"}


async def test_who_leaves_the_room_is_absent_and_hears_no_more(new_node: NewNode) -> None:
    node = new_node(alone=True)
    watcher, other = await node.tab("store:usr_1"), await node.tab("driver:drv_1")
    await until(lambda: len(watcher.present) == 2)
    heard = len(other.events)
    other.socket.leave(ROOM)
    await until(lambda: watcher.present == {"store"})
    assert len(other.events) == heard


async def test_who_comes_back_soon_was_never_gone(new_node: NewNode) -> None:
    node = new_node(alone=True)
    node.presence._linger_s = 60.0
    watcher, lost = await node.tab("store:usr_1"), await node.tab("driver:drv_1")
    await until(lambda: len(watcher.present) == 2)

    lost.link.lose(DisconnectReason.TRANSPORT_CLOSE)
    assert node.presence.participants("cnv_1")["driver:drv_1"]
    await node.tab("driver:drv_1")
    await node.tab("driver:drv_2")

    await until(lambda: "driver:drv_2" in watcher.present)
    assert (watcher.changes("left"), watcher.changes("joined").count("driver:drv_1")) == ([], 1)


async def test_who_was_lost_is_absent_after_a_while(new_node: NewNode) -> None:
    node = new_node(alone=True)
    watcher, lost = await node.tab("store:usr_1"), await node.tab("driver:drv_1")
    lost.link.lose(DisconnectReason.TRANSPORT_CLOSE)
    await until(lambda: node.people() == {"store:usr_1"})
    await until(lambda: watcher.present == {"store"})


async def test_who_answers_no_ping_is_absent_at_once(new_node: NewNode) -> None:
    node = new_node(alone=True)
    node.presence._linger_s = 3_600.0
    silent = await node.tab("driver:drv_1")
    silent.link.lose(DisconnectReason.PING_TIMEOUT)
    assert node.people() == set()


async def test_a_participant_is_present_while_one_of_its_people_is(new_node: NewNode) -> None:
    node = new_node(alone=True)
    watcher, guest = await node.tab("customer:cus_1"), await node.tab("guest:ord_1")
    clerks = [await node.tab("store:usr_1"), await node.tab("admin:usr_2")]

    def people() -> dict[str, int]:
        return {each["participant"]: each["people"] for each in watcher.events[-1]["participants"]}

    await until(lambda: watcher.events and people() == {"customer": 2, "store": 2})
    clerks[0].link.lose(DisconnectReason.PING_TIMEOUT)
    await until(lambda: people() == {"customer": 2, "store": 1})
    assert watcher.changes("left") == []
    clerks[1].link.lose(DisconnectReason.PING_TIMEOUT)
    guest.link.lose(DisconnectReason.PING_TIMEOUT)
    await until(lambda: people() == {"customer": 1})
    assert (watcher.changes("joined"), watcher.changes("left")) == (["customer", "store"], ["store"])
    assert watcher.events[-1]["participants"] == [{"participant": "customer", "role": "customer", "people": 1}]


async def test_conversations_are_apart(new_node: NewNode) -> None:
    node = new_node(alone=True)
    one = await node.tab("driver:drv_1")
    other = await node.tab("driver:drv_2", "conversation_cnv_2")
    await until(lambda: one.events and other.events)
    assert (one.present, other.present) == ({"driver:drv_1"}, {"driver:drv_2"})


# Nodes


async def test_nodes_agree_on_who_is_present(new_node: NewNode) -> None:
    first = new_node()
    before = await first.tab("driver:drv_1")
    second = new_node(first)
    await until(lambda: second.people() == {"driver:drv_1"})

    after = await second.tab("store:usr_1")

    everybody = {"driver:drv_1", "store:usr_1"}
    await until(lambda: before.present == after.present == {"driver:drv_1", "store"})
    assert first.people() == second.people() == everybody
    assert before.changes("joined").count("store") == 1


async def test_a_person_on_two_nodes_leaves_when_gone_from_both(new_node: NewNode) -> None:
    first = new_node()
    second = new_node(first)
    watcher = await first.tab("store:usr_1")
    here, there = await first.tab("driver:drv_1"), await second.tab("driver:drv_1")
    await until(lambda: second.people() == first.people() == {"store:usr_1", "driver:drv_1"})
    await until(lambda: first.nodes_of("driver:drv_1") == 2)

    here.link.lose(DisconnectReason.PING_TIMEOUT)
    await second.tab("driver:drv_2")
    await until(lambda: "driver:drv_2" in watcher.present)
    assert "driver:drv_1" in watcher.present

    there.link.lose(DisconnectReason.PING_TIMEOUT)
    await until(lambda: watcher.present == {"store", "driver:drv_2"})
    assert watcher.changes("left") == ["driver:drv_1"]


async def test_a_node_that_dies_takes_its_people_with_it_and_leaves_no_ghost_when_it_is_back(new_node: NewNode) -> None:
    first = new_node()
    second = new_node(first)
    watcher = await first.tab("store:usr_1")
    await second.tab("driver:drv_1")
    await until(lambda: "driver:drv_1" in watcher.present)

    await second.die()
    await until(lambda: watcher.present == {"store"})

    third = new_node(first)
    await third.tab("driver:drv_2")
    await until(lambda: watcher.present == {"store", "driver:drv_2"})
    await until(lambda: third.people() == {"store:usr_1", "driver:drv_2"})


async def test_what_the_bus_loses_is_repaired(new_node: NewNode, monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_node()
    second = new_node(first)
    await first.tab("store:usr_1")
    gone = await second.tab("driver:drv_1")
    await until(lambda: first.people() == {"store:usr_1", "driver:drv_1"} == second.people())

    with monkeypatch.context() as lost:
        lost.setattr(MemoryBus, "publish", lambda _bus, _message: None)
        gone.link.lose(DisconnectReason.PING_TIMEOUT)
        await second.tab("driver:drv_2")
        await until(lambda: not second.peers._unpublished)

    await until(lambda: first.people() == {"store:usr_1", "driver:drv_2"})
    await until(lambda: second.people() == first.people())


async def test_a_state_of_many_parts_comes_whole(new_node: NewNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_peers, "ROWS_MAX", 3)
    first = new_node()
    for number in range(10):
        await first.tab(f"driver:drv_{number}")
    second = new_node(first)
    await until(lambda: second.people() == first.people() and len(first.people()) == 10)


async def test_a_message_that_is_none_harms_nobody(new_node: NewNode) -> None:
    first = new_node()
    second = new_node(first)
    second.server.main.server_side_emit(presence_peers.STATE, second.server.main.node, "x", None, [], [["y"]])
    second.server.main.server_side_emit(presence_peers.CHANGES, second.server.main.node)
    await second.tab("driver:drv_1")
    await until(lambda: first.people() == {"driver:drv_1"})


# What it costs


async def test_many_who_come_at_once_are_told_of_in_few_events(
    new_node: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_module, "LISTED_MAX", 20)
    node = new_node(alone=True)
    watcher = await node.tab("store:usr_1")
    await until(lambda: watcher.events)
    heard = len(watcher.events)
    monkeypatch.setattr(presence_module, "SENDS_PER_S_MAX", 1)  # with one in the room, a second from now

    for number in range(300):
        await node.tab(f"driver:drv_{number}")
    await until(lambda: watcher.events[-1]["count"] == 301)

    assert len(watcher.events) - heard <= 3
    assert (watcher.events[-1]["participants"], watcher.events[-1]["joined"]) == (None, None)


async def test_no_turn_of_the_loop_tells_all_conversations(new_node: NewNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "FLUSHED_AT_ONCE_MAX", 2)
    node = new_node(alone=True)
    tabs = [await node.tab(f"driver:drv_{number}", f"conversation_cnv_{number}") for number in range(7)]
    await until(lambda: all(tab.events for tab in tabs))
