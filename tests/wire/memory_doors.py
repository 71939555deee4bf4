"""What one hostile connection costs a server, door by door: ``python -m tests.wire.memory_doors`` prints the figures.

Each door is a client that sends what it can, and reads nothing that it need not. The figure is how far the memory of
the server's process rose at its highest (VmHWM) above what it had before (VmRSS).
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tests.peers import BINARY, TEXT, frame, upgrade_request

T = TypeVar("T")

BOUND_MB = 16.0
# More than twice the bound, from each client.
SENT = 40
MESSAGE_BYTES = 950_000
PATIENCE_S = 60.0
# A server that takes nothing and does nothing for so long takes no more.
IDLE_S = 2.0

PROGRAM = """
import asyncio, gc, json, sys, uvloop
from ordercast.hub import Options, Server
from ordercast.hub.recovery.memory import MemoryRecovery
from ordercast.wire import make_server

server = Server(Options(parser=sys.argv[1], permessage_deflate=True))
for name in ["/", "/slow", *(f"/{number}" for number in range(30))]:
    namespace = server.of(name)
    namespace.event("echo", lambda _socket, *args: args)
    namespace.event("join", lambda socket, name: socket.join(name))
    namespace.event("ask", lambda socket, *args: socket.emit("question", ack=print_nothing))
    async def slow(_socket, *args):
        await asyncio.Event().wait()
    namespace.event("slow", slow)
server.main.recovery = MemoryRecovery()

def print_nothing(*args):
    pass

@server.of("/slow").use
async def wait(_socket):
    await asyncio.Event().wait()

@server.of("/0").on("connection")
def watched(socket):
    async def watch(*args):
        await asyncio.Event().wait()
    socket.on_any(watch)

@server.of("/1").on("connection")
def asked(socket):
    async def ask():
        await server.of("/1").emit_with_ack("question")
    for _ in range(100):
        server.spawn(ask())

def tell():
    sys.stdin.readline()
    gc.collect()
    print(json.dumps({"sessions": len(port.engine.sessions)}), flush=True)

def started():
    asyncio.get_running_loop().add_reader(0, tell)
    for number in range(2_000):
        server.emit("news", "x" * 4_000)
    print(port.servers[0].sockets[0].getsockname()[1], flush=True)

port = make_server(server, port=0)
port.on_started = started
uvloop.run(port.serve())
"""

DENSE = "[" + "[]," * (MESSAGE_BYTES // 3) + "0]"
DEEP = "[" + ("[" * 400 + "]" * 400 + ",") * (MESSAGE_BYTES // 801) + "0]"
# As heavy as may be, and taken all the same.
LIGHTER = "[" + "[]," * 100_000 + "0]"
TEXT_ARGUMENT = json.dumps("x" * MESSAGE_BYTES)
PLACEHOLDER = '{"_placeholder":true,"num":0}'
POLL = b"/socket.io/?EIO=4&transport=polling"
PACKED_CONNECT = b"\x82\xa4type\x00\xa3nsp\xa1/"
EMPTY_ECHO = b'421["echo"]'


SERVERS: list[Process] = []
OPEN: list[Client] = []
"""To be closed when the figure is known: what the server has not read yet of a closed connection it never will."""


class Client:
    """A connection that gives up when the server closes it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(IDLE_S)
        OPEN.append(self)

    def until(self, end: bytes) -> bytes:
        data = b""
        while end not in data:
            got = while_it_works(lambda: self.socket.recv(65_536))
            if not got:
                raise ConnectionError
            data += got
        return data

    def raw(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[while_it_works(lambda: self.socket.send(rest)) :]  # noqa: B023 - called at once

    # WebSocket

    def open(self, target: str | None = None, extensions: str = "") -> None:
        request = upgrade_request(self.port) if target is None else upgrade_request(self.port, target)
        if extensions:
            request = request.replace(b"\r\n\r\n", f"\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n".encode())
        self.raw(request)
        self.until(b"\r\n\r\n")

    def say(self, *texts: str) -> None:
        for text in texts:
            self.raw(frame(TEXT, text.encode()))

    def enter(self, namespace: str = "", auth: str = "") -> None:
        self.say(f"40{namespace and namespace + ','}{auth}")
        self.until(b'"sid"')

    # Polling

    def poll(self) -> bytes:
        self.raw(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % POLL)
        return b"%b&sid=%b" % (POLL, self.until(b"}").split(b'"sid":"')[1].split(b'"')[0])

    def post(self, target: bytes, body: bytes) -> None:
        self.raw(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (target, len(body), body))
        if b"\r\n\r\nok" not in self.until(b"\r\n\r\n"):
            raise ConnectionError


def while_it_works(act: Callable[[], T]) -> T:
    """Try again for as long as the server does something meanwhile. Raises TimeoutError."""
    deadline, busy_s = time.monotonic() + PATIENCE_S, SERVERS[-1].busy_s
    while True:
        try:
            return act()
        except TimeoutError:
            before_s, busy_s = busy_s, SERVERS[-1].busy_s
            if busy_s - before_s < IDLE_S / 50 or time.monotonic() > deadline:
                raise


def entered(port: int, namespace: str = "") -> Client:
    client = Client(port)
    client.open()
    client.enter(namespace)
    return client


# The doors


def events_of_empty_lists(port: int) -> None:
    entered(port).say(*[f'42["echo",{DENSE}]'] * SENT)


def events_of_deep_lists(port: int) -> None:
    entered(port).say(*[f'42["echo",{DEEP}]'] * SENT)


def events_as_heavy_as_may_be_echoed_unread(port: int) -> None:
    entered(port).say(*[f'421["echo",{LIGHTER}]'] * SENT)


def large_texts_echoed_unread(port: int) -> None:
    entered(port).say(*[f'421["echo",{TEXT_ARGUMENT}]'] * SENT)


def tiny_events_echoed_unread(port: int) -> None:
    client = entered(port)
    tiny = frame(TEXT, EMPTY_ECHO) * 20_000
    for _ in range(SENT):
        client.raw(tiny)


def events_for_a_handler_that_waits(port: int) -> None:
    entered(port).say('42["slow"]', *[f'42["echo",{LIGHTER}]'] * SENT)


def tiny_events_for_a_handler_that_waits(port: int) -> None:
    entered(port).say('42["slow"]', *['42["echo",{}]'] * 5_000)


def handlers_that_wait_in_thirty_namespaces(port: int) -> None:
    client = entered(port)
    for number in range(2, 30):
        client.enter(f"/{number}")
    client.say(*[f'42/{number},["slow",{LIGHTER}]' for number in range(2, 30)])


def catch_alls_that_wait(port: int) -> None:
    entered(port, "/0").say(*[f'42/0,["event",{LIGHTER}]'] * SENT)


def a_catch_up_behind_a_full_buffer(port: int) -> None:
    client = Client(port)
    client.open()
    client.say("40")
    offset = client.until(b'"]')
    epoch = offset.split(b'"position":"')[1].split(b":")[0].decode()
    client.say(*[f'421["echo",{TEXT_ARGUMENT}]'] * 4, f'40{{"offset":"{epoch}:1"}}')
    client.say(*[f'42["echo",{LIGHTER}]'] * SENT)


def connects_anew_while_a_middleware_waits(port: int) -> None:
    client = Client(port)
    client.open()
    client.say(*[f'40/slow,{{"a":{LIGHTER}}}'] * SENT)


def auth_payloads_of_thirty_namespaces(port: int) -> None:
    client = Client(port)
    client.open()
    client.say(*[f'40/{number},{{"a":{LIGHTER}}}' for number in range(2, 30)])


def a_binary_event_whose_attachments_never_come(port: int) -> None:
    client = entered(port)
    client.say(f'4510-["echo",{{"_placeholder":true,"num":0}},{LIGHTER}]')
    for _ in range(9):
        client.raw(frame(BINARY, b"x" * 100_000))


def an_attachment_that_is_named_over_and_over(port: int) -> None:
    client = entered(port)
    client.say('451-["echo",' + ",".join([PLACEHOLDER] * 1_000) + "]")
    client.raw(frame(BINARY, b"x" * 900_000))


def fragments_of_one_message(port: int) -> None:
    client = entered(port)
    client.raw(bytes((TEXT,)) + frame(TEXT, b"x" * 900_000)[1:])
    for _ in range(20_000):
        client.raw(bytes((0,)) + frame(TEXT, b"x")[1:])


def rooms_with_long_names(port: int) -> None:
    client = entered(port)
    for number in range(SENT):
        client.say(f'42["join","{number}{"r" * 900_000}"]')


def answers_to_questions_put_to_all(port: int) -> None:
    entered(port, "/1")  # who never answers
    client = entered(port, "/1")
    client.say(*[f"43/1,{number}[{LIGHTER}]" for number in range(100, 200)])


def questions_that_are_never_answered(port: int) -> None:
    client = entered(port)
    for number in range(2, 30):
        client.enter(f"/{number}")
        client.raw(frame(TEXT, f'42/{number},["ask"]'.encode()) * 1_000)


def a_bomb_of_deflate(port: int) -> None:
    client = Client(port)
    client.open(extensions="permessage-deflate")
    for text in ("40", *[f'42["echo",{DENSE}]', '42["echo","' + "x" * 100_000_000 + '"]'] * 3):
        compressor = zlib.compressobj(9, wbits=-15)
        packed = (compressor.compress(text.encode()) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        framed = frame(TEXT, packed)
        client.raw(bytes((framed[0] | 0x40,)) + framed[1:])


def polling_bodies_of_empty_lists(port: int) -> None:
    client = Client(port)
    target = client.poll()
    client.post(target, b"40")
    for _ in range(SENT):
        client.post(target, f'42["echo",{DENSE}]'.encode())


def polling_bodies_that_are_never_polled(port: int) -> None:
    client = Client(port)
    target = client.poll()
    client.post(target, b"40")
    for _ in range(SENT):
        client.post(target, b"\x1e".join([EMPTY_ECHO] * 9_000))


def polling_bodies_for_a_handler_that_waits(port: int) -> None:
    client = Client(port)
    target = client.poll()
    client.post(target, b"40")
    client.post(target, b'42["slow"]')
    for _ in range(SENT):
        client.post(target, f'42["echo",{LIGHTER}]'.encode())


def a_backlog_that_is_polled_and_not_read(port: int) -> None:
    client, reader = Client(port), Client(port)
    target = client.poll()
    client.post(target, b"40")
    for _ in range(4):
        client.post(target, f'421["echo",{TEXT_ARGUMENT}]'.encode())
    reader.raw(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target)
    for _ in range(SENT):
        client.post(target, f'421["echo",{TEXT_ARGUMENT}]'.encode())


def a_backlog_that_waits_for_an_upgrade(port: int) -> None:
    client, probe = Client(port), Client(port)
    target = client.poll()
    client.post(target, b"40")
    probe.open(target.decode().replace("polling", "websocket"))
    probe.say("2probe")
    probe.until(b"3probe")
    for _ in range(SENT):
        client.post(target, f'421["echo",{TEXT_ARGUMENT}]'.encode())
    probe.say("5")


def events_on_a_probe(port: int) -> None:
    client, probe = Client(port), Client(port)
    target = client.poll()
    probe.open(target.decode().replace("polling", "websocket"))
    probe.say(*[f'42["echo",{DENSE}]'] * SENT)


def requests_piped_in_one_go(port: int) -> None:
    client = Client(port)
    target = client.poll()
    client.raw(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target + b"GET / HTTP/1.1\r\n\r\n" * 50_000)


def a_head_that_does_not_end(port: int) -> None:
    client = Client(port)
    client.raw(b"GET /socket.io/ HTTP/1.1\r\n")
    for number in range(100_000):
        client.raw(b"X-%d: %b\r\n" % (number, b"x" * 500))


def a_body_in_chunks_that_does_not_end(port: int) -> None:
    client = Client(port)
    target = client.poll()
    client.raw(b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % target)
    for _ in range(SENT * 1_000):
        client.raw(b"3e8\r\n%b\r\n" % (b"x" * 1_000))


def msgpack_of_empty_arrays(port: int) -> None:
    client = Client(port)
    client.open()
    client.raw(frame(BINARY, PACKED_CONNECT))
    packet = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa4echo\xdd" + struct.pack(">I", 900_000) + b"\x90" * 900_000
    for _ in range(SENT):
        client.raw(frame(BINARY, packet))


Door = Callable[[int], None]
DOORS: list[Door] = [
    events_of_empty_lists,
    events_of_deep_lists,
    events_as_heavy_as_may_be_echoed_unread,
    large_texts_echoed_unread,
    tiny_events_echoed_unread,
    events_for_a_handler_that_waits,
    tiny_events_for_a_handler_that_waits,
    handlers_that_wait_in_thirty_namespaces,
    catch_alls_that_wait,
    a_catch_up_behind_a_full_buffer,
    connects_anew_while_a_middleware_waits,
    auth_payloads_of_thirty_namespaces,
    a_binary_event_whose_attachments_never_come,
    an_attachment_that_is_named_over_and_over,
    fragments_of_one_message,
    rooms_with_long_names,
    answers_to_questions_put_to_all,
    questions_that_are_never_answered,
    a_bomb_of_deflate,
    polling_bodies_of_empty_lists,
    polling_bodies_that_are_never_polled,
    polling_bodies_for_a_handler_that_waits,
    a_backlog_that_is_polled_and_not_read,
    a_backlog_that_waits_for_an_upgrade,
    events_on_a_probe,
    requests_piped_in_one_go,
    a_head_that_does_not_end,
    a_body_in_chunks_that_does_not_end,
    msgpack_of_empty_arrays,
]


class Process:
    """A server of its own, so that what one door leaves behind is not another's."""

    def __init__(self, parser: str) -> None:
        arguments = [sys.executable, "-c", PROGRAM, parser]
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def look(self) -> dict[str, Any]:
        """Answered when the loop comes to it; garbage is collected, as it would be in time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("look\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def memory_kb(self, name: str) -> int:
        (line,) = (line for line in self._file("status").read_text().splitlines() if line.startswith(name + ":"))
        return int(line.split()[1])

    @property
    def busy_s(self) -> float:
        """How long it has run, or waited for a core that others had."""
        return sum(map(int, self._file("schedstat").read_text().split()[:2])) / 1e9

    def reset_highest(self) -> None:
        self._file("clear_refs").write_text("5")

    def _file(self, name: str) -> Path:
        return Path(f"/proc/{self._process.pid}/{name}")

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextlib.contextmanager
def serving(door: Door) -> Iterator[Process]:
    process = Process("msgpack" if door.__name__.startswith("msgpack") else "json")
    SERVERS.append(process)
    try:
        yield process
    finally:
        SERVERS.remove(process)
        process.end()


def warm_up(process: Process) -> None:
    """What is loaded and made once, at first use."""
    client, packed, polling = Client(process.port), Client(process.port), Client(process.port)
    for each in (client, packed, polling):
        each.socket.settimeout(PATIENCE_S)
    with contextlib.suppress(ConnectionError):
        client.open()
        client.say("40", '421["echo",[1,{"a":2}]]', "41", "4garbage")
        while client.socket.recv(65_536):
            pass
    with contextlib.suppress(ConnectionError):
        packed.open()
        packed.raw(frame(BINARY, PACKED_CONNECT) + frame(BINARY, b"garbage"))
        while packed.socket.recv(65_536):
            pass
    with contextlib.suppress(ConnectionError):
        polling.post(polling.poll(), b"40")
    while OPEN:
        OPEN.pop().socket.close()
    process.look()


def cost_mb(door: Door) -> float:
    """How much more memory the server had at its highest than before."""
    with serving(door) as process:
        warm_up(process)
        before_kb = process.memory_kb("VmRSS")
        process.reset_highest()
        with contextlib.suppress(ConnectionError, TimeoutError):
            door(process.port)
        highest_kb, still = process.memory_kb("VmHWM"), 0
        while still < 15:
            process.look()
            time.sleep(0.03)
            now_kb = process.memory_kb("VmHWM")
            highest_kb, still = now_kb, still + 1 if now_kb == highest_kb else 0
        while OPEN:
            OPEN.pop().socket.close()
        return (highest_kb - before_kb) / 1_024


def main() -> None:
    for door in DOORS:
        began_s = time.monotonic()
        figure = f"{cost_mb(door):6.1f} MB  {time.monotonic() - began_s:5.1f} s"
        sys.stdout.write(f"{door.__name__.replace('_', ' '):50} {figure}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
