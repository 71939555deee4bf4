"""What an event passes on its way to its handlers. The rest of a socket's dispatch is in test_socket.py."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ordercast.hub import EventRefused, Server, Socket
from tests.hub.links import Link, connect, settle

INTERNAL_ERROR = '{"data":null,"error":{"code":"internal_error","message":"The server could not handle this event."}}'


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def link(server: Server) -> Link:
    return connect(server)


@pytest.fixture
async def socket(server: Server, link: Link) -> Socket:
    (socket,) = server.main.sockets.values()
    socket.on("e", lambda *args: args)
    return socket


async def test_middlewares_run_in_order_and_may_change_the_arguments(link: Link, socket: Socket) -> None:
    @socket.use
    def double(event: str, args: list[Any]) -> None:
        args[0] *= 2

    @socket.use
    async def add(event: str, args: list[Any]) -> None:
        await asyncio.sleep(0)
        args.append(event)

    socket.use(lambda _event, args: args.append("last"))

    link.receive('21["e",2]', '22["e",3]')
    await settle()

    assert link.take() == ['431[4,"e","last"]', '432[6,"e","last"]']


FORBIDDEN = EventRefused("forbidden", "Not you.")
NOT_YOU = '{"data":null,"error":{"code":"forbidden","message":"Not you."}}'
OOPS = RuntimeError("secret detail")


@pytest.mark.parametrize(
    ("how", "error", "answer"),
    [
        ("sync", FORBIDDEN, NOT_YOU),
        ("async", FORBIDDEN, NOT_YOU),
        ("sync", OOPS, INTERNAL_ERROR),
        ("async", OOPS, INTERNAL_ERROR),
        ("async", asyncio.CancelledError(), INTERNAL_ERROR),
    ],
    ids=str,
)
async def test_an_event_that_a_middleware_refuses_goes_no_further(
    link: Link, socket: Socket, how: str, error: BaseException, answer: str
) -> None:
    handled: list[Any] = []
    calls: list[Any] = []
    socket.on("refused", lambda *args: handled.append(args))
    socket.on("error", calls.append)

    def refuse(event: str, _args: list[Any]) -> None:
        if event == "refused":
            raise error

    async def refuse_later(event: str, args: list[Any]) -> None:
        await asyncio.sleep(0)
        refuse(event, args)

    socket.use(refuse if how == "sync" else refuse_later)

    link.receive('21["refused"]', '2["refused"]', '22["e",1]')
    await settle()

    assert link.take() == [f"431[{answer}]", "432[1]"]
    assert handled == []
    assert calls == [error, error]
    assert link.closed_for is None


async def test_an_error_handler_may_wait_and_send_the_client_away(link: Link, socket: Socket) -> None:
    @socket.on("error")
    async def away(_error: Exception) -> None:
        await asyncio.sleep(0)
        socket.disconnect()

    @socket.use
    def refuse(_event: str, _args: list[Any]) -> None:
        raise EventRefused("no", "No.")

    link.receive('21["e"]')
    await settle()

    assert link.take() == ['431[{"data":null,"error":{"code":"no","message":"No."}}]', "41"]


async def test_a_client_that_goes_while_a_middleware_waits_is_not_handled(link: Link, socket: Socket) -> None:
    gate = asyncio.Event()
    handled: list[Any] = []
    socket.on("e", lambda: handled.append(1))

    @socket.use
    async def wait(_event: str, _args: list[Any]) -> None:
        await gate.wait()

    link.receive('2["e"]')
    await settle()
    link.lose()
    gate.set()
    await settle()

    assert handled == []


async def test_later_events_wait_while_a_middleware_waits(link: Link, socket: Socket) -> None:
    gate = asyncio.Event()

    @socket.use
    async def wait(_event: str, args: list[Any]) -> None:
        if args == [1]:
            await gate.wait()

    link.receive('21["e",1]', '22["e",2]')
    await settle()
    assert link.take() == []

    gate.set()
    await settle()
    assert link.take() == ["431[1]", "432[2]"]
