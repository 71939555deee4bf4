"""The Engine.IO server, by the official list of its protocol, byte for byte."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ordercast.hub import Connection, DisconnectReason, Options
from ordercast.protocol.engineio import serialize_binary
from ordercast.protocol.message import Message
from ordercast.protocol.websocket import Opcode, serialize_frame
from ordercast.wire.engine import QUERY_BYTES_MAX, Engine, parse_query
from tests.peers import AT_ONCE_S, PATIENCE_S, Peer, Poller, Refused
from tests.servers import OFFICIAL, QUICK_HEARTBEAT, QUICK_PINGS, Running, held, running
from tests.waiting import until

PATH = "/engine.io/"
WEBSOCKET = PATH + "?EIO=4&transport=websocket"
HANDSHAKE = {"upgrades": ["websocket"], "pingInterval": 25_000, "pingTimeout": 20_000, "maxPayload": 1_000_000}


class BinaryMessage(Message):
    """An Engine.IO binary message with no text before it, which Socket.IO never sends."""

    def __init__(self, data: bytes) -> None:
        super().__init__(b"", (data,))

    @property
    def frames(self) -> bytes:
        return serialize_frame(Opcode.BINARY, self.attachments[0])

    @property
    def payload(self) -> bytes:
        return serialize_binary(self.attachments[0])


class Echo:
    """Says back what it hears; remembers how each connection ended."""

    def __init__(self, **options: Any) -> None:
        self.options = Options(**{**OFFICIAL, "path": PATH, **options})
        self.ended: asyncio.Queue[DisconnectReason] = asyncio.Queue()

    def start(self) -> None:
        pass

    def open(self, connection: Connection) -> EchoReceiver:
        return EchoReceiver(self, connection)


class EchoReceiver:
    def __init__(self, echo: Echo, connection: Connection) -> None:
        self.echo = echo
        self.connection = connection

    def receive_text(self, data: bytes) -> None:
        self.connection.send(Message(b"4" + data))

    def receive_binary(self, data: bytes) -> None:
        self.connection.send(BinaryMessage(data))

    def closed(self, reason: DisconnectReason) -> None:
        self.echo.ended.put_nowait(reason)


@pytest.fixture
def echo(request: pytest.FixtureRequest) -> Echo:
    return Echo(**getattr(request, "param", {}))


@pytest.fixture
async def server(echo: Echo) -> AsyncIterator[Running]:
    async with running(echo) as server:
        yield server


@pytest.fixture
async def poller(server: Running) -> AsyncIterator[Poller]:
    async with Poller(server.port, PATH) as poller:
        yield poller


async def open_websocket(server: Running) -> Peer:
    peer = await Peer.open(server.port, WEBSOCKET)
    await peer.take_open()
    return peer


# Handshake


async def test_a_polling_handshake_has_exactly_the_five_fields(poller: Poller) -> None:
    response = await poller.request()

    assert response.status_code == 200
    assert response.text.startswith("0{")
    handshake = await poller.open()
    assert isinstance(handshake.pop("sid"), str)
    assert handshake == HANDSHAKE


async def test_a_websocket_handshake_offers_no_upgrade(server: Running) -> None:
    async with await Peer.open(server.port, WEBSOCKET) as peer:
        handshake = await peer.take_open()

    assert isinstance(handshake.pop("sid"), str)
    assert handshake == {**HANDSHAKE, "upgrades": []}


@pytest.mark.parametrize(
    ("method", "query", "code", "message"),
    [
        ("GET", {"EIO": ""}, 5, "Unsupported protocol version"),
        ("GET", {"EIO": "abc"}, 5, "Unsupported protocol version"),
        ("GET", {"EIO": "3"}, 5, "Unsupported protocol version"),
        ("GET", {"EIO": "", "sid": "unknown"}, 1, "Session ID unknown"),
        ("GET", {"transport": ""}, 0, "Transport unknown"),
        ("GET", {"transport": "abc"}, 0, "Transport unknown"),
        ("GET", {"transport": "constructor"}, 0, "Transport unknown"),
        ("GET", {"transport": "websocket"}, 3, "Bad request"),
        ("GET", {"sid": "unknown"}, 1, "Session ID unknown"),
        ("GET", {"sid": "a" * 4_000}, 1, "Session ID unknown"),
        ("POST", {}, 2, "Bad handshake method"),
        ("PUT", {}, 2, "Bad handshake method"),
        ("DELETE", {}, 2, "Bad handshake method"),
        ("POST", {"sid": "unknown"}, 1, "Session ID unknown"),
        ("GET", {"x": "y" * QUERY_BYTES_MAX}, 0, "Transport unknown"),
        ("GET", {f"x{n}": "y" for n in range(100)}, 0, "Transport unknown"),
    ],
)
async def test_a_request_that_cannot_be_served_is_told_why(
    poller: Poller, method: str, query: dict[str, Any], code: int, message: str
) -> None:
    response = await poller.request(method, **query)

    assert response.status_code == 400
    assert response.json() == {"code": code, "message": message}
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "query",
    [
        "transport=websocket",
        "EIO=abc&transport=websocket",
        "EIO=4",
        "EIO=4&transport=abc",
        "EIO=4&transport=polling",
        "",
    ],
)
async def test_a_websocket_handshake_that_cannot_be_served_is_refused(server: Running, query: str) -> None:
    with pytest.raises(Refused) as refused:
        await Peer.open(server.port, f"{PATH}?{query}")

    assert refused.value.status == 400


async def test_session_ids_are_long_random_and_begin_with_the_nodes_name() -> None:
    """CVE-2017-16031: whoever could guess a sid was the session."""
    async with running(Echo(sid_prefix="node1")) as server, Poller(server.port, PATH) as poller:
        sids = set()
        for _ in range(50):
            poller.sid = ""
            sids.add((await poller.open())["sid"])

    assert len(sids) == 50
    assert all(sid.startswith("node1.") and len(sid) >= len("node1.") + 20 for sid in sids)


# Messages


@pytest.mark.parametrize(
    "body", ["4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA==", "4", "4h\u20ac", "4" + "x" * 100_000]
)
async def test_what_is_posted_is_answered_ok_and_polled_back(poller: Poller, body: str) -> None:
    await poller.open()

    await poller.post(body)

    assert await poller.poll() == body


async def test_a_held_poll_is_answered_when_there_is_something_to_say(poller: Poller) -> None:
    await poller.open()
    poll = asyncio.create_task(poller.poll())
    await held(poller)

    await poller.post("4late")

    assert await poll == "4late"


@pytest.mark.parametrize(
    "message", ["4hello", "4", "4h\u20ac", b"\x01\x02\x03\x04", b"", "4" + "x" * 100_000, b"\xff" * 70_000]
)
async def test_a_websocket_echoes_text_and_binary(server: Running, message: str | bytes) -> None:
    async with await open_websocket(server) as peer:
        peer.send(message)

        await peer.expect(message)


async def test_a_malformed_polling_packet_closes_the_session(poller: Poller, echo: Echo) -> None:
    await poller.open()

    response = await poller.request("POST", b"abc")

    assert (response.status_code, response.json()) == (400, {"code": 3, "message": "Bad request"})
    assert await poller.gone()
    assert await asyncio.wait_for(echo.ended.get(), PATIENCE_S) is DisconnectReason.PARSE_ERROR


MALFORMED = ["abc", "", "7", "0", "0{}", "2", "2probe", "5", "-4"]


@pytest.mark.parametrize("packet", MALFORMED)
async def test_a_malformed_websocket_packet_closes_at_once(server: Running, echo: Echo, packet: str) -> None:
    async with await open_websocket(server) as peer:
        peer.send(packet)

        assert await peer.closing(within_s=AT_ONCE_S) == 1002
    assert await asyncio.wait_for(echo.ended.get(), PATIENCE_S) is DisconnectReason.PARSE_ERROR


@pytest.mark.parametrize("body", [*MALFORMED, "4a\x1e\x1e4b", "b*", "4a\x1e"])
async def test_a_malformed_polling_body_closes_at_once(poller: Poller, body: str) -> None:
    await poller.open()
    poll = asyncio.create_task(poller.poll())
    await held(poller)

    response = await poller.request("POST", body.encode())

    assert response.status_code == 400
    assert (await asyncio.wait_for(poll, AT_ONCE_S)).endswith("1")
    assert await poller.gone()


async def test_two_polls_at_once_close_the_session(poller: Poller) -> None:
    await poller.open()
    first = asyncio.create_task(poller.request())
    await held(poller)

    second = await poller.request(t="burst")

    assert ((await first).status_code, (await first).text) == (200, "1")
    assert second.status_code == 400
    assert await poller.gone()


async def test_a_poll_that_is_given_up_closes_the_session(poller: Poller, server: Running, echo: Echo) -> None:
    await poller.open()
    poll = asyncio.create_task(poller.request())
    await held(poller)

    poll.cancel()

    assert await asyncio.wait_for(echo.ended.get(), AT_ONCE_S) is DisconnectReason.TRANSPORT_CLOSE
    assert await poller.gone()
    assert not server.engine.sessions


# Heartbeat


@pytest.mark.parametrize("echo", [QUICK_PINGS], indirect=True)
async def test_a_polling_client_is_pinged_again_and_again(poller: Poller) -> None:
    began = time.monotonic()
    await poller.open()

    for _ in range(3):
        assert await poller.poll() == "2"
        assert time.monotonic() - began > 0.25
        began = time.monotonic()
        await poller.post("3")


@pytest.mark.parametrize("echo", [QUICK_HEARTBEAT], indirect=True)
async def test_a_polling_client_that_is_silent_is_gone_after_interval_and_timeout(poller: Poller, echo: Echo) -> None:
    began = time.monotonic()
    await poller.open()

    assert await asyncio.wait_for(echo.ended.get(), PATIENCE_S) is DisconnectReason.PING_TIMEOUT
    assert time.monotonic() - began > 0.45
    assert await poller.gone()


@pytest.mark.parametrize("echo", [QUICK_PINGS], indirect=True)
async def test_a_websocket_is_pinged_again_and_again(server: Running) -> None:
    async with await open_websocket(server) as peer:
        for _ in range(3):
            await peer.expect("2")
            peer.send("3")


@pytest.mark.parametrize("echo", [QUICK_HEARTBEAT], indirect=True)
async def test_a_websocket_that_does_not_answer_is_closed(server: Running, echo: Echo) -> None:
    began = time.monotonic()
    async with await open_websocket(server) as peer:
        await peer.closing()

        assert time.monotonic() - began > 0.45
    assert await echo.ended.get() is DisconnectReason.PING_TIMEOUT


@pytest.mark.parametrize("echo", [QUICK_PINGS], indirect=True)
async def test_unsolicited_pongs_change_nothing(server: Running) -> None:
    """CVE-2026-48802."""
    async with await open_websocket(server) as peer:
        peer.send(*["3"] * 10_000)
        peer.send("4still here")

        heard = set[str | bytes]()
        while heard != {"2", "4still here"}:  # of pings a busy machine sends more than one in that time
            heard.add(await peer.receive())
        assert len(server.engine.sessions) == 1


# Close


async def test_a_polling_client_says_goodbye(poller: Poller, echo: Echo) -> None:
    await poller.open()
    poll = asyncio.create_task(poller.poll())
    await held(poller)

    await poller.post("1")

    assert await poll == "6"
    assert await poller.gone()
    assert echo.ended.get_nowait() is DisconnectReason.TRANSPORT_CLOSE


async def test_a_websocket_client_says_goodbye(server: Running, echo: Echo) -> None:
    async with await open_websocket(server) as peer:
        peer.send("1")

        assert await peer.closing(within_s=AT_ONCE_S) == 1000
    assert await echo.ended.get() is DisconnectReason.TRANSPORT_CLOSE


# The engine's own words


async def test_its_repr_counts_the_sessions(server: Running, poller: Poller) -> None:
    await poller.open()

    assert repr(server.engine) == "<Engine /engine.io/ sessions=1>"
    assert repr(server.engine.sessions[poller.sid]) == f"<Session {poller.sid} open polling queued=0>"


async def test_closing_the_engine_ends_every_session(server: Running, poller: Poller, echo: Echo) -> None:
    await poller.open()
    async with await open_websocket(server) as peer:
        server.engine.close()

        assert await peer.closing(within_s=AT_ONCE_S) == 1000
    assert {echo.ended.get_nowait(), echo.ended.get_nowait()} == {DisconnectReason.SERVER_SHUTTING_DOWN}
    assert not server.engine.sessions


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        (b"a=1&a=2&b=", {"a": "2"}),
        (b"a=%zz&%00=1", {"a": "%zz", "\0": "1"}),
        (b"a=\xff", {"a": "\xff"}),
        (b"x" * (QUERY_BYTES_MAX + 1), {}),
        (b"&".join([b"a=1"] * 65), {}),
    ],
)
def test_a_query_parses_or_is_empty(raw: bytes, query: dict[str, str]) -> None:
    assert parse_query(raw) == query


async def test_last_words_do_not_linger_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordercast.wire.engine.PENDING_CLOSE_S", 0.01)
    engine = Engine(Echo())
    session: Any = type("Ended", (), {"sid": "abc"})()
    engine.keep_pending_close(session, [Message(b"4bye")])

    await until(lambda: not engine._pending_close)

    assert engine.take_pending_close("abc") == ()
