"""What becomes of one request: whom it reaches, whatever a name means, and what of the answer is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from ordercast.webhooks import AddressRules
from ordercast.webhooks.http_sender import HttpSender, Resolver
from tests.mail.certificates import contexts
from tests.waiting import until

from .receiver import Receiver

HEADERS = {"webhook-id": "evt_1"}
OURS = AddressRules(["127.0.0.1/32"])


@asynccontextmanager
async def sending(rules: AddressRules = OURS, **options: object) -> AsyncIterator[HttpSender]:
    sender = HttpSender(rules, **options)  # type: ignore[arg-type]
    try:
        yield sender
    finally:
        await sender.close()


class Names:
    """A name server that answers the same name differently each time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0)


async def test_a_name_is_connected_to_by_the_address_that_was_checked(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"])
    async with sending(resolve=names.resolve) as sender:
        answer = await sender.send(f"http://erp.internal:{receiver.port}/hook", HEADERS, b"{}")
    assert answer.status == 204
    assert names.asked == ["erp.internal"]
    assert receiver.requests[0].headers["host"] == f"erp.internal:{receiver.port}"


async def test_a_name_that_means_a_private_address_the_second_time_reaches_nobody(receiver: Receiver) -> None:
    """DNS rebinding: the answer that was checked is the one that is connected to, and each connection asks anew."""
    names = Names(["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254", "::ffff:127.0.0.2"])
    async with sending(resolve=names.resolve) as sender:
        url = f"http://rebinding.example.com:{receiver.port}/hook"
        assert (await sender.send(url, HEADERS, b"{}")).status == 204
        await _forget_connections(sender)
        for _ in range(2):
            answer = await sender.send(url, HEADERS, b"{}")
            assert answer.status is None
            assert "is in none of the shop's own networks" in str(answer.problem)
    assert len(receiver.requests) == 1
    assert len(names.asked) == 3


async def _forget_connections(sender: HttpSender) -> None:
    for pool in sender._pools.values():
        for connection in pool.connections:
            await connection.aclose()


async def test_without_a_named_network_this_machine_is_not_reached_by_any_name(receiver: Receiver) -> None:
    names = Names(*(["127.0.0.1"] for _ in range(3)))
    async with sending(AddressRules(), resolve=names.resolve) as sender:
        for url in (f"https://erp.example.com:{receiver.port}/", f"https://localtest.example.com:{receiver.port}/"):
            answer = await sender.send(url, HEADERS, b"{}")
            assert answer.status is None
            assert "private or reserved network" in str(answer.problem)
        answer = await sender.send(receiver.url(), HEADERS, b"{}")
        assert "ORDERCAST_WEBHOOK_NETWORKS" in str(answer.problem)
    assert receiver.requests == []


async def test_of_several_addresses_the_next_is_tried_where_one_is_not_there(receiver: Receiver) -> None:
    names = Names(["127.0.0.9", "127.0.0.1"])
    rules = AddressRules(["127.0.0.0/8"])
    async with sending(rules, resolve=names.resolve) as sender:
        answer = await sender.send(f"http://erp.internal:{receiver.port}/hook", HEADERS, b"{}")
    assert answer.status == 204


@asynccontextmanager
async def saying(answer: bytes, *, then: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """Somebody who says `answer` to whatever they are sent."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        with suppress(ConnectionError):
            await then(writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def test_an_endless_answer_is_read_as_far_as_it_is_kept() -> None:
    closed = asyncio.Event()

    async def on_and_on(writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            closed.set()

    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with saying(head, then=on_and_on) as url, sending() as sender:
        answer = await sender.send(url, HEADERS, b"{}")
        assert (answer.status, answer.body) == (200, "x" * 1_024)
        await until(closed.is_set)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "bytes", "ssh", "no-status", "no-length", "long-headers"],
)
async def test_what_is_no_http_is_a_failure_with_a_sentence(said: bytes) -> None:
    async def nothing(writer: asyncio.StreamWriter) -> None:
        await writer.drain()

    async with saying(said, then=nothing) as url, sending() as sender:
        answer = await sender.send(url, HEADERS, b"{}")
    assert answer.status is None
    assert str(answer.problem).endswith(".")


@pytest.mark.short
async def test_who_never_answers_is_let_go_of(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordercast.webhooks.http_sender.ATTEMPT_S_MAX", 0.05)
    receiver.held = asyncio.Event()
    async with sending() as sender:
        answer = await sender.send(receiver.url(), HEADERS, b"{}")
    assert answer.status is None
    assert answer.problem in {"No answer came within 0 seconds.", "It was too slow."}


async def test_a_port_where_nobody_listens_is_a_failure_with_a_sentence() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with sending() as sender:
        answer = await sender.send(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
    assert answer.problem == "It could not be connected to."


async def test_tls_is_spoken_with_the_name_and_by_whom_somebody_vouches_for(tmp_path: Path) -> None:
    theirs, ours = contexts(tmp_path, "127.0.0.1")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=theirs)
    port = server.sockets[0].getsockname()[1]
    try:
        async with sending(tls=ours) as sender:
            assert (await sender.send(f"https://127.0.0.1:{port}/", HEADERS, b"{}")).status == 204
        async with sending(tls=ours, resolve=Names(["127.0.0.1"]).resolve) as sender:
            other = await sender.send(f"https://erp.internal:{port}/", HEADERS, b"{}")
        async with sending() as sender:
            unknown = await sender.send(f"https://127.0.0.1:{port}/", HEADERS, b"{}")
    finally:
        server.close()
    for answer in (other, unknown):
        assert answer.status is None
        assert "certificate is not believed" in str(answer.problem)


async def test_a_name_is_looked_up_once_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def addresses(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["8.8.8.8"]

    monkeypatch.setattr("ordercast.webhooks.http_sender._addresses", addresses)
    resolver = Resolver()
    try:
        found = await asyncio.gather(*(resolver.resolve("erp.example.com", 443) for _ in range(20)))
    finally:
        resolver.close()
    assert found == [["8.8.8.8"]] * 20
    assert asked == ["erp.example.com"]
