"""Which pages may talk to us."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ordercast.hub import Options, Server
from ordercast.hub.origins import RefusedOrigins
from ordercast.wire.origins import cors_headers, is_allowed, preflight_headers
from tests.peers import Peer, Poller, Refused
from tests.servers import running

SHOP = "https://shop.example"
LOCAL = ("http://localhost:*", "http://[::1]:*")
ALLOWED = {"access-control-allow-origin": SHOP, "access-control-allow-credentials": "true", "vary": "Origin"}


@pytest.mark.parametrize(
    ("origin", "host", "origins", "allowed"),
    [
        (b"", b"api.example", (), True),
        (b"https://api.example", b"api.example", (), True),
        (b"http://API.example:3000", b"api.example:3000", (), True),
        (b"https://api.example:3000", b"api.example", (), False),
        (b"wss://api.example", b"api.example:443", (), True),
        (b"ws://api.example:80", b"api.example", (), True),
        (b"https://api.example:443", b"api.example", (), True),
        (b"ws://[::1]:3000", b"[::1]:3000", (), True),
        (b"http://api.example:3000/", b"api.example:3000", (), True),
        (b"https://api.example:80", b"api.example", (), False),
        (b"http://api.example", b"api.example:443", (), False),
        (b"http://api.example@evil.example", b"api.example", (), False),
        (b"file://", b"api.example", (), False),
        (b"file://", b"api.example", ("file://",), True),
        (b"capacitor://localhost", b"api.example", ("capacitor://localhost",), True),
        (b"https://evil.example", b"api.example", (), False),
        (b"https://evil.example", b"", (), False),
        (b"https://", b"", (), False),
        (b"null", b"api.example", (), False),
        (b"null", b"", (), False),
        (b"null", b"api.example", ("null",), True),
        (b"https://shop.example", b"api.example", ("https://shop.example",), True),
        (b"http://shop.example", b"api.example", ("https://shop.example",), False),
        (b"https://shop.example.evil.example", b"api.example", ("https://shop.example",), False),
        (b"https://a.shop.example", b"api.example", ("https://shop.example",), False),
        (b"https://shop.example\xff", b"api.example", ("https://shop.example",), False),
        (b"https://evil.example", b"api.example", ("*",), True),
        (b"http://localhost:5173", b"localhost:3000", LOCAL, True),
        (b"http://localhost", b"localhost:3000", LOCAL, True),
        (b"http://[::1]:5173", b"localhost:3000", LOCAL, True),
        (b"http://[::1]", b"localhost:3000", LOCAL, True),
        (b"https://localhost:5173", b"localhost:3000", LOCAL, False),
        (b"http://localhost:5173.evil.example", b"localhost:3000", LOCAL, False),
        (b"http://localhost.evil.example:80", b"localhost:3000", LOCAL, False),
    ],
)
def test_who_is_allowed(origin: bytes, host: bytes, origins: Sequence[str], allowed: bool) -> None:
    assert is_allowed(origin, host, origins) is allowed
    assert bool(cors_headers(origin, host, origins)) is (allowed and bool(origin))
    assert bool(preflight_headers(origin, host, b"", origins)) is (allowed and bool(origin))


def test_the_origin_itself_is_named_and_never_a_star() -> None:
    """With credentials, browsers take no star."""
    assert (b"access-control-allow-origin", b"https://x.example") in cors_headers(b"https://x.example", b"h", ("*",))


@pytest.mark.parametrize("origins", [(SHOP,), ("*",)])
async def test_a_page_that_may_can_poll_post_and_open_a_websocket(origins: tuple[str, ...]) -> None:
    async with running(Server(Options(origins=origins))) as at, Poller(at.port, headers={"Origin": SHOP}) as poller:
        opened = await poller.request()
        poller.sid = opened.text.split('"')[3]
        posted = await poller.request("POST", b"40")
        async with await Peer.open(at.port, Origin=SHOP) as peer:
            await peer.take_open()

    for response in (opened, posted):
        assert response.status_code == 200
        assert ALLOWED.items() <= dict(response.headers).items()


async def test_a_page_of_our_own_host_always_may() -> None:
    async with running(Server()) as at:
        own = f"http://127.0.0.1:{at.port}"
        async with Poller(at.port, headers={"Origin": own}) as poller:
            assert (await poller.request()).headers["access-control-allow-origin"] == own
        async with await Peer.open(at.port, Origin=own) as peer:
            await peer.take_open()


async def test_a_page_that_may_not_is_refused_on_every_transport() -> None:
    """CVE-2019-13611: browsers apply no CORS to WebSockets."""
    server = Server(Options(origins=(SHOP,)))
    async with running(server) as at, Poller(at.port, headers={"Origin": "https://evil.example"}) as poller:
        response = await poller.request()
        assert (response.status_code, response.json()) == (
            403,
            {
                "code": 4,
                "message": "Pages of https://evil.example may not connect here: add that origin to Options.origins.",
            },
        )
        assert "access-control-allow-origin" not in response.headers
        with pytest.raises(Refused) as refused:
            await Peer.open(at.port, Origin="https://evil.example")
        assert refused.value.status == 403
        assert not server.clients


async def test_a_page_that_may_not_cannot_take_part_in_a_session_of_another() -> None:
    server = Server(Options(origins=(SHOP,)))
    async with running(server) as at, Poller(at.port) as poller:
        await poller.open()
        async with Poller(at.port, headers={"Origin": "https://evil.example"}) as evil:
            evil.sid = poller.sid
            assert (await evil.request("POST", b"40")).status_code == 403
            assert (await evil.request()).status_code == 403
        with pytest.raises(Refused):
            await Peer.open(
                at.port, f"/socket.io/?EIO=4&transport=websocket&sid={poller.sid}", Origin="https://evil.example"
            )
        assert not server.main.sockets


async def test_a_preflight_is_answered() -> None:
    asking = {"Origin": SHOP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-token"}
    async with running(Server(Options(origins=(SHOP,)))) as at, Poller(at.port, headers=asking) as poller:
        response = await poller.request("OPTIONS")

    assert (response.status_code, response.content) == (204, b"")
    assert {
        **ALLOWED,
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "x-token",
        "access-control-max-age": "600",
    }.items() <= dict(response.headers).items()


async def test_a_preflight_of_a_page_that_may_not_promises_nothing() -> None:
    async with running(Server()) as at, Poller(at.port, headers={"Origin": SHOP}) as poller:
        response = await poller.request("OPTIONS")

    assert response.status_code == 204
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_each_origin_that_is_refused_is_logged_once_with_the_setting(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(Options(origins_setting="SHOP_ORIGINS"))
    async with running(server) as at:
        for origin in ("https://a.example", "https://b.example"):
            async with Poller(at.port, headers={"Origin": origin}) as poller:
                for _ in range(3):
                    await poller.request()
                await poller.request("OPTIONS")
            with pytest.raises(Refused):
                await Peer.open(at.port, Origin=origin)

    assert [record.message for record in caplog.records if "SHOP_ORIGINS" in record.message] == [
        f"Pages of {origin} may not connect here: add that origin to SHOP_ORIGINS."
        for origin in ("https://a.example", "https://b.example")
    ]


def test_made_up_origins_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    refused = RefusedOrigins("setting")
    for number in range(1_000):
        refused.report(f"https://{number}.example\n\xff" + "x" * 10_000)

    assert len(caplog.records) == 100
    assert all(len(record.message) < 400 and "\n" not in record.message for record in caplog.records)
