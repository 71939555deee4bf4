"""Headers that the program adds to answers, and the cookie."""

from __future__ import annotations

import pytest

from ordercast.hub import Cookie, Handshake, Options, Server
from tests.peers import Peer, Poller, upgrade_request
from tests.servers import running


async def handshake_head(port: int) -> str:
    async with await Peer.dial(port) as peer:
        peer.writer.write(upgrade_request(port))
        return (await peer.reader.readuntil(b"\r\n\r\n")).decode().lower()


async def test_headers_are_added_to_the_first_answer_or_to_every_one() -> None:
    options = Options(
        initial_headers=lambda _handshake: {"X-First": "1"},
        headers=lambda handshake: {"X-Each": handshake.query["transport"]},
    )
    async with running(Server(options)) as at, Poller(at.port) as poller:
        first = await poller.request()
        poller.sid = first.text.split('"')[3]
        second = await poller.request("POST", b"40")
        third = await poller.request()
        head = await handshake_head(at.port)

    assert [answer.headers.get("x-first") for answer in (first, second, third)] == ["1", None, None]
    assert [answer.headers.get("x-each") for answer in (first, second, third)] == ["polling"] * 3
    assert "x-first: 1\r\n" in head
    assert "x-each: websocket\r\n" in head


@pytest.mark.parametrize(
    "added", [{"X-A": "1\r\nX-B: 2"}, {"X-A\r\nX-B": "2"}, {"X-A": "\0"}, {"": "1"}, {"X A": "1"}, {"X-A": "\u20ac"}]
)
async def test_no_header_can_smuggle_in_another(added: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """CWE-113: a value that the program took from a request."""

    def headers(_handshake: Handshake) -> dict[str, str]:
        return added

    async with running(Server(Options(headers=headers))) as at, Poller(at.port) as poller:
        response = await poller.request()
        head = await handshake_head(at.port)

    assert response.status_code == 200
    assert not {"x-a", "x-b"} & set(response.headers)
    assert head.startswith("http/1.1 101 ")
    assert "x-b" not in head
    assert {record.exc_info and record.exc_info[0] for record in caplog.records} == {ValueError}


async def test_the_cookie_carries_the_session_id_with_the_first_answer_alone() -> None:
    async with running(Server(Options(cookie=Cookie()))) as at, Poller(at.port) as poller:
        first = await poller.request()
        poller.sid = first.text.split('"')[3]
        await poller.post("40")
        second = await poller.request()

    assert first.headers["set-cookie"] == f"io={poller.sid}; Path=/; HttpOnly; SameSite=Lax"
    assert "set-cookie" not in second.headers


@pytest.mark.parametrize(
    ("cookie", "header"),
    [
        (Cookie(name="sid", path="/live", same_site="strict"), "sid=x; Path=/live; HttpOnly; SameSite=Strict"),
        (Cookie(http_only=False, secure=True, same_site="none"), "io=x; Path=/; Secure; SameSite=None"),
    ],
)
def test_a_cookie_says_what_was_chosen(cookie: Cookie, header: str) -> None:
    assert cookie.serialize("x") == header


async def test_without_a_cookie_none_is_set() -> None:
    async with running(Server()) as at, Poller(at.port) as poller:
        assert "set-cookie" not in (await poller.request()).headers
