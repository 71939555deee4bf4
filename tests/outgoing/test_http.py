from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ordercast.outgoing import AddressRefused, Networks
from ordercast.outgoing.http import RESPONSE_BYTES_MAX, OutgoingHttp, RequestFailed
from ordercast.outgoing.name_lookups import NameLookups
from tests.mail.certificates import contexts

from .places import Reply, Request, serving

LOOPBACK = Networks(["127.0.0.0/8"])


@pytest.fixture
async def http() -> AsyncIterator[OutgoingHttp]:
    http = OutgoingHttp(LOOPBACK)
    yield http
    await http.close()


class Names:
    """A name server that answers the same name differently each time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(self, _host: str, _port: int) -> list[str]:
        return self.answers.pop(0)


async def test_what_is_posted_arrives_and_the_answer_comes_back(http: OutgoingHttp) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return Reply(201, {"Location": "/x"}, b"taken")

    with serving(answer) as port:
        got = await http.post(f"http://127.0.0.1:{port}/a?b", {"TTL": "60"}, b"body")
    assert (got.status, got.headers["location"], got.body) == (201, "/x", b"taken")
    (request,) = seen
    assert (request.path, request.headers["ttl"], request.body) == ("/a?b", "60", b"body")
    assert request.headers["host"] == f"127.0.0.1:{port}"


async def test_a_redirect_is_an_answer_and_is_not_followed(http: OutgoingHttp) -> None:
    with serving(lambda _: Reply(307, {"Location": "http://169.254.169.254/"})) as port:
        assert (await http.post(f"http://127.0.0.1:{port}/", {}, b"")).status == 307


async def test_of_a_long_answer_the_beginning_is_kept(http: OutgoingHttp) -> None:
    with serving(lambda _: Reply(200, {}, b"x" * 4_000_000)) as port:
        answer = await http.post(f"http://127.0.0.1:{port}/", {}, b"")
        assert answer.body == b"x" * RESPONSE_BYTES_MAX
        assert (await http.post(f"http://127.0.0.1:{port}/", {}, b"")).status == 200


@pytest.mark.short
async def test_whoever_does_not_answer_is_not_waited_for() -> None:
    let_go = threading.Event()

    def silent(_: Request) -> Reply:
        let_go.wait()
        return Reply()

    http = OutgoingHttp(LOOPBACK, response_s_max=0.2)
    with serving(silent) as port:
        with pytest.raises(RequestFailed, match="too long"):
            await http.post(f"http://127.0.0.1:{port}/", {}, b"")
        let_go.set()
    await http.close()


async def test_a_port_where_nobody_listens_is_no_answer(http: OutgoingHttp) -> None:
    with serving(lambda _: Reply()) as port:
        pass
    with pytest.raises(RequestFailed, match="no connection"):
        await http.post(f"http://127.0.0.1:{port}/secret", {}, b"")


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(http: OutgoingHttp, tmp_path: Path) -> None:
    server, _ = contexts(tmp_path, "127.0.0.1")
    with serving(lambda _: Reply(), server) as port, pytest.raises(RequestFailed, match="certificate"):
        await http.post(f"https://127.0.0.1:{port}/", {}, b"")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.5", "::ffff:192.168.0.1"])
async def test_a_name_that_leads_to_a_private_address_is_not_connected_to(address: str) -> None:
    """Also where it led elsewhere when the URL was looked at: what is connected to is what was looked up then."""

    http = OutgoingHttp(Networks(["10.1.0.0/16"]), resolve=Names([address], [address]).resolve)
    for scheme in ("https", "http"):
        with pytest.raises(AddressRefused, match="private address"):
            await http.post(f"{scheme}://rebound.example.com/", {}, b"")
    await http.close()


async def test_plain_http_goes_to_no_public_address() -> None:
    http = OutgoingHttp(Networks(["10.1.0.0/16"]), resolve=Names(["8.8.8.8"]).resolve)
    with pytest.raises(AddressRefused):
        await http.post("http://push.example.com/", {}, b"")
    await http.close()


async def test_a_name_that_means_another_address_the_second_time_reaches_nobody() -> None:
    """DNS rebinding: what was looked at is what is connected to, and each connection looks anew."""
    names = Names(["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254", "::ffff:127.0.0.2"])
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return Reply(204, {"Connection": "close"})

    http = OutgoingHttp(Networks(["127.0.0.1"]), resolve=names.resolve)
    with serving(answer) as port:
        url = f"http://rebinding.example.com:{port}/"
        assert (await http.post(url, {}, b"")).status == 204
        for _ in range(2):
            with pytest.raises(AddressRefused, match="private address"):
                await http.post(url, {}, b"")
    await http.close()
    assert [request.headers["host"] for request in seen] == [f"rebinding.example.com:{port}"]
    assert names.answers == []


async def test_of_several_addresses_the_next_is_tried_where_nobody_is_at_one() -> None:
    http = OutgoingHttp(LOOPBACK, resolve=Names(["10.0.0.1", "127.0.0.9", "127.0.0.1"]).resolve)
    with serving(lambda _: Reply(204)) as port:
        assert (await http.post(f"http://erp.internal:{port}/", {}, b"")).status == 204
    await http.close()


async def test_a_name_is_looked_up_once_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def found(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["8.8.8.8"]

    monkeypatch.setattr("ordercast.outgoing.name_lookups.addresses_of", found)
    lookups = NameLookups()
    answers = await asyncio.gather(*(lookups.resolve("erp.example.com", 443) for _ in range(20)))
    lookups.close()
    assert answers == [["8.8.8.8"]] * 20
    assert asked == ["erp.example.com"]


@contextlib.asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[str]:
    """Somebody who says `answer` to whatever they are sent."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


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
async def test_what_is_no_http_is_no_answer(http: OutgoingHttp, said: bytes) -> None:
    async with saying(said) as url:
        with pytest.raises(RequestFailed):
            await http.post(url, {}, b"")
