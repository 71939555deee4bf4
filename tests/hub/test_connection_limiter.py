"""How many sockets one identity may have."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ordercast.hub import DisconnectReason, MemoryRecovery, Options, Server, Socket
from tests.hub.links import Link, settle

REFUSED = '44{"message":"Too many connections","data":{"code":"too_many_connections"}}'


def make_server(how: str) -> Server:
    server = Server(Options(sockets_per_identity_max=2))

    def identify(socket: Socket) -> None:
        socket.identity = socket.auth.get("user", "")

    async def identify_later(socket: Socket) -> None:
        await asyncio.sleep(0)
        identify(socket)

    server.use(identify_later if how == "async" else identify)
    if how == "recovery":
        server.main.recovery = MemoryRecovery()
    return server


every_way = pytest.mark.parametrize("how", ["sync", "async", "recovery"])


async def come(server: Server, **auth: Any) -> tuple[Link, str]:
    link = Link(server)
    link.receive("0" + json.dumps(auth))
    await settle()
    return link, str(link.take()[0])


@every_way
async def test_one_more_is_refused_and_others_are_not(how: str) -> None:
    server = make_server(how)
    first, _ = await come(server, user="ann")
    await come(server, user="ann")

    refused, answer = await come(server, user="ann")
    assert answer == REFUSED
    assert refused.closed_for is None
    assert (await come(server, user="bob"))[1].startswith("40")
    for _ in range(5):
        assert (await come(server))[1].startswith("40"), "who says no name has no bound"

    first.lose()
    assert (await come(server, user="ann"))[1].startswith("40")


@every_way
async def test_a_place_is_given_back_under_the_name_that_took_it(how: str) -> None:
    server = make_server(how)
    links = [(await come(server, user="ann"))[0] for _ in range(2)]
    for socket in server.main.sockets.values():
        socket.identity = "renamed"

    for link in links:
        link.lose()

    assert repr(server.main.limiter) == "<ConnectionLimiter sockets=0>"
    assert (await come(server, user="ann"))[1].startswith("40")


async def test_a_session_that_returns_takes_the_place_of_its_ghost() -> None:
    server = make_server("recovery")
    await come(server, user="ann")
    ghost = Link(server)
    ghost.receive('0{"user":"ann"}')
    await settle()
    pid, offset = json.loads(str(ghost.sent[0])[2:])["pid"], json.loads(str(ghost.sent[1])[2:])[-1]

    _, answer = await come(server, user="ann", pid=pid, offset=offset)

    assert json.loads(answer[2:])["pid"] == pid
    assert ghost.closed_for is DisconnectReason.TAKEN_OVER
    assert repr(server.main.limiter) == "<ConnectionLimiter sockets=2>"
