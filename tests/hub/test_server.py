"""The server by itself: its namespaces, the work beside it, its end."""

from __future__ import annotations

import asyncio
import time

import pytest

from ordercast.hub import DisconnectReason, Options, Server, Socket
from tests.hub.links import HANDSHAKE, Link, connect, enter, settle


async def test_a_namespace_is_made_once_and_found_by_either_spelling() -> None:
    server = Server()

    assert server.of("/admin") is server.of("admin")
    assert server.of("") is server.of("/") is server.main
    assert server.find("/admin") is server.of("/admin")
    assert server.find("/unknown") is None


async def test_what_the_server_emits_goes_to_its_main_namespace() -> None:
    server = Server()
    calls: list[str] = []
    server.use(lambda _socket: calls.append("middleware"))
    server.on("connection", lambda _socket: calls.append("connection"))
    server.event("e", lambda _socket: calls.append("event"))
    server.of("/other").on("connection", lambda _socket: calls.append("wrong"))

    link = connect(server)
    link.receive('2["e"]')

    assert calls == ["middleware", "connection", "event"]
    assert server.in_("nobody").emit("e") == 0
    assert server.volatile.emit("e") == 1


async def test_work_beside_it_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()

    async def fail() -> None:
        raise RuntimeError("oops")

    server.spawn(fail())
    await settle()

    assert "task failed" in caplog.text
    assert "oops" in caplog.text


async def test_closing_waits_for_the_last_handlers_but_not_for_ever() -> None:
    server = Server()
    done: list[int] = []

    @server.event("disconnect")
    async def clean_up(_socket: Socket, _reason: DisconnectReason) -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    server.event("hang", lambda _socket: asyncio.sleep(60))
    connect(server)
    await server.close()
    assert done == [1]

    connect(server).receive('2["hang"]')
    began = time.monotonic()
    await server.close()
    assert time.monotonic() - began < 20


async def test_a_client_knows_its_namespaces() -> None:
    server = Server(Options())
    link = connect(server)

    (client,) = server.clients
    assert repr(client) == "<Client engine-sid namespaces=['/']>"
    link.lose()
    assert server.clients == set()


async def test_what_crosses_a_disconnect_on_the_way_is_ignored_and_other_namespaces_go_on() -> None:
    server = Server()
    received: list[str] = []
    server.event("late", lambda _socket: received.append("late"))
    server.of("/other").event("e", lambda _socket: received.append("other"))
    link: Link = connect(server)
    enter(link, "/other")
    (socket,) = server.main.sockets.values()
    socket.disconnect()

    link.receive('2["late"]', '51-["late",{"_placeholder":true,"num":0}]', b"\x01", '2/other,["e"]')
    assert received == ["other"]
    assert link.closed_for is None

    link.take()
    enter(link)
    link.receive('2["late"]')
    assert received == ["other", "late"]


async def test_an_event_after_the_clients_own_goodbye_closes() -> None:
    link = connect(Server())

    link.receive("1", '2["late"]')

    assert link.closed_for is DisconnectReason.PARSE_ERROR


async def test_refused_connections_are_given_to_handlers() -> None:
    server = Server()
    calls: list[object] = []
    server.on("connection_error", lambda *args: calls.append(args))

    server.connection_refused(HANDSHAKE, 5, "Unsupported protocol version")

    assert calls == [(HANDSHAKE, 5, "Unsupported protocol version")]


async def test_sending_a_client_away_with_its_connection_keeps_it_away_from_every_namespace() -> None:
    """Without a DISCONNECT for each, the stock client would come back for the others."""
    server = Server()
    server.of("/other")
    link = connect(server)
    enter(link, "/other")
    (socket,) = server.main.sockets.values()

    socket.disconnect(close=True)

    assert sorted(map(str, link.take())) == ["41", "41/other,"]
    assert link.closed_for is DisconnectReason.SERVER_NAMESPACE_DISCONNECT
    assert not server.clients
