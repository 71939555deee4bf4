"""A stranger's packets are no reason for a traceback, and no way to fill a disk with lines."""

from __future__ import annotations

import logging
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ordercast.hub import Server, Socket
from ordercast.telemetry import DESCRIPTORS_GONE
from ordercast.wire import file_descriptors, log_rate_limit
from ordercast.wire.file_descriptors import FileDescriptorMonitor
from ordercast.wire.log_rate_limit import LINES_PER_MINUTE, limit_log_rate, unlimit_log_rate
from tests.peers import Peer
from tests.servers import running

WIRE, HUB = logging.getLogger("ordercast.wire"), logging.getLogger("ordercast.hub")


class Clock:
    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(log_rate_limit, "time", clock)
    limit_log_rate()
    yield clock
    unlimit_log_rate()


def test_lines_of_a_kind_are_counted_after_some_a_minute(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for number in range(1_000):
        WIRE.info("closing %d", number)
    WIRE.info("another kind")
    clock.now_s = 61.0
    WIRE.info("closing %d", 1_000)

    said = caplog.messages
    assert said[:LINES_PER_MINUTE] == [f"closing {number}" for number in range(LINES_PER_MINUTE)]
    assert said[LINES_PER_MINUTE:] == ["another kind", "980 more lines like the next one were left out", "closing 1000"]


def test_a_traceback_is_shown_once_a_minute_for_each_place_that_raised(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    del clock
    for _ in range(10):
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            HUB.exception("failed")
        try:
            raise IndexError
        except IndexError:
            HUB.exception("failed")

    kinds = [record.exc_info and record.exc_info[0] for record in caplog.records]
    assert kinds == [ZeroDivisionError, IndexError]


def test_who_comes_and_goes_is_always_told(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    del clock
    caplog.set_level(logging.INFO)
    for _ in range(100):
        HUB.info("socket connected")

    assert len(caplog.messages) == 100


def test_kinds_are_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    del clock
    monkeypatch.setattr(log_rate_limit, "KINDS_MAX", 10)
    for number in range(100):
        WIRE.info(f"made up {number}")

    (one,) = (each for each in WIRE.filters if isinstance(each, log_rate_limit.LogRateLimit))
    assert len(one._windows) <= 10


HOSTILE = {
    "an attachment named a hundred times": (
        '451-["echo",' + ",".join(['{"_placeholder":true,"num":0}'] * 100) + "]",
        b"x",
    ),
    "an attachment with a name that is huge": (
        '451-["echo",{"_placeholder":true,"num":"' + "x" * 100_000 + '"}]',
        b"x",
    ),
    "more attachments than a packet may have": ('42["more"]',),
    "a number past JSON's": ('421["echo",1e400]',),
    "an integer past 64 bits": ('421["echo",123456789012345678901234567890]',),
    "half an emoji": ('421["echo","\\ud83d"]',),
    "deep nesting": ('421["echo",' + "[" * 100_000 + "]" * 100_000 + "]",),
    "nothing where arguments belong": ('421["add"]', '422["add",1,2,3]'),
    "an event that is no event": ("42{}",),
    "a reserved name": ('42["disconnect"]',),
    "an id that is none": ("4299999999999999999999999[]",),
    "no packet at all": ("\x00\x01",),
    "no UTF-8": (b"\xff\xfe",),
    "a room that is huge": ('421["join","' + "r" * 100_000 + '"]',) * 40,
}


@pytest.mark.parametrize("packets", HOSTILE.values(), ids=HOSTILE)
async def test_nothing_that_a_stranger_sends_is_logged_with_a_traceback_or_at_length(
    packets: tuple[str | bytes, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = Server()
    server.event("echo", lambda _socket, *args: args)
    server.event("more", lambda _socket: [b"x"] * 50)
    server.event("join", lambda socket, room: socket.join(*[f"{room}{number}" for number in range(300)]))

    @server.event("add")
    def add(_socket: Socket, a: int, b: int) -> int:
        return a + b

    async with running(server) as at, await Peer.start(at.port) as peer:
        peer.send(*packets, "4garbage")  # which closes, if nothing before has
        await peer.reader.read()

    assert [record for record in caplog.records if record.exc_info] == []
    assert max(len(message) for message in caplog.messages) < 500


def test_no_descriptors_is_said_once_and_their_return_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    watch = FileDescriptorMonitor()
    for is_left in (True, False, False, True, True):
        monkeypatch.setattr(file_descriptors, "_can_open", lambda is_left=is_left: is_left)
        watch.check()
        assert DESCRIPTORS_GONE._value.get() == (not is_left)

    assert [message[:40] for message in caplog.messages] == [
        "no file descriptors are left (this proce",
        "there are file descriptors again: who co",
    ]


PROGRAM = """
import asyncio, logging, sys, uvloop
from ordercast.hub import Server
from ordercast.wire import make_server
logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
port = make_server(Server(), port=0)
port.on_started = lambda: print(port.servers[0].sockets[0].getsockname()[1], flush=True)
uvloop.run(port.serve())
"""


def test_a_server_without_descriptors_says_so_in_one_line() -> None:
    limit = 40
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),  # noqa: PLW1509 - no threads
    )
    assert process.stdout is not None
    assert process.stderr is not None
    port = int(process.stdout.readline())
    clients = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(3 * limit)]
    said = next(line for line in process.stderr if "descriptor" in line)
    for client in clients:
        client.close()
    next(line for line in process.stderr if "there are file descriptors again" in line)
    process.terminate()
    _, rest = process.communicate(timeout=60)

    assert (
        said == f"ordercast.wire no file descriptors are left (this process may have {limit}): nobody new is let in\n"
    )
    assert "descriptor" not in rest
    assert "Traceback" not in rest
