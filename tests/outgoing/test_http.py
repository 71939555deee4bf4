from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ordercast.outgoing import AddressRefused, Networks
from ordercast.outgoing.http import ANSWER_BYTES_MAX, NoAnswer, OutgoingHttp
from tests.mail.certificates import contexts

from .places import Reply, Request, serving

LOOPBACK = Networks(["127.0.0.0/8"])


@pytest.fixture
async def http() -> AsyncIterator[OutgoingHttp]:
    http = OutgoingHttp(LOOPBACK)
    yield http
    await http.close()


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
        assert answer.body == b"x" * ANSWER_BYTES_MAX
        assert (await http.post(f"http://127.0.0.1:{port}/", {}, b"")).status == 200


@pytest.mark.short
async def test_whoever_does_not_answer_is_not_waited_for() -> None:
    let_go = threading.Event()

    def silent(_: Request) -> Reply:
        let_go.wait()
        return Reply()

    http = OutgoingHttp(LOOPBACK, answer_s_max=0.2)
    with serving(silent) as port:
        with pytest.raises(NoAnswer, match="too long"):
            await http.post(f"http://127.0.0.1:{port}/", {}, b"")
        let_go.set()
    await http.close()


async def test_a_port_where_nobody_listens_is_no_answer(http: OutgoingHttp) -> None:
    with serving(lambda _: Reply()) as port:
        pass
    with pytest.raises(NoAnswer, match="no connection"):
        await http.post(f"http://127.0.0.1:{port}/secret", {}, b"")


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(http: OutgoingHttp, tmp_path: Path) -> None:
    server, _ = contexts(tmp_path, "127.0.0.1")
    with serving(lambda _: Reply(), server) as port, pytest.raises(NoAnswer, match="certificate"):
        await http.post(f"https://127.0.0.1:{port}/", {}, b"")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.5", "::ffff:192.168.0.1"])
async def test_a_name_that_leads_to_a_private_address_is_not_connected_to(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it led elsewhere when the URL was looked at: what is connected to is what was looked up then."""

    async def resolved(_host: str, port: int, **_: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved, raising=False)
    http = OutgoingHttp(Networks(["10.1.0.0/16"]))
    for scheme in ("https", "http"):
        with pytest.raises(AddressRefused, match="private address"):
            await http.post(f"{scheme}://rebound.example.com/", {}, b"")
    await http.close()


async def test_plain_http_goes_to_no_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolved(_host: str, port: int, **_: Any) -> list[Any]:
        return [(0, 0, 0, "", ("8.8.8.8", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved, raising=False)
    http = OutgoingHttp(Networks(["10.1.0.0/16"]))
    with pytest.raises(AddressRefused):
        await http.post("http://push.example.com/", {}, b"")
    await http.close()
