"""One client in one namespace: its handlers, their order, their failures, its acks, its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from ordercast.hub import (
    AckTimeout,
    DisconnectReason,
    EventRefused,
    LimitReached,
    NotConnected,
    Options,
    Server,
    Socket,
)
from ordercast.protocol.errors import UnencodableValue
from tests.hub.links import Link, connect, settle

INTERNAL_ERROR = '{"data":null,"error":{"code":"internal_error","message":"The server could not handle this event."}}'


@pytest.fixture
async def server() -> Server:
    return Server(Options(inbox_packets_max=5, acks_pending_max=3, rooms_max=4))


@pytest.fixture
async def link(server: Server) -> Link:
    return connect(server)


@pytest.fixture
async def socket(server: Server, link: Link) -> Socket:
    (socket,) = server.main.sockets.values()
    return socket


# Handlers and their answers


@pytest.mark.parametrize(
    ("answer", "ack"),
    [
        (None, "431[]"),
        (1, "431[1]"),
        ([1, 2], "431[[1,2]]"),
        ((), "431[]"),
        ((None, {"ok": True}), '431[null,{"ok":true}]'),
        (0, "431[0]"),
        (False, "431[false]"),
    ],
)
async def test_what_a_handler_returns_is_the_ack(link: Link, socket: Socket, answer: Any, ack: str) -> None:
    socket.on("ask", lambda: answer)

    link.receive('21["ask"]')

    assert link.take() == [ack]


async def test_a_coroutine_answers_when_it_is_done(link: Link, socket: Socket) -> None:
    gate = asyncio.Event()

    @socket.on("ask")
    async def ask(value: int) -> int:
        await gate.wait()
        return value + 1

    link.receive('21["ask",1]')
    await settle()
    assert link.take() == []

    gate.set()
    await settle()
    assert link.take() == ["431[2]"]


async def test_bytes_come_and_go(link: Link, socket: Socket) -> None:
    socket.on("up", lambda *args: args)

    link.receive('51-7["up",{"a":[{"_placeholder":true,"num":0}]}]', b"\x01")

    assert link.take() == ['461-7[{"a":[{"_placeholder":true,"num":0}]}]', b"\x01"]


async def test_an_event_that_nobody_handles_is_acknowledged_as_unknown(link: Link) -> None:
    """A client with `retries` sends its next event only once this one is answered."""
    link.receive('21["nobody"]', '2["error"]', '2["connection"]', '2["__init__"]')

    (ack,) = link.take()
    assert json.loads(str(ack).removeprefix("431")) == [
        {
            "data": None,
            "error": {
                "code": "unknown_event",
                "message": "This server handles no event named 'nobody'.",
                "event": "nobody",
            },
        }
    ]
    assert link.closed_for is None


async def test_an_event_that_nobody_handles_can_be_left_unanswered_as_with_the_reference() -> None:
    server = Server(Options(answer_unknown_events=False))
    link = Link(server)
    link.receive("0")
    link.take()

    link.receive('21["nobody"]')

    assert link.take() == []


async def test_the_long_name_of_an_unknown_event_is_not_repeated_in_full(link: Link) -> None:
    link.receive(f'21["{"x" * 5_000}"]')

    (ack,) = link.take()
    assert len(ack) < 500


async def test_several_handlers_run_in_order_and_the_first_answer_counts(
    link: Link, socket: Socket, server: Server
) -> None:
    ran: list[str] = []

    def handler(name: str, answer: Any = None) -> Callable[[], Any]:
        def run() -> Any:
            ran.append(name)
            return answer

        return run

    server.event("ask", lambda _socket: ran.append("shared"))
    socket.on("ask", handler("one"))
    socket.on("ask", handler("two", 2))
    socket.on("ask", handler("three", 3))

    link.receive('21["ask"]')

    assert ran == ["shared", "one", "two", "three"]
    assert link.take() == ["431[2]"]


async def test_a_handler_can_be_removed(link: Link, socket: Socket) -> None:
    received: list[int] = []
    one = socket.on("e", lambda: received.append(1))
    socket.on("e", lambda: received.append(2))

    socket.off("e", one)
    link.receive('2["e"]')
    socket.off("e")
    socket.off("never")
    link.receive('2["e"]')

    assert received == [2]


async def test_events_of_one_socket_are_handled_one_after_another_and_others_go_on(
    link: Link, socket: Socket, server: Server
) -> None:
    gate = asyncio.Event()
    order: list[str] = []

    @server.event("slow")
    async def slow(_socket: Socket, name: str) -> None:
        order.append(f"{name} begins")
        await gate.wait()
        order.append(f"{name} ends")

    server.event("fast", lambda _socket, name: order.append(name))
    other = connect(server)

    link.receive('2["slow","first"]', '2["fast","second"]', '2["slow","third"]', '2["fast","fourth"]')
    other.receive('2["fast","other"]')
    await settle()
    assert sorted(order) == ["first begins", "other"]

    gate.set()
    await settle()
    assert order[2:] == ["first ends", "second", "third begins", "third ends", "fourth"]


async def test_acks_of_the_client_do_not_wait_behind_a_handler(link: Link, socket: Socket) -> None:
    """A handler may ask its own client and wait for the answer."""

    @socket.on("ask")
    async def ask() -> Any:
        return await socket.emit_with_ack("question", timeout_s=60)

    link.receive('21["ask"]')
    await settle()
    assert link.take() == ['420["question"]']

    link.receive("30[42]")
    await settle()
    assert link.take() == ["431[42]"]


async def test_an_inbox_past_its_bound_closes_the_connection(link: Link, socket: Socket) -> None:
    socket.on("slow", lambda: asyncio.sleep(60))

    link.receive(*['2["slow"]'] * 6)
    assert socket.connected

    link.receive('2["slow"]')
    assert link.closed_for is DisconnectReason.INBOX_FULL
    assert repr(socket).startswith(f"<Socket {socket.id} disconnected")


# Failures


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_a_failing_handler_is_logged_answered_and_harms_nothing(
    link: Link, socket: Socket, asynchronous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("secret detail")

    async def fail_later() -> None:
        await asyncio.sleep(0)
        raise RuntimeError("secret detail")

    socket.on("fail", fail_later if asynchronous else fail)
    socket.on("fine", lambda: "fine")

    link.receive('21["fail"]', '2["fail"]', '22["fine"]')
    await settle()

    assert link.take() == [f"431[{INTERNAL_ERROR}]", '432["fine"]']
    assert [record.message.split(" socket=")[0] for record in caplog.records if record.levelname == "ERROR"] == [
        "handler failed: event='fail'"
    ] * 2


async def test_a_refusal_reaches_the_client_and_is_not_logged(
    link: Link, socket: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    @socket.on("cancel")
    def cancel() -> None:
        raise EventRefused("too_late", "The order is on its way.", state="in_transit")

    link.receive('21["cancel"]', '2["cancel"]')

    assert link.take() == [
        '431[{"data":null,"error":{"code":"too_late","message":"The order is on its way.","state":"in_transit"}}]'
    ]
    assert not caplog.records


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_an_answer_that_cannot_be_encoded_is_an_error_ack_and_later_events_are_handled(
    link: Link, socket: Socket, asynchronous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def later() -> object:
        return object()

    socket.on("bad", later if asynchronous else object)
    socket.on("fine", lambda: "fine")

    link.receive('21["bad"]', '22["fine"]')
    await settle()

    assert link.take() == [f"431[{INTERNAL_ERROR}]", '432["fine"]']
    assert "answer cannot be sent" in caplog.text
    assert link.closed_for is None


async def test_a_refusal_that_cannot_be_encoded_is_an_error_ack(link: Link, socket: Socket) -> None:
    @socket.on("bad")
    def bad() -> None:
        raise EventRefused("code", "message", details=object())

    link.receive('21["bad"]')

    assert link.take() == [f"431[{INTERNAL_ERROR}]"]


async def test_a_handler_whose_work_is_cancelled_has_failed_and_later_events_are_handled(
    link: Link, socket: Socket
) -> None:
    work = asyncio.get_running_loop().create_future()
    socket.on("wait", lambda: work)
    socket.on("fine", lambda: "fine")
    link.receive('21["wait"]', '22["fine"]')

    work.cancel()
    await settle()

    assert link.take() == [f"431[{INTERNAL_ERROR}]", '432["fine"]']


async def test_arguments_that_a_handler_does_not_take_are_a_failure_of_the_event_alone(
    link: Link, socket: Socket
) -> None:
    socket.on("one", lambda a: a)

    link.receive('21["one"]', '22["one",1,2]', '23["one",1]')

    assert link.take() == [f"431[{INTERNAL_ERROR}]", f"432[{INTERNAL_ERROR}]", "433[1]"]


# Emitting and waiting


async def test_emitting_any_json_and_bytes(link: Link, socket: Socket) -> None:
    socket.emit("e", 1, "2", {"3": [True, None]}, b"\x01", volatile=True)

    assert link.take() == ['451-["e",1,"2",{"3":[true,null]},{"_placeholder":true,"num":0}]', b"\x01"]
    assert link.messages[-1].volatile


async def test_what_cannot_be_encoded_is_the_callers_error(link: Link, socket: Socket) -> None:
    with pytest.raises(UnencodableValue):
        socket.emit("e", object())
    with pytest.raises(UnencodableValue):
        await socket.emit_with_ack("e", object())
    assert link.take() == []


@pytest.mark.parametrize(("ack", "answer"), [("[]", None), ("[1]", 1), ("[null,2]", (None, 2)), ("[[1]]", [1])])
async def test_an_answer_is_none_one_value_or_a_tuple(link: Link, socket: Socket, ack: str, answer: Any) -> None:
    pending = asyncio.create_task(socket.emit_with_ack("ask", "x"))
    await settle()
    assert link.take() == ['420["ask","x"]']

    link.receive("30" + ack)

    assert await pending == answer


async def test_an_answer_that_does_not_come_in_time(link: Link, socket: Socket) -> None:
    with pytest.raises(AckTimeout, match=r"no ack of 'ask' within 0\.01 s"):
        await socket.emit_with_ack("ask", timeout_s=0.01)

    link.receive("30[1]")
    pending = asyncio.create_task(socket.emit_with_ack("again"))
    await settle()
    link.receive("31[2]")
    assert await pending == 2, "the late answer was nobody's"


async def test_answers_that_nobody_waits_for_are_ignored(link: Link, socket: Socket) -> None:
    link.receive("30[1]", "3999999[1]", "3[1]", '31-["no"]')
    assert link.closed_for is DisconnectReason.PARSE_ERROR, "only the last of them was malformed"


async def test_a_disconnect_meanwhile_ends_the_wait(link: Link, socket: Socket) -> None:
    pending = [asyncio.create_task(socket.emit_with_ack("ask")) for _ in range(2)]
    await settle()

    link.lose()

    for task in pending:
        with pytest.raises(NotConnected):
            await task
    with pytest.raises(NotConnected):
        await socket.emit_with_ack("ask")


async def test_the_acks_outstanding_are_bounded(link: Link, socket: Socket) -> None:
    pending = [asyncio.create_task(socket.emit_with_ack("ask")) for _ in range(3)]
    await settle()

    with pytest.raises(LimitReached, match="acks_pending_max = 3 is reached"):
        await socket.emit_with_ack("ask")  # number 3 was for this one

    link.receive("30[]")
    pending.append(asyncio.create_task(socket.emit_with_ack("ask")))
    await settle()
    link.receive("31[]", "32[]", "34[]")
    await asyncio.wait_for(asyncio.gather(*pending), 60)


async def test_a_cancelled_wait_gives_its_place_back(socket: Socket) -> None:
    for _ in range(10):
        pending = asyncio.create_task(socket.emit_with_ack("ask"))
        await settle()
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)


# Rooms


async def test_rooms_are_entered_and_left(link: Link, socket: Socket, server: Server) -> None:
    socket.join("a", "b")
    socket.join("a")
    assert socket.rooms == {socket.id, "a", "b"}
    assert server.to("a", "b").emit("once") == 1

    socket.leave("a", "unknown")
    assert server.to("a").emit("none") == 0
    assert link.take() == ['42["once"]']


async def test_the_rooms_of_a_socket_are_bounded(socket: Socket) -> None:
    socket.join("a", "b", "c")

    with pytest.raises(LimitReached, match="rooms_max = 4 is reached"):
        socket.join("d")
    socket.join("a", "b")
    assert socket.rooms == {socket.id, "a", "b", "c"}


# The end


async def test_handlers_learn_of_a_client_that_leaves_in_order(link: Link, socket: Socket) -> None:
    calls: list[Any] = []
    socket.join("room")
    socket.on("disconnecting", lambda reason: calls.append(("disconnecting", reason.value, "room" in socket.rooms)))
    socket.on("disconnect", lambda reason: calls.append(("disconnect", str(reason), "room" in socket.rooms)))

    link.receive("1", '2["late"]')

    assert calls == [
        ("disconnecting", "client namespace disconnect", True),
        ("disconnect", "client namespace disconnect", False),
    ]


@pytest.mark.parametrize("close", [False, True])
async def test_the_server_sends_a_client_away(link: Link, socket: Socket, server: Server, close: bool) -> None:
    reasons: list[str] = []
    socket.on("disconnect", reasons.append)

    socket.disconnect(close=close)
    socket.disconnect(close=close)
    socket.emit("late")

    assert link.take() == ["41"]
    assert reasons == [DisconnectReason.SERVER_NAMESPACE_DISCONNECT]
    assert (link.closed_for is not None) is close
    assert not server.main.sockets
    assert list(server.main.rooms.names()) == []


async def test_last_words_that_cross_a_disconnect_are_not_an_offence(link: Link, socket: Socket) -> None:
    socket.disconnect()

    link.receive("30[1]", "1")

    assert link.closed_for is None


async def test_a_disconnect_handler_that_fails_or_waits_harms_nothing(
    link: Link, socket: Socket, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    done = asyncio.Event()

    @socket.on("disconnect")
    async def later(_reason: DisconnectReason) -> None:
        await asyncio.sleep(0)
        done.set()
        raise RuntimeError("oops")

    link.lose()

    await asyncio.wait_for(done.wait(), 60)
    await settle()
    assert "handler failed: event='disconnect'" in caplog.text
    assert not server.clients


async def test_its_repr_is_its_state(socket: Socket) -> None:
    assert repr(socket) == f"<Socket {socket.id} connected namespace=/ rooms=1>"
    socket.disconnect()
    assert repr(socket) == f"<Socket {socket.id} disconnected namespace=/ rooms=0>"


async def test_it_shows_the_request_that_opened_it(socket: Socket) -> None:
    assert socket.handshake.headers == {"x-token": "abc"}
    assert socket.handshake.query == {"EIO": "4", "a": "2"}
    assert (socket.handshake.address, socket.handshake.secure) == ("192.0.2.7", True)
    assert socket.transport_name == "websocket"
