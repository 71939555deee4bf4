"""From polling to WebSocket, in all the races that the network can make of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from ordercast.hub import DisconnectReason, Options, Server, Socket
from ordercast.wire.websocket_packets import LAST_UPGRADE_S
from tests.peers import AT_ONCE_S, BINARY, PATIENCE_S, WEBSOCKET, Closed, Peer, Poller, Refused, frame
from tests.servers import Running, held, running
from tests.waiting import until

UPGRADE_S = 0.15


@pytest.fixture
def options(request: pytest.FixtureRequest) -> Options:
    """With `short` as its mark, the time for an upgrade is; else it is out of the way of a machine that is busy."""
    short = request.node.get_closest_marker("short") is not None
    return Options(upgrade_timeout_s=UPGRADE_S if short else PATIENCE_S)


@pytest.fixture
async def poller(at: Running) -> AsyncIterator[Poller]:
    async with Poller(at.port) as poller:
        await poller.start()
        yield poller


async def open_probe(poller: Poller) -> Peer:
    return await Peer.open(poller.port, f"{WEBSOCKET}&sid={poller.sid}")


async def upgraded(poller: Poller) -> Peer:
    peer = await open_probe(poller)
    peer.send("2probe")
    await peer.expect("3probe")
    peer.send("5")
    return peer


def only_socket(server: Server) -> Socket:
    (socket,) = server.main.sockets.values()
    return socket


async def works_by_polling(poller: Poller) -> None:
    await poller.post('428["echo",8]')
    assert await poller.poll() == "438[8]"


async def test_a_client_changes_over_and_goes_on(poller: Poller, server: Server) -> None:
    async with await open_probe(poller) as peer:
        peer.send("2probe")
        await peer.expect("3probe")
        assert await poller.poll() == "6", "the poll is sent home empty"
        assert only_socket(server).transport_name == "polling"
        peer.send("5", '421["echo",1]')

        await peer.expect("431[1]")
        assert only_socket(server).transport_name == "websocket"
        assert await poller.gone(), "there is no way back"


async def test_a_held_poll_is_sent_home_when_the_probe_is_answered(poller: Poller) -> None:
    poll = asyncio.create_task(poller.poll())
    await held(poller)
    async with await open_probe(poller) as peer:
        peer.send("2probe")

        assert await asyncio.wait_for(poll, AT_ONCE_S) == "6"
        await peer.expect("3probe")


@pytest.mark.parametrize("polling", [True, False], ids=["polling on", "not polling"])
async def test_events_emitted_all_the_while_arrive_once_and_in_order(
    poller: Poller,
    server: Server,
    polling: bool,
) -> None:
    numbers: list[str] = []
    sent = 0

    async def emit() -> None:
        nonlocal sent
        while True:
            server.emit("n", sent)
            sent += 1
            await asyncio.sleep(0)

    emitting = asyncio.create_task(emit())
    async with await open_probe(poller) as peer:
        peer.send("2probe")
        await peer.expect("3probe")
        while polling:
            body = await poller.poll()
            numbers += [packet for packet in body.split("\x1e") if packet != "6"]
            polling = len(numbers) < 100
        peer.send("5")
        await until(lambda: only_socket(server).transport_name == "websocket")
        await asyncio.sleep(0.01)
        emitting.cancel()
        while len(numbers) < sent:
            numbers.append(str(await peer.receive()))

    assert numbers == [f'42["n",{number}]' for number in range(sent)]
    assert sent > 50


async def test_what_was_posted_before_the_upgrade_is_answered_after_it(poller: Poller) -> None:
    async with await open_probe(poller) as peer:
        peer.send("2probe")
        await peer.expect("3probe")
        await poller.post('421["echo",1]')
        peer.send("5")

        await peer.expect("431[1]")


async def test_a_post_that_arrives_after_the_upgrade_is_refused(poller: Poller, server: Server) -> None:
    async with await upgraded(poller):
        await until(lambda: only_socket(server).transport_name == "websocket")

        response = await poller.request("POST", b'421["echo",1]')

    assert (response.status_code, response.json()["message"]) == (400, "Bad request")


# Probes that come to nothing


async def test_an_abandoned_probe_leaves_polling_as_it_was(poller: Poller, at: Running) -> None:
    async with await open_probe(poller) as peer:
        peer.send("2probe")
        await peer.expect("3probe")
    session = at.engine.sessions[poller.sid]
    await until(lambda: not session.upgrading)

    await works_by_polling(poller)
    async with await upgraded(poller) as peer:
        peer.send('421["echo",1]')
        await peer.expect("431[1]")


@pytest.mark.short
async def test_a_probe_that_never_speaks_is_closed_in_time(poller: Poller) -> None:
    async with await open_probe(poller) as peer:
        assert await peer.closing(within_s=AT_ONCE_S) == 1000

    await works_by_polling(poller)


@pytest.mark.short
async def test_a_probe_that_never_upgrades_is_closed_in_time(poller: Poller) -> None:
    async with await open_probe(poller) as peer:
        peer.send("2probe")

        assert await peer.closing(within_s=AT_ONCE_S) == 1000

    await works_by_polling(poller)


@pytest.mark.short
async def test_an_upgrade_in_time_is_not_cut_by_the_timeout(poller: Poller) -> None:
    try:
        upgrading = await upgraded(poller)
    except Closed:
        pytest.skip("the machine was too busy to upgrade in time")
    async with upgrading as peer:
        await asyncio.sleep(2 * UPGRADE_S)
        peer.send('421["echo",1]')
        await peer.expect("431[1]")


async def test_a_second_probe_at_once_is_turned_away(poller: Poller) -> None:
    async with await open_probe(poller) as first, await open_probe(poller) as second:
        assert await second.closing(within_s=AT_ONCE_S) == 1008
        first.send("2probe")
        await first.expect("3probe")
        first.send("5", '421["echo",1]')
        await first.expect("431[1]")


async def test_a_websocket_for_a_session_that_has_upgraded_is_closed(poller: Poller, server: Server) -> None:
    async with await upgraded(poller) as peer:
        await until(lambda: only_socket(server).transport_name == "websocket")
        async with await open_probe(poller) as second:
            assert await second.closing(within_s=AT_ONCE_S) == 1008
        peer.send('421["echo",1]')
        await peer.expect("431[1]")


@pytest.mark.parametrize(
    "break_rule",
    [
        lambda peer: peer.send("2"),
        lambda peer: peer.send("3probe"),
        lambda peer: peer.send('42["echo",1]'),
        lambda peer: peer.send("garbage"),
        lambda peer: peer.send(""),
        lambda peer: peer.send("2probe", "42[1]"),
        lambda peer: peer.send_bytes(frame(BINARY, b"\x01")),
    ],
    ids=["bare ping", "pong", "message", "garbage", "empty", "no upgrade", "binary"],
)
async def test_a_probe_that_breaks_the_rules_is_closed_and_polling_goes_on(
    poller: Poller, at: Running, break_rule: Callable[[Peer], None]
) -> None:
    session = at.engine.sessions[poller.sid]
    async with await open_probe(poller) as peer:
        break_rule(peer)

        assert await peer.closing(within_s=AT_ONCE_S) == 1002
    await until(lambda: not session.upgrading)
    await works_by_polling(poller)


async def test_an_upgrade_without_a_probe_is_taken(poller: Poller, server: Server) -> None:
    """The client for .NET sends none, and polls no more once it has its sid."""
    async with await open_probe(poller) as peer:
        peer.send("5", '421["echo",1]')

        await peer.expect("431[1]")
        assert only_socket(server).transport_name == "websocket"


async def test_an_upgrade_without_a_probe_releases_the_poll_that_is_held(poller: Poller) -> None:
    poll = asyncio.create_task(poller.poll())
    await held(poller)
    async with await open_probe(poller) as peer:
        peer.send("5")

        assert await poll == "6"
        peer.send('421["echo",1]')
        await peer.expect("431[1]")


async def test_a_probe_that_is_sent_again_is_answered_again(poller: Poller) -> None:
    async with await open_probe(poller) as peer:
        peer.send("2probe", "2probe")
        await peer.expect("3probe", "3probe")
        peer.send("5", '421["echo",1]')
        await peer.expect("431[1]")


async def test_a_session_that_ends_takes_its_probe_along(poller: Poller, server: Server) -> None:
    async with await open_probe(poller) as peer:
        peer.send("2probe")
        await peer.expect("3probe")

        await poller.post("1")

        assert await peer.closing(within_s=AT_ONCE_S) == 1000
        assert not server.clients


async def test_a_client_sent_away_while_it_changes_over_hears_of_it_on_the_websocket(
    poller: Poller, server: Server
) -> None:
    """The stock client has stopped polling by then, and would wait for its ping timeout."""
    async with await open_probe(poller) as peer:
        peer.send("2probe")
        await peer.expect("3probe")
        only_socket(server).disconnect(close=True)

        peer.send("5")

        await peer.expect("41")
        assert await peer.closing(within_s=AT_ONCE_S) == 1000


async def test_a_stop_while_a_client_changes_over_waits_for_its_upgrade(poller: Poller, at: Running) -> None:
    """Nothing was left to say, but the stock client is deaf just then: closed at once, it never came back."""
    async with await open_probe(poller) as peer:
        peer.send("2probe")
        await peer.expect("3probe")
        at.engine.close()
        for connection in tuple(at.server.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0.1)

        peer.send("5")

        assert await peer.closing(within_s=AT_ONCE_S) == 1000


async def test_a_stop_does_not_wait_for_ever(poller: Poller, at: Running) -> None:
    async with await open_probe(poller) as peer:
        peer.send("2probe")
        await peer.expect("3probe")
        at.engine.close()
        for connection in tuple(at.server.server_state.connections):
            connection.shutdown()

        assert await peer.closing(within_s=LAST_UPGRADE_S + AT_ONCE_S) == 1001


async def test_the_connection_lost_right_after_the_upgrade_ends_the_session(poller: Poller, server: Server) -> None:
    ended: asyncio.Queue[DisconnectReason] = asyncio.Queue()
    server.event("disconnect", lambda _socket, reason: ended.put_nowait(reason))
    async with await upgraded(poller):
        await until(lambda: only_socket(server).transport_name == "websocket")

    assert await asyncio.wait_for(ended.get(), 1) is DisconnectReason.TRANSPORT_CLOSE
    assert await poller.gone()


async def test_a_server_without_websockets_offers_and_serves_none() -> None:
    async with running(Server(Options(transports=("polling",)))) as at, Poller(at.port) as poller:
        assert (await poller.open())["upgrades"] == []
        with pytest.raises(Refused) as refused:
            await open_probe(poller)
        assert refused.value.status == 400


async def test_a_server_without_polling_serves_websockets_alone() -> None:
    async with running(Server(Options(transports=("websocket",)))) as at, Poller(at.port) as poller:
        assert (await poller.request()).json()["message"] == "Transport unknown"
        async with await Peer.start(at.port):
            pass


async def test_a_malformed_packet_after_the_upgrade_closes_at_once(poller: Poller) -> None:
    async with await upgraded(poller) as peer:
        peer.send("4garbage")

        with pytest.raises(Closed) as closed:
            await peer.receive()
        assert closed.value.code == 1002
