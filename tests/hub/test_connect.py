"""From CONNECT to connected: middlewares, refusals, who may not come in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ordercast.hub import ConnectRefused, DisconnectReason, LimitReached, Options, RetryLater, Server, Socket
from tests.hub.links import Link, connect, enter, settle
from tests.waiting import until

NOT_TOLD = '44{"message":"Internal server error"}'


@pytest.fixture
async def server() -> Server:
    return Server(Options(namespaces_max=3, rooms_max=3))


async def test_a_client_is_let_in_with_a_sid_of_its_own(server: Server) -> None:
    link = Link(server)
    link.receive('0{"token":"123"}')

    (socket,) = server.main.sockets.values()
    assert link.sent == [f'40{{"sid":"{socket.id}"}}']
    assert socket.auth == {"token": "123"}
    assert socket.rooms == {socket.id}
    assert len(socket.id) == 20
    assert socket.id != link.sid, "a public name must not be the key to the connection"


async def test_connection_handlers_run_before_the_first_event_of_the_client(server: Server) -> None:
    received: list[Any] = []

    @server.on("connection")
    def connected(socket: Socket) -> None:
        socket.emit("auth", socket.auth)
        socket.on("first", lambda: received.append(1))

    link = Link(server)
    link.receive("0", '2["first"]')

    assert str(link.sent[0]).startswith('40{"sid"')
    assert link.sent[1:] == ['42["auth",{}]']
    assert received == [1]


async def test_an_asynchronous_connection_handler_holds_the_events_behind_it(server: Server) -> None:
    """Events before the handler has authorised are handled after it, or never."""
    gate = asyncio.Event()
    received: list[str] = []

    @server.on("connection")
    async def connected(_socket: Socket) -> None:
        await gate.wait()
        received.append("authorised")

    server.event("command", lambda _socket: received.append("command"))
    link = Link(server)
    link.receive("0", '2["command"]')
    await settle()
    assert received == []

    gate.set()
    await settle()
    assert received == ["authorised", "command"]


async def test_a_connection_handler_that_fails_leaves_the_socket_connected(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    @server.on("connection")
    def connected(_socket: Socket) -> None:
        raise RuntimeError("oops")

    connect(server)

    assert len(server.main.sockets) == 1
    assert "handler failed: event='connection'" in caplog.text


# Middlewares


async def test_middlewares_run_in_order_and_may_wait(server: Server) -> None:
    ran: list[str] = []

    @server.use
    def first(socket: Socket) -> None:
        ran.append(f"first {socket.auth['token']}")
        socket.data = {"user": 1}

    @server.use
    async def second(socket: Socket) -> None:
        await asyncio.sleep(0)
        ran.append("second")

    server.use(lambda socket: ran.append(f"third {socket.data['user']}"))
    link = Link(server)
    link.receive('0{"token":"t"}')
    assert server.main.sockets == {}

    await settle()

    assert ran == ["first t", "second", "third 1"]
    assert len(server.main.sockets) == 1


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (ConnectRefused("not allowed"), '44{"message":"not allowed"}'),
        (ConnectRefused("not allowed", {"code": 7}), '44{"message":"not allowed","data":{"code":7}}'),
        (ConnectRefused("not allowed", 0), '44{"message":"not allowed","data":0}'),
        (ConnectRefused("bytes", {"a": b"\x01"}), NOT_TOLD),
        (ConnectRefused("object", object()), NOT_TOLD),
        (RuntimeError("secret detail"), NOT_TOLD),
        (LimitReached("rooms_max", 3), NOT_TOLD),
    ],
    ids=str,
)
async def test_a_refusal_reaches_the_client_and_any_other_exception_does_not(
    server: Server, error: Exception, answer: str, asynchronous: bool
) -> None:
    def refuse(_socket: Socket) -> None:
        raise error

    async def refuse_later(_socket: Socket) -> None:
        await asyncio.sleep(0)
        raise error

    server.use(refuse_later if asynchronous else refuse)
    link = Link(server)
    link.receive("0")
    await settle()

    assert link.sent == [answer]
    assert not server.main.sockets
    assert link.closed_for is None, "another namespace may still be open to it"


async def test_who_comes_while_nobody_can_decide_is_closed_and_not_refused(server: Server) -> None:
    @server.use
    async def busy(socket: Socket) -> None:
        raise RetryLater("the database is busy")

    link = Link(server)
    link.receive("0")
    await settle()

    # A stock client that is refused by CONNECT_ERROR stays away; one whose connection ends comes back by itself.
    assert link.sent == []
    assert link.closed_for is DisconnectReason.FORCED_SERVER_CLOSE
    assert not server.main.sockets


async def test_who_was_refused_may_try_again(server: Server) -> None:
    def check(socket: Socket) -> None:
        if socket.auth.get("token") != "right":
            raise ConnectRefused("wrong token")

    server.use(check)
    link = Link(server)
    link.receive("0")
    assert link.take() == ['44{"message":"wrong token"}']

    enter(link, auth={"token": "right"})


async def test_rooms_joined_in_a_middleware_are_entered_with_the_connection(server: Server) -> None:
    server.use(lambda socket: socket.join("a", "b"))

    link = connect(server)

    assert server.to("a").emit("hi") == 1
    assert link.take() == ['42["hi"]']


async def test_a_client_that_goes_while_a_middleware_waits_leaves_nothing(server: Server) -> None:
    gate = asyncio.Event()

    @server.use
    async def wait(_socket: Socket) -> None:
        await gate.wait()

    calls: list[Any] = []
    server.on("connection", calls.append)
    link = Link(server)
    link.receive("0")
    await settle()

    link.lose()
    gate.set()
    await settle()

    assert (calls, server.main.sockets, server.clients, link.sent) == ([], {}, set(), [])


async def test_an_event_before_the_middleware_has_decided_closes(server: Server) -> None:
    received: list[Any] = []
    server.event("command", lambda _socket: received.append(1))

    @server.use
    async def wait(_socket: Socket) -> None:
        await asyncio.sleep(60)

    link = Link(server)
    link.receive("0", '2["command"]')

    assert link.closed_for is DisconnectReason.PARSE_ERROR
    assert received == []


# Coming anew


def sids(link: Link) -> list[str]:
    """The ids that the client was given, oldest first; nothing else was sent to it."""
    return [json.loads(str(sent).removeprefix("40"))["sid"] for sent in link.take()]


async def test_who_connects_again_while_connected_comes_anew_and_keeps_the_connection(server: Server) -> None:
    """React's strict mode: connect, disconnect, connect within a turn; the stock client sends CONNECT twice."""
    calls: list[Any] = []
    server.on("connection", lambda socket: calls.append(socket.auth))
    server.event("disconnect", lambda socket, reason: calls.append((socket.auth, str(reason))))
    server.of("/other")
    link = Link(server)
    enter(link, "/other")

    link.receive('0{"n":1}', '0{"n":2}')

    assert calls == [{"n": 1}, ({"n": 1}, "client namespace disconnect"), {"n": 2}]
    assert sids(link)[1] == next(iter(server.main.sockets))
    assert link.closed_for is None
    assert len(server.of("/other").sockets) == 1


async def test_who_connects_again_while_a_middleware_decides_is_answered_once(server: Server) -> None:
    gates = [asyncio.Event() for _ in range(3)]
    seen: list[int] = []

    @server.use
    async def wait(socket: Socket) -> None:
        seen.append(socket.auth["n"])
        await gates[socket.auth["n"]].wait()
        if socket.auth["n"] == 0:
            raise ConnectRefused("never told")

    link = Link(server)
    link.receive('0{"n":0}', '0{"n":1}', '0{"n":2}')
    await settle()
    assert seen == [0], "one at a time, so that nobody can have a thousand of them running"

    gates[0].set()
    await settle()
    gates[2].set()
    await settle()

    assert seen == [0, 2]
    assert len(sids(link)) == 1
    assert [socket.auth for socket in server.main.sockets.values()] == [{"n": 2}]


async def test_who_leaves_while_a_middleware_decides_is_not_let_in_and_may_come_again(server: Server) -> None:
    gate = asyncio.Event()
    calls: list[Any] = []
    server.on("connection", lambda socket: calls.append(socket.auth["n"]))
    server.use(lambda _socket: gate.wait())  # type: ignore[arg-type,return-value]
    link = Link(server)

    link.receive('0{"n":1}', "1")
    gate.set()
    await settle()
    assert (calls, link.take(), link.closed_for) == ([], [], None)

    link.receive('0{"n":2}')
    await settle()
    assert calls == [2]
    assert len(sids(link)) == 1


async def test_a_disconnect_handler_that_closes_ends_the_coming_anew(server: Server) -> None:
    server.event("disconnect", lambda socket, _reason: socket._client.close(DisconnectReason.FORCED_SERVER_CLOSE))
    link = connect(server)

    link.receive("0")

    assert link.take() == []
    assert not server.main.sockets


# What the protocol does not allow


@pytest.mark.parametrize(
    "messages",
    [
        ['2["hello"]'],
        ['2/admin,["hello"]'],
        ['51-["hello",{"_placeholder":true,"num":0}]', b"\x01"],
        [b"\x01"],
        ["0", '2/admin,["hello"]'],
        ["0", "4{}"],
        ["0", "abc"],
        ["abc"],
        ["2"],
        ["0[]"],
    ],
    ids=str,
)
async def test_what_comes_out_of_turn_closes_at_once(server: Server, messages: list[str | bytes]) -> None:
    """CVE-2026-48804 among them: a binary header before CONNECT."""
    link = Link(server)

    link.receive(*messages)

    assert link.closed_for is DisconnectReason.PARSE_ERROR
    assert not server.clients


async def test_last_words_without_a_connection_are_ignored(server: Server) -> None:
    link = Link(server)

    link.receive("1", "30[]", "1/admin,")

    assert link.closed_for is None
    assert link.sent == []


async def test_the_namespaces_of_a_connection_are_bounded(server: Server) -> None:
    for number in range(4):
        server.of(f"/{number}")
    link = Link(server)
    for number in range(3):
        enter(link, f"/{number}")

    link.receive("0/3,")

    assert link.closed_for is DisconnectReason.PARSE_ERROR


async def test_an_unknown_namespace_is_not_made(server: Server) -> None:
    link = Link(server)
    for number in range(100):
        link.receive(f"0/random{number},")

    assert link.sent[0] == '44/random0,{"message":"Invalid namespace"}'
    assert len(link.sent) == 100
    assert repr(server) == "<Server clients=1 namespaces=['/']>"


# The connect timeout


@pytest.fixture
async def impatient() -> Server:
    return Server(Options(connect_timeout_s=0.05))


async def test_who_enters_no_namespace_is_closed_in_time(impatient: Server) -> None:
    server = impatient
    silent, refused, entered = Link(server), Link(server), connect(server)
    refused.receive("0/unknown,")

    await until(lambda: silent.closed_for and refused.closed_for)

    assert silent.closed_for is DisconnectReason.FORCED_SERVER_CLOSE
    assert refused.closed_for is DisconnectReason.FORCED_SERVER_CLOSE
    assert entered.closed_for is None


async def test_a_slow_middleware_is_waited_for_and_whoever_it_refuses_is_closed(impatient: Server) -> None:
    server, gate = impatient, asyncio.Event()

    @server.use
    async def wait(_socket: Socket) -> None:
        await gate.wait()
        raise ConnectRefused("no")

    link = Link(server)
    link.receive("0")
    await asyncio.sleep(0.08)
    assert link.closed_for is None

    gate.set()
    await until(lambda: link.closed_for)
    assert link.sent == ['44{"message":"no"}']
    assert link.closed_for is DisconnectReason.FORCED_SERVER_CLOSE
