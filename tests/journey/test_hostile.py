"""Promise 4 seen from outside: a slow or hostile client harms only itself, while a good one hears every order."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import math
import os
import random
import signal
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ordercast.db.readers import READERS
from tests.peers import PATH, TEXT, Closed, Peer, frame, upgrade_request
from tests.waiting import until

from .listener import Listener
from .other_program import publish
from .shop import Shop

pytestmark = pytest.mark.node

Listen = Callable[..., Listener]
log = logging.getLogger("tests.figures")

# More of them by hand: see docs/testing.md.
ABORTS = int(os.environ.get("ORDERCAST_TEST_ABORTS", "5000"))
# What a good client may wait for an order while the server is under attack, beside what the processes in question wait
# for a core, which others use. Unhindered it waits some 5 ms, under attack 6 to 290 ms were measured; before clients
# that send much had to wait in line, 7 seconds.
PATIENCE_S = 5.0
# How many orders are placed during an attack, at least, and how long a machine that is busy may take to do so.
ORDERS_MIN, PLACED_S_MAX = 3, 60.0
ENVIRONMENT = {
    "ORDERCAST_PING_INTERVAL_MS": "2000",
    "ORDERCAST_PING_TIMEOUT_MS": "6000",
    # The C library raises this bound by itself, and then keeps large blocks that were freed: what is measured would be
    # what the server has once held, and not what it holds.
    "MALLOC_MMAP_THRESHOLD_": "131072",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"), ENVIRONMENT, executed=True)
    shop.start()
    yield shop
    shop.kill()


class Good:
    """A stock client that listens to orders, and a buyer that places one every 50 ms, while the block runs."""

    def __init__(self, shop: Shop, listener: Listener) -> None:
        self.placed: dict[str, float] = {}
        self._shop = shop
        self._listener = listener
        self._waited_before_s = self._waited_for_a_core_s()

    def _waited_for_a_core_s(self) -> float:
        """How long shop, client and buyer could have run so far, and others did."""
        stats = (file for pid in (self._shop.pid, self._listener.pid, os.getpid()) for file in _schedstats(pid))
        return sum(int(stat.split()[1]) for stat in stats) / 1e9

    async def buy(self) -> None:
        order = await asyncio.to_thread(self._shop.order)
        async with httpx.AsyncClient(timeout=30) as buyer:
            while True:
                sent_s = time.monotonic()
                answer = await buyer.post(f"{self._shop.url}/api/orders", json=order)
                assert answer.status_code == 201, answer.text
                self.placed[answer.json()["id"]] = sent_s
                await asyncio.sleep(0.05)

    async def enough(self, buying: asyncio.Task[None]) -> None:
        """Wait until enough was bought to be judged by, and something after the attack."""
        wanted = max(ORDERS_MIN, len(self.placed) + 1)
        async with asyncio.timeout(PLACED_S_MAX):
            while len(self.placed) < wanted and not buying.done():  # noqa: ASYNC110 - nobody sets an event
                await asyncio.sleep(0.01)
        assert not buying.done(), buying.exception()

    async def check(self) -> float:
        """Each order was heard, once, in order and soon; gives the longest wait in seconds."""
        patience_s = PATIENCE_S + max(0.0, self._waited_for_a_core_s() - self._waited_before_s)
        wanted = list(self.placed)
        await asyncio.to_thread(
            self._listener.wait_for, lambda listener: wanted[-1] in [e["payload"] for e in listener.events("newOrder")]
        )
        heard: dict[str, float] = {event["payload"]: event["at"] for event in self._listener.events("newOrder")}
        told = [event["payload"] for event in self._listener.events("newOrder") if event["payload"] in self.placed]
        assert told == wanted
        assert len(self._listener.of_kind("connect")) == 1, "the good client lost its connection"
        longest_s = max(heard[order] - sent_s for order, sent_s in self.placed.items())
        assert longest_s < patience_s
        return longest_s


def _schedstats(pid: int) -> Iterator[str]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it ended meanwhile
            yield (thread / "schedstat").read_text()


@pytest.fixture
def undisturbed(shop: Shop, listen: Listen) -> Callable[[], contextlib.AbstractAsyncContextManager[Good]]:
    """`async with undisturbed():` around an attack: at its end, a good client has heard every order in time."""

    @contextlib.asynccontextmanager
    async def around() -> AsyncIterator[Good]:
        listener = await asyncio.to_thread(
            lambda: listen(shop.url, script="returning.mjs", auth={"token": shop.token()}, transports=["websocket"])
        )
        await asyncio.to_thread(listener.wait_for_event, "ready")
        good = Good(shop, listener)
        buying = asyncio.create_task(good.buy())
        yield good
        await good.enough(buying)
        buying.cancel()
        wait_ms = await good.check() * 1000
        log.info("%d orders, the longest wait %.0f ms, %.0f MB", len(good.placed), wait_ms, memory_mb(shop))

    return around


Undisturbed = Callable[[], contextlib.AbstractAsyncContextManager[Good]]


def memory_mb(shop: Shop) -> float:
    """What the server process has in memory."""
    (line,) = [line for line in Path(f"/proc/{shop.pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return float(line.split()[1]) / 1024


async def open_readers(shop: Shop) -> None:
    """Have the shop open every connection that reads: each holds some 20 MB of schema, which is no peer's doing."""

    async def are_open() -> bool:
        async with httpx.AsyncClient(base_url=shop.url) as buyer:
            await asyncio.gather(*(buyer.get("/api/services") for _ in range(8)))
        os.kill(shop.pid, signal.SIGUSR1)
        return f"<Readers {READERS} open" in shop.output

    await until(are_open)


async def settle(shop: Shop, wanted_mb: float, within_s: float = 60.0) -> float:
    """Wait until the server has let go of what it held; gives its memory then."""
    deadline = time.monotonic() + within_s
    while memory_mb(shop) > wanted_mb and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody sets an event
        await asyncio.sleep(0.2)
    return memory_mb(shop)


# Who does not read


async def test_many_that_stop_reading_cost_little_and_recover(
    shop: Shop, listen: Listen, undisturbed: Undisturbed
) -> None:
    """Fifty staff pages on sleeping laptops, and 12 MB of events for each of them."""
    before_mb = memory_mb(shop)
    auth, peers = {"token": shop.token()}, list[Peer]()
    async with contextlib.AsyncExitStack() as stack, undisturbed():
        for _ in range(50):
            peer = await Peer.dial(shop.port, receive_buffer_bytes=4_096)
            stack.push_async_callback(peer.hang_up)
            await peer.upgrade(upgrade_request(shop.port))
            await peer.take_open()
            await peer.enter("/", auth)
            peers.append(peer)
        alive = asyncio.create_task(say_that_they_live(peers))
        for begin in range(0, 6_000, 500):
            await asyncio.to_thread(publish, shop, range(begin, begin + 500), text="x" * 2_000)
            await asyncio.sleep(0.2)
        await until(lambda: shop.output.count("reason=backlog full") >= 50)
        peak_mb = memory_mb(shop)
        alive.cancel()
    # The same bytes are queued for all of them; apart from that, each has what asyncio and the kernel took.
    assert peak_mb - before_mb < 80


async def say_that_they_live(peers: list[Peer]) -> None:
    """Else a machine that is busy lets their heartbeat end them, before what they do not read does."""
    while True:
        for peer in peers:
            peer.send("3")
        await asyncio.sleep(0.2)


async def test_one_that_stops_reading_hears_the_rest_when_it_returns(shop: Shop, undisturbed: Undisturbed) -> None:
    auth = {"token": shop.token()}
    async with undisturbed():
        peer = await Peer.dial(shop.port, receive_buffer_bytes=4_096)
        await peer.upgrade(upgrade_request(shop.port))
        await peer.take_open()
        session = await peer.enter("/", auth)
        closed_before = shop.output.count("reason=backlog full")
        numbers = itertools.count()
        while shop.output.count("reason=backlog full") == closed_before:
            batch = list(itertools.islice(numbers, 300))
            await asyncio.to_thread(publish, shop, batch, text="x" * 2_000)
            await asyncio.sleep(0.05)
        last = batch[-1]

        heard: list[int] = []
        offset = await read_numbers(peer, heard)
        await peer.hang_up()
        assert heard == list(range(len(heard)))
        assert len(heard) <= last
        async with await Peer.open(shop.port) as again:
            await again.take_open()
            resumed = await again.enter("/", {**auth, "pid": session["pid"], "offset": offset})
            assert resumed["sid"] == session["sid"]
            while not heard or heard[-1] != last:
                await read_number(again, heard)
        assert heard == list(range(last + 1))


async def read_numbers(peer: Peer, heard: list[int]) -> str:
    """Read what is still coming of a closed connection; give the last offset."""
    offset = ""
    with contextlib.suppress(Closed):
        while True:
            offset = await read_number(peer, heard) or offset
    return offset


async def read_number(peer: Peer, heard: list[int]) -> str | None:
    message = await peer.receive()
    assert isinstance(message, str)
    if message == "2":
        peer.send("3")
        return None
    if message.startswith('42["n"'):
        heard.append(int(message.partition('"n":')[2].partition(",")[0]))
    elif not message.startswith("42["):
        return None
    return message.rstrip('"]').rpartition('"')[2]


async def test_answers_that_nobody_reads_are_not_kept_for_long(shop: Shop, undisturbed: Undisturbed) -> None:
    """Strangers ask for megabytes of echo, read nothing of it, and go on saying that they are alive."""
    await open_readers(shop)
    before_mb, ended_before = memory_mb(shop), shop.output.count("socket disconnected")
    async with contextlib.AsyncExitStack() as stack, undisturbed():
        peers = []
        for _ in range(40):
            peer = await Peer.dial(shop.port, receive_buffer_bytes=4_096)
            stack.push_async_callback(peer.hang_up)
            await peer.upgrade(upgrade_request(shop.port))
            await peer.take_open()
            await peer.enter()
            # The kernel takes some four megabytes of it; what it does not take would stay with us.
            peer.send(*['420["echo","' + "x" * 900_000 + '"]'] * 8)
            peers.append(peer)
        await asyncio.sleep(2)
        # Two heartbeats of 8 seconds, of which the first may be answered in earnest; 5 are given to take the rest.
        deadline, held_mb, ended = time.monotonic() + 90, math.inf, 0
        while (held_mb > 25 or ended < len(peers)) and time.monotonic() < deadline:
            for peer in peers:
                peer.send("3")
            await asyncio.sleep(0.2)
            held_mb, ended = memory_mb(shop) - before_mb, shop.output.count("socket disconnected") - ended_before
    assert held_mb < 25, "what was asked for and never read is still held"
    assert ended >= len(peers)


# Who sends too much

FLOODS = {
    "tiny events": frame(TEXT, b'42["echo",1]') * 2_000,
    "tiny events with acks": frame(TEXT, b'420["echo",1]') * 2_000,
    "large lists": frame(TEXT, b'42["echo",[' + b",".join([b"[]"] * 300_000) + b"]]"),
    "half an emoji in a large object": frame(
        TEXT, b'42["echo","\\ud800",[' + b",".join([b'{"a":{}}'] * 100_000) + b"]]"
    ),
    "pongs": frame(TEXT, b"3") * 2_000,
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_delays_nobody_else(shop: Shop, undisturbed: Undisturbed, flood: str) -> None:
    async with contextlib.AsyncExitStack() as stack, undisturbed():
        attackers = [asyncio.create_task(send_for(shop.port, FLOODS[flood], seconds=2.0)) for _ in range(5)]
        stack.callback(lambda: [attacker.cancel() for attacker in attackers])
        sent = await asyncio.gather(*attackers)
    assert min(sent) > 0


async def send_for(port: int, data: bytes, seconds: float) -> int:
    """Send as fast as the server takes it, reading what it answers; gives how often."""
    times, end = 0, time.monotonic() + seconds
    async with await Peer.start(port) as peer:
        reading = asyncio.create_task(read_away(peer))
        with contextlib.suppress(OSError, TimeoutError):
            while time.monotonic() < end:
                peer.send_bytes(data)
                times += 1
                async with asyncio.timeout(1):
                    await peer.writer.drain()
        reading.cancel()
    return times


async def read_away(peer: Peer) -> None:
    with contextlib.suppress(OSError):
        while await peer.reader.read(1 << 20):
            pass


async def test_a_flood_by_polling_delays_nobody_else(shop: Shop, undisturbed: Undisturbed) -> None:
    body = b"\x1e".join([b'42["echo",1]'] * 9_000)

    async def attack() -> int:
        posted, end = 0, time.monotonic() + 2
        async with httpx.AsyncClient(base_url=shop.url, timeout=30, trust_env=False) as client:
            opened = await client.get(PATH, params={"EIO": "4", "transport": "polling"})
            query = {"EIO": "4", "transport": "polling", "sid": opened.text.partition('"sid":"')[2].partition('"')[0]}
            await client.post(PATH, params=query, content=b"40")
            while time.monotonic() < end:
                answer = await client.post(PATH, params=query, content=body)
                assert (answer.status_code, answer.text) == (200, "ok")
                posted += 1
        return posted

    async with undisturbed():
        posted = await asyncio.gather(*(attack() for _ in range(5)))
    assert min(posted) > 0


# Who comes and goes


async def test_connections_that_abort_leave_nothing(shop: Shop, undisturbed: Undisturbed) -> None:
    await abort_many(shop, 1_000)  # what the process keeps for itself is there before it is measured
    before_mb = await settle(shop, 0, within_s=2)
    async with undisturbed():
        await abort_many(shop, ABORTS)
    after_mb = await settle(shop, before_mb + 5)
    log.info("%d aborted connections: %.1f MB before, %.1f MB after", ABORTS, before_mb, after_mb)
    assert after_mb - before_mb < 15 + ABORTS / 10_000
    assert "Traceback" not in shop.output


async def abort_many(shop: Shop, count: int) -> None:
    stages = itertools.cycle(range(6))
    gate = asyncio.Semaphore(50)
    good = shop.token()

    async def one(stage: int) -> None:
        async with gate:
            await abort_at(shop.port, stage, good)

    for begin in range(0, count, 1_000):
        await asyncio.gather(*(one(next(stages)) for _ in range(begin, min(begin + 1_000, count))))


async def abort_at(port: int, stage: int, good: str) -> None:
    """Connect, get as far as `stage`, and reset the connection."""
    peer = await Peer.dial(port)
    sock: socket.socket = peer.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(Closed, OSError, asyncio.IncompleteReadError):
        if stage == 1:
            peer.send_bytes(b"POST /api/orders HTTP/1.1\r\nHost: shop\r\nContent-Length: 500\r\n\r\n{")
        elif stage == 2:
            peer.send_bytes(f"GET {PATH}?EIO=4&transport=polling HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
            await peer.reader.readuntil(b"}")
        elif stage >= 3:
            await peer.upgrade(upgrade_request(port))
            await peer.take_open()
        if stage == 4:
            await peer.enter()
        elif stage == 5:
            await peer.enter("/", {"token": good})
    await peer.hang_up()


# Who talks nonsense


async def test_garbage_on_the_port_is_answered_and_forgotten(
    shop: Shop, undisturbed: Undisturbed, chance: random.Random
) -> None:
    garbage = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%ff%00/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n",
        b"POST /socket.io/?EIO=4&transport=polling&sid=%00 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n4",
        upgrade_request(shop.port, "/socket.io/?EIO=4&transport=websocket&sid=../../x"),
        upgrade_request(shop.port) + chance.randbytes(4_096),
        b"\n" * 100_000,
        b"A" * 1_000_000,
    ]
    errors_before = shop.output.count("Traceback")
    noise = [chance.randbytes(2_000) for _ in range(50)]

    async def talk(data: bytes) -> None:
        peer = await Peer.dial(shop.port)
        with contextlib.suppress(OSError, TimeoutError):
            peer.send_bytes(data)
            async with asyncio.timeout(1):  # some of it is the beginning of something that may still come
                answer = await peer.reader.read(1 << 16)
                assert not answer.startswith(b"HTTP/1.1 5"), (data[:60], answer)
        await peer.hang_up()

    async with undisturbed():
        await asyncio.gather(*map(talk, [*garbage, *noise]))
    assert shop.output.count("Traceback") == errors_before


async def test_slow_requests_hold_up_nobody(shop: Shop, undisturbed: Undisturbed) -> None:
    """Three hundred connections that send a byte now and then, in heads, bodies and polls."""
    beginnings = [
        b"",
        b"GET /api/products HTTP/1.1\r\nHost: x\r\nX-",
        b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n",
        b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n",
        upgrade_request(shop.port)[:-4],
    ]
    async with contextlib.AsyncExitStack() as stack, undisturbed():
        peers = []
        for beginning, _ in itertools.product(beginnings, range(60)):
            peer = await Peer.dial(shop.port)
            stack.push_async_callback(peer.hang_up)
            peer.send_bytes(beginning)
            peers.append(peer)
        for _ in range(8):
            for peer in peers:
                with contextlib.suppress(OSError):
                    peer.send_bytes(b"a")
            await asyncio.sleep(0.2)


BIG = 1_000_000_000


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("target", ["/api/orders", f"{PATH}?EIO=4&transport=polling&sid="])
async def test_a_body_of_a_gigabyte_is_refused_and_not_kept(
    shop: Shop, undisturbed: Undisturbed, target: str, chunked: bool
) -> None:
    before_mb = memory_mb(shop)
    async with undisturbed(), httpx.AsyncClient(base_url=shop.url, timeout=30, trust_env=False) as client:
        if target.endswith("sid="):
            opened = await client.get(PATH, params={"EIO": "4", "transport": "polling"})
            target += opened.text.partition('"sid":"')[2].partition('"')[0]
        peer = await Peer.dial(shop.port)
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % BIG
        head = f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
        peer.send_bytes(head + length + b"\r\n\r\n")
        part = b"x" * (1 << 20)
        piece = b"%x\r\n%b\r\n" % (len(part), part) if chunked else part
        sent, peak_mb = 0, 0.0
        with contextlib.suppress(OSError, TimeoutError):
            while sent < BIG // 4:
                peer.send_bytes(piece)
                sent += len(part)
                peak_mb = max(peak_mb, memory_mb(shop))
                async with asyncio.timeout(2):
                    await peer.writer.drain()
        with contextlib.suppress(OSError):
            answer = await peer.reader.read(4_096)
            assert answer.split(b" ")[1] == b"413", answer
        await peer.hang_up()
    assert peak_mb - before_mb < 30
