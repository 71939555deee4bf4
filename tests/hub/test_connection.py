"""What is known of the request that opened a connection."""

from __future__ import annotations

import pytest

from ordercast.hub import DisconnectReason, Handshake, Options, Server, Socket
from tests.hub.links import HANDSHAKE, Link, connect, enter


def test_headers_and_query_are_read_when_looked_at() -> None:
    assert HANDSHAKE.headers == {"x-token": "abc"}
    assert HANDSHAKE.query == {"EIO": "4", "a": "2"}
    assert (HANDSHAKE.address, HANDSHAKE.secure, HANDSHAKE.issued) == ("192.0.2.7", True, 1000)


@pytest.mark.parametrize(
    ("headers", "xdomain"), [(((b"origin", b"https://shop.example"),), True), ((), False), (((b"x", b"\xff"),), False)]
)
def test_a_page_sends_its_origin(headers: tuple[tuple[bytes, bytes], ...], xdomain: bool) -> None:
    assert Handshake(headers, b"", "192.0.2.7", secure=False, time=0.0).xdomain is xdomain


async def test_each_socket_sees_the_request_with_its_own_auth() -> None:
    server = Server(Options(path="/live/"))
    server.of("/other")
    link = Link(server)
    enter(link, "/", {"token": "a"})
    enter(link, "/other", {"token": "b"})
    (one,), (two,) = server.main.sockets.values(), server.of("/other").sockets.values()

    assert (one.handshake.auth, two.handshake.auth) == ({"token": "a"}, {"token": "b"})
    assert one.handshake.url == "/live/?EIO=4&a=1&a=2"
    assert one.handshake is one.handshake
    assert one.conn.handshake.auth == {}
    assert (one.conn.sid, one.conn.transport_name) == ("engine-sid", "websocket")


async def test_an_end_has_a_reason_and_where_there_is_one_a_sentence() -> None:
    server = Server(Options(inbox_packets_max=1))
    calls: list[tuple[DisconnectReason, str]] = []
    server.event("disconnect", lambda socket, reason: calls.append((reason, socket.disconnect_description)))

    @server.event("slow")
    async def slow(socket: Socket) -> None:
        await server.loop.create_future()

    connect(server).receive("2{}")
    connect(server).receive('51-["e",{"_placeholder":true,"num":7}]', b"x")
    connect(server).receive('2["slow"]', '2["slow"]', '2["slow"]')
    connect(server).lose()

    assert calls == [
        (DisconnectReason.PARSE_ERROR, "EVENT: is not a JSON array with a name"),
        (DisconnectReason.PARSE_ERROR, "binary packet: placeholder 7 names none of 1 attachments"),
        (DisconnectReason.INBOX_FULL, "more than 1 packets waited for a handler"),
        (DisconnectReason.TRANSPORT_CLOSE, ""),
    ]
    await server.close()
