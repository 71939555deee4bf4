"""One connection: what it brings reaches the socket it is for, and its end ends everything on it."""

from __future__ import annotations

import asyncio

import pytest

from ordercast.hub import DisconnectReason, Options, Server
from tests.hub.links import Link, connect, enter, settle


@pytest.fixture
async def server() -> Server:
    server = Server(Options(namespaces_max=2))
    server.of("/other")
    return server


@pytest.fixture
async def impatient() -> Server:
    return Server(Options(connect_timeout_s=0.03))


async def test_each_packet_reaches_the_socket_of_its_namespace(server: Server) -> None:
    for name in ("/", "/other"):
        server.of(name).event("where", lambda socket: socket.namespace.name)
    link = connect(server)
    enter(link, "/other")

    link.receive('21["where"]', '2/other,1["where"]')

    assert link.take() == ['431["/"]', '43/other,1["/other"]']
    (client,) = server.clients
    assert repr(client) == "<Client engine-sid namespaces=['/', '/other']>"


async def test_its_end_reaches_every_socket_once(server: Server) -> None:
    calls: list[str] = []
    for name in ("/", "/other"):
        server.of(name).event("disconnect", lambda socket, reason: calls.append(f"{socket.namespace.name} {reason}"))
    link = connect(server)
    enter(link, "/other")

    link.lose(DisconnectReason.PING_TIMEOUT)
    link.receiver.closed(DisconnectReason.TRANSPORT_CLOSE)

    assert calls == ["/ ping timeout", "/other ping timeout"]
    assert not server.clients


async def test_a_place_in_a_namespace_is_free_again_once_left(server: Server) -> None:
    server.of("/third")
    link = connect(server)
    enter(link, "/other")

    link.receive("1")
    enter(link, "/third")
    enter(link, "/third")
    link.receive("0")

    assert link.closed_for is DisconnectReason.PARSE_ERROR, "a third at a time is one too many"


async def test_who_has_entered_is_not_timed_out_and_may_then_be_in_none(impatient: Server) -> None:
    link = connect(impatient)

    link.receive("1")
    await asyncio.sleep(0.06)

    assert link.closed_for is None


async def test_a_timer_of_a_connection_that_is_gone_does_nothing(impatient: Server) -> None:
    link = Link(impatient)
    link.lose()

    await asyncio.sleep(0.06)

    assert link.closed_for is DisconnectReason.TRANSPORT_CLOSE


async def test_what_comes_while_the_client_is_disconnected_is_ignored_until_it_comes_again(
    server: Server,
) -> None:
    link = connect(server)
    (client,) = server.clients
    next(iter(server.main.sockets.values())).disconnect()
    link.receive('2["late"]', "1")
    assert link.closed_for is None

    link.take()
    enter(link)
    assert client.disconnected_namespaces == frozenset()
    link.receive("1", '2["late"]')
    await settle()

    assert link.closed_for is DisconnectReason.PARSE_ERROR
