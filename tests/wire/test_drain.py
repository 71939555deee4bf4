"""A node that is stopped sends its clients away over a while, and lets nobody in."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from ordercast.hub import Options, Server
from ordercast.wire import engine
from tests.peers import AT_ONCE_S, PATIENCE_S, Peer, Poller, Refused, upgrade_request
from tests.servers import Running, held, running
from tests.waiting import until

from .test_serve import PROGRAM, http_application


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One client a second, so that few of them make a while; who has seen enough of it calls `stop` again."""
    monkeypatch.setattr(engine, "DRAIN_SESSIONS_PER_S", 1)


def stop(at: Running) -> asyncio.Task[None]:
    at.server.stop()
    return asyncio.create_task(at.server.shutdown())


async def begin_to_stop(at: Running) -> asyncio.Task[None]:
    """Stop it, and wait until it has begun to send clients away."""
    there = len(at.engine.sessions)
    stopping = stop(at)
    await until(lambda: len(at.engine.sessions) < there)
    return stopping


@asynccontextmanager
async def present(at: Running, count: int) -> AsyncIterator[list[Peer]]:
    peers = [await Peer.start(at.port) for _ in range(count)]
    try:
        yield peers
    finally:
        for peer in peers:
            await peer.hang_up()


async def ended_after_s(peer: Peer, began_s: float) -> float:
    assert await peer.closing() == 1000
    return time.monotonic() - began_s


async def test_clients_are_sent_away_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "DRAIN_SESSIONS_PER_S", 20)
    async with running(Server()) as at, present(at, 20) as peers:
        began_s = time.monotonic()

        stopping = stop(at)

        ends = sorted(await asyncio.gather(*(ended_after_s(peer, began_s) for peer in peers)))
        # Nobody before their turn; who comes after it is a question of what else the machine has to do.
        assert all(end > turn / 20 - 0.1 for turn, end in enumerate(ends))
        await stopping


@pytest.mark.parametrize(("drain_s", "sessions_per_s"), [(0.0, 0.1), (0.1, 0.1), (300.0, 1_000)])
async def test_a_stop_takes_no_longer_than_it_may_and_no_longer_than_it_must(
    monkeypatch: pytest.MonkeyPatch, drain_s: float, sessions_per_s: float
) -> None:
    monkeypatch.setattr(engine, "DRAIN_SESSIONS_PER_S", sessions_per_s)
    async with running(Server(Options(drain_s=drain_s))) as at, present(at, 10) as peers:
        began_s = time.monotonic()

        await asyncio.gather(stop(at), *(ended_after_s(peer, began_s) for peer in peers))

        assert time.monotonic() - began_s < AT_ONCE_S


async def test_with_nobody_there_nobody_is_waited_for() -> None:
    async with running(Server(Options(drain_s=300.0))) as at:
        began_s = time.monotonic()

        await stop(at)

        assert time.monotonic() - began_s < AT_ONCE_S


@pytest.mark.usefixtures("slowly")
async def test_whoever_is_still_there_hears_what_happens() -> None:
    server = Server()
    async with running(server) as at, present(at, 10) as peers:
        stopping = await begin_to_stop(at)

        assert server.emit("news") == len(server.main.sockets) > 0

        at.server.stop()
        heard = [peer for peer in peers if await first_word(peer) == '42["news"]']
        assert 0 < len(heard) < 10
        await stopping


async def first_word(peer: Peer) -> str | None:
    opcode, payload = await peer.receive_frame()
    return payload.decode() if opcode == 1 else None


@pytest.mark.usefixtures("slowly")
async def test_the_port_is_closed_at_once_and_a_kept_connection_opens_no_session() -> None:
    async with (
        running(Server(), http=http_application) as at,
        present(at, 10) as peers,
        httpx.AsyncClient(base_url=at.url) as kept,
    ):
        await kept.get("/")

        stopping = await begin_to_stop(at)

        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", at.port)
        refused = await kept.get("/socket.io/?EIO=4&transport=polling")
        assert (refused.status_code, refused.json()["message"]) == (503, "Server shutting down")
        assert refused.headers["connection"] == "close"
        assert len(at.engine.sessions) > 0, "the others are still there"
        at.server.stop()
        await asyncio.gather(stopping, *(peer.closing() for peer in peers))


@pytest.mark.usefixtures("slowly")
async def test_a_websocket_over_a_kept_connection_is_refused() -> None:
    async with running(Server()) as at, present(at, 10) as peers, await Peer.dial(at.port) as late:
        stopping = await begin_to_stop(at)

        with pytest.raises(Refused) as refused:
            await late.upgrade(upgrade_request(at.port))
        assert refused.value.status == 503
        at.server.stop()
        await asyncio.gather(stopping, *(peer.closing() for peer in peers))


@pytest.mark.usefixtures("slowly")
async def test_requests_over_kept_connections_are_answered_and_told_to_be_the_last_there() -> None:
    async with (
        running(Server(), http=http_application) as at,
        present(at, 10) as peers,
        httpx.AsyncClient(base_url=at.url) as kept,
        Poller(at.port) as poller,
    ):
        await poller.start()
        await kept.get("/")
        stopping = await begin_to_stop(at)

        answer = await kept.post("/orders")
        assert (answer.status_code, answer.text) == (200, "/orders")
        assert answer.headers.get_list("connection") == ["close"]
        with pytest.raises(httpx.ConnectError):
            await kept.get("/again")
        at.server.stop()
        await asyncio.gather(stopping, *(peer.closing() for peer in peers))


async def test_a_poll_that_is_held_is_sent_home_with_a_close() -> None:
    async with running(Server()) as at, Poller(at.port) as poller:
        await poller.start()
        poll = asyncio.create_task(poller.poll())
        await held(poller)

        await stop(at)

        assert await poll == "1"


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
async def test_after_a_signal_the_program_goes_on_behind_serve(word: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM.format(loop="uvloop") + "print('the end')", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        await process.stdout.readline()
        process.send_signal(word)
        assert await process.stdout.read() == b"the end\n"
        assert await process.wait() == 0


@pytest.mark.usefixtures("slowly")
async def test_a_second_signal_ends_the_waiting() -> None:
    async with running(Server(Options(drain_s=300.0))) as at, present(at, 20) as peers:
        began_s = time.monotonic()
        at.server.handle_exit(signal.SIGTERM, None)
        stopping = asyncio.create_task(at.server.shutdown())
        await until(lambda: len(at.engine.sessions) < 20)

        at.server.handle_exit(signal.SIGTERM, None)

        await asyncio.gather(stopping, *(peer.closing() for peer in peers))
        assert time.monotonic() - began_s < AT_ONCE_S
