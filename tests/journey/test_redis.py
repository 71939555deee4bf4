"""Several programs joined by Redis: our nodes among each other, and back ends of Node.js and Python with them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from ordercast.emitter import Emitter
from tests.ports import free_port
from tests.valkey import Valkey, running_valkey
from tests.waiting import eventually

from .listener import Listener
from .shop import Shop

Listen = Callable[..., Listener]
pytestmark = pytest.mark.node
PATIENCE_S = 60.0


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with running_valkey() as valkey:
        yield valkey


class Node:
    """One program with a hub; `enter` gives a stock client of it, whose answers `ask` gives."""

    def __init__(self, valkey: Valkey, listen: Listen, heartbeat_s: float = 0.2) -> None:
        self.port = free_port()
        self._listen = listen
        program = [sys.executable, "-m", "tests.journey.hub_on_redis"]
        self.process = subprocess.Popen([*program, str(self.port), valkey.url, str(heartbeat_s)])

    def enter(self, *rooms: str, namespace: str = "/") -> Listener:
        client = self._listen(
            f"http://127.0.0.1:{self.port}{namespace}", auth={"rooms": rooms}, transports=["websocket"]
        )
        client.wait_for_connection()
        return client

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def ask(client: Listener, event: str, *args: Any) -> Any:
    """What the server answers."""

    def answers() -> list[dict[str, Any]]:
        return [ack for ack in client.of_kind("ack") if ack["event"] == event]

    count = len(answers())
    client.emit(event, *args)
    return client.wait_for(lambda _listener: answers()[count:])[0]["args"][0]


def sid(client: Listener) -> str:
    found: str = client.of_kind("connect")[-1]["id"]
    return found


@pytest.fixture
def nodes(valkey: Valkey, listen: Listen) -> Iterator[list[Node]]:
    nodes = [Node(valkey, listen) for _ in range(2)]
    yield nodes
    for node in nodes:
        node.kill()


def heard(client: Listener, name: str) -> list[list[Any]]:
    return [event["args"] for event in client.events(name)]


def all_up(*clients: Listener) -> bool:
    return all(ask(client, "state") == ["up", "up"] for client in clients)


def bytes_of(value: Any) -> bytes:
    """What JSON.stringify makes of a Buffer, undone."""
    assert value["type"] == "Buffer"
    return bytes(value["data"])


# Nodes among each other


def test_two_nodes_are_one_site(nodes: list[Node]) -> None:
    first, second = nodes
    here, there, elsewhere = first.enter("cnv_1"), second.enter("cnv_1"), second.enter("cnv_2")
    eventually(lambda: all_up(here, there))
    everybody = sorted(map(sid, (here, there, elsewhere)))

    assert eventually(lambda: (who := ask(here, "who", "everybody")) == everybody and who)
    assert ask(here, "who", "cnv_1") == sorted([sid(here), sid(there)])
    assert sorted(ask(there, "ask")) == sorted([sid(here), sid(elsewhere)])

    here.emit("typing", "cnv_1")
    there.wait_for_event("typing")
    assert heard(there, "typing") == [[{"who": sid(here), "text": ""}]]
    assert heard(elsewhere, "typing") == []

    here.emit("send away", "cnv_2")
    elsewhere.wait_for(lambda listener: listener.of_kind("disconnect"))
    assert elsewhere.of_kind("disconnect")[0]["reason"] == "io server disconnect"


def test_a_node_that_is_killed_is_silent_and_then_forgotten(valkey: Valkey, listen: Listen) -> None:
    first, second = Node(valkey, listen, heartbeat_s=1), Node(valkey, listen, heartbeat_s=1)
    try:
        here, there = first.enter(), second.enter()
        eventually(lambda: all_up(here, there))
        eventually(lambda: len(ask(here, "who", "everybody")) == 2)

        second.kill()

        assert ask(here, "who", "everybody") == {"silent": 1}
        eventually(lambda: ask(here, "who", "everybody") == [sid(here)])
    finally:
        first.kill()
        second.kill()


def test_nodes_go_on_alone_while_redis_is_away_and_together_when_it_is_back(nodes: list[Node], valkey: Valkey) -> None:
    first, second = nodes
    here, neighbour, there = first.enter("cnv_1"), first.enter("cnv_1"), second.enter("cnv_1")
    eventually(lambda: all_up(here, there))

    def says(text: str, listener: Listener) -> bool:
        """`here` types it, and whether `listener` has heard of it."""
        here.emit("typing", "cnv_1", text)
        return any(update["text"] == text for (update,) in heard(listener, "typing"))

    for outage in range(3):
        valkey.kill()
        eventually(lambda: all(ask(client, "state") == ["away", "away"] for client in (here, there)))
        eventually(partial(says, f"alone {outage}", neighbour))
        valkey.start()
        eventually(lambda: all_up(here, there))
        eventually(partial(says, f"together {outage}", there))

    assert {update["text"].split()[0] for (update,) in heard(there, "typing")} == {"together"}, "nothing is said late"


# Back ends of Node.js


def test_the_stock_emitter_of_node_reaches_every_socket_once(nodes: list[Node], listen: Listen, valkey: Valkey) -> None:
    first, second = nodes
    a, b, ab, none = first.enter("a"), second.enter("b"), second.enter("a", "b"), first.enter()
    other = second.enter(namespace="/other")
    eventually(lambda: all_up(a, b))
    backend = listen(valkey.url, script="backend.mjs")
    backend.wait_for(lambda listener: listener.of_kind("ready"))

    binary = {"nested": [{"$": [0, 1, 255]}]}
    plain: list[Any] = [1, -1.5, "€ \U0001f600", True, None, [[]], {"x": {}}, 2**40, {"$": "1970-01-01T00:00:01.234Z"}]
    backend.tell(call="emit", args=["plain", *plain])
    backend.tell(call="emit", args=["binary", binary, {"$": [7]}], to="a")
    backend.tell(call="emit", args=["several"], to=["a", "b"])
    backend.tell(call="emit", args=["except"], to=["a", "b"], **{"except": "b"})
    backend.tell(call="emit", args=["but"], **{"except": ["a"]})
    backend.tell(call="emit", args=["to one"], to=sid(b))
    backend.tell(call="emit", args=["flags"], volatile=True, compress=False)
    backend.tell(call="emit", args=["other"], namespace="other")
    backend.tell(call="emit", args=["nowhere"], namespace="unknown")
    backend.tell(call="emit", args=["end"])
    backend.tell(call="emit", args=["end"], namespace="/other")

    for client in (a, b, ab, none, other):
        client.wait_for_event("end")
    said = {
        name: [event["event"] for event in client.of_kind("event")]
        for name, client in {"a": a, "b": b, "ab": ab, "none": none, "other": other}.items()
    }
    assert said == {
        "a": ["plain", "binary", "several", "except", "flags", "end"],
        "b": ["plain", "several", "but", "to one", "flags", "end"],
        "ab": ["plain", "binary", "several", "flags", "end"],
        "none": ["plain", "but", "flags", "end"],
        "other": ["other", "end"],
    }
    nested, seven = heard(ab, "binary")[0]
    assert (bytes_of(nested["nested"][0]), bytes_of(seven)) == (b"\0\1\xff", b"\7")
    *values, date = heard(none, "plain")[0]
    assert values == plain[:-1]
    assert date.startswith("1970-01-01T00:00:01.234")


def test_the_stock_emitter_moves_sockets_and_sends_them_away(nodes: list[Node], listen: Listen, valkey: Valkey) -> None:
    first, second = nodes
    a, b = first.enter("a"), second.enter("b")
    eventually(lambda: all_up(a, b))
    backend = listen(valkey.url, script="backend.mjs")
    backend.wait_for(lambda listener: listener.of_kind("ready"))

    backend.tell(call="socketsJoin", args=[["x", "y"]])
    backend.tell(call="socketsLeave", args=["y"], to="a")
    eventually(lambda: ask(a, "rooms") == ["a", "everybody", "x"])
    eventually(lambda: ask(b, "rooms") == ["b", "everybody", "x", "y"])

    backend.tell(call="serverSideEmit", args=["server event", 1, {"two": 3}])
    assert [client.wait_for_event("told")[0]["args"] for client in (a, b)] == [[1, {"two": 3}]] * 2

    backend.tell(call="disconnectSockets", args=[], to="b")
    b.wait_for(lambda listener: listener.of_kind("disconnect"))
    assert b.of_kind("disconnect")[0]["reason"] == "io server disconnect"
    assert ask(a, "rooms") == ["a", "everybody", "x"]


def test_a_server_of_node_with_the_stock_adapter_reaches_our_sockets_and_waits_for_no_answer(
    nodes: list[Node], listen: Listen, valkey: Valkey
) -> None:
    ours = nodes[0].enter("a")
    eventually(lambda: all_up(ours))
    server = listen(valkey.url, script="server.mjs")
    (ready,) = server.wait_for(lambda listener: listener.of_kind("ready"))
    theirs = listen(f"http://127.0.0.1:{ready['port']}", auth={"rooms": ["a"]})
    theirs.wait_for_connection()

    server.tell(call="emit", to="a", args=["hello", 1])
    for client in (ours, theirs):
        assert client.wait_for_event("hello")[0]["args"] == [1]

    # A node that counted among those to answer, or answered uncounted, would leave it without `theirs`.
    server.tell(call="fetchSockets", to="a")
    (fetched,) = server.wait_for(lambda listener: listener.of_kind("fetched"))
    assert fetched["ids"] == [sid(theirs)]


# Back ends of Python


def test_our_emitter_says_what_the_stock_server_of_node_understands(
    nodes: list[Node], listen: Listen, valkey: Valkey
) -> None:
    server = listen(valkey.url, script="server.mjs")
    (ready,) = server.wait_for(lambda listener: listener.of_kind("ready"))
    node_url = f"http://127.0.0.1:{ready['port']}"
    clients: dict[str, Listener] = {}
    for name, rooms in {"a": ["a"], "b": ["b"], "ab": ["a", "b"]}.items():
        clients[f"theirs {name}"] = listen(node_url, auth={"rooms": rooms})
        clients[f"ours {name}"] = nodes[0].enter(*rooms)
    for client in clients.values():
        client.wait_for_connection()
    others = [listen(f"{node_url}/other"), nodes[1].enter(namespace="/other")]
    others[0].wait_for_connection()
    eventually(lambda: all_up(clients["ours a"]))

    with redis.Redis.from_url(valkey.url) as client:
        emitter = Emitter(client)
        assert emitter.emit("plain", 1, "€", {"x": [None, True, 2.5]}) == 3, "two nodes of ours and one of theirs"
        emitter.to("a").emit("binary", {"nested": b"\0\1\xff"})
        emitter.to("a", "b").emit("several")
        emitter.to("a").in_("b").except_("b").compress(False).emit("except")
        emitter.except_("a").emit("but")
        emitter.of("other").emit("other")
        emitter.to("b").sockets_join("joined", "and left")
        emitter.to("b").sockets_leave("and left")
        emitter.to("joined").emit("joined")
        emitter.to("and left").emit("never")
        emitter.server_side_emit("server event", 1, {"two": 3})
        emitter.emit("end")
        emitter.to("b").except_("a").disconnect_sockets(close=True)

    for client_ in clients.values():
        client_.wait_for_event("end")
    expected = {
        "a": ["plain", "binary", "several", "except", "end"],
        "b": ["plain", "several", "but", "joined", "end"],
        "ab": ["plain", "binary", "several", "joined", "end"],
    }
    for name, client_ in clients.items():
        events = [event["event"] for event in client_.of_kind("event") if event["event"] != "told"]
        assert events == expected[name.split()[1]], name
    for name in ("theirs ab", "ours ab"):
        assert bytes_of(heard(clients[name], "binary")[0][0]["nested"]) == b"\0\1\xff"
        assert heard(clients[name], "plain") == [[1, "€", {"x": [None, True, 2.5]}]]
    for name in ("theirs b", "ours b"):
        clients[name].wait_for(lambda listener: listener.of_kind("disconnect"))
    for other in others:
        other.wait_for_event("other")
    told = server.wait_for(lambda listener: listener.of_kind("server event"))
    assert [event["args"] for event in told] == [[1, {"two": 3}]]
    assert clients["ours a"].wait_for_event("told")[0]["args"] == [1, {"two": 3}]
    assert not clients["ours a"].of_kind("disconnect")


# The shop


@pytest.fixture
def shop(valkey: Valkey, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path, {"ORDERCAST_REDIS_URL": valkey.url, "ORDERCAST_REDIS_EMITTERS": "socket.io"})
    shop.start()
    yield shop
    shop.kill()


def health(shop: Shop) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{shop.url}/health/ready").raise_for_status().json()
    return answer


def test_a_shop_without_its_redis_is_degraded_and_tells_every_order(shop: Shop, valkey: Valkey, listen: Listen) -> None:
    admin = listen(shop.url, auth={"token": shop.login()})
    admin.wait_for_connection()

    def stands(status: str, parts: str) -> bool:
        answer = health(shop)
        return bool(answer["status"] == status and answer["parts"] == {"bus": parts, "backEnds": parts})

    eventually(lambda: stands("ready", "up"))
    placed = [shop.place()["id"]]

    valkey.kill()
    eventually(lambda: stands("degraded", "away"))
    assert 'ordercast_part_up{part="bus"} 0.0' in httpx.get(f"{shop.url}/metrics").text
    placed += [shop.place()["id"] for _ in range(5)]
    admin.wait_for_event("newOrder", 6)

    valkey.start()
    eventually(lambda: stands("ready", "up"))
    placed.append(shop.place()["id"])
    admin.wait_for_event("newOrder", 7)
    assert [order["id"] for (order, _offset) in heard(admin, "newOrder")] == placed
    assert len(admin.of_kind("connect")) == 1


def test_a_shop_starts_without_its_redis(shop: Shop, valkey: Valkey, listen: Listen) -> None:
    shop.stop()
    valkey.kill()

    shop.start()
    admin = listen(shop.url, auth={"token": shop.login()})
    admin.wait_for_connection()

    assert health(shop)["status"] == "degraded"
    shop.place()
    admin.wait_for_event("newOrder")


def test_a_back_end_of_node_reaches_those_in_a_room_of_the_shop(shop: Shop, valkey: Valkey, listen: Listen) -> None:
    admin = listen(shop.url, auth={"token": shop.login()})
    customer = listen(shop.url, auth={"token": shop.login("customer@example.com")})
    for client in (admin, customer):
        client.wait_for_connection()
    eventually(lambda: health(shop)["status"] == "ready")
    backend = listen(valkey.url, script="backend.mjs")
    backend.wait_for(lambda listener: listener.of_kind("ready"))

    backend.tell(call="emit", to="store-owners", args=["stock_low", {"sku": "A1"}, "last"])
    backend.tell(call="emit", args=["end"])

    for client in (admin, customer):
        client.wait_for_event("end")
    # A last string would be taken for an offset by the stock client.
    assert heard(admin, "stock_low") == [[{"sku": "A1"}, "last", None]]
    assert heard(customer, "stock_low") == []
