"""Namespaces that are made as clients ask for them."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from ordercast.hub import ConnectRefused, LimitReached, Namespace, Options, Server, Socket
from tests.hub.links import Link, connect, enter, settle
from tests.waiting import until

SHOP = re.compile(r"^/shop-\d+$")


@pytest.fixture
async def server() -> Server:
    return Server(Options(dynamic_namespaces_max=3, empty_namespace_linger_s=0.02))


async def test_a_child_is_made_on_demand_and_has_what_its_parent_was_given(server: Server) -> None:
    calls: list[Any] = []
    shops = server.of(SHOP)
    shops.use(lambda socket: calls.append(("use", socket.namespace.name)))
    shops.on("connection", lambda socket: calls.append(("connection", socket.namespace.name)))

    @shops.event("ask")
    def ask(socket: Socket, value: int) -> int:
        return value + 1

    link = connect(server, "/shop-1")
    enter(link, "/shop-2")
    link.receive('2/shop-2,7["ask",1]')

    assert link.take() == ["43/shop-2,7[2]"]
    assert calls == [(what, f"/shop-{n}") for n in (1, 2) for what in ("use", "connection")]
    assert set(shops.children) == {"/shop-1", "/shop-2"}
    assert server.of("/shop-1").emit("hi") == 1
    assert shops.emit("hi") == 2
    assert repr(shops) == r"<ParentNamespace ^/shop-\d+$ children=2>"


async def test_what_the_parent_is_given_later_holds_for_the_children_it_has(server: Server) -> None:
    shops = server.of(SHOP)
    link = connect(server, "/shop-1")
    calls: list[Any] = []

    @shops.on("connection")
    def connected(socket: Socket) -> None:
        calls.append(socket.auth)

    shops.event("e", lambda _socket, value: calls.append(value))
    shops.use(lambda _socket: calls.append("use"))
    link.receive('2/shop-1,["e",1]')
    connect(server, "/shop-1", {"n": 2})

    assert calls == [1, "use", {"n": 2}]


@pytest.mark.parametrize("name", ["/shop-x", "/shop-1/more", "/my/shop-1", "/shop-1\\n", "/shop-"])
async def test_the_whole_name_must_match(server: Server, name: str) -> None:
    server.of(SHOP)
    server.of(re.compile("/shop-[0-9]"))
    link = Link(server)

    link.receive(f"0{name},")

    assert link.sent == [f'44{name},{{"message":"Invalid namespace"}}']


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_a_function_decides_by_name_and_auth(server: Server, asynchronous: bool) -> None:
    def allows(name: str, auth: dict[str, Any]) -> bool:
        return name == f"/{auth.get('user')}"

    async def allows_later(name: str, auth: dict[str, Any]) -> bool:
        await asyncio.sleep(0)
        return allows(name, auth)

    server.of(lambda _name, _auth: False)
    own = server.of(allows_later if asynchronous else allows)
    other = server.of(lambda name, _auth: name == "/everybody's")
    link = Link(server)

    link.receive('0/ann,{"user":"ann"}', '0/bob,{"user":"ann"}', "0/everybody's,")
    await settle()

    assert set(own.children) == {"/ann"}
    assert set(other.children) == {"/everybody's"}
    assert [str(sent).split(",", 1)[0] for sent in link.sent if str(sent).startswith("44")] == ["44/bob"]
    assert repr(own).startswith("<ParentNamespace <function")


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("error", "message"),
    [(ConnectRefused("not yours"), "not yours"), (RuntimeError("secret"), "Internal server error")],
)
async def test_a_decision_that_fails_keeps_the_client_out(
    server: Server, error: Exception, message: str, asynchronous: bool
) -> None:
    def fail(_name: str, _auth: dict[str, Any]) -> bool:
        raise error

    async def fail_later(name: str, auth: dict[str, Any]) -> bool:
        await asyncio.sleep(0)
        return fail(name, auth)

    server.of(fail_later if asynchronous else fail)
    link = Link(server)
    link.receive("0/x,")
    await settle()

    assert link.sent == [f'44/x,{{"message":"{message}"}}']
    assert link.closed_for is None


async def test_a_slow_decision_meets_a_client_that_is_gone_or_wants_in_anew(server: Server) -> None:
    gate = asyncio.Event()

    async def decide(_name: str, _auth: dict[str, Any]) -> bool:
        await gate.wait()
        return True

    parent = server.of(decide)
    gone, again = Link(server), Link(server)
    gone.receive("0/x,")
    again.receive('0/x,{"n":1}', '0/x,{"n":2}')
    gone.lose()
    gate.set()
    await settle()

    assert [socket.auth for socket in parent.children["/x"].sockets.values()] == [{"n": 2}]
    assert len(again.sent) == 1


async def test_a_program_that_names_a_child_makes_it_by_the_pattern_alone(server: Server) -> None:
    shops = server.of(SHOP)
    users = server.of(lambda _name, _auth: True)

    assert server.of("shop-1") is shops.children["/shop-1"]
    assert server.of("/plain").name not in users.children
    assert server.find("/shop-2") is None


async def test_handlers_get_a_new_namespace_before_anybody_is_in_it(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    @server.on("new_namespace")
    def made(namespace: Namespace) -> None:
        calls.append(namespace.name)
        namespace.on("connection", lambda _socket: calls.append(f"{namespace.name} {len(namespace.sockets)}"))

    @server.on("new_namespace")
    async def fail(_namespace: Namespace) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("oops")

    @server.on("new_namespace")
    def fail_too(_namespace: Namespace) -> None:
        raise RuntimeError("oops")

    server.of(SHOP)
    server.of("/plain")
    connect(server, "/shop-1")
    await settle()

    assert calls == ["/plain", "/shop-1", "/shop-1 1"]
    assert "handler failed: event='new_namespace'" in caplog.text
    assert "task failed" in caplog.text


# Bounds


async def test_at_the_bound_an_empty_child_makes_room_and_then_nobody_does(server: Server) -> None:
    shops = server.of(SHOP)
    links = [connect(server, f"/shop-{n}") for n in range(3)]
    refused = Link(server)

    refused.receive("0/shop-3,")
    assert refused.take() == ['44/shop-3,{"message":"Too many namespaces","data":{"code":"too_many_namespaces"}}']
    with pytest.raises(LimitReached, match="dynamic_namespaces_max = 3 is reached"):
        server.of("/shop-3")
    assert server.of("/plain").name == "/plain", "the bound is for what clients can ask for"

    links[1].lose()
    enter(refused, "/shop-3")
    assert set(shops.children) == {"/shop-0", "/shop-2", "/shop-3"}
    assert server.find("/shop-1") is None


async def test_an_empty_child_is_removed_in_a_while_unless_somebody_comes(server: Server) -> None:
    shops = server.of(SHOP)
    for n in (1, 2):
        link = connect(server, f"/shop-{n}")
        link.lose()
    connect(server, "/shop-2")

    await until(lambda: "/shop-1" not in shops.children)

    assert set(shops.children) == {"/shop-2"}
    assert server.find("/shop-1") is None
    connect(server, "/shop-1")
    assert server.of("/shop-1").emit("hi") == 1


async def test_a_child_whose_only_client_was_refused_is_removed_too(server: Server) -> None:
    shops, decided = server.of(SHOP), asyncio.Event()

    @shops.use
    async def refuse(_socket: Socket) -> None:
        await decided.wait()
        raise ConnectRefused("no")

    link = Link(server)
    link.receive("0/shop-1,")
    await asyncio.sleep(0.03)  # longer than an empty one lingers
    assert set(shops.children) == {"/shop-1"}, "somebody is about to enter"

    decided.set()
    await until(lambda: not shops.children)


async def test_plain_namespaces_and_those_without_a_linger_stay() -> None:
    server = Server()
    shops = server.of(SHOP)
    server.of("/plain")
    for name in ("/plain", "/shop-1"):
        connect(server, name).lose()

    await asyncio.sleep(0.02)

    assert server.find("/plain") is not None
    assert set(shops.children) == {"/shop-1"}


async def test_closing_the_server_leaves_no_timer(server: Server) -> None:
    shops = server.of(SHOP)
    connect(server, "/shop-1").lose()

    await server.close()
    await asyncio.sleep(0.04)

    assert set(shops.children) == {"/shop-1"}
